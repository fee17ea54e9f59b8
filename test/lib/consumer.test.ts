import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { cli } from '../bin/cli';
import { createStack } from './synthesize';

const ROOT = path.join(__dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'consumer-'));
const consumer = path.join(folder, 'app');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
  readonly bundled: readonly string[];
}

const MEBIBYTE = 1024 * 1024;
/** Neither the settings of the npm that runs the tests nor a loader of theirs. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME };
const run = (cwd: string, command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: 'pipe', maxBuffer: 64 * MEBIBYTE });

let packed: Packed;

beforeAll(() => {
  // The compiler leaves what it wrote for files that are gone.
  rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true });
  run(ROOT, 'npx', 'jsii', '--generate-tsconfig', 'tsconfig.jsii.json', '--fail-on-warnings');
  const output = run(ROOT, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder);
  packed = (JSON.parse(output) as Packed[])[0]!;

  mkdirSync(consumer);
  writeFileSync(path.join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  run(
    consumer,
    'npm',
    ...['install', '--offline', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'],
    path.join(folder, packed.filename),
  );
}, 300_000);

const isOurs = (file: string) => !file.startsWith('node_modules/');

describe('the tarball', () => {
  test('has what a consumer and local mode need', () => {
    const files = packed.files.map((file) => file.path);
    expect(files).toEqual(
      expect.arrayContaining([
        '.jsii',
        'LICENSE',
        'README.md',
        'assets/assembly/QStash.template.json',
        'assets/assembly/manifest.json',
        ...['api', 'deliver', 'fail', 'fill-secrets', 'promote'].map((name) => `assets/${name}/index.mjs`),
        'dist-bin/cdk-qstash.mjs',
        'dist/index.d.ts',
        'dist/index.js',
        'package.json',
      ]),
    );
  });

  test('has nothing else', () => {
    const strangers = packed.files
      .map((file) => file.path)
      .filter(isOurs)
      .filter(
        (file) => !/^(dist|dist-bin|assets)\/|^(\.jsii|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(file),
      );
    expect(strangers).toEqual([]);
    const leftovers = packed.files.filter((file) => isOurs(file.path) && /\.tsbuildinfo$|\.built$/.test(file.path));
    expect(leftovers).toEqual([]);
  });

  test('brings dynalite along, the one dependency, and stays small', () => {
    expect(packed.bundled).toContain('dynalite');
    const installed = readdirSync(path.join(consumer, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(installed).toEqual(['cdk-qstash']);
    expect(packed.size).toBeLessThan(6 * MEBIBYTE);
    expect(packed.unpackedSize).toBeLessThan(20 * MEBIBYTE);
  });
});

test('local mode runs from the package alone', async () => {
  const {
    process: child,
    until,
    ended,
  } = cli(['dev', '--port', '0'], {}, [path.join(consumer, 'node_modules/.bin/cdk-qstash')]);
  const [, url] = await until(/QSTASH_URL='?(http:[^'\s]+)/);
  const [, token] = await until(/QSTASH_TOKEN='?([^'\s]+)/);
  const answer = await fetch(`${url}/v2/dlq`, { headers: { authorization: `Bearer ${token}` } });
  expect(await answer.json()).toEqual({ messages: [] });
  child.kill('SIGINT');
  expect(await ended).toBe(0);
});

test('an app that has nothing but the package and the CDK gets the same template', () => {
  // As npm would install the peers, without downloading them again.
  for (const name of ['aws-cdk-lib', 'constructs']) {
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(consumer, 'node_modules', name));
  }
  writeFileSync(
    path.join(consumer, 'app.cjs'),
    `const { App, Stack } = require('aws-cdk-lib');
const { QStash } = require('cdk-qstash');
const app = new App({ outdir: 'out' });
new QStash(new Stack(app, 'Test'), 'QStash');
app.synth();
`,
  );
  run(consumer, process.execPath, 'app.cjs');
  const template = JSON.parse(readFileSync(path.join(consumer, 'out/Test.template.json'), 'utf8')) as object;
  const { stack } = createStack();
  const withoutBootstrap = (json: object) => ({ ...json, Parameters: undefined, Rules: undefined });
  expect(withoutBootstrap(template)).toEqual(withoutBootstrap(Template.fromStack(stack).toJSON()));
});

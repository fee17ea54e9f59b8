import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A function's code as it is deployed. */
export interface Bundle {
  readonly name: string;
  /** Of what a cold start loads. */
  readonly kibibytes: number;
  /** Of what is loaded later, when something needs it. */
  readonly lazyKibibytes: number;
  /** Milliseconds that a fresh process takes to import it; the median of several. */
  readonly importMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const RUNS = 5;

/** Measures the bundles below `assets`, with the environment that the template would give them. */
export function measureBundles(assets: string, environment: Environment): Bundle[] {
  const names = readdirSync(assets).filter(
    (name) => name !== 'assembly' && statSync(path.join(assets, name)).isDirectory(),
  );
  return names.map((name) => {
    const folder = path.join(assets, name);
    const file = path.join(folder, 'index.mjs');
    const times = Array.from({ length: RUNS }, () => importMs(file, environment)).sort((a, b) => a - b);
    const loaded = kibibytesOf(filesLoaded(process.execPath, file, environment));
    const all = kibibytesOf(readdirSync(folder).map((part) => path.join(folder, part)));
    return { name, kibibytes: loaded, lazyKibibytes: all - loaded, importMs: times[Math.floor(RUNS / 2)]! };
  });
}

/** The files of a bundle that `node` loads when it imports it, by what V8 says of its coverage. */
export function filesLoaded(node: string, file: string, environment: Environment): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  try {
    const script = `await import(${JSON.stringify(pathToFileURL(file).href)});`;
    execFileSync(node, ['--input-type=module', '--no-warnings', '-e', script], {
      env: { AWS_REGION: 'us-east-1', ...environment, NODE_V8_COVERAGE: folder },
    });
    const [report] = readdirSync(folder);
    const { result } = JSON.parse(readFileSync(path.join(folder, report!), 'utf8')) as { result: { url: string }[] };
    const own = pathToFileURL(path.dirname(file)).href;
    return result.flatMap(({ url }) => (url.startsWith(own) ? fileURLToPath(url) : []));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function kibibytesOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(file).size, 0) / 1024;
}

function importMs(file: string, environment: Environment): number {
  const script = `const start = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log(performance.now() - start);`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--no-warnings', '-e', script], {
    env: { PATH: process.env.PATH, AWS_REGION: 'us-east-1', ...environment },
  });
  return Number(output.toString().trim().split('\n').at(-1));
}

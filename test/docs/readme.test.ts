import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { ROUTES } from '../../lambda/http/routes';
import { closeAll, type Running, start, until } from '../e2e/harness';

const ROOT = path.join(__dirname, '..', '..');
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const CACHE = path.join(ROOT, 'node_modules', '.cache');

/** The code blocks of a language, in order. */
function blocks(language: string): string[] {
  return [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!);
}

function block(language: string, part: string): string {
  const found = blocks(language).filter((text) => text.includes(part));
  if (found.length !== 1) throw new Error(`${found.length} blocks of ${language} have ${part}`);
  return found[0]!;
}

let folder: string;
let port: number;
let running: Running;
let endpoint: ChildProcess;
let told = '';

beforeAll(async () => {
  mkdirSync(CACHE, { recursive: true });
  folder = mkdtempSync(path.join(CACHE, 'readme-'));
  port = await freePort();
  running = await start();
  endpoint = spawn(process.execPath, ['--import', 'tsx', path.join(ROOT, 'examples/tour/endpoint.mts')], {
    cwd: ROOT,
    env: environment(),
  });
  endpoint.stdout!.on('data', (text) => {
    told += String(text);
  });
  await until(() => told.includes('listening'));
});

afterAll(async () => {
  endpoint.kill();
  await closeAll();
  rmSync(folder, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address() as { port: number };
      server.close(() => resolve(address.port));
    });
  });
}

/** What somebody has in the terminal after pasting the four variables. */
function environment(): NodeJS.ProcessEnv {
  const { service } = running;
  return {
    PATH: process.env.PATH,
    PORT: String(port),
    QSTASH_URL: service.url,
    QSTASH_TOKEN: service.token,
    QSTASH_CURRENT_SIGNING_KEY: service.signingKeys.current,
    QSTASH_NEXT_SIGNING_KEY: service.signingKeys.next,
  };
}

const here = (text: string) => text.replaceAll('localhost:3000', `localhost:${port}`);

function run(command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: ROOT, env: environment() }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

function runTypeScript(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  writeFileSync(file, here(text));
  return run(process.execPath, '--import', 'tsx', file);
}

const example = (name: string) => readFileSync(path.join(ROOT, 'examples/tour', name), 'utf8');
const shell = (part: string) => run('bash', '-euc', here(block('sh', part)));

test('the tour: from a failed message in the dead letter queue and back', async () => {
  const publish = block('ts', 'failureCallback');
  expect(example('publish.mts')).toBe(publish);
  expect(await runTypeScript('publish.mts', publish)).toMatch(/^published msg_\w+$/m);
  await until(() => told.includes('failed for good, dlqId'));
  const [, dlqId] = /dlqId (\S+)/.exec(told)!;
  const listed = JSON.parse(await shell('"$QSTASH_URL/v2/dlq"'));
  expect(listed.messages).toMatchObject([{ dlqId, responseStatus: 500, responseBody: 'out of order' }]);

  await run('bash', '-euc', here('curl -s http://localhost:3000/mend'));
  expect(await runTypeScript('retry.mts', example('retry.mts'))).toContain(`retrying ${dlqId}`);
  await until(() => told.includes('-> 200'));
  expect(JSON.parse(await shell('"$QSTASH_URL/v2/dlq"'))).toEqual({ messages: [] });

  expect(JSON.parse(await shell('{"order": 8}'))).toMatchObject({ url: here('http://localhost:3000/orders') });
  await until(() => told.includes('{"order": 8} -> 200'));
  expect(told).not.toContain('refused');
});

test('groups, queues, schedules and limits', async () => {
  const more = block('ts', 'urlGroups.addEndpoints');
  expect(example('more.mts')).toBe(more);
  expect(await runTypeScript('more.mts', more)).toContain('published');
  const expected = ['/mail {"order":9}', '/stock {"order":9}', '/items {"item":99}'];
  await until(() => expected.every((text) => told.includes(`${text} -> 200`)));
  const [first, second] = ['{"invoice":1} -> 200', '{"invoice":2} -> 200'];
  await until(() => told.includes(first) && told.includes(second));
  expect(told.indexOf(first)).toBeLessThan(told.indexOf(second));
  expect((await running.client.schedules.list()).map(({ scheduleId }) => scheduleId)).toEqual(['report']);
});

test('the clock is moved on', async () => {
  const before = running.service.clock.now();
  const { now } = JSON.parse(await shell('/local/clock'));
  expect(now - before).toBeGreaterThanOrEqual(35 * 60_000);
});

test('the stack of a larger app synthesizes', async () => {
  const app = block('ts', 'class ShopStack').replace("'cdk-qstash'", `'${path.join(ROOT, 'lib')}'`);
  const output = await runTypeScript(
    'shop.ts',
    `${app}
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
console.log(JSON.stringify(Template.fromStack(new ShopStack(new App(), 'Shop')).toJSON().Resources));
`,
  );
  const resources = Object.entries(JSON.parse(output) as Record<string, { Properties?: object }>);
  const shop = resources.find(([id]) => id.startsWith('Shop') && !id.includes('Role'))!;
  expect(JSON.stringify(shop)).toMatch(/"QSTASH_TOKEN":.*resolve:secretsmanager/);
});

test('the compatibility table has every route that there is', () => {
  const missing = ROUTES.filter(({ method, path: route }) => {
    const named = route
      .replace(/:(\w+)/g, '{$1}')
      .replace('/flowControl/*', '/flowControl/{key}')
      .replace('/*', '/{url}');
    return !README.includes(`\`${method} ${named}\``);
  });
  expect(missing).toEqual([]);
});

test.each([...README.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1]!))(
  'the link to %s leads somewhere',
  (target) => {
    expect(() => readFileSync(path.join(ROOT, target))).not.toThrow(/ENOENT/);
  },
);

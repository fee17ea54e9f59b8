import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DEV_SIGNING_KEYS, DEV_TOKEN } from '../../local/credentials';
import { Service, synthesize } from '../local/fixtures/app';
import { temporaryDirectory } from '../local/fixtures/directory';
import { type Cli, cli, complete, endAll } from './cli';

const READY = /^QStash is running at (http:\S+)$/m;
/** The last of the four variables stands in its line. */
const PRINTED = /^export QSTASH_NEXT_SIGNING_KEY=.*$/m;

let assembly: string;

beforeAll(() => {
  assembly = synthesize((stack) => {
    new Service(stack, 'One');
    new Service(stack, 'Two', { door: 'functionUrl' });
  });
});

afterEach(endAll);

/** Starts `dev` on a free port, of the first service unless said otherwise. */
function dev(args: readonly string[] = [], environment: Record<string, string> = {}): Cli {
  return cli(['dev', '--app', assembly, '--path', 'Test/One', '--port', '0', ...args], environment);
}

async function ready(running: Cli): Promise<string> {
  const [, url] = await running.until(READY);
  await running.until(PRINTED);
  return url!;
}

async function call(url: string, route: string, body: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${route}`, { method: 'POST', body, headers: { 'content-type': 'text/plain' } });
  return (await response.json()) as Record<string, unknown>;
}

/** Moves service time on, as a user does. */
function travel(url: string, advance: string): Promise<Response> {
  return fetch(`${url}/local/clock`, {
    method: 'POST',
    headers: { authorization: `Bearer ${DEV_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ advance }),
  });
}

test('it says where it is running, and with what to use it, in words that a shell understands', async () => {
  const running = dev();
  const url = await ready(running);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const block = running.output.stdout.match(/^export .*$/gm)!.join('\n');
  const shown = execFileSync('sh', ['-c', `${block}\nenv`], { encoding: 'utf8', env: {} });
  expect(shown.match(/^QSTASH_.*$/gm)!.sort()).toEqual([
    `QSTASH_CURRENT_SIGNING_KEY=${DEV_SIGNING_KEYS.current}`,
    `QSTASH_NEXT_SIGNING_KEY=${DEV_SIGNING_KEYS.next}`,
    `QSTASH_TOKEN=${DEV_TOKEN}`,
    `QSTASH_URL=${url}`,
  ]);
  expect(running.output.stderr).toBe('');
  expect((await fetch(`${url}/time`)).status).toBe(200);
});

test('it writes a short line with the time for what happens, and never a token', async () => {
  const running = dev();
  const url = await ready(running);
  await call(url, '/send', '{"MessageBody":"hello"}');
  await call(url, '/secret', '');
  await running.until(/^\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}consumed$/m);
  expect(running.output.stdout.split(DEV_TOKEN)).toHaveLength(2);
  expect(running.output.stdout.split(DEV_SIGNING_KEYS.current)).toHaveLength(2);
});

test('it ends cleanly by Ctrl-C, also when another signal follows, and frees its port', async () => {
  const running = dev();
  const url = await ready(running);
  running.process.kill('SIGINT');
  running.process.kill('SIGTERM');
  expect(await running.ended).toBe(0);
  expect(running.output.stderr).toBe('');
  const again = dev(['--port', new URL(url).port]);
  expect(await ready(again)).toBe(url);
  again.process.kill('SIGTERM');
  expect(await again.ended).toBe(0);
});

test('the port is the one of --port, else of QSTASH_DEV_PORT', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const taken = String((server.address() as AddressInfo).port);
  try {
    const args = ['dev', '--app', assembly, '--path', 'Test/One'];
    const message = `Port ${taken} is in use. Choose another with --port or QSTASH_DEV_PORT.\n`;
    expect(await complete(args, { QSTASH_DEV_PORT: taken })).toEqual({ code: 1, stdout: '', stderr: message });
    expect(await complete([...args, '--port', taken], { QSTASH_DEV_PORT: '0' })).toMatchObject({ stderr: message });
    expect(await ready(cli(args, { QSTASH_DEV_PORT: '0' }))).not.toContain(taken);
  } finally {
    server.close();
  }
});

test('with --data everything is there again after a kill', async () => {
  const data = path.join(temporaryDirectory(), 'data');
  const before = dev(['--data', data]);
  const url = await ready(before);
  await call(url, '/put', 'kept');
  await call(url, '/send', '{"MessageBody":"later","DelaySeconds":900}');
  expect((await travel(url, '5m')).status).toBe(200);
  before.process.kill('SIGKILL');
  expect(await before.ended).toBe('SIGKILL');

  const after = dev(['--data', data]);
  const again = await ready(after);
  expect(await call(again, '/get', 'kept')).toHaveProperty('Item');
  const { service, wall } = (await (await fetch(`${again}/time`)).json()) as { service: number; wall: number };
  expect(Math.round((service - wall) / 60_000)).toBe(5);
  expect(after.output.stdout).not.toContain('consumed');
  expect((await travel(again, '10m')).status).toBe(200);
  await after.until(/consumed/);
});

test('a second process on the same data is told', async () => {
  const data = path.join(temporaryDirectory(), 'data');
  const first = dev(['--data', data]);
  await ready(first);
  const second = dev(['--data', data]);
  expect(await second.ended).toBe(1);
  expect(second.output.stderr).toBe(`${data} is in use by another process: end that one, or take another directory.\n`);
});

test('without a path all services run, each at an address of its own', async () => {
  const running = cli(['dev', '--app', assembly, '--port', '0']);
  const url = await ready(running);
  const [, other] = await running.until(/^Test\/Two\/Api\/FunctionUrl\/Resource is running at (http:\S+)$/m);
  expect(other).not.toBe(url);
  expect((await fetch(`${other}/time`)).status).toBe(200);
});

test('what cannot run is told in one line', async () => {
  const missing = path.join(temporaryDirectory(), 'cdk.out');
  expect(await complete(['dev', '--app', missing])).toEqual({
    code: 1,
    stdout: '',
    stderr: `${missing} is no cloud assembly: it has no manifest.json. Run cdk synth first.\n`,
  });
  expect((await complete(['dev', '--app', assembly, '--path', 'Test/Three'])).stderr).toBe(
    `No resource below Test/Three in the cloud assembly ${assembly}.\n`,
  );
});

test.each([[[]], [['help']], [['--help']], [['-h']], [['dev', '--help']], [['env', '-h']]])(
  '%j prints the help',
  async (args) => {
    const { code, stdout, stderr } = await complete(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^cdk-qstash: /);
    for (const word of ['dev', 'env', '--port', '--host', '--data', '--app', '--path', '--stack', '--region']) {
      expect(stdout).toContain(word);
    }
  },
);

test.each([
  [['serve'], 'There is no command serve. See cdk-qstash help.'],
  [['dev', '--prot', '1'], "Unknown option '--prot'. See cdk-qstash help."],
  [['dev', '--stack', 'x'], "Unknown option '--stack'. See cdk-qstash help."],
  [['dev', 'now'], "Unexpected argument 'now'. This command does not take positional arguments. See cdk-qstash help."],
  [['dev', '--port'], "Option '--port <value>' argument missing. See cdk-qstash help."],
  [['dev', '--port', '80a'], '80a is no port: give a number from 0 to 65535.'],
  [['dev', '--port', '65536'], '65536 is no port: give a number from 0 to 65535.'],
  [['dev', '--port=-1'], '-1 is no port: give a number from 0 to 65535.'],
  [['env'], 'Say which stack: cdk-qstash env --stack NAME.'],
  [['env', '--port', '1'], "Unknown option '--port'. See cdk-qstash help."],
])('%j is refused with what to do', async (args, message) => {
  const { code, stdout, stderr } = await complete(args, { QSTASH_DEV_PORT: '0' });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe(`${message}\n`);
});

test('a port in the environment that is none is refused too', async () => {
  const { code, stderr } = await complete(['dev', '--app', assembly], { QSTASH_DEV_PORT: 'x' });
  expect([code, stderr]).toEqual([1, 'x is no port: give a number from 0 to 65535.\n']);
});

import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { filesLoaded, kibibytesOf } from '../../bench/bundles';
import { loadRow } from '../../lambda/store/message-rows';
import { encodeHint } from '../../lambda/wait/hint';
import { encodeWake } from '../../lambda/wait/wake';
import { DEV_READ_ONLY_TOKEN, DEV_SIGNING_KEYS } from '../../local/credentials';
import { newMessage } from '../lambda/messages';
import { accept, type Opened, openStandIns } from '../lambda/stand-ins';
import { deployedMajor, deployedNode } from './deployed-node';

const ASSETS = path.join(__dirname, '..', '..', 'assets');
const NAMES = ['api', 'deliver', 'dispatch', 'fail', 'fill-secrets', 'promote'] as const;
type Name = (typeof NAMES)[number];

const fileOf = (name: Name) => path.join(ASSETS, name, 'index.mjs');

let node: string;
beforeAll(() => {
  node = deployedNode();
}, 300_000);

test('there is a bundle for every handler, and nothing else', () => {
  const folders = readdirSync(ASSETS).filter((name) => statSync(path.join(ASSETS, name)).isDirectory());
  expect(folders.sort()).toEqual(['api', 'assembly', ...NAMES.slice(1)]);
  const handlers = readdirSync(path.join(ASSETS, '..', 'lambda')).filter((file) => file.endsWith('.handler.ts'));
  expect(handlers.sort()).toEqual(NAMES.map((name) => `${name}.handler.ts`));
});

describe.each(NAMES)('%s', (name) => {
  const parts = () =>
    readdirSync(path.dirname(fileOf(name))).map((part) => path.join(path.dirname(fileOf(name)), part));

  test('loads at most 400 KiB at a cold start, and the client of S3 later', () => {
    const loaded = filesLoaded(node, fileOf(name), {});
    expect(loaded).toContain(fileOf(name));
    expect(kibibytesOf(loaded)).toBeLessThanOrEqual(400);
    const withS3 = parts().filter((part) => readFileSync(part, 'utf8').includes('GetObject'));
    expect(withS3).toHaveLength(['api', 'deliver', 'fail'].includes(name) ? 1 : 0);
    expect(loaded.filter((part) => withS3.includes(part))).toEqual([]);
  });

  test('has nothing of local mode', () => {
    const code = parts()
      .map((part) => readFileSync(part, 'utf8'))
      .join('\n');
    const local = [
      '/local/',
      'dynalite',
      'QSTASH_DEV',
      'worker_threads',
      DEV_READ_ONLY_TOKEN,
      ...Object.values(DEV_SIGNING_KEYS),
    ];
    expect(local.filter((text) => code.includes(text))).toEqual([]);
  });

  test('loads on the deployed version of Node without anything in its environment but the region', () => {
    const script = `
      const { handler } = await import(${JSON.stringify(pathToFileURL(fileOf(name)).href)});
      const marks = Object.getOwnPropertySymbols(globalThis).map((symbol) => symbol.description ?? '');
      console.log(JSON.stringify({
        node: process.versions.node,
        handler: typeof handler,
        marks: marks.filter((mark) => mark.startsWith('cdk-qstash')),
      }));`;
    const output = execFileSync(node, ['--input-type=module', '-e', script], { env: { AWS_REGION: 'us-east-1' } });
    expect(JSON.parse(output.toString())).toEqual({
      node: expect.stringMatching(new RegExp(`^${deployedMajor()}\\.`)),
      handler: 'function',
      marks: [],
    });
  });
});

describe('as deployed', () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await openStandIns();
  });
  afterAll(() => opened.close());

  /** Invokes a bundle as the Lambda runtime would, in a process of its own. */
  async function invoke(name: Name, event: object) {
    const script = `
      const { handler } = await import(${JSON.stringify(pathToFileURL(fileOf(name)).href)});
      const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 30_000 };
      const result = await handler(${JSON.stringify(event)}, context);
      process.send(result ?? null);
      process.disconnect();`;
    const { PATH: _, ...environment } = process.env;
    const child = spawn(node, ['--input-type=module', '-e', script], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let errors = '';
    child.stderr!.on('data', (text) => {
      errors += text;
    });
    child.stdout!.resume();
    // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
    let result: any;
    child.on('message', (value) => {
      result = value;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    return result;
  }

  /** Creates the custom resource that fills the secrets; what CloudFormation is told. */
  async function fillSecrets() {
    const answers: string[] = [];
    const server = createServer(async (request, response) => {
      for await (const chunk of request) answers.push(String(chunk));
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ids = { StackId: 'stack', RequestId: 'request', LogicalResourceId: 'Fill' };
    await invoke('fill-secrets', { RequestType: 'Create', ResponseURL: `http://127.0.0.1:${port}/answer`, ...ids });
    server.close();
    server.closeAllConnections();
    return JSON.parse(answers.join(''));
  }

  const hintOf = (messageId: string, due: number) => ({
    Records: [
      {
        messageId: 'sqs-1',
        receiptHandle: 'none',
        body: encodeHint({ messageId, attempt: 0, due }),
        attributes: { ApproximateReceiveCount: '1' },
      },
    ],
  });

  const request = (method: string, rawPath: string, token: string, body = 'body') => ({
    version: '2.0',
    rawPath,
    rawQueryString: '',
    headers: { authorization: `Bearer ${token}` },
    isBase64Encoded: false,
    body,
    requestContext: { requestId: 'request', domainName: 'api.example.com', http: { method, sourceIp: '192.0.2.1' } },
  });

  test('every function answers its event', async () => {
    expect(await fillSecrets()).toMatchObject({ Status: 'SUCCESS', LogicalResourceId: 'Fill' });
    const { token } = JSON.parse(opened.secret('token')!);
    const { current, next } = JSON.parse(opened.secret('signing-key')!);

    const keys = await invoke('api', request('GET', '/v2/keys', token));
    expect({ ...keys, body: JSON.parse(keys.body) }).toMatchObject({ statusCode: 200, body: { current, next } });
    const published = await invoke('api', request('POST', '/v2/publish/https://example.com/', token));
    expect(published.statusCode).toBe(200);
    const { messageId } = JSON.parse(published.body);
    expect((await loadRow(messageId))?.message.body).toEqual(Buffer.from('body'));
    expect(opened.bodies('deliveries')).toEqual([expect.stringContaining(messageId)]);
    expect((await invoke('api', request('GET', '/v2/keys', 'wrong'))).statusCode).toBe(401);

    const body = 'x'.repeat(10_000);
    const large = await invoke('api', request('POST', '/v2/publish/https://example.com/', token, body));
    const got = await invoke('api', request('GET', `/v2/messages/${JSON.parse(large.body).messageId}`, token));
    expect(JSON.parse(got.body).body === body).toBe(true);

    // Nothing outside local mode calls its own machine, whoever stored the message.
    const message = await accept(newMessage(Date.now(), { url: 'http://127.0.0.1:9/', maxRetries: 1 }));
    expect(await invoke('deliver', hintOf(message.messageId, message.notBefore))).toEqual({ batchItemFailures: [] });
    const { state } = (await loadRow(message.messageId))!;
    expect(state).toMatchObject({
      state: 'RETRY',
      first: { status: 0, error: 'destination is not allowed: a loopback, link-local or metadata address' },
    });

    const last = await accept(newMessage(Date.now(), { url: 'http://127.0.0.1:9/', maxRetries: 0, lane: 'failures' }));
    expect(await invoke('fail', hintOf(last.messageId, last.notBefore))).toEqual({ batchItemFailures: [] });
    expect((await loadRow(last.messageId))!.state.state).toBe('FAILED');
    const listed = await invoke('api', request('GET', '/v2/dlq', token));
    expect(JSON.parse(listed.body).messages).toMatchObject([{ messageId: last.messageId, responseStatus: 0 }]);

    // A wake that SQS has not given it is somebody else's.
    const record = {
      messageId: 'wake',
      receiptHandle: 'none',
      body: encodeWake({ list: { kind: 'queue', name: 'a' } }),
    };
    const batch = { Records: [{ ...record, attributes: { ApproximateReceiveCount: '1' } }] };
    expect(await invoke('dispatch', batch)).toEqual({ batchItemFailures: [{ itemIdentifier: 'wake' }] });

    const { nextWorkAt } = await invoke('promote', {});
    expect(nextWorkAt).toBeGreaterThan(0);
  });
});

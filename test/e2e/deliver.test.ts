import { createHash } from 'node:crypto';
import { rawServer } from '../lambda/deliver/raw-server';
import { closeAll, type Running, start, startSink, statesOf, until } from './harness';
import { AGAIN, type Reply, type Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const DELIVERED = ['CREATED', 'ACTIVE', 'DELIVERED'];
const FAILED = ['CREATED', 'ACTIVE', 'ERROR', 'FAILED'];

/** What came of a message without retries: its states, and the error that its log tells. */
async function outcomeAt(url: string, headers: Record<string, string> = {}) {
  const { messageId } = await running.client.publish({ url, body: 'text', retries: 0, headers });
  const entries = await running.ended(messageId);
  const failure = entries.find(({ state }) => state === 'ERROR');
  return { states: statesOf(entries), responseStatus: failure?.responseStatus, error: failure?.error };
}

const claimsOf = (token: unknown) =>
  String(token)
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));

test('a delivery has these headers and no others', async () => {
  const destination = sink.destination();
  const { messageId } = await running.client.publishJSON({ url: destination.url, body: {} });
  const { headers } = await until(() => destination.arrivals[0]);
  expect(headers).toEqual({
    host: new URL(destination.url).host,
    'user-agent': 'Upstash-QStash',
    'content-type': 'application/json',
    'content-length': '2',
    connection: 'close',
    'upstash-message-id': messageId,
    'upstash-retried': '0',
    'upstash-caller-ip': '127.0.0.1',
    'upstash-signature': expect.any(String),
  });
});

test('its signature speaks for the URL and the body, for five minutes from now', async () => {
  const destination = sink.destination();
  const url = `${destination.url}/a%20b?x=1`;
  await running.client.publish({ url, body: 'text' });
  const { headers } = await until(() => destination.arrivals[0]);
  const [header, claims] = claimsOf(headers['upstash-signature']);
  expect(header).toEqual({ alg: 'HS256', typ: 'JWT' });
  expect(claims).toEqual({
    iss: 'Upstash',
    sub: url,
    nbf: 0,
    iat: expect.any(Number),
    exp: claims.iat + 301,
    jti: expect.stringMatching(/^jwt_/),
    body: createHash('sha256').update('text').digest('base64url').padEnd(44, '='),
  });
});

test('every attempt is signed anew, and the receiver verifies each of them', async () => {
  const destination = sink.destination(AGAIN, AGAIN, 200);
  const { messageId } = await running.client.publish({ url: destination.url, body: 'caf\u00e9' });
  await running.ended(messageId);
  const { arrivals } = destination;
  expect(arrivals.map(({ headers }) => headers['upstash-retried'])).toEqual(['0', '1', '2']);
  expect(new Set(arrivals.map(({ headers }) => headers['upstash-message-id']))).toEqual(new Set([messageId]));
  const signatures = arrivals.map(({ headers }) => String(headers['upstash-signature']));
  expect(new Set(signatures.map((signature) => claimsOf(signature)[1].jti)).size).toBe(3);
  for (const signature of signatures) {
    expect(await running.receiver.verify({ signature, body: 'caf\u00e9', url: destination.url })).toBe(true);
    await expect(running.receiver.verify({ signature, body: 'cafe', url: destination.url })).rejects.toThrow();
    await expect(running.receiver.verify({ signature, body: 'caf\u00e9', url: sink.url() })).rejects.toThrow();
  }
});

test('a body of nothing is signed as such', async () => {
  const destination = sink.destination();
  await running.client.publish({ url: destination.url });
  const { headers } = await until(() => destination.arrivals[0]);
  const signature = String(headers['upstash-signature']);
  expect(claimsOf(signature)[1].body).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=');
  expect(await running.receiver.verify({ signature, body: '', url: destination.url })).toBe(true);
});

describe('it is delivered by the status', () => {
  test.each([200, 201, 202, 203, 204, 205, 206, 226, 299])('%i', async (status) => {
    const destination = sink.destination(status);
    expect((await outcomeAt(destination.url)).states).toEqual(DELIVERED);
    expect(destination.arrivals).toHaveLength(1);
  });
});

describe('it fails by the status', () => {
  test.each([300, 304, 400, 401, 404, 410, 418, 429, 489, 500, 502, 599])('%i', async (status) => {
    const { states, responseStatus } = await outcomeAt(sink.destination(status).url);
    expect([states, responseStatus]).toEqual([FAILED, status]);
  });

  test.each([301, 302, 303, 307, 308])('%i, and nobody follows the redirect', async (status) => {
    const elsewhere = sink.destination();
    const destination = sink.destination({ status, headers: { location: elsewhere.url } });
    const { states, responseStatus } = await outcomeAt(destination.url);
    expect([states, responseStatus, elsewhere.arrivals.length]).toEqual([FAILED, status, 0]);
  });
});

describe('what forbids a further attempt', () => {
  const marked = (status: number, value = 'true'): Reply => ({
    status,
    headers: { 'Upstash-NonRetryable-Error': value, 'retry-after': '0' },
  });

  test.each<[string, Reply, number, string]>([
    ['status and header together', marked(489), 1, 'nonRetryable'],
    ['status and header, however written', marked(489, ' TRUE'), 1, 'nonRetryable'],
    ['not the status alone', { status: 489, headers: { 'retry-after': '0' } }, 3, 'exhausted'],
    ['not the header alone', marked(500), 3, 'exhausted'],
    ['not a header that denies it', marked(489, 'false'), 3, 'exhausted'],
  ])('is %s', async (_, reply, attempts, reason) => {
    const destination = sink.destination(reply);
    const { messageId } = await running.client.publish({ url: destination.url, body: '', retries: 2 });
    expect((await running.ended(messageId)).at(-1)!.state).toBe('FAILED');
    expect(destination.arrivals).toHaveLength(attempts);
    const { body } = await running.json(`/v2/dlq?messageId=${messageId}`);
    expect(body.messages).toMatchObject([{ reason, retried: attempts - 1 }]);
  });
});

describe('without an answer it fails', () => {
  test('when the time that the publisher allows is over, and not before', async () => {
    const destination = sink.destination('hang');
    const { messageId } = await running.client.publish({ url: destination.url, body: '', retries: 0, timeout: 0.3 });
    const [, active, failure] = await running.ended(messageId);
    expect(failure).toMatchObject({
      state: 'ERROR',
      responseStatus: 0,
      timeout: 300,
      error: expect.stringMatching(/time/),
    });
    expect(failure!.time - active!.time).toBeGreaterThanOrEqual(300);
  });

  test('when nobody listens', async () => {
    const server = await rawServer(() => {});
    await server.stop();
    const { states, error } = await outcomeAt(server.url);
    expect([states, error]).toEqual([FAILED, expect.stringMatching(/ECONNREFUSED/)]);
  });

  test.each([
    ['is reset', 'connected', (socket: { resetAndDestroy(): void }) => socket.resetAndDestroy()],
    ['ends without a byte', 'asked', (socket: { end(): void }) => socket.end()],
  ] as const)('when the connection %s', async (_, when, behave) => {
    const server = await rawServer(behave, when);
    const { states, responseStatus, error } = await outcomeAt(server.url);
    await server.stop();
    expect([states, responseStatus, error]).toEqual([FAILED, 0, expect.stringMatching(/ECONN|closed|hang up/)]);
  });
});

test('of a response no more is kept than a message may have', async () => {
  const destination = sink.destination({ status: 500, body: Buffer.alloc(300_000, 'x') });
  const { messageId } = await running.client.publish({ url: destination.url, body: '', retries: 0 });
  await running.ended(messageId);
  const [listed] = (await running.client.dlq.listMessages({ filter: { messageId } })).messages;
  expect(listed).toMatchObject({ responseBody: 'x'.repeat(8192), responseBodyTruncated: true });
  const { body } = await running.json(`/v2/dlq/${listed!.dlqId}`);
  expect(body.responseBody).toBe('x'.repeat(262_144));
});

test('a response that is no text is told in base64', async () => {
  const bytes = Buffer.from([0xff, 0, 0xfe]);
  const { messageId } = await running.client.publish({
    url: sink.destination({ status: 500, body: bytes }).url,
    body: new Blob([bytes]),
    retries: 0,
  });
  await running.ended(messageId);
  const [letter] = (await running.client.dlq.listMessages({ filter: { messageId } })).messages;
  expect(letter).toMatchObject({ bodyBase64: '/wD+', responseBodyBase64: '/wD+' });
  expect(letter).not.toHaveProperty('body');
  expect(letter).not.toHaveProperty('responseBody');
});

test('many messages reach their destination once each', async () => {
  const destination = sink.destination();
  const ids = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const { messageId } = await running.client.publish({ url: `${destination.url}/${index}`, body: String(index) });
      return messageId;
    }),
  );
  await running.service.whenIdle();
  expect(destination.arrivals.map(({ headers }) => headers['upstash-message-id']).sort()).toEqual(ids.sort());
  for (const { path, body } of destination.arrivals) expect(path.split('/').at(-1)).toBe(body.toString());
});

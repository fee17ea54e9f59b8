import { createHash } from 'node:crypto';
import { closeAll, type Running, start, startSink, until } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const hashOf = (text: string) => `REDACTED:${createHash('sha256').update(text).digest('hex')}`;
const BODY = 'the-secret-body';
const HEADER = { 'X-Secret': 'the-secret-header', 'X-Plain': 'plain' };

test.each([
  ['the body', { body: true as const }, { body: true, secret: false, plain: false }],
  ['all headers', { header: true as const }, { body: false, secret: true, plain: true }],
  ['one header', { header: ['x-secret'] }, { body: false, secret: true, plain: false }],
  ['both', { body: true as const, header: ['X-Secret'] }, { body: true, secret: true, plain: false }],
])('%s of a message: delivered as it is, shown by its hash', async (_, redact, hidden) => {
  const destination = sink.destination();
  const { messageId } = await running.client.publish({ url: destination.url, body: BODY, headers: HEADER, redact });
  const arrival = await until(() => destination.arrivals[0]);
  expect([arrival.body.toString(), arrival.headers['x-secret'], arrival.headers['x-plain']]).toEqual([
    BODY,
    HEADER['X-Secret'],
    'plain',
  ]);
  const shown = {
    'X-Secret': [hidden.secret ? hashOf(HEADER['X-Secret']) : HEADER['X-Secret']],
    'X-Plain': [hidden.plain ? hashOf('plain') : 'plain'],
  };
  const body = hidden.body ? hashOf(BODY) : BODY;
  const message = await running.client.messages.get(messageId);
  expect(message).toMatchObject({ body, header: shown });
  const [event] = await running.ended(messageId);
  expect(event).toMatchObject({ body: Buffer.from(body).toString('base64'), header: shown });
});

test('a redacted dead letter shows hashes, and is retried with what was published', async () => {
  const destination = sink.destination(500, 200);
  const request = { url: destination.url, body: BODY, headers: HEADER, retries: 0 };
  const { messageId } = await running.client.publish({ ...request, redact: { body: true, header: true } });
  await running.ended(messageId);
  const { messages } = await running.client.dlq.listMessages({ filter: { messageId } });
  expect(messages[0]).toMatchObject({ body: hashOf(BODY), header: { 'X-Secret': [hashOf(HEADER['X-Secret'])] } });
  expect(JSON.stringify(messages)).not.toContain('the-secret');
  await running.client.dlq.retry(messages[0]!.dlqId);
  const arrival = await until(() => destination.arrivals[1]);
  expect([arrival.body.toString(), arrival.headers['x-secret']]).toEqual([BODY, HEADER['X-Secret']]);
  const retried = arrival.headers['upstash-message-id'] as string;
  expect((await running.client.messages.get(retried)).body).toBe(hashOf(BODY));
});

test('what a callback forwards is hidden by its own setting, and it is told the body as it was', async () => {
  const [destination, callback] = [sink.destination(), sink.destination()];
  const { messageId } = await running.client.publish({
    url: destination.url,
    body: BODY,
    redact: { body: true },
    callback: callback.url,
    headers: { 'Upstash-Callback-Forward-X-Secret': 'of-the-callback', 'Upstash-Callback-Redact-Fields': 'headers' },
  });
  const arrival = await until(() => callback.arrivals[0]);
  expect(arrival.headers['x-secret']).toBe('of-the-callback');
  expect(Buffer.from(JSON.parse(arrival.body.toString()).sourceBody, 'base64').toString()).toBe(BODY);
  const { body } = await running.json(`/v2/messages/${messageId}`);
  expect(body.callbackHeader).toEqual({ 'X-Secret': [hashOf('of-the-callback')] });
});

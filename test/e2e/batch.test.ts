import { closeAll, type Running, start, startSink, until } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const post = (body: unknown) =>
  running.json('/v2/batch', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });

test('messages to URLs and groups are answered in order, and each has its own settings', async () => {
  const [one, two, three] = [sink.destination(), sink.destination(), sink.destination()];
  await running.client.urlGroups.addEndpoints({ name: 'mixed', endpoints: [{ url: two.url }, { url: three.url }] });
  const answers = await running.client.batchJSON([
    { url: one.url, body: { n: 1 }, retries: 7, headers: { 'X-Own': 'one' } },
    { urlGroup: 'mixed', body: { n: 2 } },
    { url: one.url, body: { n: 3 }, delay: 3600 },
  ]);
  const id = expect.stringMatching(/^msg_/);
  expect(answers).toEqual([
    { messageId: id, url: one.url },
    [
      { messageId: id, url: two.url },
      { messageId: id, url: three.url },
    ],
    { messageId: id, url: one.url },
  ]);
  const [first, , third] = answers as unknown as { messageId: string }[];
  expect(await running.client.messages.get(first!.messageId)).toMatchObject({ maxRetries: 7 });
  const waiting = await running.client.messages.get(third!.messageId);
  expect(waiting.notBefore).toBe(waiting.createdAt + 3_600_000);
  const arrival = await until(() => one.arrivals[0]);
  expect([arrival.headers['x-own'], arrival.body.toString()]).toEqual(['one', '{"n":1}']);
  for (const { arrivals } of [two, three]) expect((await until(() => arrivals[0])).body.toString()).toBe('{"n":2}');
  await running.service.advance(3_601_000);
  expect((await until(() => one.arrivals[1])).body.toString()).toBe('{"n":3}');
});

test('a hundred messages are all delivered once', async () => {
  const destination = sink.destination();
  const answers = await running.client.batch(
    Array.from({ length: 100 }, (_, n) => ({ url: destination.url, body: String(n) })),
  );
  expect(new Set(answers.map((answer) => (answer as { messageId: string }).messageId)).size).toBe(100);
  await until(() => destination.arrivals.length === 100);
  expect(destination.arrivals.map(({ body }) => Number(body.toString())).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('of messages with the same deduplication id in one batch the first counts', async () => {
  const destination = sink.destination();
  const item = { url: destination.url, deduplicationId: 'in-one-batch' };
  const [first, second, other] = (await running.client.batch([
    { ...item, body: 'first' },
    { ...item, body: 'second' },
    { url: destination.url, body: 'other' },
  ])) as { messageId: string; deduplicated?: boolean }[];
  expect(second).toEqual({ messageId: first!.messageId, url: destination.url, deduplicated: true });
  expect(first!.deduplicated ?? other!.deduplicated).toBeUndefined();
  await until(() => destination.arrivals.length === 2);
  expect(destination.arrivals.map(({ body }) => body.toString()).sort()).toEqual(['first', 'other']);
});

test('items as the Python client sends them, with null for what is not set', async () => {
  const destination = sink.destination();
  const { status, body } = await post([
    { destination: destination.url, headers: { 'Upstash-Method': 'PUT' }, body: null, queue: null },
  ]);
  expect([status, body]).toEqual([200, [{ messageId: expect.any(String), url: destination.url }]]);
  const arrival = await until(() => destination.arrivals[0]);
  expect([arrival.method, arrival.body.length]).toEqual(['PUT', 0]);
});

test('one malformed item refuses the request before anything is written', async () => {
  const destination = sink.destination();
  const good = { destination: destination.url };
  for (const [body, status, named] of [
    ['[', 400, 'body'],
    [{ destination: destination.url }, 400, 'array'],
    [[good, 1], 400, 'message 1'],
    [[good, {}], 400, 'message 1: invalid destination'],
    [[good, { destination: 'ftp://x' }], 400, 'message 1: invalid destination url'],
    [[good, { destination: 'no-such-group' }], 404, 'message 1: url group not found'],
    [[good, { ...good, body: { a: 1 } }], 400, 'message 1: invalid body'],
    [[good, { ...good, headers: { 'Upstash-Retries': 'x' } }], 400, 'message 1: invalid Upstash-Retries'],
    [[good, { ...good, headers: { 'Upstash-Retries': 3 } }], 400, 'message 1: invalid header Upstash-Retries'],
    [[good, { ...good, headers: 'x' }], 400, 'message 1: invalid headers'],
    [[good, { ...good, headers: { 'upstash-delay': '500d' } }], 412, 'message 1: invalid Upstash-Delay'],
    [[good, { ...good, qeue: 'x' }], 400, 'message 1: unknown field qeue'],
    [Array.from({ length: 1_001 }, () => good), 413, '1001'],
  ] as const) {
    const answer = await post(body);
    expect([answer.status, answer.body.error]).toEqual([status, expect.stringContaining(named)]);
  }
  const { body } = await running.json(`/v2/events?url=${encodeURIComponent(destination.url)}`);
  expect(body.events).toEqual([]);
});

test('an empty batch is answered by an empty list', async () => {
  expect(await post([])).toMatchObject({ status: 200, body: [] });
});

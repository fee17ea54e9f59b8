import { closeAll, type Running, start, startSink } from './harness';
import type { Destination, Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const DAY = 86_400_000;

interface Buried {
  readonly destination: Destination;
  readonly url: string;
  readonly messageId: string;
  readonly dlqId: string;
}

/** Publishes a message whose one attempt fails; what it is sent after that succeeds. */
async function bury(headers: Record<string, string> = {}): Promise<Buried> {
  const destination = sink.destination({ status: 500, body: 'broken' }, 200);
  const { url } = destination;
  const { messageId } = await running.client.publish({ url, body: 'text', retries: 0, headers });
  await running.ended(messageId);
  const [letter] = (await running.client.dlq.listMessages({ filter: { messageId } })).messages;
  return { destination, url, messageId, dlqId: letter!.dlqId };
}

const buryMany = (count: number, headers?: Record<string, string>) =>
  Promise.all(Array.from({ length: count }, () => bury(headers)));

const retryOf = (dlqId: string, headers: Record<string, string> = {}) =>
  running.json(`/v2/dlq/retry/${dlqId}`, { method: 'POST', headers });

const statusOf = async (dlqId: string) => (await running.json(`/v2/dlq/${dlqId}`)).status;
const statusesOf = (letters: readonly Buried[]) => Promise.all(letters.map(({ dlqId }) => statusOf(dlqId)));

/** A label that nobody else uses. */
let labels = 0;
const newLabel = () => `label-${++labels}`;

test('a dead letter tells the message and its last response', async () => {
  const destination = sink.destination(
    { status: 500, headers: { 'retry-after': '0' } },
    { status: 404, headers: { 'X-From': 'the destination' }, body: 'nobody here' },
  );
  const { messageId } = await running.client.publish({
    url: destination.url,
    method: 'PATCH',
    body: '{"a":1}',
    headers: { 'Content-Type': 'application/json', 'X-Mine': 'yes', 'Upstash-Callback-Forward-X-C': 'c' },
    retries: 1,
    retryDelay: '500 + retried',
    timeout: 30,
    label: ['a', 'b'],
    callback: sink.url('/callback'),
    failureCallback: sink.url('/failure-callback'),
  });
  const failedAt = (await running.ended(messageId)).at(-1)!.time;
  const [listed] = (await running.client.dlq.listMessages({ filter: { messageId } })).messages;
  const { createdAt } = await running.client.messages.get(messageId);
  expect(listed).toEqual({
    dlqId: expect.stringMatching(new RegExp(`^${failedAt}-\\d+$`)),
    messageId,
    url: destination.url,
    method: 'PATCH',
    header: { 'Content-Type': ['application/json'], 'X-Mine': ['yes'] },
    body: '{"a":1}',
    createdAt,
    notBefore: createdAt,
    maxRetries: 1,
    retryDelayExpression: '500 + retried',
    timeout: 30,
    label: 'a',
    labels: ['a', 'b'],
    callback: sink.url('/callback'),
    callbackHeader: { 'X-C': ['c'] },
    failureCallback: sink.url('/failure-callback'),
    callerIP: '127.0.0.1',
    callerIp: '127.0.0.1',
    responseStatus: 404,
    responseHeader: expect.objectContaining({ 'X-From': ['the destination'] }),
    responseBody: 'nobody here',
    failedAt,
    retried: 1,
    reason: 'exhausted',
  });
  expect((await running.json(`/v2/dlq/${listed!.dlqId}`)).body).toEqual(listed);
});

test.each(['nope', '1725323658779-0', '1725323658779-', 'msg_1', '1725323658779-0%2F', '%00'])(
  'there is no dead letter %s to get, delete or retry',
  async (dlqId) => {
    for (const [method, path] of [
      ['GET', `/v2/dlq/${dlqId}`],
      ['DELETE', `/v2/dlq/${dlqId}`],
      ['POST', `/v2/dlq/retry/${dlqId}`],
      ['POST', `/v2/dlq/retry?dlqIds=${dlqId}`],
    ] as const) {
      const { status, body } = await running.json(path, { method });
      expect([path, status, body]).toEqual([path, 404, { error: expect.stringMatching(/not found|there is no/) }]);
    }
    expect((await running.json(`/v2/dlq?dlqIds=${dlqId}`)).body).toEqual({ messages: [] });
    expect(await running.client.dlq.delete([dlqId])).toEqual({ deleted: 0 });
  },
);

test('dead letters can be listed by their ids, in whose order they come', async () => {
  const [a, b] = (await buryMany(2)) as [Buried, Buried];
  const { messages, cursor } = await running.client.dlq.listMessages({ dlqIds: [b.dlqId, 'nope', a.dlqId, b.dlqId] });
  expect(messages.map(({ dlqId }) => dlqId)).toEqual([b.dlqId, a.dlqId]);
  expect(cursor).toBeUndefined();
});

describe('delete', () => {
  test('takes one away, once', async () => {
    const { dlqId } = await bury();
    expect(await statusOf(dlqId)).toBe(200);
    await running.client.dlq.delete(dlqId);
    expect(await statusOf(dlqId)).toBe(404);
    await expect(running.client.dlq.delete(dlqId)).rejects.toMatchObject({ status: 404 });
    expect((await retryOf(dlqId)).status).toBe(404);
  });

  test('takes several away and counts those that were there', async () => {
    const [kept, ...gone] = await buryMany(3);
    const dlqIds = gone.map(({ dlqId }) => dlqId);
    expect(await running.client.dlq.deleteMany({ dlqIds: [...dlqIds, 'nope'] })).toEqual({ deleted: 2 });
    expect(await running.client.dlq.delete(dlqIds)).toEqual({ deleted: 0 });
    expect(await statusOf(kept!.dlqId)).toBe(200);
  });

  test('takes away what a filter means', async () => {
    const label = newLabel();
    const kept = await bury();
    const gone = await buryMany(2, { 'Upstash-Label': label });
    expect(await running.client.dlq.delete({ filter: { label, responseStatus: [404, 500] } })).toEqual({ deleted: 2 });
    expect(await statusesOf([kept, ...gone])).toEqual([200, 404, 404]);
  });

  test('takes all away, page by page', async () => {
    await buryMany(3);
    const first = await running.client.dlq.delete({ all: true, count: 2 });
    expect(first).toEqual({ deleted: 2, cursor: expect.any(String) });
    let cursor = first.cursor;
    while (cursor !== undefined) cursor = (await running.client.dlq.delete({ all: true, cursor })).cursor;
    expect(await running.client.dlq.listMessages()).toEqual({ messages: [] });
    expect(await running.client.dlq.delete({ all: true })).toEqual({ deleted: 0 });
  });

  test('takes its selection in a JSON body too, as the Python client sends it', async () => {
    const [kept, ...gone] = await buryMany(3);
    const dlqIds = gone.map(({ dlqId }) => dlqId);
    const { status, body } = await running.json('/v2/dlq', {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ dlqIds }),
    });
    expect([status, body]).toEqual([200, { deleted: 2 }]);
    expect(await statusOf(kept!.dlqId)).toBe(200);
  });
});

describe('retry', () => {
  test('sends one again as a new message with the same content', async () => {
    const { destination, url, messageId, dlqId } = await bury({
      'Content-Type': 'text/plain',
      Authorization: 'Bearer secret',
      'Upstash-Label': 'a,b',
    });
    const { status, body } = await retryOf(dlqId);
    expect([status, body]).toEqual([201, { messageId: expect.stringMatching(/^msg_/), url }]);
    expect(body.messageId).not.toBe(messageId);
    expect((await running.ended(body.messageId)).at(-1)!.state).toBe('DELIVERED');
    const [first, second] = destination.arrivals;
    const { 'upstash-message-id': id, 'upstash-signature': _, ...sent } = second!.headers;
    expect(first!.headers).toMatchObject(sent);
    expect([id, second!.body, sent['upstash-retried']]).toEqual([body.messageId, first!.body, '0']);
    expect(await running.client.messages.get(body.messageId)).toMatchObject({ maxRetries: 0, labels: ['a', 'b'] });
    expect(await statusOf(dlqId)).toBe(404);
    expect((await retryOf(dlqId)).status).toBe(404);
  });

  test('sends several, what a filter means, or all', async () => {
    const label = newLabel();
    const [one, ...several] = (await buryMany(3)) as [Buried, ...Buried[]];
    const meant = await buryMany(2, { 'Upstash-Label': label });
    expect((await running.client.dlq.retry(one.dlqId)).responses).toHaveLength(1);
    const byId = await running.client.dlq.retry(several.map(({ dlqId }) => dlqId).concat('nope'));
    expect(byId).toEqual({ responses: several.map(({ url }) => ({ messageId: expect.any(String), url })) });
    expect((await running.client.dlq.retry({ filter: { label }, count: 1 })).responses).toHaveLength(1);
    expect((await running.client.dlq.retry({ filter: { label } })).responses).toHaveLength(1);
    expect(await running.client.dlq.retry({ filter: { label } })).toEqual({ responses: [] });
    const rest = await buryMany(2);
    let cursor: string | undefined;
    do cursor = (await running.client.dlq.retry({ all: true, count: 1, cursor })).cursor;
    while (cursor !== undefined);
    await running.service.whenIdle();
    expect(await running.client.dlq.listMessages()).toEqual({ messages: [] });
    for (const { destination } of [one, ...several, ...meant, ...rest]) expect(destination.arrivals).toHaveLength(2);
  });

  test('with other settings replaces those of the message', async () => {
    const { destination, dlqId } = await bury({ 'Content-Type': 'text/plain', 'X-Kept': '1', 'X-Replaced': 'old' });
    const callback = sink.destination();
    const { body } = await retryOf(dlqId, {
      'Content-Type': 'application/json',
      'Upstash-Method': 'PUT',
      'Upstash-Retries': '5',
      'Upstash-Delay': '30s',
      'Upstash-Label': 'again',
      'Upstash-Forward-X-Replaced': 'new',
      'Upstash-Forward-X-Added': '2',
      'Upstash-Callback': callback.url,
    });
    const message = await running.client.messages.get(body.messageId);
    expect(message).toMatchObject({ maxRetries: 5, labels: ['again'], notBefore: message.createdAt + 30_000 });
    await running.service.advance(31_000);
    const { method, headers } = destination.arrivals[1]!;
    expect(method).toBe('PUT');
    expect(headers).toMatchObject({
      'content-type': 'text/plain',
      'x-kept': '1',
      'x-replaced': 'new',
      'x-added': '2',
    });
    expect(callback.arrivals).toHaveLength(1);
  });

  test('of what fails again buries it anew', async () => {
    const destination = sink.destination(500);
    const { messageId } = await running.client.publish({ url: destination.url, body: '', retries: 0 });
    await running.ended(messageId);
    const { responses } = await running.client.dlq.retry({ filter: { url: destination.url } });
    await running.ended(responses[0]!.messageId);
    const { messages } = await running.client.dlq.listMessages({ filter: { url: destination.url } });
    expect(messages.map((letter) => letter.messageId)).toEqual([responses[0]!.messageId]);
  });

  test('of a callback delivers the same report', async () => {
    const callback = sink.destination(500, 200);
    const { messageId } = await running.client.publish({
      url: sink.destination().url,
      body: 'text',
      retries: 0,
      callback: callback.url,
    });
    await running.ended(messageId);
    await running.service.whenIdle();
    expect((await running.client.dlq.retry({ filter: { url: callback.url } })).responses).toHaveLength(1);
    await running.service.whenIdle();
    expect(callback.arrivals[1]!.body.equals(callback.arrivals[0]!.body)).toBe(true);
  });

  test('several times at once succeeds once', async () => {
    const { destination, dlqId } = await bury();
    const answers = await Promise.all(
      ['0', '1', '2', '3'].map((retries) => retryOf(dlqId, { 'Upstash-Retries': retries })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 404, 404, 404]);
    const winner = answers.findIndex(({ status }) => status === 201);
    await running.service.whenIdle();
    expect(destination.arrivals).toHaveLength(2);
    const { maxRetries } = await running.client.messages.get(answers[winner]!.body.messageId);
    expect(maxRetries).toBe(winner);
  });

  test('and delete at once: one of them succeeds', async () => {
    for (const { destination, dlqId } of await buryMany(5)) {
      const [retried, deleted] = await Promise.all([
        retryOf(dlqId),
        running.json(`/v2/dlq/${dlqId}`, { method: 'DELETE' }),
      ]);
      expect([
        [201, 404],
        [404, 200],
      ]).toContainEqual([retried.status, deleted.status]);
      await running.service.whenIdle();
      expect(destination.arrivals).toHaveLength(retried.status === 201 ? 2 : 1);
    }
  });
});

test('a dead letter expires after seven days', async () => {
  const { destination, dlqId, messageId } = await bury();
  await running.service.advance(7 * DAY - 3_600_000);
  expect(await statusOf(dlqId)).toBe(200);
  // The table counts in whole seconds.
  await running.service.advance(3_602_000);
  expect(await statusOf(dlqId)).toBe(404);
  expect((await running.client.dlq.listMessages({ filter: { messageId } })).messages).toEqual([]);
  expect((await running.client.dlq.listMessages({ dlqIds: dlqId })).messages).toEqual([]);
  expect((await retryOf(dlqId)).status).toBe(404);
  expect((await running.json(`/v2/dlq/${dlqId}`, { method: 'DELETE' })).status).toBe(404);
  expect(destination.arrivals).toHaveLength(1);
});

describe('a request that selects nothing it could mean is refused, and nothing happens:', () => {
  const json = (value: unknown) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
  const queries = ['lable=x', 'host=a', 'path=/', 'state=FAILED', 'dlqIds=', 'dlqIds=a,,b', 'url=', 'label=', 'x'];
  const values = [
    'count=0',
    'count=-1',
    'count=abc',
    'count=1.5',
    'responseStatus=abc',
    'fromDate=abc',
    'fromDate=1700000000',
    'fromDate=1700000000001&toDate=1700000000000',
    'cursor=abc',
    'order=sideways',
    'source=elsewhere',
    'messageId=a&messageId=b',
  ];
  const requests: [string, string, RequestInit][] = [
    ...[...queries, ...values].flatMap((query): [string, string, RequestInit][] => [
      ['DELETE', `/v2/dlq?${query}`, {}],
      ['POST', `/v2/dlq/retry?${query}`, {}],
      ['GET', `/v2/dlq?${query}`, {}],
    ]),
    ['DELETE', '/v2/dlq/', {}],
    ['POST', '/v2/dlq/retry/', {}],
    ['DELETE', '/v2/dlq', json({ dlqIds: [] })],
    ['DELETE', '/v2/dlq', json({ dlqIds: [''] })],
    ['DELETE', '/v2/dlq', json({ lable: 'x' })],
    ['DELETE', '/v2/dlq', json({ dlqIds: [{}] })],
    ['DELETE', '/v2/dlq', json(['a'])],
    ['DELETE', '/v2/dlq', { body: 'dlqIds=a' }],
  ];
  let letters: readonly Buried[];

  beforeAll(async () => {
    letters = await buryMany(2);
  });

  test.each(requests)('%s %s', async (method, path, init) => {
    const { status, body } = await running.json(path, { method, ...init });
    expect([status, body]).toEqual([400, { error: expect.any(String) }]);
    expect(await statusesOf(letters)).toEqual([200, 200]);
  });
});

test.each([
  ['messageId', 'url', 'topicName', 'scheduleId', 'queueName', 'callerIp', 'callerIP', 'label', 'flowControlKey'],
  ['responseStatus', 'fromDate', 'toDate', 'source', 'order', 'trimBody', 'count'],
])('every filter is accepted: %s, %s, %s and so on', async (...names) => {
  const value: Record<string, string> = {
    responseStatus: '200',
    fromDate: '4000000000000',
    toDate: '1000000000000',
    source: 'workflow',
    order: 'latestFirst',
    count: '1000',
  };
  for (const name of names) {
    // What would mean all stands beside what means none.
    const query = `${name}=${value[name] ?? 'none'}&queueName=none`.replace('queueName=none&', '');
    const { status, body } = await running.json(`/v2/dlq/retry?${query}`, { method: 'POST' });
    expect([name, status, body]).toEqual([name, 201, { responses: [] }]);
  }
});

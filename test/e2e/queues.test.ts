import { closeAll, type Running, start, startSink, statesOf, until } from './harness';
import type { Arrival, Sink } from './sink';

const MINUTE = 60_000;

let running: Running;
let sink: Sink;
beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

type Queue = ReturnType<Running['client']['queue']>;

let count = 0;

/** A queue that no other test uses. */
function newQueue(): { queue: Queue; name: string } {
  const name = `queue-${++count}`;
  return { queue: running.client.queue({ queueName: name }), name };
}

const idOf = ({ headers }: Arrival) => headers['upstash-message-id'];
const lagOf = async (queue: Queue) => (await queue.get()).lag;
const isEmpty = async (queue: Queue) => (await lagOf(queue)) === 0;

async function enqueueMany(queue: Queue, url: string, many: number, options: object = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < many; i++) ids.push((await queue.enqueueJSON({ url, body: { i }, ...options })).messageId);
  return ids;
}

describe('one at a time', () => {
  test('in the order of publishing, however often one fails', async () => {
    const { queue, name } = newQueue();
    const replies = new Map<string, number[]>();
    const { url, arrivals } = sink.destination(
      ...[200],
      ({ body }: Arrival) => replies.get(String(body))?.shift() ?? 200,
    );
    replies.set('{"i":4}', [500, 503]);
    const ids = await enqueueMany(queue, url, 8, { retryDelay: String(10 * MINUTE) });
    await until(() => arrivals.length === 5);
    await running.service.whenIdle();
    expect(await lagOf(queue)).toBe(4);
    await running.service.advance(9 * MINUTE);
    expect(arrivals).toHaveLength(5);
    await running.service.advance(2 * MINUTE);
    expect(arrivals).toHaveLength(6);
    await running.service.advance(11 * MINUTE);
    await until(() => isEmpty(queue));
    const [first, second, third, fourth, fifth, ...rest] = ids;
    expect(arrivals.map(idOf)).toEqual([first, second, third, fourth, fifth, fifth, fifth, ...rest]);
    expect(arrivals.map(({ headers }) => Number(headers['upstash-retried']))).toEqual([0, 0, 0, 0, 0, 1, 2, 0, 0, 0]);
    expect(await running.entriesOf({ kind: 'queue', name })).toEqual([]);
  });

  test('the next waits until all callbacks of the one before have ended, and theirs', async () => {
    const { queue, name } = newQueue();
    const [callback, second, failure] = [sink.heldDestination(), sink.heldDestination(), sink.heldDestination()];
    const target = sink.destination(500, 200);
    const headers = {
      'Upstash-Retries': '0',
      'Upstash-Callback': callback.url,
      'Upstash-Callback-Callback': second.url,
      'Upstash-Failure-Callback': failure.url,
    };
    await queue.enqueue({ url: target.url, headers });
    await queue.enqueue({ url: target.url });
    await until(() => callback.held.length === 1 && failure.held.length === 1);
    let letGoAt = 0;
    for (const { letGo, held } of [failure, callback, second]) {
      await until(() => held.length === 1);
      expect(await lagOf(queue)).toBe(2);
      letGoAt = Date.now();
      letGo();
    }
    await until(() => isEmpty(queue));
    expect(target.arrivals).toHaveLength(2);
    expect(target.arrivals[1]!.at).toBeGreaterThanOrEqual(letGoAt);
    expect(await running.entriesOf({ kind: 'queue', name })).toEqual([]);
  });

  test('a callback that fails and is retried holds the slot until it is a dead letter', async () => {
    const { queue } = newQueue();
    const target = sink.destination();
    const callback = sink.destination(500);
    const headers = { 'Upstash-Callback-Retries': '1', 'Upstash-Callback-Retry-Delay': String(5 * MINUTE) };
    await queue.enqueue({ url: target.url, callback: callback.url, headers });
    await queue.enqueue({ url: target.url });
    await until(() => callback.arrivals.length === 1);
    await running.service.advance(4 * MINUTE);
    expect(target.arrivals).toHaveLength(1);
    await running.service.advance(2 * MINUTE);
    await until(() => target.arrivals.length === 2);
    expect(callback.arrivals).toHaveLength(2);
    await until(() => isEmpty(queue));
  });

  test('a callback that is canceled holds nothing any more', async () => {
    const { queue } = newQueue();
    const target = sink.destination();
    const callback = sink.destination();
    await queue.enqueue({ url: target.url, callback: callback.url, headers: { 'Upstash-Callback-Delay': '1h' } });
    await queue.enqueue({ url: target.url });
    await until(() => target.arrivals.length === 1);
    await running.service.whenIdle();
    expect((await running.client.messages.cancel({ filter: { url: callback.url } })).cancelled).toBe(1);
    await until(() => target.arrivals.length === 2);
  });
});

describe('parallelism', () => {
  test.each([2, 3])('%i are delivered at once, never more, and begun in their order', async (parallelism) => {
    const { queue, name } = newQueue();
    await queue.upsert({ parallelism });
    const { url, arrivals, held } = sink.heldDestination();
    const ids = await enqueueMany(queue, url, 9);
    for (let done = 0; done < 9; done++) {
      await until(() => arrivals.length >= Math.min(9, done + parallelism));
      expect(await lagOf(queue)).toBe(9 - done);
      expect(arrivals).toHaveLength(Math.min(9, done + parallelism));
      held.shift()!();
      await until(async () => (await lagOf(queue)) === 8 - done);
    }
    // Those that begin at the same moment may overtake each other on their way.
    const place = new Map(ids.map((id, index) => [id, index]));
    for (const [index, arrival] of arrivals.entries()) {
      expect(Math.abs(place.get(String(idOf(arrival)))! - index)).toBeLessThan(parallelism);
    }
    expect(await running.entriesOf({ kind: 'queue', name })).toEqual([]);
  });

  test('can be changed while messages wait', async () => {
    const { queue } = newQueue();
    const { url, arrivals, letGo } = sink.heldDestination();
    await enqueueMany(queue, url, 5);
    await until(() => arrivals.length === 1);
    await queue.upsert({ parallelism: 4 });
    await until(() => arrivals.length === 4);
    await queue.upsert({ parallelism: 1 });
    letGo();
    await until(() => arrivals.length === 5);
    letGo();
    await until(() => isEmpty(queue));
    expect(await queue.get()).toMatchObject({ parallelism: 1, paused: false, lag: 0 });
  });
});

describe('pause', () => {
  test('keeps what waits and what comes, and resume begins with the oldest', async () => {
    const { queue, name } = newQueue();
    const { url, arrivals, letGo } = sink.heldDestination();
    const ids = await enqueueMany(queue, url, 2);
    await until(() => arrivals.length === 1);
    await queue.pause();
    letGo();
    await until(async () => (await lagOf(queue)) === 1);
    ids.push(...(await enqueueMany(queue, url, 2)));
    await queue.pause();
    await running.service.advance(60 * MINUTE);
    expect(arrivals).toHaveLength(1);
    expect(await queue.get()).toMatchObject({ name, paused: true, lag: 3 });
    await queue.resume();
    for (let arrived = 2; arrived <= 4; arrived++) {
      await until(() => arrivals.length === arrived);
      letGo();
    }
    await until(() => isEmpty(queue));
    expect(arrivals.map(idOf)).toEqual(ids);
  });

  test('by upsert, and of a queue that is not there yet', async () => {
    const { queue, name } = newQueue();
    const { url, arrivals } = sink.destination();
    expect((await running.json(`/v2/queues/${name}/pause`, { method: 'POST' })).status).toBe(200);
    await queue.enqueue({ url });
    await running.service.whenIdle();
    expect(arrivals).toHaveLength(0);
    await queue.upsert({ parallelism: 1, paused: false });
    await until(() => arrivals.length === 1);
    await queue.upsert({ parallelism: 1, paused: true });
    expect(await queue.get()).toMatchObject({ paused: true });
  });

  test('a message that waits longer than messages are kept is delivered all the same', async () => {
    const { queue } = newQueue();
    const { url, arrivals } = sink.destination();
    await queue.upsert({ parallelism: 1, paused: true });
    const [messageId] = await enqueueMany(queue, url, 1);
    await running.service.advance(45 * 24 * 60 * MINUTE);
    expect((await running.client.messages.get(messageId!)).queueName).toBe((await queue.get()).name);
    await queue.resume();
    await until(() => arrivals.length === 1);
    expect(statesOf(await running.ended(messageId!))).toEqual(['ACTIVE', 'DELIVERED']);
  });
});

describe('cancel', () => {
  test('of one that waits lets the next move up', async () => {
    const { queue, name } = newQueue();
    const { url, arrivals, letGo } = sink.heldDestination();
    const [first, second, third] = await enqueueMany(queue, url, 3);
    await until(() => arrivals.length === 1);
    expect(await running.client.messages.cancel(second!)).toMatchObject({ cancelled: 1 });
    expect(await lagOf(queue)).toBe(2);
    letGo();
    await until(() => arrivals.length === 2);
    letGo();
    await until(() => isEmpty(queue));
    expect(arrivals.map(idOf)).toEqual([first, third]);
    expect(await running.entriesOf({ kind: 'queue', name })).toEqual([]);
  });

  test('of one that is under way keeps its slot until it has ended', async () => {
    const { queue } = newQueue();
    const { url, arrivals, letGo } = sink.heldDestination(500);
    const [first] = await enqueueMany(queue, url, 1);
    await enqueueMany(queue, url, 1, { retries: 0 });
    await until(() => arrivals.length === 1);
    await running.client.messages.cancel(first!);
    expect(await lagOf(queue)).toBe(2);
    const letGoAt = Date.now();
    letGo();
    await until(() => arrivals.length === 2);
    expect(arrivals[1]!.at).toBeGreaterThanOrEqual(letGoAt);
    expect(statesOf(await running.ended(first!)).at(-1)).toBe('CANCELED');
    letGo();
  });

  test('between two attempts frees the slot', async () => {
    const { queue } = newQueue();
    const { url, arrivals } = sink.destination(500, 200);
    const [first] = await enqueueMany(queue, url, 2, { retryDelay: String(60 * MINUTE) });
    await until(() => arrivals.length === 1);
    await running.service.whenIdle();
    await running.client.messages.cancel(first!);
    await until(() => isEmpty(queue));
    expect(arrivals).toHaveLength(2);
  });

  test('by the name of the queue means all that wait in it', async () => {
    const { queue, name } = newQueue();
    const { url, arrivals } = sink.destination();
    await queue.upsert({ parallelism: 1, paused: true });
    await enqueueMany(queue, url, 3);
    expect(await running.client.messages.cancel({ filter: { queueName: name } })).toMatchObject({ cancelled: 3 });
    expect(await lagOf(queue)).toBe(0);
    await queue.resume();
    await running.service.whenIdle();
    expect(arrivals).toHaveLength(0);
  });

  test('by the name of the queue, when they have waited for more than a day', async () => {
    const { queue, name } = newQueue();
    const { url } = sink.destination();
    await queue.upsert({ parallelism: 1, paused: true });
    await enqueueMany(queue, url, 2);
    await running.service.advance(2 * 24 * 60 * MINUTE);
    expect(await running.client.messages.cancel({ filter: { queueName: name } })).toMatchObject({ cancelled: 2 });
    expect(await running.items()).not.toContainEqual(
      expect.objectContaining({ pk: { S: expect.stringMatching(/^open#/) } }),
    );
  });
});

describe('delete', () => {
  test('cancels what waits and lets what is under way end', async () => {
    const { queue, name } = newQueue();
    const { url, arrivals, letGo } = sink.heldDestination();
    const [first, ...others] = await enqueueMany(queue, url, 60);
    await until(() => arrivals.length === 1);
    await queue.delete();
    expect((await running.json(`/v2/queues/${name}`)).status).toBe(404);
    expect(await queue.list()).not.toContainEqual(expect.objectContaining({ name }));
    for (const id of others) expect(statesOf(await running.ended(id)).at(-1)).toBe('CANCELED');
    letGo();
    expect(statesOf(await running.ended(first!)).at(-1)).toBe('DELIVERED');
    await running.service.whenIdle();
    expect(await running.entriesOf({ kind: 'queue', name })).toEqual([]);
    expect(arrivals).toHaveLength(1);
    await queue.delete();
  });

  test('a queue of the same name begins anew, behind what is still under way', async () => {
    const { queue, name } = newQueue();
    const { url, arrivals, letGo } = sink.heldDestination();
    await queue.upsert({ parallelism: 5 });
    await enqueueMany(queue, url, 1);
    await until(() => arrivals.length === 1);
    await queue.delete();
    await enqueueMany(queue, url, 1);
    expect(await queue.get()).toMatchObject({ name, parallelism: 1, paused: false, lag: 2 });
    letGo();
    await until(() => arrivals.length === 2);
    letGo();
    await until(() => isEmpty(queue));
  });
});

test('a dead letter goes back to its queue, behind what waits there', async () => {
  const { queue } = newQueue();
  const failing = sink.destination(500, 200);
  const { url, arrivals, letGo } = sink.heldDestination();
  const { messageId } = await queue.enqueue({ url: failing.url, retries: 0 });
  await enqueueMany(queue, url, 1);
  await until(() => arrivals.length === 1);
  const { messages } = await running.client.dlq.listMessages({ filter: { messageId } });
  const { responses } = (await running.client.dlq.retry({ dlqIds: [messages[0]!.dlqId] })) as {
    responses: { messageId: string }[];
  };
  expect(await running.client.messages.get(responses[0]!.messageId)).toMatchObject({
    queueName: (await queue.get()).name,
  });
  expect(await lagOf(queue)).toBe(2);
  expect(failing.arrivals).toHaveLength(1);
  letGo();
  await until(() => isEmpty(queue));
  expect(failing.arrivals).toHaveLength(2);
});

test('a URL group and a batch are enqueued in their order', async () => {
  const { queue, name } = newQueue();
  const { url, arrivals } = sink.destination();
  const endpoints = ['a', 'b', 'c'].map((part) => ({ url: `${url}/${part}`, name: part }));
  await running.client.urlGroups.addEndpoints({ name: `group-${name}`, endpoints });
  await queue.upsert({ parallelism: 1, paused: true });
  await queue.enqueueJSON({ urlGroup: `group-${name}`, body: {} });
  await running.client.batchJSON([
    { url: `${url}/d`, queueName: name, body: {} },
    { url: `${url}/free`, body: {} },
    { urlGroup: `group-${name}`, queueName: name, body: {} },
    { url: `${url}/e`, queueName: name, body: {} },
  ]);
  await until(() => arrivals.length === 1);
  expect(await lagOf(queue)).toBe(8);
  await queue.resume();
  await until(() => isEmpty(queue));
  const parts = arrivals.map(({ path }) => path.split('/').at(-1));
  expect(parts).toEqual(['free', 'a', 'b', 'c', 'd', 'a', 'b', 'c', 'e']);
});

test('messages with a deduplication id are enqueued once', async () => {
  const { queue } = newQueue();
  const { url, arrivals } = sink.destination();
  await queue.upsert({ parallelism: 1, paused: true });
  const first = await queue.enqueue({ url, deduplicationId: `once-${count}` });
  expect(await queue.enqueue({ url, deduplicationId: `once-${count}` })).toMatchObject({
    messageId: first.messageId,
    deduplicated: true,
  });
  expect(await lagOf(queue)).toBe(1);
  await queue.resume();
  await until(() => isEmpty(queue));
  expect(arrivals).toHaveLength(1);
});

describe('requests', () => {
  const asked = (method: string, path: string, body?: unknown) =>
    running.json(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

  test('the client lists what there is', async () => {
    const { queue, name } = newQueue();
    const before = running.service.clock.now();
    await queue.upsert({ parallelism: 7 });
    const found = (await queue.list()).find((each: { name: string }) => each.name === name)!;
    expect(found).toEqual({
      name,
      parallelism: 7,
      paused: false,
      lag: 0,
      createdAt: expect.any(Number),
      updatedAt: expect.any(Number),
    });
    expect(found.createdAt).toBeGreaterThanOrEqual(before);
    expect(found.updatedAt).toBeGreaterThanOrEqual(found.createdAt);
    expect(await queue.get()).toEqual(found);
  });

  test.each<[string, string, string, unknown, number, string]>([
    ['a bad name', 'POST', '/v2/queues', { queueName: 'a b' }, 400, 'invalid queue name'],
    ['no name', 'POST', '/v2/queues', { parallelism: 1 }, 400, 'invalid queueName'],
    ['no parallelism', 'POST', '/v2/queues', { queueName: 'a', parallelism: 0 }, 400, 'invalid parallelism'],
    ['half of one', 'POST', '/v2/queues', { queueName: 'a', parallelism: 0.5 }, 400, 'invalid parallelism'],
    ['too much', 'POST', '/v2/queues', { queueName: 'a', parallelism: 101 }, 412, '100 at most'],
    ['a pause in words', 'POST', '/v2/queues', { queueName: 'a', paused: 'yes' }, 400, 'invalid paused'],
    ['no object', 'POST', '/v2/queues', [], 400, 'invalid body'],
    ['a bad name to pause', 'POST', '/v2/queues/a%20b/pause', undefined, 400, 'invalid queue name'],
    ['a bad name to get', 'GET', '/v2/queues/a%20b', undefined, 400, 'invalid queue name'],
    ['one that is not there', 'GET', '/v2/queues/nobody', undefined, 404, 'queue not found: nobody'],
    ['a bad name to enqueue', 'POST', '/v2/enqueue/a%20b/https://example.com/', {}, 400, 'invalid queue name'],
  ])('%s is refused', async (_what, method, path, body, status, error) => {
    const answer = await asked(method, path, body);
    expect(answer).toMatchObject({ status, body: { error: expect.stringContaining(error) } });
  });

  test.each([
    ['Upstash-Delay', '10s'],
    ['Upstash-Not-Before', '4000000000'],
  ])('enqueueing with %s is refused, also in a batch', async (name, value) => {
    const { url } = sink.destination();
    const init = { method: 'POST', headers: { [name]: value } };
    expect(await running.json(`/v2/enqueue/delayed/${url}`, init)).toMatchObject({
      status: name === 'Upstash-Delay' ? 400 : 412,
      body: { error: expect.stringContaining(name) },
    });
    const item = { destination: url, queue: 'delayed', headers: { 'upstash-delay': '10s' } };
    expect(await asked('POST', '/v2/batch', [item])).toMatchObject({ status: 400 });
    expect((await asked('GET', '/v2/queues/delayed')).status).toBe(404);
  });

  test('a read-only token sees queues and changes none', async () => {
    const { queue, name } = newQueue();
    await queue.upsert({ parallelism: 1 });
    const headers = { authorization: `Bearer ${running.service.readOnlyToken}` };
    for (const path of ['/v2/queues', `/v2/queues/${name}`]) {
      expect((await running.json(path, { headers })).status).toBe(200);
    }
    for (const [method, path] of [
      ['POST', '/v2/queues'],
      ['DELETE', `/v2/queues/${name}`],
      ['POST', `/v2/queues/${name}/pause`],
      ['POST', `/v2/queues/${name}/resume`],
      ['POST', `/v2/enqueue/${name}/https://example.com/`],
    ] as const) {
      expect((await running.json(path, { method, headers })).status).toBe(403);
    }
  });
});

test('there are as many queues as the service allows', async () => {
  const small = await start({ environment: { MAX_QUEUES: '2', MAX_QUEUE_PARALLELISM: '3' } });
  const { url } = sink.destination();
  const put = (queueName: string, parallelism: number) =>
    small.json('/v2/queues', { method: 'POST', body: JSON.stringify({ queueName, parallelism }) });
  expect((await put('a', 3)).status).toBe(200);
  expect(await put('a', 4)).toMatchObject({ status: 412, body: { error: expect.stringContaining('3 at most') } });
  expect((await small.json(`/v2/enqueue/b/${url}`, { method: 'POST' })).status).toBe(200);
  for (const answer of [
    await put('c', 1),
    await small.json('/v2/queues/c/pause', { method: 'POST' }),
    await small.json(`/v2/enqueue/c/${url}`, { method: 'POST' }),
  ]) {
    expect(answer).toMatchObject({ status: 412, body: { error: expect.stringContaining('2 at most') } });
  }
  expect((await put('b', 2)).status).toBe(200);
  expect((await small.json('/v2/queues/b', { method: 'DELETE' })).status).toBe(200);
  expect((await put('c', 1)).status).toBe(200);
});

import type { AwsCall } from '../../local/aws-call';
import { closeAll, type Running, start, startSink, statesOf, until } from './harness';
import type { Arrival, Reply, Sink } from './sink';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let running: Running;
let sink: Sink;
/** Begins of the windows that were counted in, by key. */
const windows = new Map<string, Set<number>>();

function noteWindow({ operation, input }: AwsCall): void {
  const key = (input.Key as { pk: { S: string } } | undefined)?.pk.S ?? '';
  const values = input.ExpressionAttributeValues as Record<string, { N: string }> | undefined;
  if (operation !== 'UpdateItem' || !key.startsWith('flow#') || values?.[':version'] === undefined) return;
  const name = key.slice('flow#'.length);
  windows.set(name, (windows.get(name) ?? new Set()).add(Number(values[':start']!.N)));
}

beforeAll(async () => {
  running = await start({
    intercept: (call, execute) => {
      noteWindow(call);
      return execute();
    },
  });
  sink = await startSink();
});
afterAll(closeAll);

/** A call as its destination saw it, in service time. */
interface Call {
  readonly messageId: string;
  readonly begun: number;
  ended: number;
}

/** A destination that takes a while, and keeps when it was called. */
function slowDestination(milliseconds: number, reply: (arrival: Arrival) => Reply = () => 200) {
  const calls: Call[] = [];
  const { url, arrivals } = sink.destination(async (arrival) => {
    const { clock } = running.service;
    const messageId = String(arrival.headers['upstash-message-id']);
    const call: Call = { messageId, begun: clock.now(), ended: Number.POSITIVE_INFINITY };
    calls.push(call);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    call.ended = clock.now();
    return reply(arrival);
  });
  return { url, arrivals, calls };
}

/** The most times within one interval of a length. */
function mostWithin(times: readonly number[], milliseconds: number): number {
  return Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + milliseconds).length));
}

/**
 * Proves at the destination that limits were kept: never more calls under way than the parallelism, and never more
 * begun than the rate in one window, or than twice that in any period. Attempts begin at the time that their state
 * tells, and not one arrives before: by what they took on their way an interval at the destination is shorter.
 */
async function expectLimits(
  key: string,
  calls: readonly Call[],
  { parallelism, rate = 0, period = 1 }: { parallelism?: number; rate?: number; period?: number },
): Promise<void> {
  const under = calls.map(({ begun }) => calls.filter((call) => call.begun <= begun && call.ended > begun).length);
  expect(Math.max(...under)).toBeLessThanOrEqual(parallelism ?? Number.POSITIVE_INFINITY);
  if (rate === 0) return;
  const ms = period * SECOND;
  const items = await running.items();
  const begunAt = new Map(
    items.filter(({ sk }) => sk!.S!.endsWith('#s')).map(({ sk, start: at }) => [`msg_1${sk!.S!.slice(0, -2)}`, at?.N]),
  );
  const begins = calls.map(({ messageId }) => Number(begunAt.get(messageId)));
  for (const from of windows.get(key)!) {
    expect(begins.filter((begin) => begin >= from && begin < from + ms).length).toBeLessThanOrEqual(rate);
  }
  const isInWindow = (time: number) => [...windows.get(key)!].some((from) => time >= from && time < from + ms);
  expect(begins.filter((begin) => !isInWindow(begin))).toEqual([]);
  const transits = calls.map(({ begun }, index) => begun - begins[index]!);
  expect(Math.min(...transits)).toBeGreaterThanOrEqual(0);
  const arrivals = calls.map(({ begun }) => begun);
  expect(mostWithin(arrivals, ms - Math.max(...transits))).toBeLessThanOrEqual(2 * rate);
}

let count = 0;
const newKey = () => `key-${++count}`;

async function keyOf(key: string) {
  return (await running.json(`/v2/flowControl/${key}`)).body;
}

const isIdle = async (key: string) => {
  const { waitListSize, parallelismCount } = await keyOf(key);
  return waitListSize + parallelismCount === 0;
};

type Control = Parameters<Running['client']['publish']>[0]['flowControl'];

async function publishMany(url: string, flowControl: Control, many: number, options: object = {}): Promise<string[]> {
  const publishing = Array.from({ length: many }, () => running.client.publish({ url, flowControl, ...options }));
  return (await Promise.all(publishing)).map(({ messageId }) => messageId);
}

describe('limits, proved at the destination', () => {
  test('one hot key', async () => {
    const { url, calls, arrivals } = slowDestination(20);
    const ids = await publishMany(url, { key: 'hot', parallelism: 3, rate: 20, period: '1s' }, 200);
    await until(() => isIdle('hot'));
    expect(arrivals.map(({ headers }) => headers['upstash-message-id']).sort()).toEqual([...ids].sort());
    await expectLimits('hot', calls, { parallelism: 3, rate: 20 });
    expect(await running.entriesOf({ kind: 'flow', name: 'hot' })).toEqual([]);
  }, 240_000);

  test('a hundred keys side by side', async () => {
    const { url, calls, arrivals } = slowDestination(5);
    const limits = { parallelism: 1, rate: 2, period: 5 } as const;
    const keys = Array.from({ length: 100 }, (_, index) => `of-many-${index}`);
    const ids = new Map<string, string[]>();
    const publish = async (key: string) => ids.set(key, await publishMany(url, { key, ...limits }, 3));
    for (let from = 0; from < keys.length; from += 10) await Promise.all(keys.slice(from, from + 10).map(publish));
    for (const key of keys) await until(() => isIdle(key));
    expect(arrivals).toHaveLength(300);
    for (const key of keys) {
      const own = calls.filter(({ messageId }) => ids.get(key)!.includes(messageId));
      expect(own).toHaveLength(3);
      await expectLimits(key, own, limits);
    }
  }, 240_000);

  test('retries count like first attempts', async () => {
    const key = newKey();
    const { url, arrivals } = sink.destination(500, 500, 200);
    await publishMany(url, { key, rate: 1, period: '1h' }, 1, { retries: 2, retryDelay: '1000' });
    await until(() => arrivals.length === 1);
    await running.service.whenIdle();
    await running.service.advance(50 * MINUTE);
    expect(arrivals).toHaveLength(1);
    expect(await keyOf(key)).toMatchObject({ waitListSize: 1, parallelismCount: 0, rateCount: 1 });
    await running.service.advance(15 * MINUTE);
    expect(arrivals).toHaveLength(2);
    await running.service.advance(60 * MINUTE);
    expect(arrivals).toHaveLength(3);
    expect(await running.entriesOf({ kind: 'flow', name: key })).toEqual([]);
  });

  test('a rate by the day lets the next one through on the day', async () => {
    const key = newKey();
    const { url, arrivals } = sink.destination();
    await publishMany(url, { key, rate: 1, period: '1d' }, 3);
    for (let day = 0; day < 3; day++) {
      await until(() => arrivals.length === day + 1);
      await running.service.whenIdle();
      await running.service.advance(24 * 60 * MINUTE - 2 * SECOND);
      expect(arrivals).toHaveLength(day + 1);
      await running.service.advance(2 * SECOND);
    }
    expect(await running.entriesOf({ kind: 'flow', name: key })).toEqual([]);
  });
});

describe('what waits', () => {
  test('a delayed message enters when it is due', async () => {
    const key = newKey();
    const { url, arrivals } = sink.destination();
    await running.client.flowControl.pause(key);
    await publishMany(url, { key, parallelism: 1 }, 1, { delay: '30m' });
    expect(await keyOf(key)).toMatchObject({ waitListSize: 0 });
    await running.service.advance(31 * MINUTE);
    expect(await keyOf(key)).toMatchObject({ waitListSize: 1 });
    await running.client.flowControl.resume(key);
    await until(() => arrivals.length === 1);
  });

  test('pause keeps what waits and what comes, and resume lets it through, the oldest first', async () => {
    const key = newKey();
    const { url, arrivals, letGo } = sink.heldDestination();
    const ids = await publishMany(url, { key, parallelism: 1 }, 1);
    await until(() => arrivals.length === 1);
    ids.push(...(await publishMany(url, { key, parallelism: 1 }, 1)));
    await running.client.flowControl.pause(key);
    letGo();
    await until(async () => (await keyOf(key)).parallelismCount === 0);
    await running.service.advance(60 * MINUTE);
    ids.push(...(await publishMany(url, { key, parallelism: 1 }, 1)));
    await running.service.whenIdle();
    expect(arrivals).toHaveLength(1);
    expect(await keyOf(key)).toMatchObject({ isPaused: true, waitListSize: 2 });
    await running.client.flowControl.resume(key);
    for (let arrived = 2; arrived <= 3; arrived++) {
      await until(() => arrivals.length === arrived);
      letGo();
    }
    await until(() => isIdle(key));
    expect(arrivals.map(({ headers }) => headers['upstash-message-id'])).toEqual(ids);
  });

  test('what waits longer than messages are kept is delivered all the same', async () => {
    const key = newKey();
    const { url, arrivals } = sink.destination();
    await running.client.flowControl.pause(key);
    const [messageId] = await publishMany(url, { key, parallelism: 1 }, 1);
    await running.service.advance(100 * 24 * 60 * MINUTE);
    expect(await keyOf(key)).toMatchObject({ isPaused: true, waitListSize: 1 });
    await running.client.flowControl.resume(key);
    await until(() => arrivals.length === 1);
    expect(statesOf(await running.ended(messageId!))).toEqual(['ACTIVE', 'DELIVERED']);
  });

  test('cancel takes out what waits, and frees the slot of what is under way when that has ended', async () => {
    const key = newKey();
    const { url, arrivals, letGo } = sink.heldDestination(500);
    const [first] = await publishMany(url, { key, parallelism: 1 }, 1);
    await until(() => arrivals.length === 1);
    const [second] = await publishMany(url, { key, parallelism: 1 }, 1);
    const [third] = await publishMany(url, { key, parallelism: 1 }, 1, { retries: 0 });
    expect(await keyOf(key)).toMatchObject({ waitListSize: 2, parallelismCount: 1 });
    await running.client.messages.cancel([first!, second!]);
    expect(await keyOf(key)).toMatchObject({ waitListSize: 1, parallelismCount: 1 });
    expect(arrivals).toHaveLength(1);
    letGo();
    await until(() => arrivals.length === 2);
    letGo();
    await until(() => isIdle(key));
    for (const id of [first, second]) expect(statesOf(await running.ended(id!)).at(-1)).toBe('CANCELED');
    expect(statesOf(await running.ended(third!)).at(-1)).toBe('FAILED');
    expect(await running.entriesOf({ kind: 'flow', name: key })).toEqual([]);
  });

  test('cancel by key means all that have it, however long they have waited', async () => {
    const key = newKey();
    const { url } = sink.destination();
    await running.client.flowControl.pause(key);
    await publishMany(url, { key, parallelism: 1 }, 2);
    await publishMany(url, { key, parallelism: 1 }, 1, { delay: '1h' });
    await running.service.advance(2 * 24 * 60 * MINUTE);
    const { cancelled } = await running.client.messages.cancel({ filter: { flowControlKey: key } });
    expect(cancelled).toBe(3);
    expect(await keyOf(key)).toMatchObject({ waitListSize: 0, parallelismCount: 0 });
    expect((await running.items()).filter(({ pk }) => pk!.S!.startsWith('open#'))).toEqual([]);
  });

  test('a message of a queue waits for both, and keeps its slot of the queue while it waits for the other', async () => {
    const key = newKey();
    const queue = running.client.queue({ queueName: `with-${key}` });
    const { url, arrivals, letGo } = sink.heldDestination();
    await queue.upsert({ parallelism: 2 });
    const flowControl = { key, parallelism: 1 } as const;
    for (let i = 0; i < 3; i++) await queue.enqueue({ url, flowControl });
    await until(() => arrivals.length === 1);
    await until(async () => (await keyOf(key)).waitListSize === 1);
    expect(await keyOf(key)).toMatchObject({ parallelismCount: 1, waitListSize: 1 });
    expect((await queue.get()).lag).toBe(3);
    for (let arrived = 2; arrived <= 3; arrived++) {
      letGo();
      await until(() => arrivals.length === arrived);
    }
    letGo();
    await until(async () => (await queue.get()).lag === 0);
    expect(await running.entriesOf({ kind: 'flow', name: key })).toEqual([]);
  });

  test('a callback passes the flow control that it is given, and what it reports on is kept for it', async () => {
    const key = newKey();
    const target = sink.destination(500, 200);
    const callback = sink.destination();
    await running.client.flowControl.pause(key);
    const headers = {
      'Upstash-Callback-Flow-Control-Key': key,
      'Upstash-Callback-Flow-Control-Value': 'parallelism=1',
      'Upstash-Retry-Delay': '0',
    };
    const { messageId } = await running.client.publish({ url: target.url, callback: callback.url, headers });
    await until(async () => (await keyOf(key)).waitListSize === 2);
    await running.service.advance(100 * 24 * 60 * MINUTE);
    await running.client.flowControl.resume(key);
    await until(() => isIdle(key));
    const bodies = callback.arrivals.map(({ body }) => JSON.parse(body.toString()));
    expect(bodies).toMatchObject([
      { sourceMessageId: messageId, status: 500 },
      { sourceMessageId: messageId, status: 200 },
    ]);
    await running.service.advance(9 * 24 * 60 * MINUTE);
    const token = messageId.slice('msg_1'.length);
    // Not every DynamoDB deletes by service time what has expired.
    const hasExpired = ({ ttl }: { ttl?: { N?: string } }) => Number(ttl?.N) * 1000 <= running.service.clock.now();
    const kept = (await running.items()).filter((item) => item.sk!.S!.startsWith(token) && !hasExpired(item));
    expect(kept).toEqual([]);
  });
});

describe('limits of a key', () => {
  test('follow the latest message', async () => {
    const key = newKey();
    const { url } = sink.destination();
    await running.client.flowControl.pause(key);
    await publishMany(url, { key, parallelism: 3, rate: 20, period: '1m' }, 1);
    expect(await keyOf(key)).toEqual({
      flowControlKey: key,
      waitListSize: 1,
      parallelismMax: 3,
      parallelismCount: 0,
      rateMax: 20,
      rateCount: 0,
      ratePeriod: 60,
      ratePeriodStart: 0,
      isPaused: true,
      isPinnedParallelism: false,
      isPinnedRate: false,
    });
    await publishMany(url, { key, parallelism: 5 }, 1, { delay: '1d' });
    expect(await keyOf(key)).toMatchObject({ parallelismMax: 5, rateMax: 0, ratePeriod: 1 });
  });

  test('that a later message loosens let through what waits', async () => {
    const key = newKey();
    const { url, arrivals, letGo } = sink.heldDestination();
    await publishMany(url, { key, parallelism: 1 }, 3);
    await until(() => arrivals.length === 1);
    await publishMany(sink.destination().url, { key, parallelism: 3 }, 1, { delay: '1d' });
    await until(() => arrivals.length === 3);
    letGo();
  });

  test('that are pinned are no matter of messages until they are unpinned', async () => {
    const key = newKey();
    const { flowControl } = running.client;
    const { url } = sink.destination();
    const brought = { key, parallelism: 9, rate: 9, period: '9s' } as const;
    await flowControl.pin(key, { parallelism: 3, rate: 20, period: 120 });
    await publishMany(url, brought, 1, { delay: '1d' });
    const pinned = { parallelismMax: 3, rateMax: 20, ratePeriod: 120, isPinnedParallelism: true, isPinnedRate: true };
    expect(await flowControl.get(key)).toMatchObject(pinned);
    await flowControl.unpin(key, { parallelism: true });
    expect(await flowControl.get(key)).toMatchObject({ ...pinned, isPinnedParallelism: false });
    await publishMany(url, brought, 1, { delay: '1d' });
    expect(await flowControl.get(key)).toMatchObject({ ...pinned, isPinnedParallelism: false, parallelismMax: 9 });
    await flowControl.unpin(key, { rate: true });
    expect(await flowControl.get(key)).toMatchObject({ rateMax: 20, ratePeriod: 120, isPinnedRate: false });
    await publishMany(url, brought, 1, { delay: '1d' });
    expect(await flowControl.get(key)).toMatchObject({ rateMax: 9, ratePeriod: 9 });
  });

  test('are pinned with a new period, and a reset begins one too, also of a key that is paused', async () => {
    const key = newKey();
    const { flowControl } = running.client;
    const { url, arrivals } = sink.destination();
    await publishMany(url, { key, rate: 1, period: '1h' }, 3);
    await until(() => arrivals.length === 1);
    await running.service.whenIdle();
    expect(await flowControl.get(key)).toMatchObject({ rateCount: 1, waitListSize: 2 });
    await flowControl.pin(key, { rate: 1, period: 7_200 });
    await until(() => arrivals.length === 2);
    await flowControl.pause(key);
    const before = Math.floor(running.service.clock.now() / SECOND);
    await flowControl.resetRate(key);
    const reset = await flowControl.get(key);
    expect(reset).toMatchObject({ rateCount: 0, isPaused: true });
    expect(reset.ratePeriodStart).toBeGreaterThanOrEqual(before);
    await running.service.whenIdle();
    expect(arrivals).toHaveLength(2);
    await flowControl.resume(key);
    await until(() => arrivals.length === 3);
    expect(await flowControl.get(key)).toMatchObject({ rateCount: 1, waitListSize: 0 });
  });

  test('are forgotten long after their last use, but for those that are paused or pinned', async () => {
    const { flowControl } = running.client;
    const { url, arrivals } = sink.destination();
    const [used, paused, pinned] = [newKey(), newKey(), newKey()];
    await publishMany(url, { key: used, parallelism: 1 }, 1);
    await flowControl.pause(paused);
    await flowControl.pin(pinned, { parallelism: 1 });
    await until(() => isIdle(used));
    await running.service.advance(91 * 24 * 60 * MINUTE);
    expect((await running.json(`/v2/flowControl/${used}`)).status).toBe(404);
    for (const key of [paused, pinned]) expect((await running.json(`/v2/flowControl/${key}`)).status).toBe(200);
    const listed = (await running.json('/v2/flowControl')).body as { flowControlKey: string }[];
    expect(listed.map(({ flowControlKey }) => flowControlKey)).not.toContain(used);
    await publishMany(url, { key: used, parallelism: 2 }, 1);
    await until(() => arrivals.length === 2);
    expect(await keyOf(used)).toMatchObject({ parallelismMax: 2 });
  });
});

describe('requests', () => {
  const post = (path: string) => running.json(path, { method: 'POST' });

  test('keys are listed and searched', async () => {
    const [one, two] = [`search-${newKey()}`, `search-${newKey()}`];
    for (const key of [two, one]) await running.client.flowControl.pin(key, { parallelism: 1 });
    const found = (search: string) => running.json(`/v2/flowControl?search=${search}`);
    expect((await found('search-')).body).toMatchObject([{ flowControlKey: one }, { flowControlKey: two }]);
    expect((await found(two)).body).toEqual([await keyOf(two)]);
    expect((await found('nobody')).body).toEqual([]);
    expect((await running.json('/v2/flowControl/')).body).toContainEqual(await keyOf(one));
    expect((await running.json('/v2/flowControl?serach=a')).status).toBe(400);
  });

  test.each(['user/1', 'a b', 'größe', 'a%41', 'pause', 'x/resetRate'])('a key may be %s', async (key) => {
    const path = `/v2/flowControl/${encodeURIComponent(key)}`;
    expect((await post(`${path}/pause`)).status).toBe(200);
    expect((await running.json(path)).body).toMatchObject({ flowControlKey: key, isPaused: true });
    expect((await post(`${path}/resume`)).status).toBe(200);
    expect((await running.json(path)).body).toMatchObject({ flowControlKey: key, isPaused: false });
  });

  test.each<[string, number, string]>([
    ['/v2/flowControl/a/pin', 400, 'needs parallelism or rate'],
    ['/v2/flowControl/a/pin?period=5', 400, 'needs parallelism or rate'],
    ['/v2/flowControl/a/pin?parallelism=2&period=5', 400, 'needs a rate'],
    ['/v2/flowControl/a/pin?parallelism=0', 400, 'parallelism "0" is not a whole number from 1'],
    ['/v2/flowControl/a/pin?rate=1.5', 400, 'rate "1.5" is not a whole number from 1'],
    ['/v2/flowControl/a/pin?rate=1&period=0', 400, 'the shortest period is 1 second'],
    ['/v2/flowControl/a/pin?rate=1&period=604801', 412, 'the longest period is a week'],
    ['/v2/flowControl/a/pin?rates=1', 400, 'unknown parameter rates'],
    ['/v2/flowControl/a/unpin?rate=yes', 400, 'is not true or false'],
    ['/v2/flowControl/a/drop', 404, 'there is no /v2/flowControl/a/drop'],
    ['/v2/flowControl/pause', 404, 'there is no /v2/flowControl/pause'],
    [`/v2/flowControl/${'a'.repeat(1025)}/pause`, 412, 'longer than 1024 bytes'],
  ])('%s is refused', async (path, status, error) => {
    expect(await post(path)).toMatchObject({ status, body: { error: expect.stringContaining(error) } });
  });

  test('what is not there is not found, and nothing is made by resuming, unpinning or resetting it', async () => {
    const key = newKey();
    for (const verb of ['resume', 'unpin?rate=true', 'resetRate']) {
      expect((await post(`/v2/flowControl/${key}/${verb}`)).status).toBe(200);
    }
    const answer = await running.json(`/v2/flowControl/${key}`);
    expect(answer).toMatchObject({ status: 404, body: { error: `flow control key not found: ${key}` } });
  });

  test('the parallelism of the service is what its functions may have at once', async () => {
    const { url, arrivals, letGo } = sink.heldDestination();
    const before = await running.client.flowControl.getGlobalParallelism();
    expect(before.parallelismMax).toBe(100 * 10 * 2);
    await running.client.publish({ url });
    await until(() => arrivals.length === 1);
    expect((await running.client.flowControl.getGlobalParallelism()).parallelismCount).toBeGreaterThan(0);
    letGo();
    await running.service.whenIdle();
    expect((await running.client.flowControl.getGlobalParallelism()).parallelismCount).toBe(0);
  });

  test('a read-only token sees keys and changes none', async () => {
    const key = newKey();
    await running.client.flowControl.pin(key, { parallelism: 1 });
    const headers = { authorization: `Bearer ${running.service.readOnlyToken}` };
    for (const path of ['/v2/flowControl', `/v2/flowControl/${key}`, '/v2/globalParallelism']) {
      expect((await running.json(path, { headers })).status).toBe(200);
    }
    for (const verb of ['pause', 'resume', 'pin?rate=1', 'unpin?rate=true', 'resetRate']) {
      const answer = await running.json(`/v2/flowControl/${key}/${verb}`, { method: 'POST', headers });
      expect(answer.status).toBe(403);
    }
  });
});

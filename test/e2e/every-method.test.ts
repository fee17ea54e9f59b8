import { Client, type PublishRequest } from '@upstash/qstash';
import { closeAll, type Running, start, startSink, until } from './harness';
import type { Destination, Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

/** What of the client is not QStash: another product, and one that is retired. */
const ELSEWHERE = ['workflow', 'chat'];

/** Names of an object's methods and of its properties that are made when asked for. */
function membersOf(object: object): { readonly methods: readonly string[]; readonly getters: readonly string[] } {
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object));
  const names = Object.keys(members).filter((name) => !ELSEWHERE.includes(name));
  return {
    methods: names.filter((name) => members[name]!.get === undefined),
    getters: names.filter((name) => members[name]!.get !== undefined),
  };
}

/** Every public method of the installed client, such as `publish`, `dlq.retry` and `queue.pause`. */
function methodsOf(client: Client): string[] {
  const { methods, getters } = membersOf(client);
  const groups = [...getters.map((name) => [name, client[name as 'dlq']] as const), ['queue', client.queue()] as const];
  return [
    ...methods.filter((name) => name !== 'queue'),
    ...groups.flatMap(([name, group]) => membersOf(group).methods.map((method) => `${name}.${method}`)),
  ];
}

/** The same client, which notes the calls of its methods. */
function noting<T extends object>(target: T, called: Set<string>, prefix = ''): T {
  return new Proxy(target, {
    get(_, name: string) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value === 'object' && value !== null) return noting(value, called, `${name}.`);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'queue') return noting(value.apply(target, args), called, 'queue.');
        called.add(prefix + name);
        return value.apply(target, args);
      };
    },
  });
}

const METHODS = methodsOf(new Client({ baseUrl: 'http://127.0.0.1:9', token: 'token' }));

let names = 0;
const newName = () => `name-${++names}`;

type Options = Partial<PublishRequest<string>>;

/** The id of a message that waits for an hour. */
async function later(client: Client, options: Options = {}): Promise<string> {
  const { messageId } = await client.publish({
    url: sink.destination().url,
    body: 'later',
    delay: '1h',
    ...options,
  } as {
    url: string;
  });
  return messageId;
}

/** The id of a dead letter, and where it was sent. */
async function deadLetter(client: Client, options: Options = {}) {
  const destination = sink.destination(500, 200);
  const request = { url: destination.url, body: 'dead', retries: 0, ...options } as { url: string };
  const { messageId } = await client.publish(request);
  await running.ended(messageId);
  const { messages } = await client.dlq.listMessages({ filter: { messageId } });
  expect(messages).toHaveLength(1);
  return { ...destination, messageId, dlqId: messages[0]!.dlqId };
}

const first = ({ arrivals }: Destination) => until(() => arrivals[0]);

async function urlGroup(client: Client) {
  const name = newName();
  const destinations = [sink.destination(), sink.destination()] as const;
  const endpoints = destinations.map(({ url }, n) => ({ url, name: `endpoint-${n}` }));
  await client.urlGroups.addEndpoints({ name, endpoints });
  return { name, destinations, endpoints };
}

async function pausedQueue(client: Client) {
  const queue = client.queue({ queueName: newName() });
  await queue.upsert({ parallelism: 1, paused: true });
  return queue;
}

async function schedule(client: Client, options: { readonly body?: string } = {}) {
  const destination = sink.destination();
  const { scheduleId } = await client.schedules.create({ destination: destination.url, cron: '* * * * *', ...options });
  return { scheduleId, destination };
}

async function flowControlKey(client: Client): Promise<string> {
  const key = newName();
  await later(client, { flowControl: { key, parallelism: 2, rate: 5, period: '1m' } });
  return key;
}

const MINUTE_MS = 60_000;

type Case = (client: Client) => Promise<void>;

const urlGroupCases = (alias: 'urlGroups' | 'topics'): Record<string, Case> => ({
  [`${alias}.addEndpoints`]: async (client) => {
    const name = newName();
    const destination = sink.destination();
    await client[alias].addEndpoints({ name, endpoints: [{ url: destination.url }] });
    await client.publish({ urlGroup: name, body: 'hello' });
    expect((await first(destination)).body.toString()).toBe('hello');
  },
  [`${alias}.removeEndpoints`]: async (client) => {
    const { name, endpoints } = await urlGroup(client);
    await client[alias].removeEndpoints({ name, endpoints: [{ name: 'endpoint-0' }] });
    expect((await client.urlGroups.get(name)).endpoints).toEqual([endpoints[1]]);
  },
  [`${alias}.list`]: async (client) => {
    const { name } = await urlGroup(client);
    expect(await client[alias].list()).toContainEqual(await client.urlGroups.get(name));
  },
  [`${alias}.get`]: async (client) => {
    const { name, endpoints } = await urlGroup(client);
    const times = { createdAt: expect.any(Number), updatedAt: expect.any(Number) };
    expect(await client[alias].get(name)).toEqual({ name, endpoints, ...times });
  },
  [`${alias}.delete`]: async (client) => {
    const { name } = await urlGroup(client);
    await client[alias].delete(name);
    await expect(client.urlGroups.get(name)).rejects.toThrow('url group not found');
  },
});

const logCase =
  (method: 'logs' | 'events'): Case =>
  async (client) => {
    const label = newName();
    const { url } = sink.destination();
    const { messageId } = await client.publish({ url, body: '', label });
    await running.ended(messageId);
    const { events, logs, cursor } = await client[method]({ filter: { label } });
    expect(events.map(({ state }) => state)).toEqual(['DELIVERED', 'ACTIVE', 'CREATED']);
    expect([logs, cursor]).toEqual([events, undefined]);
    const page = await client[method]({ filter: { label, state: 'CREATED' } });
    expect(page.events).toEqual([events[2]]);
  };

const CASES: Readonly<Record<string, Case>> = {
  publish: async (client) => {
    const destination = sink.destination();
    const { messageId, url } = await client.publish({
      url: destination.url,
      body: 'hello',
      method: 'PUT',
      headers: { 'X-Mine': '1' },
    });
    expect(url).toBe(destination.url);
    const { method, headers, body } = await first(destination);
    expect([method, body.toString(), headers['x-mine']]).toEqual(['PUT', 'hello', '1']);
    expect(headers['upstash-message-id']).toBe(messageId);
  },
  publishJSON: async (client) => {
    const { name, destinations } = await urlGroup(client);
    const published = await client.publishJSON({ urlGroup: name, body: { a: 1 } });
    expect(published.map(({ url }) => url)).toEqual(destinations.map(({ url }) => url));
    for (const destination of destinations) {
      const { headers, body } = await first(destination);
      expect([headers['content-type'], JSON.parse(body.toString())]).toEqual(['application/json', { a: 1 }]);
    }
  },
  batch: async (client) => {
    const { name, destinations } = await urlGroup(client);
    const destination = sink.destination();
    const [one, all] = await client.batch([
      { url: destination.url, body: 'one', headers: { 'X-Mine': '1' } },
      { urlGroup: name, body: 'all' },
    ]);
    expect(one).toMatchObject({ url: destination.url });
    expect(all).toMatchObject(destinations.map(({ url }) => ({ url })));
    expect((await first(destination)).headers['x-mine']).toBe('1');
    for (const each of destinations) expect((await first(each)).body.toString()).toBe('all');
  },
  batchJSON: async (client) => {
    const destination = sink.destination();
    const queueName = newName();
    const published = await client.batchJSON([1, 2, 3].map((n) => ({ url: destination.url, body: { n }, queueName })));
    expect(published).toHaveLength(3);
    await until(() => destination.arrivals.length === 3);
    expect(destination.arrivals.map(({ body }) => JSON.parse(body.toString()))).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  },
  logs: logCase('logs'),
  events: logCase('events'),

  'messages.get': async (client) => {
    const flowControl = { key: newName(), parallelism: 3, rate: 4, period: '2s' as const };
    const messageId = await later(client, { flowControl, label: ['a', 'b'], retries: 2, retryDelay: '1000' });
    expect(await client.messages.get(messageId)).toMatchObject({
      messageId,
      body: 'later',
      flowControlKey: flowControl.key,
      parallelism: 3,
      rate: 4,
      period: 2,
      label: 'a',
      labels: ['a', 'b'],
      maxRetries: 2,
      retryDelayExpression: '1000',
    });
  },
  'messages.cancel': async (client) => {
    const label = newName();
    const ids = await Promise.all([1, 2, 3, 4].map(() => later(client, { label })));
    expect(await client.messages.cancel(ids[0]!)).toEqual({ cancelled: 1 });
    expect(await client.messages.cancel(ids.slice(0, 2))).toEqual({ cancelled: 1 });
    expect(await client.messages.cancel({ filter: { label }, count: 1 })).toMatchObject({ cancelled: 1 });
    expect(await client.messages.cancel({ filter: { label } })).toEqual({ cancelled: 1 });
  },
  'messages.delete': async (client) => {
    const messageId = await later(client);
    await client.messages.delete(messageId);
    expect((await running.events(messageId)).at(-1)!.state).toBe('CANCELED');
  },
  'messages.deleteMany': async (client) => {
    const ids = await Promise.all([later(client), later(client)]);
    expect(await client.messages.deleteMany(ids)).toBe(2);
  },
  'messages.deleteAll': async (client) => {
    const messageId = await later(client);
    expect(await client.messages.deleteAll()).toBeGreaterThan(0);
    expect((await running.events(messageId)).at(-1)!.state).toBe('CANCELED');
  },

  'dlq.listMessages': async (client) => {
    const label = newName();
    const letters = [await deadLetter(client, { label }), await deadLetter(client, { label })];
    const { messages, cursor } = await client.dlq.listMessages({ filter: { label, responseStatus: 500 }, count: 1 });
    const rest = await client.dlq.listMessages({ filter: { label, responseStatus: 500 }, count: 1, cursor });
    expect([...messages, ...rest.messages].map(({ dlqId }) => dlqId)).toEqual(letters.map(({ dlqId }) => dlqId));
    expect(rest.cursor).toBeUndefined();
  },
  'dlq.delete': async (client) => {
    const { dlqId } = await deadLetter(client);
    await client.dlq.delete(dlqId);
    expect(await client.dlq.listMessages({ dlqIds: [dlqId] })).toEqual({ messages: [] });
    await expect(client.dlq.delete(dlqId)).rejects.toThrow('dead letter not found');
  },
  'dlq.deleteMany': async (client) => {
    const dlqIds = [(await deadLetter(client)).dlqId, (await deadLetter(client)).dlqId];
    expect(await client.dlq.deleteMany({ dlqIds })).toEqual({ deleted: 2 });
  },
  'dlq.retry': async (client) => {
    const { dlqId, arrivals, messageId } = await deadLetter(client);
    const { responses } = await client.dlq.retry(dlqId);
    expect(responses).toEqual([{ messageId: expect.stringMatching(/^msg_/), url: expect.any(String) }]);
    expect(responses[0]!.messageId).not.toBe(messageId);
    await until(() => arrivals.length === 2);
    expect(arrivals[1]!.body.toString()).toBe('dead');
  },

  ...urlGroupCases('urlGroups'),
  ...urlGroupCases('topics'),

  'queue.upsert': async (client) => {
    const queue = client.queue({ queueName: newName() });
    await queue.upsert({ parallelism: 2, paused: true });
    expect(await queue.get()).toMatchObject({ parallelism: 2, paused: true });
    await queue.upsert({ parallelism: 3, paused: false });
    expect(await queue.get()).toMatchObject({ parallelism: 3, paused: false });
  },
  'queue.get': async (client) => {
    const queueName = newName();
    const queue = client.queue({ queueName });
    await queue.upsert({ parallelism: 1, paused: true });
    await queue.enqueue({ url: sink.destination().url, body: '' });
    const times = { createdAt: expect.any(Number), updatedAt: expect.any(Number) };
    expect(await queue.get()).toEqual({ name: queueName, parallelism: 1, paused: true, lag: 1, ...times });
  },
  'queue.list': async (client) => {
    const queue = await pausedQueue(client);
    expect(await client.queue().list()).toContainEqual(await queue.get());
  },
  'queue.delete': async (client) => {
    const queue = await pausedQueue(client);
    await queue.delete();
    await expect(queue.get()).rejects.toThrow('queue not found');
  },
  'queue.enqueue': async (client) => {
    const queueName = newName();
    const destination = sink.destination();
    const { messageId } = await client.queue({ queueName }).enqueue({ url: destination.url, body: 'in turn' });
    expect((await first(destination)).body.toString()).toBe('in turn');
    expect(await client.messages.get(messageId)).toMatchObject({ queueName });
  },
  'queue.enqueueJSON': async (client) => {
    const queue = client.queue({ queueName: newName() });
    const { name, destinations } = await urlGroup(client);
    const enqueued = await queue.enqueueJSON({ urlGroup: name, body: { a: 1 } });
    expect(enqueued.map(({ url }) => url)).toEqual(destinations.map(({ url }) => url));
    for (const each of destinations) expect(JSON.parse((await first(each)).body.toString())).toEqual({ a: 1 });
  },
  'queue.pause': async (client) => {
    const queue = client.queue({ queueName: newName() });
    await queue.upsert({ parallelism: 1 });
    await queue.pause();
    const destination = sink.destination();
    await queue.enqueue({ url: destination.url, body: '' });
    await running.service.advance(MINUTE_MS);
    expect([destination.arrivals, await queue.get()]).toMatchObject([[], { paused: true, lag: 1 }]);
  },
  'queue.resume': async (client) => {
    const queue = await pausedQueue(client);
    const destination = sink.destination();
    await queue.enqueue({ url: destination.url, body: 'hello' });
    await queue.resume();
    expect((await first(destination)).body.toString()).toBe('hello');
    expect(await queue.get()).toMatchObject({ paused: false });
  },

  'schedules.create': async (client) => {
    const { scheduleId, destination } = await schedule(client, { body: 'tick' });
    await running.service.advance(MINUTE_MS);
    const { body, headers } = await first(destination);
    expect([body.toString(), headers['upstash-schedule-id']]).toEqual(['tick', scheduleId]);
    await client.schedules.delete(scheduleId);
  },
  'schedules.get': async (client) => {
    const scheduleId = newName();
    const destination = sink.url('/new-year');
    const request = {
      scheduleId,
      destination,
      cron: '0 9 1 1 *',
      body: 'text',
      headers: { 'X-Mine': '1' },
      retries: 4,
      delay: 10,
      queueName: newName(),
      label: ['a', 'b'],
      flowControl: { key: 'every-method', parallelism: 3, rate: 4, period: '1d' as const },
    };
    await client.schedules.create(request);
    expect(await client.schedules.get(scheduleId)).toMatchObject({
      scheduleId,
      destination,
      cron: request.cron,
      method: 'POST',
      body: 'text',
      header: { 'X-Mine': ['1'], 'Content-Type': ['application/json'] },
      retries: 4,
      delay: 10,
      queueName: request.queueName,
      labels: ['a', 'b'],
      flowControlKey: 'every-method',
      parallelism: 3,
      rate: 4,
      period: 86_400,
      isPaused: false,
    });
    await client.schedules.delete(scheduleId);
  },
  'schedules.list': async (client) => {
    const { scheduleId } = await schedule(client);
    expect((await client.schedules.list()).map((each) => each.scheduleId)).toContain(scheduleId);
    await client.schedules.delete(scheduleId);
  },
  'schedules.delete': async (client) => {
    const { scheduleId, destination } = await schedule(client);
    await client.schedules.delete(scheduleId);
    await expect(client.schedules.get(scheduleId)).rejects.toThrow('schedule not found');
    await running.service.advance(2 * MINUTE_MS);
    expect(destination.arrivals).toEqual([]);
  },
  'schedules.pause': async (client) => {
    const { scheduleId, destination } = await schedule(client);
    await client.schedules.pause({ schedule: scheduleId });
    expect(await client.schedules.get(scheduleId)).toMatchObject({ isPaused: true });
    await running.service.advance(2 * MINUTE_MS);
    expect(destination.arrivals).toEqual([]);
    await client.schedules.delete(scheduleId);
  },
  'schedules.resume': async (client) => {
    const { scheduleId, destination } = await schedule(client, { body: 'tick' });
    await client.schedules.pause({ schedule: scheduleId });
    await client.schedules.resume({ schedule: scheduleId });
    expect(await client.schedules.get(scheduleId)).toMatchObject({ isPaused: false });
    await running.service.advance(MINUTE_MS);
    expect((await first(destination)).body.toString()).toBe('tick');
    await client.schedules.delete(scheduleId);
  },

  'flowControl.get': async (client) => {
    const key = await flowControlKey(client);
    expect(await client.flowControl.get(key)).toEqual({
      flowControlKey: key,
      waitListSize: 0,
      parallelismMax: 2,
      parallelismCount: 0,
      rateMax: 5,
      rateCount: 0,
      ratePeriod: 60,
      ratePeriodStart: expect.any(Number),
      isPaused: false,
      isPinnedParallelism: false,
      isPinnedRate: false,
    });
  },
  'flowControl.getGlobalParallelism': async (client) => {
    const { parallelismMax, parallelismCount } = await client.flowControl.getGlobalParallelism();
    expect(parallelismMax).toBeGreaterThan(0);
    expect(parallelismCount).toBeGreaterThanOrEqual(0);
  },
  'flowControl.pause': async (client) => {
    const key = await flowControlKey(client);
    await client.flowControl.pause(key);
    const destination = sink.destination();
    await client.publish({ url: destination.url, body: '', flowControl: { key, parallelism: 2 } });
    await until(async () => (await client.flowControl.get(key)).waitListSize === 1);
    expect([destination.arrivals, await client.flowControl.get(key)]).toMatchObject([[], { isPaused: true }]);
  },
  'flowControl.resume': async (client) => {
    const key = await flowControlKey(client);
    await client.flowControl.pause(key);
    const destination = sink.destination();
    await client.publish({ url: destination.url, body: 'hello', flowControl: { key, parallelism: 2 } });
    await until(async () => (await client.flowControl.get(key)).waitListSize === 1);
    await client.flowControl.resume(key);
    expect((await first(destination)).body.toString()).toBe('hello');
    expect(await client.flowControl.get(key)).toMatchObject({ isPaused: false });
  },
  'flowControl.pin': async (client) => {
    const key = await flowControlKey(client);
    await client.flowControl.pin(key, { parallelism: 3, rate: 20, period: 120 });
    await later(client, { flowControl: { key, parallelism: 9, rate: 9, period: 9 } });
    const pinned = { parallelismMax: 3, rateMax: 20, ratePeriod: 120, isPinnedParallelism: true, isPinnedRate: true };
    expect(await client.flowControl.get(key)).toMatchObject(pinned);
  },
  'flowControl.unpin': async (client) => {
    const key = await flowControlKey(client);
    await client.flowControl.pin(key, { parallelism: 3, rate: 20, period: 120 });
    await client.flowControl.unpin(key, { parallelism: true });
    const unpinned = { parallelismMax: 3, rateMax: 20, isPinnedParallelism: false, isPinnedRate: true };
    expect(await client.flowControl.get(key)).toMatchObject(unpinned);
    await later(client, { flowControl: { key, parallelism: 9, rate: 9 } });
    expect(await client.flowControl.get(key)).toMatchObject({ parallelismMax: 9, rateMax: 20 });
  },
  'flowControl.resetRate': async (client) => {
    const key = newName();
    const destination = sink.destination();
    const flowControl = { key, rate: 1, period: '1h' as const };
    await client.publish({ url: destination.url, body: 'first', flowControl });
    await first(destination);
    await client.publish({ url: destination.url, body: 'second', flowControl });
    await until(async () => (await client.flowControl.get(key)).waitListSize === 1);
    expect(await client.flowControl.get(key)).toMatchObject({ rateCount: 1 });
    await client.flowControl.resetRate(key);
    await until(() => destination.arrivals.length === 2);
    expect(destination.arrivals[1]!.body.toString()).toBe('second');
  },
};

test.each(METHODS)('%s', async (method) => {
  const called = new Set<string>();
  await CASES[method]!(noting(running.client, called));
  expect([...called]).toContain(method);
});

test('each case is of a method that there is', () => {
  expect(Object.keys(CASES).sort()).toEqual([...METHODS].sort());
});

import { CONTRACT, Contract, type Operation } from './contract';
import { type Answer, closeAll, type Running, start, startSink } from './harness';
import type { Sink } from './sink';

let running: Running;
/** May publish one message in a day, have one queue, and keeps no log. */
let frugal: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start({ environment: { MAX_MESSAGE_BYTES: '1000', MAX_QUEUES: '1000' } });
  frugal = await start({ environment: { MAX_MESSAGES_PER_DAY: '1', MAX_QUEUES: '1', EVENT_LOG: 'off' } });
  sink = await startSink();
});
afterAll(closeAll);

/** An answer, and the request that it is for. The harness has held it to the description. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly answer: Answer;
}

interface Request {
  readonly headers?: Record<string, string>;
  /** Sent as JSON, unless it is text. */
  readonly body?: unknown;
  readonly by?: Running;
}

async function ask(method: string, path: string, { headers = {}, body, by = running }: Request = {}): Promise<Asked> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return {
    method,
    path,
    answer: await by.json(path, { method, headers, ...(text === undefined ? {} : { body: text }) }),
  };
}

const get = (path: string, request?: Request) => ask('GET', path, request);
const post = (path: string, request?: Request) => ask('POST', path, request);
const remove = (path: string, request?: Request) => ask('DELETE', path, request);

let names = 0;
const newName = () => `name-${++names}`;

const TOO_MANY_RETRIES = { 'Upstash-Retries': '101' };
const everything = () => ({
  'Content-Type': 'text/plain',
  'Upstash-Forward-X': 'x',
  'Upstash-Callback': sink.url('/callback'),
  'Upstash-Callback-Forward-X': 'x',
  'Upstash-Failure-Callback': sink.url('/failed'),
  'Upstash-Failure-Callback-Forward-X': 'x',
  'Upstash-Label': 'a, b',
  'Upstash-Retry-Delay': '1000',
  'Upstash-Timeout': '1.5s',
  'Upstash-Flow-Control-Key': 'contract',
  'Upstash-Flow-Control-Value': 'parallelism=100, rate=100',
});

async function published(headers: Record<string, string> = { 'Upstash-Delay': '1h' }): Promise<string> {
  return (await post(`/v2/publish/${sink.url()}`, { headers, body: 'text' })).answer.body.messageId;
}

async function deadLetter(): Promise<string> {
  const { url } = sink.destination({ status: 500, headers: { 'x-why': 'broken' }, body: 'broken' });
  const headers = { ...everything(), 'Upstash-Retries': '0' };
  const { answer } = await post(`/v2/publish/${url}`, { headers, body: 'text' });
  await running.ended(answer.body.messageId);
  return (await get(`/v2/dlq?messageId=${answer.body.messageId}`)).answer.body.messages[0].dlqId;
}

async function urlGroup(): Promise<string> {
  const name = newName();
  const body = { endpoints: [{ url: sink.url('/a'), name: 'a' }, { url: sink.url('/b') }] };
  await post(`/v2/topics/${name}/endpoints`, { body });
  return name;
}

async function pausedQueue(): Promise<string> {
  const queueName = newName();
  await post('/v2/queues', { body: { queueName, paused: true } });
  return queueName;
}

async function schedule(): Promise<string> {
  const headers = { ...everything(), 'Upstash-Cron': '0 0 29 2 *', 'Upstash-Delay': '10s' };
  return (await post(`/v2/schedules/${sink.url()}`, { headers, body: 'text' })).answer.body.scheduleId;
}

const YEARLY = { 'Upstash-Cron': '0 0 1 1 *' };

type Row = Readonly<Record<number, () => Promise<Asked>>>;

/** A key that a message waits for, and its own limits. */
async function flowControlKey(): Promise<string> {
  const key = newName();
  const limits = { 'Upstash-Flow-Control-Key': key, 'Upstash-Flow-Control-Value': 'parallelism=1, rate=1' };
  await post(`/v2/publish/${sink.url()}`, { headers: limits });
  return key;
}

/** What each change of a key answers; `query` is what it asks for. */
const changeOfKey = (verb: string, query = ''): Row => ({
  200: async () => post(`/v2/flowControl/${await flowControlKey()}/${verb}${query}`),
  400: () => post(`/v2/flowControl/a%00b/${verb}${query}`),
  412: () => post(`/v2/flowControl/${'k'.repeat(1025)}/${verb}${query}`),
});

/** What each operation answers, by its name and the status. Refusals for the token alone are below. */
const ROWS: Readonly<Record<string, Row>> = {
  publish: {
    200: () => post(`/v2/publish/${sink.url('/?a=b')}`, { headers: everything(), body: 'text' }),
    202: async () => {
      const headers = { 'Upstash-Deduplication-Id': newName() };
      await published(headers);
      return post(`/v2/publish/${sink.url()}`, { headers });
    },
    400: () => post('/v2/publish/ftp://example.com'),
    404: () => post('/v2/publish/nobody'),
    412: () => post(`/v2/publish/${sink.url()}`, { headers: TOO_MANY_RETRIES }),
    413: () => post(`/v2/publish/${sink.url()}`, { body: 'x'.repeat(1001) }),
    429: async () => {
      await post(`/v2/publish/${sink.url()}`, { by: frugal });
      return post(`/v2/publish/${sink.url()}`, { by: frugal });
    },
  },
  enqueue: {
    200: async () => post(`/v2/enqueue/${await pausedQueue()}/${sink.url()}`, { headers: everything(), body: 'text' }),
    202: async () => {
      const path = `/v2/enqueue/${await pausedQueue()}/${sink.url()}`;
      const headers = { 'Upstash-Deduplication-Id': newName() };
      await post(path, { headers });
      return post(path, { headers });
    },
    400: () => post(`/v2/enqueue/a%20b/${sink.url()}`),
    404: () => post(`/v2/enqueue/${newName()}/nobody`),
    412: () => post(`/v2/enqueue/${newName()}/${sink.url()}`, { headers: TOO_MANY_RETRIES }),
    413: () => post(`/v2/enqueue/${newName()}/${sink.url()}`, { body: 'x'.repeat(1001) }),
    429: async () => {
      await post(`/v2/enqueue/only/${sink.url()}`, { by: frugal });
      return post(`/v2/enqueue/only/${sink.url()}`, { by: frugal });
    },
  },
  listFlowControlKeys: {
    200: async () => get(`/v2/flowControl?search=${await flowControlKey()}`),
    400: () => get('/v2/flowControl?nonsense=1'),
  },
  getFlowControlKey: {
    200: async () => get(`/v2/flowControl/${await flowControlKey()}`),
    400: () => get('/v2/flowControl/a%00b'),
    404: () => get('/v2/flowControl/nobody'),
    412: () => get(`/v2/flowControl/${'k'.repeat(1025)}`),
  },
  pauseFlowControlKey: changeOfKey('pause'),
  resumeFlowControlKey: changeOfKey('resume'),
  pinFlowControlKey: changeOfKey('pin', '?parallelism=3&rate=2&period=5'),
  unpinFlowControlKey: changeOfKey('unpin', '?rate=true'),
  resetFlowControlRate: changeOfKey('resetRate'),
  getGlobalParallelism: { 200: () => get('/v2/globalParallelism') },
  listQueues: {
    200: async () => {
      await pausedQueue();
      return get('/v2/queues');
    },
  },
  upsertQueue: {
    200: () => post('/v2/queues', { body: { queueName: newName(), parallelism: 2, paused: true } }),
    400: () => post('/v2/queues', { body: { queueName: 'a b' } }),
    412: () => post('/v2/queues', { body: { queueName: newName(), parallelism: 1_000_000 } }),
  },
  getQueue: {
    200: async () => get(`/v2/queues/${await pausedQueue()}`),
    400: () => get('/v2/queues/a%20b'),
    404: () => get('/v2/queues/nobody'),
  },
  deleteQueue: {
    200: async () => remove(`/v2/queues/${await pausedQueue()}`),
    400: () => remove('/v2/queues/a%20b'),
  },
  pauseQueue: {
    200: () => post(`/v2/queues/${newName()}/pause`),
    400: () => post('/v2/queues/a%20b/pause'),
    412: async () => {
      await post('/v2/queues/only/pause', { by: frugal });
      return post('/v2/queues/another/pause', { by: frugal });
    },
  },
  resumeQueue: {
    200: async () => post(`/v2/queues/${await pausedQueue()}/resume`),
    400: () => post('/v2/queues/a%20b/resume'),
  },
  batch: {
    200: async () => {
      const destination = sink.url();
      const body = [
        { destination, headers: everything(), body: 'text' },
        { destination: await urlGroup() },
        { destination, queue: await pausedQueue() },
      ];
      return post('/v2/batch', { body });
    },
    400: () => post('/v2/batch', { body: '{}' }),
    404: () => post('/v2/batch', { body: [{ destination: 'nobody' }] }),
    412: () => post('/v2/batch', { body: [{ destination: sink.url(), headers: TOO_MANY_RETRIES }] }),
    413: () => post('/v2/batch', { body: [{ destination: sink.url(), body: 'x'.repeat(1001) }] }),
    429: () => post('/v2/batch', { body: Array(2).fill({ destination: sink.url() }), by: frugal }),
  },
  getMessage: {
    200: async () => get(`/v2/messages/${await published({ ...everything(), 'Upstash-Delay': '1h' })}`),
    404: () => get('/v2/messages/nobody'),
  },
  cancelMessage: {
    200: async () => remove(`/v2/messages/${await published()}`),
    404: () => remove('/v2/messages/nobody'),
  },
  cancelMessages: {
    200: async () => remove('/v2/messages', { body: { messageIds: [await published(), await published()] } }),
    400: () => remove('/v2/messages?nonsense=1'),
  },
  listUrlGroups: {
    200: async () => {
      await urlGroup();
      return get('/v2/topics');
    },
  },
  getUrlGroup: {
    200: async () => get(`/v2/topics/${await urlGroup()}`),
    400: () => get('/v2/topics/a%20b'),
    404: () => get('/v2/topics/nobody'),
  },
  deleteUrlGroup: {
    200: async () => remove(`/v2/topics/${await urlGroup()}`),
    400: () => remove('/v2/topics/a%20b'),
  },
  setUrlGroupHeaders: {
    200: async () =>
      ask('PATCH', `/v2/topics/${await urlGroup()}`, { body: { headers: { 'Upstash-Retries': ['1'] } } }),
    400: async () => ask('PATCH', `/v2/topics/${await urlGroup()}`, { body: { headers: { 'X-Other': '1' } } }),
    404: () => ask('PATCH', '/v2/topics/nobody', { body: { headers: {} } }),
    412: async () => ask('PATCH', `/v2/topics/${await urlGroup()}`, { body: { headers: TOO_MANY_RETRIES } }),
  },
  addEndpoints: {
    200: () => post(`/v2/topics/${newName()}/endpoints`, { body: { endpoints: [{ url: sink.url(), name: 'a' }] } }),
    400: () => post(`/v2/topics/${newName()}/endpoints`, { body: {} }),
    412: () => {
      const endpoints = Array.from({ length: 101 }, (_, n) => ({ url: sink.url(`/${n}`) }));
      return post(`/v2/topics/${newName()}/endpoints`, { body: { endpoints } });
    },
  },
  removeEndpoints: {
    200: async () => remove(`/v2/topics/${await urlGroup()}/endpoints`, { body: { endpoints: [{ name: 'a' }] } }),
    400: async () => remove(`/v2/topics/${await urlGroup()}/endpoints`, { body: { endpoints: [{}] } }),
    404: () => remove('/v2/topics/nobody/endpoints', { body: { endpoints: [{ name: 'a' }] } }),
  },
  createSchedule: {
    200: () => post(`/v2/schedules/${sink.url()}`, { headers: { ...everything(), ...YEARLY }, body: 'text' }),
    400: () => post(`/v2/schedules/${sink.url()}`),
    404: () => post('/v2/schedules/nobody', { headers: YEARLY }),
    412: () => post(`/v2/schedules/${sink.url()}`, { headers: { ...YEARLY, ...TOO_MANY_RETRIES } }),
    413: () => post(`/v2/schedules/${sink.url()}`, { headers: YEARLY, body: 'x'.repeat(1001) }),
  },
  listSchedules: {
    200: async () => {
      await schedule();
      return get('/v2/schedules');
    },
  },
  getSchedule: {
    200: async () => get(`/v2/schedules/${await schedule()}`),
    404: () => get('/v2/schedules/nobody'),
  },
  deleteSchedule: { 200: async () => remove(`/v2/schedules/${await schedule()}`) },
  pauseSchedule: {
    200: async () => post(`/v2/schedules/${await schedule()}/pause`),
    400: () => post('/v2/schedules/a%20b/pause'),
    404: () => post('/v2/schedules/nobody/pause'),
  },
  pauseScheduleByPatch: {
    200: async () => ask('PATCH', `/v2/schedules/${await schedule()}/pause`),
    404: () => ask('PATCH', '/v2/schedules/nobody/pause'),
  },
  resumeSchedule: {
    200: async () => post(`/v2/schedules/${await schedule()}/resume`),
    400: () => post('/v2/schedules/a%20b/resume'),
    404: () => post('/v2/schedules/nobody/resume'),
  },
  resumeScheduleByPatch: {
    200: async () => ask('PATCH', `/v2/schedules/${await schedule()}/resume`),
    404: () => ask('PATCH', '/v2/schedules/nobody/resume'),
  },
  listDeadLetters: {
    200: async () => get(`/v2/dlq?dlqIds=${await deadLetter()}`),
    400: () => get('/v2/dlq?nonsense=1'),
  },
  deleteDeadLetters: {
    200: async () => remove('/v2/dlq', { body: { dlqIds: [await deadLetter()] } }),
    400: () => remove('/v2/dlq?nonsense=1'),
  },
  retryDeadLetters: {
    201: async () => post(`/v2/dlq/retry?dlqIds=${await deadLetter()}`),
    400: () => post('/v2/dlq/retry?nonsense=1'),
    404: () => post('/v2/dlq/retry?dlqIds=nobody'),
    412: async () => post(`/v2/dlq/retry?dlqIds=${await deadLetter()}`, { headers: TOO_MANY_RETRIES }),
  },
  retryDeadLetter: {
    201: async () => post(`/v2/dlq/retry/${await deadLetter()}`),
    400: async () => post(`/v2/dlq/retry/${await deadLetter()}`, { headers: { 'Upstash-Retries': 'x' } }),
    404: () => post('/v2/dlq/retry/nobody'),
    412: async () => post(`/v2/dlq/retry/${await deadLetter()}`, { headers: TOO_MANY_RETRIES }),
  },
  getDeadLetter: {
    200: async () => get(`/v2/dlq/${await deadLetter()}`),
    404: () => get('/v2/dlq/nobody'),
  },
  deleteDeadLetter: {
    200: async () => remove(`/v2/dlq/${await deadLetter()}`),
    404: () => remove('/v2/dlq/nobody'),
  },
  listEvents: eventRow('/v2/events'),
  listLogs: eventRow('/v2/logs'),
  getSigningKeys: { 200: () => get('/v2/keys') },
  rotateSigningKeys: {
    200: () => post('/v2/keys/rotate?force=true'),
    400: () => post('/v2/keys/rotate?force=maybe'),
    409: async () => {
      await post('/v2/keys/rotate?force=true');
      return post('/v2/keys/rotate');
    },
  },
  readiness: { 200: () => get('/v2/readiness') },
  openApi: { 200: () => get('/v2/openapi.json') },
};

function eventRow(path: string): Row {
  return {
    200: async () => {
      const dlqId = await deadLetter();
      const { messageId } = (await get(`/v2/dlq/${dlqId}`)).answer.body;
      return get(`${path}?messageIds=${messageId}`);
    },
    400: () => get(`${path}?nonsense=1`),
    404: () => get(path, { by: frugal }),
  };
}

/** The path of an operation with what it has for an example. */
const examplePath = ({ template, parameters }: Operation) =>
  template.replace(/\{(\w+)\}/g, (_, name) => String(parameters.find((parameter) => parameter.name === name)!.example));

/** What each operation answers to another token than the one that may do everything. */
function tokenRow(operation: Operation): Row {
  const withToken = (token: string) =>
    ask(operation.method, examplePath(operation), { headers: { authorization: `Bearer ${token}` } });
  return { 401: () => withToken('wrong'), 403: () => withToken(running.service.readOnlyToken) };
}

const rowOf = (operation: Operation): Row => ({ ...tokenRow(operation), ...ROWS[operation.id] });

describe.each(CONTRACT.operations.map((operation): [string, Operation] => [operation.id, operation]))(
  '%s answers',
  (_, operation) => {
    // 500 and above are for what nobody can foresee.
    test.each(operation.statuses.filter((status) => status < 500))('%i', async (status) => {
      const { method, path, answer } = await rowOf(operation)[status]!();
      expect([answer.status, answer.body]).toEqual([status, expect.anything()]);
      expect(CONTRACT.find({ method, path })).toBe(operation);
    });
  },
);

test('the service describes itself under the address that it was asked by', async () => {
  const { answer } = await get('/v2/openapi.json');
  expect(answer.body.servers).toEqual([{ url: running.service.url }]);
  expect(new Contract(answer.body).operations).toEqual(CONTRACT.operations);
});

/** The same JSON with one object in it changed, in every way that `change` knows. */
function* mutants(
  value: unknown,
  change: (object: Record<string, unknown>) => Iterable<Record<string, unknown>>,
): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield* change(value as Record<string, unknown>);
  for (const [key, part] of Object.entries(value)) {
    for (const mutant of mutants(part, change)) {
      yield Array.isArray(value) ? value.with(Number(key), mutant) : { ...value, [key]: mutant };
    }
  }
}

const MESSAGE = ['messageId', 'url', 'method', 'maxRetries', 'notBefore', 'createdAt'];
const PUBLISHED = ['messageId', 'url'];
const URL_GROUP = ['name', 'createdAt', 'updatedAt', 'endpoints'];
const QUEUE = ['name', 'createdAt', 'updatedAt', 'parallelism', 'lag', 'paused'];
const FLOW_CONTROL_KEY = [
  ...['flowControlKey', 'waitListSize', 'isPaused', 'isPinnedParallelism', 'isPinnedRate'],
  ...['parallelismMax', 'parallelismCount', 'rateMax', 'rateCount', 'ratePeriod', 'ratePeriodStart'],
];
const SCHEDULE = ['scheduleId', 'destination', 'cron', 'createdAt', 'method', 'retries', 'isPaused'];
const KEYS = ['current', 'next'];
/** Keys of objects in an answer, without which one of the clients breaks. */
const NEEDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  publish: [PUBLISHED],
  batch: [PUBLISHED],
  getMessage: [MESSAGE],
  cancelMessage: [['cancelled']],
  cancelMessages: [['cancelled']],
  listUrlGroups: [URL_GROUP, ['url']],
  getUrlGroup: [URL_GROUP, ['url']],
  enqueue: [PUBLISHED],
  listQueues: [QUEUE],
  getQueue: [QUEUE],
  listFlowControlKeys: [FLOW_CONTROL_KEY],
  getFlowControlKey: [FLOW_CONTROL_KEY],
  getGlobalParallelism: [['parallelismMax', 'parallelismCount']],
  createSchedule: [['scheduleId']],
  listSchedules: [SCHEDULE],
  getSchedule: [SCHEDULE],
  listDeadLetters: [['messages'], ['dlqId', 'responseStatus', ...MESSAGE]],
  deleteDeadLetters: [['deleted']],
  retryDeadLetters: [['responses'], PUBLISHED],
  retryDeadLetter: [PUBLISHED],
  getDeadLetter: [['dlqId', 'responseStatus', ...MESSAGE]],
  listEvents: [['events'], ['time', 'messageId', 'state', 'url']],
  listLogs: [['logs'], ['time', 'messageId', 'state', 'url']],
  getSigningKeys: [KEYS],
  rotateSigningKeys: [KEYS],
};

test.each(CONTRACT.operations.filter(({ id }) => id !== 'openApi'))(
  'the check of $id finds a key too many and a key too few',
  async (operation) => {
    const status = operation.statuses.find((candidate) => candidate < 300)!;
    const { method, path, answer } = await rowOf(operation)[status]!();
    const problem = (body: unknown) =>
      CONTRACT.problem({ method, path, status, contentType: 'application/json', text: JSON.stringify(body) });
    const expectProblems = (bodies: readonly unknown[]) => {
      expect(bodies.length).toBeGreaterThan(0);
      for (const body of bodies) expect([body, problem(body)]).toEqual([body, expect.any(String)]);
    };
    expect(problem(answer.body)).toBeUndefined();
    expectProblems([...mutants(answer.body, (object) => [{ ...object, unexpected: 1 }])]);
    for (const keys of NEEDED[operation.id] ?? []) {
      const without = function* (object: Record<string, unknown>) {
        if (!keys.every((key) => key in object)) return;
        for (const key of keys) {
          const { [key]: _, ...rest } = object;
          yield rest;
        }
      };
      expectProblems([...mutants(answer.body, without)]);
    }
  },
);

test('the check takes no answer that is not described at all', async () => {
  const exchange = { method: 'GET', path: '/v2/keys', status: 200, contentType: 'application/json' };
  const { current, next } = (await get('/v2/keys')).answer.body;
  const text = JSON.stringify({ current, next });
  expect(CONTRACT.problem({ ...exchange, text })).toBeUndefined();
  for (const other of [{ status: 202 }, { status: 409 }, { contentType: 'text/plain' }, { text: '' }, { text: '{}' }]) {
    expect(CONTRACT.problem({ ...exchange, text, ...other })).toMatch(/^GET \/v2\/keys was answered with/);
  }
  expect(CONTRACT.problem({ ...exchange, text, path: '/v2/nothing' })).toMatch(/no such answer/);
});

describe.each(CONTRACT.operations.filter(({ id }) => /^(cancelMessages|listEvents|listLogs|.*DeadLetters)$/.test(id)))(
  'the query of $id',
  ({ method, template, parameters, statuses }) => {
    const described = parameters.filter((parameter) => parameter.in === 'query');

    test('has the parameters that are described, and no others', async () => {
      const { error } = (await ask(method, `${template}?nonsense=1`)).answer.body;
      const [, known] = /known are (.*)$/.exec(error)!;
      expect(described.map(({ name }) => name).sort()).toEqual(known!.split(', ').sort());
    });

    test('takes the examples of all', async () => {
      const examples = described.map(({ name, example }): [string, string] => [name, String(example)]);
      const { status, body } = (await ask(method, `${template}?${new URLSearchParams(examples)}`)).answer;
      // Of the ids none is there.
      if (status !== 404) expect([status, body]).toEqual([statuses[0], expect.anything()]);
    });
  },
);

describe.each(CONTRACT.operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'destination')))(
  'the headers of $id',
  (operation) => {
    const headers = operation.parameters.filter((parameter) => parameter.in === 'header');
    const examples = examplePath(operation);
    /** Nobody is called: the examples are elsewhere. What may have no delay waits in a queue that is paused. */
    const path = async () =>
      examples.replace('https://example.com/hook', sink.url()).replace('my-queue', await pausedQueue());
    /** What the header is no use without. */
    const beside = (name: string) => ({
      ...Object.fromEntries(
        headers
          .filter((other) => (other as { required?: boolean }).required)
          .map((other) => [other.name, String(other.example)]),
      ),
      ...(name !== 'Upstash-Delay' && headers.some((other) => other.name === 'Upstash-Delay')
        ? { 'Upstash-Delay': '1h' }
        : {}),
      ...(/-(Failure-)?Callback-/.test(name)
        ? { [name.replace(/(.*Callback)-.*/, '$1')]: 'https://example.com/callback' }
        : {}),
      ...(name.includes('-Flow-Control-')
        ? Object.fromEntries(
            headers
              .filter((other) => other.name.replace(/Key|Value/, '') === name.replace(/Key|Value/, ''))
              .map((other) => [other.name, String(other.example)]),
          )
        : {}),
    });

    test.each(headers)('$name: its example is taken, and what is malformed refused', async ({ name, example }) => {
      const good = await post(await path(), { headers: { ...beside(name), [name]: String(example) } });
      // 202: somebody else has published the example of an id.
      expect(good.answer.body).not.toHaveProperty('error');
      expect([200, 202]).toContain(good.answer.status);
      const { [name]: _, ...others } = beside(name) as Record<string, string>;
      const bad = await post(`${await path()}?${name.toLowerCase()}=%01`, { headers: others });
      expect([bad.answer.status, bad.answer.body.error]).toEqual([400, expect.stringContaining(name)]);
    });
  },
);

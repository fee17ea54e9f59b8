import fc from 'fast-check';
import { closeAll, type LogEntry, type Running, start, startSink, statesOf, until } from './harness';
import { AGAIN, type Reply, type Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const DAY = 86_400_000;

/** All pages of a list, the first one first. */
async function walk(query: string, between: () => Promise<unknown> = async () => {}): Promise<LogEntry[][]> {
  const pages: LogEntry[][] = [];
  let cursor = '';
  for (;;) {
    const { status, body } = await running.json(`/v2/events?${query}${cursor}`);
    expect([query, status]).toEqual([query, 200]);
    pages.push(body.events);
    if (!('cursor' in body)) return pages;
    cursor = `&cursor=${encodeURIComponent(body.cursor)}`;
    await between();
  }
}

describe('what happens to a message is told in order:', () => {
  test.each<[string, Reply[], string]>([
    ['a delivery', [200], 'CREATED ACTIVE DELIVERED'],
    ['a failure on the way', [AGAIN, 200], 'CREATED ACTIVE ERROR RETRY ACTIVE DELIVERED'],
    ['two of them', [AGAIN, AGAIN, 200], 'CREATED ACTIVE ERROR RETRY ACTIVE ERROR RETRY ACTIVE DELIVERED'],
    ['failures to the end', [AGAIN], 'CREATED ACTIVE ERROR RETRY ACTIVE ERROR RETRY ACTIVE ERROR FAILED'],
  ])('%s', async (_, replies, states) => {
    const { messageId } = await running.client.publish({ url: sink.destination(...replies).url, body: '', retries: 2 });
    const entries = await running.ended(messageId);
    expect(statesOf(entries).join(' ')).toBe(states);
    expect(entries.map(({ time }) => time)).toEqual(entries.map(({ time }) => time).sort());
  });
});

test('an entry tells the message, a failure the response too', async () => {
  const destination = sink.destination(
    { status: 503, headers: { 'retry-after': '0', 'X-From': 'it' }, body: 'no' },
    200,
  );
  const { messageId } = await running.client.publish({
    url: destination.url,
    method: 'PUT',
    body: 'caf\u00e9',
    headers: { 'Content-Type': 'text/plain', 'X-Mine': 'yes', Cookie: 'secret' },
    retries: 1,
    retryDelay: '1000',
    timeout: 20,
    label: ['a', 'b'],
    callback: sink.url('/callback'),
  });
  const [created, active, failed, retry, again, delivered] = await running.ended(messageId);
  const message = {
    time: expect.any(Number),
    messageId,
    url: destination.url,
    method: 'PUT',
    header: { 'Content-Type': ['text/plain'], 'X-Mine': ['yes'], Cookie: [expect.stringMatching(/^REDACTED:/)] },
    body: Buffer.from('caf\u00e9').toString('base64'),
    maxRetries: 1,
    timeout: 20_000,
    callback: sink.url('/callback'),
    label: 'a',
    labels: ['a', 'b'],
    retryDelayExpression: '1000',
    retryDelayExpr: '1000',
    callerIP: '127.0.0.1',
    callerIp: '127.0.0.1',
  };
  expect(created).toEqual({ ...message, state: 'CREATED' });
  expect([active, again]).toEqual([
    { ...message, state: 'ACTIVE' },
    { ...message, state: 'ACTIVE' },
  ]);
  const responseHeader = expect.objectContaining({ 'X-From': ['it'] });
  expect(failed).toEqual({
    ...message,
    state: 'ERROR',
    error: expect.stringMatching(/503/),
    responseStatus: 503,
    responseHeader,
    responseHeaders: responseHeader,
    responseBody: Buffer.from('no').toString('base64'),
  });
  expect(retry).toEqual({ ...message, state: 'RETRY', nextDeliveryTime: failed!.time });
  expect(delivered).toEqual({ ...message, state: 'DELIVERED' });
});

test('an attempt that lasts is told while it lasts', async () => {
  let end = (_: Reply) => {};
  const destination = sink.destination(
    AGAIN,
    () =>
      new Promise<Reply>((resolve) => {
        end = resolve;
      }),
  );
  const { messageId } = await running.client.publish({ url: destination.url, body: '' });
  await until(() => destination.arrivals[1]);
  expect(statesOf(await running.events(messageId))).toEqual(['CREATED', 'ACTIVE', 'ERROR', 'RETRY', 'ACTIVE']);
  // In the log of all it stands once it has lasted ten seconds.
  const query = `url=${destination.url}&state=ACTIVE`;
  await until(async () => (await walk(query)).flat().length === 2);
  end(200);
  const entries = await running.ended(messageId);
  const all = (await walk(`url=${destination.url}`)).flat().reverse();
  expect(all).toEqual(entries);
  expect(statesOf(all).slice(-2)).toEqual(['ACTIVE', 'DELIVERED']);
}, 90_000);

test('large bodies are told in part', async () => {
  const { messageId } = await running.client.publish({
    url: sink.destination({ status: 500, body: 'r'.repeat(20_000) }).url,
    body: 'b'.repeat(20_000),
    retries: 0,
  });
  const failed = (await running.ended(messageId)).find(({ state }) => state === 'ERROR');
  expect(failed).toMatchObject({
    body: Buffer.from('b'.repeat(8192)).toString('base64'),
    responseBody: Buffer.from('r'.repeat(8192)).toString('base64'),
  });
});

describe('of many messages', () => {
  const LABELS = ['red', 'green', 'blue'];
  const IPS = ['127.0.0.1', '127.0.0.2'];
  const DELAYS = ['0', '5s', '30s', '20m'];
  /** Attributes of the messages by id, as they were published. */
  const published = new Map<string, { url: string; labels: string[]; callerIp: string }>();
  /** All that happened to them, newest first. */
  let entries: LogEntry[];

  beforeAll(async () => {
    const destinations = [
      sink.destination(),
      sink.destination(500),
      sink.destination({ status: 502, body: 'r'.repeat(2000) }),
      sink.destination({ status: 503, headers: { 'retry-after': '45' } }),
    ];
    const message = fc.record({
      url: fc
        .tuple(fc.constantFrom(...destinations), fc.constantFrom('', '?a=1', '/b'))
        .map(([{ url }, rest]) => url + rest),
      labels: fc.subarray(LABELS),
      callerIp: fc.constantFrom(...IPS),
      delay: fc.constantFrom(...DELAYS),
      isCanceled: fc.boolean(),
    });
    for (const { url, labels, callerIp, delay, isCanceled } of fc.sample(message, { numRuns: 60, seed: 1 })) {
      const answer = await running.send('POST', `/v2/publish/${url}`, {
        from: callerIp,
        headers: {
          authorization: `Bearer ${running.service.token}`,
          'upstash-retries': '1',
          'upstash-delay': delay,
          'upstash-label': ['many', ...labels].join(),
        },
      });
      const { messageId } = JSON.parse(answer.text);
      published.set(messageId, { url, labels: ['many', ...labels], callerIp });
      if (isCanceled && delay !== '0') await running.request(`/v2/messages/${messageId}`, { method: 'DELETE' });
      if (published.size % 10 === 0) await running.service.advance(20_000);
    }
    await running.service.advance(1_800_000);
    entries = (await walk('label=many&count=1000')).flat();
  });

  test('the log of all has what the logs of each have, newest first', async () => {
    const ids = [...published.keys()];
    const each = await Promise.all(ids.map((messageId) => running.events(messageId)));
    const byPlace = (a: LogEntry, b: LogEntry) => b.time - a.time || (a.messageId < b.messageId ? -1 : 1);
    const expected = each.flatMap((own) => own.toReversed()).sort(byPlace);
    expect(entries.map(({ messageId, state, time }) => [messageId, state, time])).toEqual(
      expected.map(({ messageId, state, time }) => [messageId, state, time]),
    );
    expect(entries).toEqual(expected);
  });

  test('each has one of the life cycles that there are', () => {
    const cycle = /^CREATED (CANCEL_REQUESTED CANCELED|ACTIVE (ERROR RETRY ACTIVE )?(DELIVERED|ERROR FAILED))$/;
    for (const id of published.keys()) {
      const own = entries.filter(({ messageId }) => messageId === id);
      expect(statesOf(own).reverse().join(' ')).toMatch(cycle);
    }
    expect(new Set(statesOf(entries)).size).toBe(8);
  });

  test.each([7, 100])('pages of %i hold all that there was, once, while more is happening', async (count) => {
    await running.service.whenIdle();
    const all = (await walk('count=1000')).flat();
    let published = 0;
    const pages = await walk(`count=${count}`, async () => {
      if (published++ < 5) await running.client.publish({ url: sink.url(), body: '' });
    });
    expect(pages.flat()).toEqual(all);
    expect(pages.slice(0, -1).every(({ length }) => length === count)).toBe(true);
    expect(published).toBeGreaterThan(0);
  });

  test('every filter lists what it means, in order', async () => {
    const ids = [...published.keys()];
    const filters = fc.record({ pick: fc.nat(), other: fc.nat(), fields: fc.subarray([...'ulshpimft']) });
    const property = fc.asyncProperty(filters, fc.boolean(), async ({ pick, other, fields }, joined) => {
      const [entry, second] = [entries[pick % entries.length]!, entries[other % entries.length]!];
      const urlOf = ({ messageId }: LogEntry) => new URL(published.get(messageId)!.url);
      const from = Math.min(entry.time, second.time);
      const all: Record<string, Record<string, (string | number)[]>> = {
        u: { url: [urlOf(entry).href, urlOf(second).href] },
        l: { label: [LABELS[pick % 3]!, LABELS[other % 3]!] },
        s: { state: [entry.state, second.state] },
        h: { host: [urlOf(entry).host] },
        p: { path: [urlOf(entry).pathname] },
        i: { callerIp: [IPS[pick % 2]!] },
        m: { messageIds: ids.slice(pick % ids.length).slice(0, 20) },
        f: { fromDate: [from] },
        t: { toDate: [Math.max(entry.time, second.time)] },
      };
      const filter: Record<string, (string | number)[]> = Object.assign({}, ...fields.map((field) => all[field]));
      const query = new URLSearchParams({ label: 'many', count: '40' });
      if (filter.label !== undefined) query.delete('label');
      for (const [name, values] of Object.entries(filter)) {
        for (const text of joined ? [values.join()] : values) query.append(name, String(text));
      }
      const isMeant = (found: LogEntry): boolean => {
        const { url, labels, callerIp } = published.get(found.messageId)!;
        const values: Record<string, (string | number)[]> = {
          url: [url],
          label: labels,
          state: [found.state],
          host: [new URL(url).host],
          path: [new URL(url).pathname],
          callerIp: [callerIp],
          messageIds: [found.messageId],
        };
        return (
          found.time >= Number(filter.fromDate?.[0] ?? 0) &&
          found.time <= Number(filter.toDate?.[0] ?? Number.POSITIVE_INFINITY) &&
          Object.entries(filter).every(
            ([name, wanted]) => values[name]?.some((value) => wanted.includes(value)) ?? true,
          )
        );
      };
      const found = (await walk(String(query))).flat();
      expect(found.filter(({ messageId }) => published.has(messageId))).toEqual(entries.filter(isMeant));
    });
    await fc.assert(property, { numRuns: 40 });
  });

  test.each([
    ['IN_PROGRESS', ['ACTIVE', 'RETRY', 'ERROR']],
    ['CANCELLED', ['CANCELED']],
    ['ERROR,FAILED', ['ERROR', 'FAILED']],
  ])('the state %s stands for %p', async (state, states) => {
    const found = (await walk(`label=many&state=${state}`)).flat();
    expect(found).toEqual(entries.filter((entry) => states.includes(entry.state)));
  });

  test.each(['topicName', 'queueName', 'scheduleId', 'flowControlKey'])('nothing has a %s', async (name) => {
    expect(await walk(`${name}=none`)).toEqual([[]]);
  });

  test('the client lists them, and a page has a hundred where nothing is said', async () => {
    const { events, cursor } = await running.client.logs({ filter: { label: 'many' } });
    expect([events.length, cursor]).toEqual([100, expect.any(String)]);
    const next = await running.client.logs({ filter: { label: 'many' }, cursor });
    expect(next.events[0]!.time).toBeLessThanOrEqual(events.at(-1)!.time);
    const own = await running.client.logs({ messageIds: [...published.keys()].slice(0, 2) });
    expect(new Set(own.logs.map(({ messageId }) => messageId)).size).toBe(2);
  });

  test('the same is told under the name logs', async () => {
    const { body } = await running.json('/v2/logs?label=many&count=7&state=CREATED');
    expect(Object.keys(body)).toEqual(['logs', 'events', 'cursor']);
    expect(body.logs).toEqual(entries.filter(({ state }) => state === 'CREATED').slice(0, 7));
    expect(body.events).toEqual(body.logs);
  });
});

test.each([
  'lable=x',
  'state=DONE',
  'state=',
  'count=0',
  'count=x',
  'cursor=x',
  'cursor=1-2-9',
  'fromDate=now',
  'toDate=1700000000',
  'fromDate=1700000000001&toDate=1700000000000',
  'responseStatus=200',
])('?%s is refused', async (query) => {
  for (const path of ['/v2/events', '/v2/logs']) {
    const { status, body } = await running.json(`${path}?${query}`);
    expect([status, body]).toEqual([400, { error: expect.stringMatching(new RegExp(query.split('=')[0]!)) }]);
  }
});

test('after three days it is forgotten, event by event', async () => {
  const destination = sink.destination({ status: 500, headers: { 'retry-after': '86400' } }, 200);
  const { messageId } = await running.client.publish({ url: destination.url, body: '' });
  await running.service.whenIdle();
  await running.service.advance(DAY + 1000);
  const told = async () => statesOf((await walk(`url=${destination.url}`)).flat()).reverse();
  expect(await told()).toEqual(['CREATED', 'ACTIVE', 'ERROR', 'RETRY', 'ACTIVE', 'DELIVERED']);
  await running.service.advance(2 * DAY);
  expect(await told()).toEqual(['ACTIVE', 'DELIVERED']);
  expect(statesOf(await running.events(messageId))).toEqual(['ACTIVE', 'DELIVERED']);
  await running.service.advance(DAY);
  expect(await told()).toEqual([]);
  expect(await running.events(messageId)).toEqual([]);
});

test('a service without an event log says so, and does everything else', async () => {
  const silent = await start({ environment: { EVENT_LOG: 'off' } });
  for (const path of ['/v2/events', '/v2/logs', '/v2/events?messageIds=a']) {
    expect(await silent.json(path)).toMatchObject({ status: 404, body: { error: expect.stringMatching(/eventLog/) } });
  }
  const destination = sink.destination(
    { status: 500, headers: { 'retry-after': '60' }, body: 'first' },
    { status: 500, body: 'last' },
  );
  const callback = sink.destination();
  const { messageId } = await silent.client.publish({
    url: destination.url,
    body: '',
    retries: 1,
    callback: callback.url,
  });
  await silent.service.whenIdle();
  await silent.service.advance(61_000);
  expect(destination.arrivals).toHaveLength(2);
  expect(callback.arrivals).toHaveLength(2);
  const { messages } = await silent.client.dlq.listMessages({ filter: { messageId } });
  expect(messages).toMatchObject([{ messageId, responseBody: 'last' }]);
  expect(await silent.client.messages.get(messageId)).toMatchObject({ messageId });
});

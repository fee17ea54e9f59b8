import { createHash } from 'node:crypto';
import { closeAll, type Running, start, startSink, until } from './harness';
import { AGAIN, type Arrival, type Destination, type Reply, type Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');

// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
const reportOf = ({ body }: Arrival): any => JSON.parse(body.toString());

/** The reports that a destination was sent, by the attempt that they tell of. */
const reportsAt = ({ arrivals }: Destination) => arrivals.map(reportOf).sort((a, b) => a.retried - b.retried);

/** Response headers as reports show them: those of the sink, and those that every answer of Node has. */
const header = (headers: Record<string, string[]> = {}) => ({
  Connection: ['close'],
  Date: [expect.any(String)],
  'Transfer-Encoding': ['chunked'],
  ...headers,
});

test('every attempt is reported, with what was sent and what came back', async () => {
  const callback = sink.destination();
  const destination = sink.destination(
    { status: 503, headers: { 'retry-after': '0', 'x-from': 'the destination' }, body: 'not now' },
    { status: 201, body: Buffer.from([0xff, 0x00]) },
  );
  const url = `${destination.url}/a?b=1`;
  const { messageId } = await running.client.publish({
    url,
    method: 'PUT',
    body: 'caf\u00e9',
    headers: { 'Content-Type': 'text/plain', 'X-Mine': 'yes', Authorization: 'Bearer secret' },
    retries: 2,
    delay: '1s',
    callback: callback.url,
  });
  const { createdAt, notBefore } = await running.client.messages.get(messageId);
  await running.service.advance(2000);
  const shared = {
    maxRetries: 2,
    sourceMessageId: messageId,
    url,
    method: 'PUT',
    sourceHeader: {
      Authorization: [`REDACTED:${createHash('sha256').update('Bearer secret').digest('hex')}`],
      'Content-Type': ['text/plain'],
      'X-Mine': ['yes'],
    },
    sourceBody: base64('caf\u00e9'),
    notBefore,
    createdAt,
    callerIP: '127.0.0.1',
  };
  const failed = header({ 'Retry-After': ['0'], 'X-From': ['the destination'] });
  expect(reportsAt(callback)).toEqual([
    { status: 503, header: failed, body: base64('not now'), retried: 0, ...shared },
    { status: 201, header: header(), body: '/wA=', retried: 1, ...shared },
  ]);
});

test('an attempt without an answer is reported with status 0 and the reason', async () => {
  const callback = sink.destination();
  await running.client.publish({
    url: sink.destination('hang').url,
    body: '',
    retries: 0,
    timeout: 0.2,
    callback: callback.url,
  });
  const report = reportOf(await until(() => callback.arrivals[0]));
  expect(report).toMatchObject({ status: 0, header: {}, retried: 0, maxRetries: 0, sourceBody: '' });
  expect(Buffer.from(report.body, 'base64').toString()).toMatch(/time/);
});

test('a report is a message of its own: JSON by POST, with an id, a signature and a log', async () => {
  const callback = sink.destination();
  const { messageId } = await running.client.publish({
    url: sink.destination().url,
    method: 'GET',
    callback: callback.url,
  });
  const arrival = await until(() => callback.arrivals[0]);
  const id = String(arrival.headers['upstash-message-id']);
  expect(id).not.toBe(messageId);
  expect(arrival.method).toBe('POST');
  expect(arrival.headers).toMatchObject({ 'content-type': 'application/json', 'upstash-retried': '0' });
  const signature = String(arrival.headers['upstash-signature']);
  expect(await running.receiver.verify({ signature, body: arrival.body.toString(), url: callback.url })).toBe(true);
  const entries = await running.ended(id);
  expect(entries.at(-1)).toMatchObject({ state: 'DELIVERED', url: callback.url });
  expect(await running.client.messages.get(id)).toMatchObject({ body: arrival.body.toString() });
});

test('the whole of a large body and a large response is reported', async () => {
  const callback = sink.destination();
  const response = Buffer.alloc(262_144, 'r');
  await running.client.publish({
    url: sink.destination({ status: 200, body: response }).url,
    body: 's'.repeat(262_144),
    callback: callback.url,
  });
  const report = reportOf(await until(() => callback.arrivals[0]));
  expect(report.body === base64(response)).toBe(true);
  expect(report.sourceBody === base64('s'.repeat(262_144))).toBe(true);
});

test('what a report tells of is kept for as long as the report waits', async () => {
  const callback = sink.destination();
  await running.client.publish({
    url: sink.destination({ status: 200, body: 'r'.repeat(1000) }).url,
    body: 'text',
    callback: callback.url,
    headers: { 'Upstash-Callback-Delay': '100d' },
  });
  await running.service.advance(100 * 86_400_000 + 1000);
  expect(reportsAt(callback)).toMatchObject([{ sourceBody: base64('text'), body: base64('r'.repeat(1000)) }]);
});

describe('the failure callback', () => {
  test('comes once, after the last attempt, with a dead letter that is there by then', async () => {
    const found: unknown[] = [];
    const failureCallback = sink.destination(async (arrival) => {
      const { dlqId, sourceMessageId } = reportOf(arrival);
      found.push((await running.json(`/v2/dlq/${dlqId}`)).body);
      found.push(...(await running.client.dlq.listMessages({ filter: { messageId: sourceMessageId } })).messages);
      return 200;
    });
    const callback = sink.destination();
    const destination = sink.destination({ ...(AGAIN as object), status: 500, body: 'broken' });
    const { messageId } = await running.client.publish({
      url: destination.url,
      body: 'text',
      retries: 2,
      callback: callback.url,
      failureCallback: failureCallback.url,
    });
    await running.ended(messageId);
    await running.service.whenIdle();
    const reports = reportsAt(callback);
    expect(reports.map(({ retried }) => retried)).toEqual([0, 1, 2]);
    for (const report of reports) expect(report).not.toHaveProperty('dlqId');
    const [failure] = reportsAt(failureCallback);
    expect(failureCallback.arrivals).toHaveLength(1);
    expect(failure).toEqual({ ...reports[2], dlqId: expect.stringMatching(/^\d{13}-\d+$/) });
    const letter = { dlqId: failure.dlqId, messageId, responseStatus: 500, responseBody: 'broken', body: 'text' };
    expect(found).toMatchObject([letter, letter]);
  });

  test('comes at once where the destination forbids a further attempt', async () => {
    const failureCallback = sink.destination();
    const destination = sink.destination({ status: 489, headers: { 'Upstash-NonRetryable-Error': 'true' } });
    await running.client.publish({ url: destination.url, body: '', failureCallback: failureCallback.url });
    const report = reportOf(await until(() => failureCallback.arrivals[0]));
    expect(report).toMatchObject({ status: 489, retried: 0, maxRetries: 3 });
  });

  test('does not come for a message that is delivered in the end', async () => {
    const failureCallback = sink.destination();
    const { messageId } = await running.client.publish({
      url: sink.destination(AGAIN, AGAIN, 200).url,
      body: '',
      failureCallback: failureCallback.url,
    });
    expect((await running.ended(messageId)).at(-1)!.state).toBe('DELIVERED');
    await running.service.advance(3_600_000);
    expect(failureCallback.arrivals).toEqual([]);
  });
});

describe.each(['Upstash-Callback', 'Upstash-Failure-Callback'])('the settings under %s-', (name) => {
  /** Publishes what fails at its one attempt and is reported to `callback`. */
  const publish = (callback: Destination, settings: Record<string, string>, retries = 0) =>
    running.client.publish({
      url: sink.destination({ status: 500 }).url,
      body: '',
      retries,
      retryDelay: '0',
      headers: {
        [name]: callback.url,
        ...Object.fromEntries(Object.entries(settings).map(([setting, value]) => [`${name}-${setting}`, value])),
      },
    });

  test('decide how the report is delivered', async () => {
    const callback = sink.destination();
    await publish(callback, {
      Method: 'PUT',
      Retries: '7',
      'Retry-Delay': '1000 * retried',
      Timeout: '90s',
      'Forward-X-Mine': 'yes',
      'Forward-Authorization': 'Bearer secret',
      Unknown: 'ignored',
    });
    const { method, headers } = await until(() => callback.arrivals[0]);
    expect(method).toBe('PUT');
    expect(headers).toMatchObject({
      'x-mine': 'yes',
      authorization: 'Bearer secret',
      'content-type': 'application/json',
    });
    const { body } = await running.json(`/v2/messages/${headers['upstash-message-id']}`);
    expect(body).toMatchObject({ maxRetries: 7, retryDelayExpression: '1000 * retried', timeout: 90 });
  });

  test('delay it', async () => {
    const calledAt: number[] = [];
    const callback = sink.destination(() => {
      calledAt.push(running.service.clock.now());
      return 200;
    });
    const { messageId } = await publish(callback, { Delay: '20m' });
    const failedAt = (await running.ended(messageId)).at(-1)!.time;
    await running.service.advance(1_201_000);
    expect(calledAt).toHaveLength(1);
    expect(calledAt[0]).toBeGreaterThanOrEqual(failedAt + 1_200_000);
  });

  test('are its own: it is tried again as they say, and as often as its message where they say nothing', async () => {
    const own = sink.destination(AGAIN);
    const inherited = sink.destination(AGAIN);
    await publish(own, { Retries: '2' }, 0);
    await publish(inherited, {}, 1);
    await running.service.whenIdle();
    expect(own.arrivals.map(({ headers }) => headers['upstash-retried'])).toEqual(['0', '1', '2']);
    const attempts = inherited.arrivals.map(({ headers }) => headers['upstash-retried']).sort();
    // The first two of the four are of the report of the first attempt.
    expect(attempts).toEqual(name === 'Upstash-Callback' ? ['0', '0', '1', '1'] : ['0', '1']);
  });
});

describe('a callback of a callback', () => {
  test('reports the delivery of the report', async () => {
    const [outer, inner] = [sink.destination({ status: 202, body: 'seen' }), sink.destination()];
    const { messageId } = await running.client.publish({
      url: sink.destination().url,
      body: 'text',
      headers: {
        'Upstash-Callback': outer.url,
        'Upstash-Callback-Forward-X-Level': '1',
        'Upstash-Callback-Callback': inner.url,
        'Upstash-Callback-Callback-Method': 'PATCH',
        'Upstash-Callback-Callback-Forward-X-Level': '2',
      },
    });
    const { method, headers, ...arrival } = await until(() => inner.arrivals[0]);
    expect([method, headers['x-level']]).toEqual(['PATCH', '2']);
    const reported = outer.arrivals[0]!;
    expect(reportOf(reported).sourceMessageId).toBe(messageId);
    expect(reportOf(arrival as Arrival)).toMatchObject({
      status: 202,
      body: base64('seen'),
      sourceMessageId: reported.headers['upstash-message-id'],
      url: outer.url,
      method: 'POST',
      sourceHeader: { 'Content-Type': ['application/json'], 'X-Level': ['1'] },
      sourceBody: base64(reported.body),
    });
  });

  test.each<[string, Reply, string]>([
    ['a callback that fails', 200, 'Upstash-Callback'],
    ['a failure callback that fails', { status: 500 }, 'Upstash-Failure-Callback'],
  ])('reports the failure of %s', async (_, reply, name) => {
    const [outer, inner] = [sink.destination({ status: 500 }), sink.destination()];
    await running.client.publish({
      url: sink.destination(reply).url,
      body: '',
      retries: 0,
      headers: { [name]: outer.url, [`${name}-Failure-Callback`]: inner.url },
    });
    const report = reportOf(await until(() => inner.arrivals[0]));
    expect(report).toMatchObject({ status: 500, url: outer.url });
    const { body } = await running.json(`/v2/dlq/${report.dlqId}`);
    expect(body).toMatchObject({ messageId: report.sourceMessageId, body: outer.arrivals[0]!.body.toString() });
    await running.service.whenIdle();
    expect([outer.arrivals.length, inner.arrivals.length]).toEqual([1, 1]);
  });

  test('is refused at the third level', async () => {
    const { status, body } = await running.json(`/v2/publish/${sink.destination().url}`, {
      method: 'POST',
      headers: {
        'Upstash-Callback': sink.url(),
        'Upstash-Callback-Callback': sink.url(),
        'Upstash-Callback-Callback-Callback': sink.url(),
      },
    });
    expect([status, body.error]).toEqual([400, expect.stringMatching(/Upstash-Callback-Callback-Callback.*2 deep/)]);
  });
});

test('a callback that fails is a dead letter of its own, and its message knows nothing of it', async () => {
  const callback = sink.destination({ status: 500, body: 'no' });
  const failureCallback = sink.destination();
  const { messageId } = await running.client.publish({
    url: sink.destination().url,
    body: 'text',
    retries: 0,
    callback: callback.url,
    failureCallback: failureCallback.url,
  });
  expect((await running.ended(messageId)).at(-1)!.state).toBe('DELIVERED');
  await running.service.whenIdle();
  const { messages } = await running.client.dlq.listMessages({ filter: { url: callback.url } });
  expect(messages).toMatchObject([
    {
      messageId: callback.arrivals[0]!.headers['upstash-message-id'],
      url: callback.url,
      responseStatus: 500,
      responseBody: 'no',
      body: callback.arrivals[0]!.body.toString(),
    },
  ]);
  expect((await running.client.dlq.listMessages({ filter: { messageId } })).messages).toEqual([]);
  expect([callback.arrivals.length, failureCallback.arrivals.length]).toEqual([1, 0]);
});

import { type Answer, closeAll, type Running, start, startSink } from './harness';
import type { Sink } from './sink';

let running: Running;
/** May have two schedules and one queue. */
let small: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  small = await start({ environment: { MAX_SCHEDULES: '2', MAX_QUEUES: '1', MAX_MESSAGE_BYTES: '1000' } });
  sink = await startSink();
});
afterAll(closeAll);

const YEARLY = { 'Upstash-Cron': '0 0 1 1 *' };

function post(destination: string, headers: Record<string, string>, body?: string, on = running): Promise<Answer> {
  return on.json(`/v2/schedules/${destination}`, { method: 'POST', headers, body });
}

/** A refusal: says what is wrong in printable text, and nothing was written. */
async function expectRefusal(answer: Promise<Answer>, status: number, text: RegExp, on = running): Promise<void> {
  const before = await on.items();
  const { status: own, body } = await answer;
  expect([own, body]).toEqual([status, { error: expect.stringMatching(text) }]);
  expect(body.error).toMatch(/^[\x20-\x7e]{1,420}$/);
  expect(await on.items()).toEqual(before);
}

describe('of a cron expression', () => {
  test.each<[string, RegExp]>([
    ['', /has 0 fields, but must have five/],
    ['* * * *', /has 4 fields/],
    ['0 * * * * *', /has 6 fields, but must have five: minute, hour, day of month, month, day of week/],
    ['@every 5m', /"@every 5m" is not supported: write five fields/],
    ['@daily', /"@daily" is not supported/],
    ['60 * * * *', /"60" in the minute: allowed are 0 to 59, and \* , - \//],
    ['* * L * *', /"L" in the day of month/],
    ['* * 15W * *', /"15W" in the day of month/],
    ['* * * * FRI#2', /"FRI#2" in the day of week/],
    ['0 0 ? * *', /"\?" in the day of month/],
    ['*/0 * * * *', /a step must be 1 or more/],
    ['0 0 30 2 *', /its date never comes/],
    ['CRON_TZ=Mars/Olympus * * * * *', /"Mars\/Olympus" is not an IANA time zone/],
    ['CRON_TZ=UTC+1 * * * * *', /"UTC\+1" is not an IANA time zone/],
    ['x'.repeat(300), /longer than 256 characters/],
    [`${'x'.repeat(250)} * * * *`, /longer than 256 characters/],
    [`${'x'.repeat(240)} * * * *`, /in the minute/],
    ['\u00e9 * * * *', /"\?+" in the minute/],
  ])('"%s"', async (cron, text) => {
    await expectRefusal(post('https://example.com', { 'Upstash-Cron': cron }), 400, text);
    const query = new URLSearchParams({ 'upstash-cron': cron });
    const answer = running.json(`/v2/schedules/https://example.com?${query}`, { method: 'POST' });
    await expectRefusal(answer, 400, /^invalid Upstash-Cron: /);
  });

  test('that is missing', async () => {
    await expectRefusal(post('https://example.com', {}), 400, /^invalid Upstash-Cron: it is missing$/);
  });
});

test.each<[string, string, number, RegExp]>([
  ['Upstash-Schedule-Id', 'a b', 400, /^invalid Upstash-Schedule-Id: "a b" may hold letters, digits/],
  ['Upstash-Schedule-Id', '', 400, /^invalid Upstash-Schedule-Id/],
  ['Upstash-Schedule-Id', 'a/b', 400, /^invalid Upstash-Schedule-Id/],
  ['Upstash-Schedule-Id', 'x'.repeat(257), 400, /^invalid Upstash-Schedule-Id/],
  ['Upstash-Queue-Name', 'a b', 400, /^invalid Upstash-Queue-Name: "a b" may hold letters, digits/],
  ['Upstash-Queue-Name', '', 400, /^invalid Upstash-Queue-Name/],
  ['Upstash-Not-Before', '4000000000', 400, /^invalid Upstash-Not-Before: a schedule cannot have it/],
  ['Upstash-Deduplication-Id', 'id', 400, /^invalid Upstash-Deduplication-Id: a schedule cannot have it/],
  ['Upstash-Content-Based-Deduplication', 'true', 400, /^invalid Upstash-Content-Based-Deduplication: a schedule/],
  ['Upstash-Delay', 'soon', 400, /^invalid Upstash-Delay/],
  ['Upstash-Delay', '366d', 412, /^invalid Upstash-Delay/],
  ['Upstash-Retries', '-1', 400, /^invalid Upstash-Retries/],
  ['Upstash-Retries', '101', 412, /^invalid Upstash-Retries/],
  ['Upstash-Retry-Delay', 'retried()', 400, /^invalid Upstash-Retry-Delay/],
  ['Upstash-Timeout', '0', 400, /^invalid Upstash-Timeout/],
  ['Upstash-Timeout', '1h', 412, /^invalid Upstash-Timeout/],
  ['Upstash-Method', 'HEAD', 400, /^invalid Upstash-Method/],
  ['Upstash-Callback', 'ftp://example.com', 400, /^invalid Upstash-Callback/],
  ['Upstash-Callback-Cron', '* * * * *', 400, /^invalid Upstash-Callback-Cron: only schedules have it/],
  ['Upstash-Failure-Callback', 'http://169.254.169.254/', 400, /^invalid Upstash-Failure-Callback.*not allowed/],
  ['Upstash-Flow-Control-Key', 'key', 400, /^invalid Upstash-Flow-Control-Key: needs Upstash-Flow-Control-Value/],
  ['Upstash-Redact-Fields', 'cookies', 400, /^invalid Upstash-Redact-Fields/],
  ['Upstash-Label', 'x'.repeat(257), 412, /^invalid Upstash-Label/],
])('of %s "%s"', async (name, value, status, text) => {
  await expectRefusal(post('https://example.com', { ...YEARLY, [name]: value }), status, text);
});

test.each<[string, number, RegExp]>([
  ['', 400, /destination url/],
  ['ftp://example.com', 400, /destination url.*scheme/],
  ['http://10.0.0.1/', 400, /destination url.*not allowed/],
  ['no-such-group', 404, /^url group not found: no-such-group$/],
])('of the destination "%s"', async (destination, status, text) => {
  await expectRefusal(post(destination, YEARLY), status, text);
});

test('of a schedule that would carry a token of the service, or call it', async () => {
  const { url, token } = running.service;
  await expectRefusal(post(`${url}/v2/publish/x`, YEARLY), 400, /an address of the service itself/);
  const headers = { ...YEARLY, 'Upstash-Forward-Authorization': `Bearer ${token}` };
  await expectRefusal(post('https://example.com', headers), 400, /carries a token of this service/);
});

test.each(['Upstash-Cron', 'Upstash-Schedule-Id', 'Upstash-Queue-Name'])('of %s on a message', async (name) => {
  const answer = running.json(`/v2/publish/${sink.url()}`, { method: 'POST', headers: { [name]: 'a' } });
  await expectRefusal(answer, 400, new RegExp(`^invalid ${name}: only schedules have it`));
});

test('of one schedule more than there may be, though not of another one in its place', async () => {
  const create = (id: string) => post('https://example.com', { ...YEARLY, 'Upstash-Schedule-Id': id }, 'body', small);
  for (const id of ['a', 'b', 'b', 'a']) expect((await create(id)).status).toBe(200);
  await expectRefusal(create('c'), 412, /^too many schedules: this service has 2 at most$/, small);
  await small.client.schedules.delete('b');
  expect((await create('c')).status).toBe(200);
  await small.client.schedules.delete('c');
});

test('of one queue more than there may be', async () => {
  await small.client.queue({ queueName: 'only' }).upsert({});
  const create = (name: string) =>
    post('https://example.com', { ...YEARLY, 'Upstash-Schedule-Id': 'q', 'Upstash-Queue-Name': name }, '', small);
  expect((await create('only')).status).toBe(200);
  await expectRefusal(create('other'), 412, /^too many queues: this service has 1 at most$/, small);
});

test('of a body that is too large', async () => {
  await expectRefusal(
    post('https://example.com', YEARLY, 'x'.repeat(1001), small),
    413,
    /1001 bytes, at most 1000/,
    small,
  );
});

test('of everything but reading to a read-only token, and of everything to none', async () => {
  const { body } = await post('https://example.com', { ...YEARLY, 'Upstash-Schedule-Id': 'seen' });
  expect(body).toEqual({ scheduleId: 'seen' });
  const ask = (method: string, path: string, token: string) =>
    running.json(path, { method, headers: { ...YEARLY, authorization: `Bearer ${token}` } });
  const { readOnlyToken } = running.service;
  for (const [method, path, status] of [
    ['GET', '/v2/schedules', 200],
    ['GET', '/v2/schedules/seen', 200],
    ['POST', '/v2/schedules/https://example.com', 403],
    ['POST', '/v2/schedules/seen/pause', 403],
    ['PATCH', '/v2/schedules/seen/pause', 403],
    ['PATCH', '/v2/schedules/seen/resume', 403],
    ['DELETE', '/v2/schedules/seen', 403],
  ] as const) {
    expect([method, path, (await ask(method, path, readOnlyToken)).status]).toEqual([method, path, status]);
    expect((await ask(method, path, 'none')).status).toBe(401);
  }
  expect(await running.client.schedules.get('seen')).toMatchObject({ isPaused: false });
});

test('of methods and paths that there are not', async () => {
  for (const [method, path, status] of [
    ['PUT', '/v2/schedules/seen', 405],
    ['POST', '/v2/schedules', 405],
    ['GET', '/v2/schedules/unknown', 404],
    ['GET', '/v2/schedules/a%20b', 404],
    ['PATCH', '/v2/schedules/https://example.com', 404],
    // Longer than any key may be.
    ['GET', `/v2/schedules/${'x'.repeat(3_000)}`, 404],
    ['PATCH', `/v2/schedules/${'x'.repeat(3_000)}/pause`, 404],
    ['POST', `/v2/schedules/${'x'.repeat(3_000)}/resume`, 404],
    ['DELETE', `/v2/schedules/${'x'.repeat(3_000)}`, 200],
  ] as const) {
    const answer = await running.json(path, { method });
    expect([method, path, answer.status]).toEqual([method, path, status]);
  }
});

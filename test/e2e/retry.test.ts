import { closeAll, type Running, start, startSink, statesOf } from './harness';
import { AGAIN, type Reply, type Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** From the end of each failed attempt to the next, as the log tells it, in milliseconds. */
async function delaysOf(messageId: string): Promise<number[]> {
  const entries = await running.events(messageId);
  return entries.filter(({ state }) => state === 'RETRY').map(({ time, nextDeliveryTime }) => nextDeliveryTime! - time);
}

test('by default it is tried again after 12 seconds, 2 minutes 28 and 30 minutes 8, and never before', async () => {
  const calledAt: number[] = [];
  const destination = sink.destination(() => {
    calledAt.push(running.service.clock.now());
    return 500;
  });
  const { messageId } = await running.client.publish({ url: destination.url, body: 'text' });
  await running.service.whenIdle();
  await running.service.advance(12_000 + 148_000 + MINUTE);
  expect(await delaysOf(messageId)).toEqual([12_000, 148_000, 1_808_000]);
  // Longer than SQS holds a message: the last one waits in the table.
  expect((await running.items()).filter(({ pk }) => pk!.S!.startsWith('due#'))).toHaveLength(1);
  await running.service.advance(1_808_000);
  const entries = await running.events(messageId);
  const attempt = ['ACTIVE', 'ERROR', 'RETRY'];
  expect(statesOf(entries)).toEqual(['CREATED', ...attempt, ...attempt, ...attempt, 'ACTIVE', 'ERROR', 'FAILED']);
  expect(destination.arrivals.map(({ headers }) => headers['upstash-retried'])).toEqual(['0', '1', '2', '3']);
  const due = entries.flatMap(({ nextDeliveryTime }) => nextDeliveryTime ?? []);
  for (const [index, time] of due.entries()) expect(calledAt[index + 1]).toBeGreaterThanOrEqual(time);
  for (const { body } of destination.arrivals) expect(body.toString()).toBe('text');
});

test('the default delay grows to a day and no further', async () => {
  const destination = sink.destination(500);
  const { messageId } = await running.client.publish({ url: destination.url, body: '', retries: 6 });
  await running.service.advance(60 * HOUR);
  expect(destination.arrivals).toHaveLength(7);
  const [, , , ...later] = await delaysOf(messageId);
  expect(later).toEqual([22_026_000, 86_400_000, 86_400_000]);
});

describe('the destination says when to come again:', () => {
  const date = (milliseconds: number) => new Date(1_700_000_000_000 + milliseconds).toUTCString();
  test.each<[string, Record<string, string>, number]>([
    ['in seconds', { 'Retry-After': '120' }, 120_000],
    ['at once', { 'Retry-After': '0' }, 0],
    ['as a date', { Date: date(0), 'Retry-After': date(60_000) }, 60_000],
    ['as a date that has passed', { Date: date(0), 'Retry-After': date(-60_000) }, 0],
    ['as a duration', { 'Retry-After': '6m5s' }, 365_000],
    ['when the rate limit ends', { 'X-RateLimit-Reset': '30' }, 30_000],
    ['when that of requests ends', { 'X-RateLimit-Reset-Requests': '1m0.5s' }, 60_500],
    ['when that of tokens ends', { 'X-RateLimit-Reset-Tokens': '20ms' }, 20],
    ['in several ways, of which the first counts', { 'Retry-After': '5', 'X-RateLimit-Reset': '30' }, 5000],
    ['in a day at most', { 'Retry-After': '86400' }, 86_400_000],
    ['in more than a day, which is ignored', { 'Retry-After': '86401' }, 7000],
    ['as a unix time, which is more than a day', { 'X-RateLimit-Reset': '1700000000' }, 7000],
    ['in a way that nobody understands', { 'Retry-After': 'soon' }, 7000],
    ['not at all', {}, 7000],
  ])('%s', async (_, headers, delay) => {
    const destination = sink.destination({ status: 429, headers }, 200);
    // Its own delay counts where the destination's does not.
    const { messageId } = await running.client.publish({
      url: destination.url,
      body: '',
      retries: 1,
      retryDelay: '7000',
    });
    await running.service.whenIdle();
    await running.service.advance(delay + 1000);
    expect(await delaysOf(messageId)).toEqual([delay]);
    expect(destination.arrivals).toHaveLength(2);
  });

  test('a delivered message is not tried again, whatever it says', async () => {
    const destination = sink.destination({ status: 200, headers: { 'Retry-After': '1' } });
    const { messageId } = await running.client.publish({ url: destination.url, body: '' });
    await running.service.advance(HOUR);
    expect(statesOf(await running.events(messageId))).toEqual(['CREATED', 'ACTIVE', 'DELIVERED']);
    expect(destination.arrivals).toHaveLength(1);
  });
});

test.each<[string, number[]]>([
  ['1000 * (1 + retried)', [1000, 2000, 3000]],
  ['pow(2, retried) * 1000', [1000, 2000, 4000]],
  ['max(1500, pow(2, retried) * 1000)', [1500, 2000, 4000]],
  ['500', [500, 500, 500]],
  ['floor(exp(retried) * 100) / 3', [33, 90, 246]],
  ['-5 + retried', [0, 0, 0]],
  ['1 / 0 * (retried - 1)', [0, 0, 86_400_000]],
])('the publisher says when to try again: %s', async (retryDelay, delays) => {
  const destination = sink.destination(500);
  const { messageId } = await running.client.publish({ url: destination.url, body: '', retries: 3, retryDelay });
  expect(await running.client.messages.get(messageId)).toMatchObject({ retryDelayExpression: retryDelay });
  await running.service.whenIdle();
  await running.service.advance(delays.reduce((sum, delay) => sum + delay + 1000, MINUTE));
  expect(await delaysOf(messageId)).toEqual(delays);
  expect(destination.arrivals).toHaveLength(4);
});

test.each([0, 1, 20])('with %i retries there is one attempt more than that', async (retries) => {
  const destination = sink.destination(AGAIN);
  const { messageId } = await running.client.publish({ url: destination.url, body: '', retries });
  expect((await running.ended(messageId)).at(-1)!.state).toBe('FAILED');
  const numbers = Array.from({ length: retries + 1 }, (_, index) => String(index));
  expect(destination.arrivals.map(({ headers }) => headers['upstash-retried'])).toEqual(numbers);
});

test('a success on the way ends it', async () => {
  const replies: Reply[] = [AGAIN, 'hang', AGAIN, 201];
  const destination = sink.destination(...replies);
  const { messageId } = await running.client.publish({
    url: destination.url,
    body: '',
    retries: 5,
    retryDelay: '0',
    timeout: 0.2,
  });
  const entries = await running.ended(messageId);
  expect(statesOf(entries).filter((state) => state === 'DELIVERED')).toHaveLength(1);
  expect(entries.filter(({ state }) => state === 'ERROR').map(({ responseStatus }) => responseStatus)).toEqual([
    503, 0, 503,
  ]);
  expect(destination.arrivals).toHaveLength(4);
});

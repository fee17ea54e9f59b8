import { closeAll, type Running, start, startSink } from './harness';
import type { Destination, Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

/** Queues count in whole seconds, rounded up. */
const SECOND = 1000;
const MINUTE = 60_000;
const DAY = 86_400_000;

/** A destination that knows in service time when it was called. */
function timed(): { readonly destination: Destination; readonly calledAt: number[] } {
  const calledAt: number[] = [];
  const destination = sink.destination(() => {
    calledAt.push(running.service.clock.now());
    return 200;
  });
  return { destination, calledAt };
}

/** Called once, not before its time, and no tick of the service later. */
function expectInTime(calledAt: readonly number[], notBefore: number): void {
  expect(calledAt).toHaveLength(1);
  expect(calledAt[0]).toBeGreaterThanOrEqual(notBefore);
  expect(calledAt[0]).toBeLessThan(notBefore + MINUTE);
}

test.each<[`${bigint}s` | number, number]>([
  ['1s', 1000],
  [90, 90_000],
  ['900s', 15 * MINUTE],
  ['901s', 901_000],
  ['1200s', 20 * MINUTE],
])('a message with a delay of %s waits for it', async (delay, milliseconds) => {
  const { destination, calledAt } = timed();
  const { messageId } = await running.client.publish({ url: destination.url, body: '', delay });
  const { createdAt, notBefore } = await running.client.messages.get(messageId);
  expect(notBefore).toBe(createdAt + milliseconds);
  await running.service.advance(milliseconds + SECOND);
  expectInTime(calledAt, notBefore!);
});

test('delays of several units add up, and fractions count', async () => {
  const { destination, calledAt } = timed();
  const { body } = await running.json(`/v2/publish/${destination.url}`, {
    method: 'POST',
    headers: { 'Upstash-Delay': '1d10h30m1.5s' },
  });
  const { createdAt, notBefore } = await running.client.messages.get(body.messageId);
  expect(notBefore).toBe(createdAt + 34.5 * 3_600_000 + 1500);
  await running.service.advance(2 * DAY);
  expectInTime(calledAt, notBefore!);
});

test('a message of a year waits for it, whatever comes in between', async () => {
  const { destination, calledAt } = timed();
  const { messageId } = await running.client.publish({ url: destination.url, body: 'in a year', delay: '365d' });
  const { createdAt, notBefore } = await running.client.messages.get(messageId);
  expect(notBefore).toBe(createdAt + 365 * DAY);
  await running.service.advance(200 * DAY);
  const other = timed();
  await running.client.publish({ url: other.destination.url, body: '', delay: '1d' });
  await running.service.advance(100 * DAY);
  expect([calledAt.length, other.calledAt.length]).toEqual([0, 1]);
  await running.service.advance(65 * DAY + SECOND);
  expectInTime(calledAt, notBefore!);
  expect(destination.arrivals[0]!.body.toString()).toBe('in a year');
});

test('a time to wait for counts in seconds and before a delay', async () => {
  const { destination, calledAt } = timed();
  const notBefore = Math.ceil(running.service.clock.now() / 1000) + 3600;
  const { messageId } = await running.client.publish({ url: destination.url, body: '', notBefore, delay: '2h' });
  expect(await running.client.messages.get(messageId)).toMatchObject({ notBefore: notBefore * 1000 });
  await running.service.advance(3_600_000 + SECOND);
  expectInTime(calledAt, notBefore * 1000);
});

test('a time that has passed means at once', async () => {
  const { destination, calledAt } = timed();
  const { messageId } = await running.client.publish({ url: destination.url, body: '', notBefore: 1 });
  const { createdAt, notBefore } = await running.client.messages.get(messageId);
  expect(notBefore).toBe(createdAt);
  await running.service.whenIdle();
  expectInTime(calledAt, createdAt);
});

test('messages that wait for the same moment are all delivered', async () => {
  const { destination } = timed();
  const notBefore = Math.ceil(running.service.clock.now() / 1000) + 30 * 60;
  await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      running.client.publish({ url: `${destination.url}/${index}`, body: '', notBefore }),
    ),
  );
  await running.service.advance(31 * MINUTE);
  expect(new Set(destination.arrivals.map(({ path }) => path)).size).toBe(30);
  expect(destination.arrivals).toHaveLength(30);
});

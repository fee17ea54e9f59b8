import { closeAll, type Running, receiverOf, start, startSink, until } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

interface Keys {
  readonly current: string;
  readonly next: string;
}

const HOUR = 3_600_000;

const keysNow = async (): Promise<Keys> => (await running.json('/v2/keys')).body;
const rotate = (query = '') => running.json(`/v2/keys/rotate${query}`, { method: 'POST' });

/** Rotates once nothing speaks against it any more. */
async function rotateInTime(): Promise<Keys> {
  await running.service.advance(HOUR);
  const { status, body } = await rotate();
  expect(status).toBe(200);
  return body;
}

/** Whether a receiver with these keys accepts what is delivered now. */
async function accepts(keys: Keys): Promise<boolean> {
  const destination = sink.destination();
  await running.client.publish({ url: destination.url, body: 'text' });
  const { headers, body } = await until(() => destination.arrivals[0]);
  const signature = String(headers['upstash-signature']);
  return receiverOf(keys)
    .verify({ signature, body: body.toString(), url: destination.url })
    .catch(() => false);
}

const OTHER = 'sig_of_somebody_else';

test('the keys are told, and deliveries are signed with the current one', async () => {
  const keys = await keysNow();
  expect(keys).toEqual({ current: expect.stringMatching(/^sig_\w+$/), next: expect.stringMatching(/^sig_\w+$/) });
  expect(await accepts({ current: keys.current, next: OTHER })).toBe(true);
  expect(await accepts({ current: OTHER, next: keys.next })).toBe(false);
});

test('a rotation makes the next key the current one, at once and for all receivers', async () => {
  await running.service.advance(HOUR);
  const before = await keysNow();
  // Who signs has the key at hand.
  expect(await accepts({ current: before.current, next: OTHER })).toBe(true);
  const { body: after } = await rotate();
  expect(after).toEqual({ current: before.next, next: expect.stringMatching(/^sig_\w+$/) });
  expect([before.current, before.next]).not.toContain(after.next);
  expect(await keysNow()).toEqual(after);
  expect(await accepts(before)).toBe(true);
  expect(await accepts(after)).toBe(true);
  expect(await accepts({ current: before.current, next: OTHER })).toBe(false);
  expect(await accepts({ current: OTHER, next: after.next })).toBe(false);
});

test('attempts before and after it verify with either pair of keys', async () => {
  const before = await keysNow();
  const destination = sink.destination(500, 200);
  await running.client.publish({ url: destination.url, body: 'text', retryDelay: String(2 * HOUR) });
  await running.service.whenIdle();
  const after = await rotateInTime();
  await running.service.advance(2 * HOUR);
  const [first, second] = destination.arrivals.map(({ headers }) => String(headers['upstash-signature']));
  const verify = (keys: Keys, signature = '') =>
    receiverOf(keys).verify({ signature, body: 'text', url: destination.url });
  expect(await verify(before, first)).toBe(true);
  expect(await verify(before, second)).toBe(true);
  expect(await verify(after, second)).toBe(true);
});

test('a second one within an hour would lock receivers out: it is refused, and says how long to wait', async () => {
  const keys = await rotateInTime();
  await running.service.advance(20 * 60_000);
  const { status, body } = await rotate();
  expect([status, body]).toEqual([409, { error: expect.stringMatching(/20 minutes ago.*40 minutes.*force=true/) }]);
  expect(await keysNow()).toEqual(keys);
  expect(await accepts(keys)).toBe(true);
  await running.service.advance(40 * 60_000);
  expect((await rotate()).status).toBe(200);
});

test('one that is forced is done all the same', async () => {
  const keys = await rotateInTime();
  expect((await rotate('?force=false')).status).toBe(409);
  const { status, body } = await rotate('?force=true');
  expect([status, body.current]).toEqual([200, keys.next]);
  expect(await accepts(keys)).toBe(true);
  expect(await accepts(body)).toBe(true);
});

test('of several at once one is done', async () => {
  const keys = await rotateInTime();
  await running.service.advance(HOUR);
  const answers = await Promise.all([rotate(), rotate(), rotate()]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  expect((await keysNow()).current).toBe(keys.next);
});

test.each(['yes', '', '1', 'TRUE'])('?force=%s is refused', async (force) => {
  const keys = await keysNow();
  const { status, body } = await rotate(`?force=${force}`);
  expect([status, body.error]).toEqual([400, expect.stringMatching(/force/)]);
  expect(await keysNow()).toEqual(keys);
});

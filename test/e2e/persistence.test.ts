import { temporaryDirectory } from '../local/fixtures/directory';
import { closeAll, type LogEntry, type Running, receiverOf, start, startSink, statesOf, until } from './harness';
import { AGAIN, type Sink } from './sink';

let sink: Sink;

beforeAll(async () => {
  sink = await startSink();
});
afterAll(closeAll);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Starts a service on a new data directory; `again` ends it and starts the next one there. */
async function startKept() {
  const dataDir = temporaryDirectory();
  const first = await start({ dataDir });
  const again = async (running: Running) => {
    await running.service.close();
    return start({ dataDir });
  };
  return { first, again };
}

const everything = async ({ json }: Running) =>
  Promise.all(['/v2/events?count=1000', '/v2/dlq', '/v2/keys'].map(async (path) => (await json(path)).body));

test('messages, their log and dead letters are still there after a restart', async () => {
  const { first, again } = await startKept();
  const delivered = await first.client.publish({ url: sink.destination().url, body: 'text', label: 'l' });
  const failed = await first.client.publish({ url: sink.destination(500).url, body: 'text', retries: 0 });
  const canceled = await first.client.publish({ url: sink.url(), body: '', delay: '1h' });
  await first.client.messages.cancel(canceled.messageId);
  await first.ended(delivered.messageId);
  await first.ended(failed.messageId);
  const before = await everything(first);
  expect(before[0].events.length).toBe(3 + 4 + 3);
  const second = await again(first);
  expect(await everything(second)).toEqual(before);
  expect(await second.client.messages.get(delivered.messageId)).toMatchObject({ body: 'text', label: 'l' });
  const { responses } = await second.client.dlq.retry({ all: true });
  expect(responses).toHaveLength(1);
  await second.ended(responses[0]!.messageId);
  await second.service.close();
});

test('what waits is delivered in its time by the service that is there then', async () => {
  const { first, again } = await startKept();
  const [soon, later, muchLater, retried] = [
    sink.destination(),
    sink.destination(),
    sink.destination(),
    sink.destination(500, 200),
  ];
  await first.client.publish({ url: soon.url, body: 'soon', delay: '10m' });
  await first.client.publish({ url: later.url, body: 'later', delay: '2h' });
  await first.client.publish({ url: muchLater.url, body: 'much later', delay: '10d' });
  const retry = await first.client.publish({ url: retried.url, body: '', retryDelay: '1800000' });
  await until(() => retried.arrivals[0]);
  await first.service.whenIdle();
  const second = await again(first);
  await second.service.advance(HOUR);
  expect([soon, later, muchLater, retried].map(({ arrivals }) => arrivals.length)).toEqual([1, 0, 0, 2]);
  expect(retried.arrivals[1]!.headers['upstash-retried']).toBe('1');
  expect(statesOf(await second.events(retry.messageId))).toEqual([
    'CREATED',
    'ACTIVE',
    'ERROR',
    'RETRY',
    'ACTIVE',
    'DELIVERED',
  ]);
  const third = await again(second);
  await third.service.advance(HOUR + 1000);
  expect(later.arrivals).toHaveLength(1);
  await third.service.advance(10 * DAY);
  expect(muchLater.arrivals.map(({ body }) => body.toString())).toEqual(['much later']);
  expect([soon, later, retried].map(({ arrivals }) => arrivals.length)).toEqual([1, 1, 2]);
  await third.service.close();
});

test('service time goes on from where it was', async () => {
  const { first, again } = await startKept();
  await first.service.advance(40 * DAY);
  const { messageId } = await first.client.publish({ url: sink.destination().url, body: '' });
  await first.ended(messageId);
  const before = first.service.clock.now();
  const second = await again(first);
  expect(second.service.clock.now()).toBeGreaterThanOrEqual(before);
  expect(second.service.clock.now()).toBeLessThan(before + HOUR);
  expect(statesOf(await second.events(messageId))).toEqual(['CREATED', 'ACTIVE', 'DELIVERED']);
  await second.service.close();
});

test('an attempt that was under way is made again, as the same one', async () => {
  const { first, again } = await startKept();
  const destination = sink.destination('hang', 200);
  const { messageId } = await first.client.publish({ url: destination.url, body: 'text', timeout: 60, retries: 0 });
  await until(() => destination.arrivals[0]);
  const second = await again(first);
  // Its lease ends half a minute after its time.
  await second.service.advance(3 * 60_000);
  expect((await second.ended(messageId)).at(-1)!.state).toBe('DELIVERED');
  expect(destination.arrivals.map(({ headers }) => headers['upstash-retried'])).toEqual(['0', '0']);
  await second.service.close();
});

test('keys and duplicates are known to the next service', async () => {
  const { first, again } = await startKept();
  const before = (await first.json('/v2/keys')).body;
  const rotated = (await first.json('/v2/keys/rotate', { method: 'POST' })).body;
  const request = { url: sink.destination().url, body: '', deduplicationId: 'once' };
  const { messageId } = await first.client.publish(request);
  const second = await again(first);
  expect(second.service.signingKeys).toEqual(rotated);
  expect((await second.json('/v2/keys')).body).toEqual(rotated);
  expect((await second.json('/v2/keys/rotate', { method: 'POST' })).status).toBe(409);
  expect(await second.client.publish(request)).toMatchObject({ messageId, deduplicated: true });
  const destination = sink.destination();
  await second.client.publish({ url: destination.url, body: 'text' });
  const { headers } = await until(() => destination.arrivals[0]);
  const verified = receiverOf(before).verify({
    signature: String(headers['upstash-signature']),
    body: 'text',
    url: destination.url,
  });
  expect(await verified).toBe(true);
  await second.service.close();
});

test('nothing is sent twice by a service that was ended in between', async () => {
  const { first, again } = await startKept();
  const destination = sink.destination(AGAIN, 200);
  let running = first;
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    const one = await running.client.publish({ url: `${destination.url}/${round}`, body: '' });
    await running.ended(one.messageId);
    ids.push(one.messageId);
    running = await again(running);
    await running.service.advance(20 * 60_000);
  }
  expect(destination.arrivals).toHaveLength(4);
  const logs: LogEntry[][] = await Promise.all(ids.map((id) => running.events(id)));
  for (const log of logs) expect(statesOf(log).filter((state) => state === 'DELIVERED')).toHaveLength(1);
  await running.service.close();
});

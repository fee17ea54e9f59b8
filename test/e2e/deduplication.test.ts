import { closeAll, type Running, start, startSink } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const MINUTE = 60_000;

let ids = 0;
const newId = () => `id-${++ids}`;

const publish = (url: string, headers: Record<string, string>, body = 'text') =>
  running.json(`/v2/publish/${url}`, { method: 'POST', headers: { 'Content-Type': 'text/plain', ...headers }, body });

describe('by an id', () => {
  test('the second is accepted, told the id of the first, and not delivered', async () => {
    const destination = sink.destination();
    const request = { url: destination.url, body: 'text', deduplicationId: newId() };
    const first = await running.client.publish(request);
    expect(first).not.toHaveProperty('deduplicated');
    expect(await running.client.publish(request)).toEqual({ ...first, deduplicated: true });
    const { status } = await publish(destination.url, { 'Upstash-Deduplication-Id': request.deduplicationId });
    expect(status).toBe(202);
    await running.service.whenIdle();
    expect(destination.arrivals).toHaveLength(1);
  });

  test('it counts for ten minutes', async () => {
    const destination = sink.destination();
    const request = { url: destination.url, body: 'text', deduplicationId: newId() };
    const first = await running.client.publish(request);
    await running.service.advance(9 * MINUTE);
    expect(await running.client.publish(request)).toMatchObject({ messageId: first.messageId, deduplicated: true });
    await running.service.advance(MINUTE);
    const next = await running.client.publish(request);
    expect(next).not.toHaveProperty('deduplicated');
    expect(await running.client.publish(request)).toEqual({ ...next, deduplicated: true });
    await running.service.whenIdle();
    expect(destination.arrivals).toHaveLength(2);
  });

  test('it counts whatever else differs, and however the first ended', async () => {
    const deduplicationId = newId();
    const failed = await running.client.publish({
      url: sink.destination(500).url,
      body: '',
      retries: 0,
      deduplicationId,
    });
    await running.ended(failed.messageId);
    const other = sink.destination();
    const again = await running.client.publish({ url: other.url, body: 'other', method: 'PUT', deduplicationId });
    expect(again).toMatchObject({ messageId: failed.messageId, deduplicated: true });
    const canceledId = newId();
    const canceled = await running.client.publish({
      url: other.url,
      body: '',
      delay: '1h',
      deduplicationId: canceledId,
    });
    await running.client.messages.cancel(canceled.messageId);
    const repeated = await running.client.publish({ url: other.url, body: '', deduplicationId: canceledId });
    expect(repeated).toMatchObject({ messageId: canceled.messageId, deduplicated: true });
    await running.service.advance(2 * 60 * MINUTE);
    expect(other.arrivals).toEqual([]);
  });

  test('of many at once one is delivered', async () => {
    const destination = sink.destination();
    const headers = { 'Upstash-Deduplication-Id': newId() };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => publish(destination.url, headers, String(index))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(11).fill(202)]);
    expect(new Set(answers.map(({ body }) => body.messageId)).size).toBe(1);
    await running.service.whenIdle();
    expect(destination.arrivals).toHaveLength(1);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(destination.arrivals[0]!.body.toString()).toBe(String(winner));
  });

  test('a duplicate that waits leaves nothing behind', async () => {
    const destination = sink.destination();
    const deduplicationId = newId();
    const first = await running.client.publish({ url: destination.url, body: '', delay: '20m', deduplicationId });
    const before = await running.items();
    const again = await running.client.publish({ url: destination.url, body: '', delay: '2d', deduplicationId });
    expect(again.messageId).toBe(first.messageId);
    expect(await running.items()).toEqual(before);
    await running.service.advance(3 * 24 * 60 * MINUTE);
    expect(destination.arrivals).toHaveLength(1);
  });

  test('a publish that is refused does not use it up', async () => {
    const destination = sink.destination();
    const headers = { 'Upstash-Deduplication-Id': newId() };
    expect((await publish(destination.url, { ...headers, 'Upstash-Retries': 'x' })).status).toBe(400);
    expect((await publish(destination.url, headers)).status).toBe(200);
  });
});

describe('by content', () => {
  const byContent = { 'Upstash-Content-Based-Deduplication': 'true' };

  test('the same to the same destination is a duplicate', async () => {
    const destination = sink.destination();
    const request = { url: destination.url, body: 'text', contentBasedDeduplication: true };
    const first = await running.client.publish(request);
    expect(await running.client.publish(request)).toEqual({ ...first, deduplicated: true });
    await running.service.advance(10 * MINUTE);
    expect(await running.client.publish(request)).not.toHaveProperty('deduplicated');
    expect(destination.arrivals.length).toBeGreaterThan(0);
  });

  test.each<[string, number, string, Record<string, string>, string]>([
    ['another path', 200, '/other', {}, 'text'],
    ['another query', 200, '?a=2', {}, 'text'],
    ['another body', 200, '', {}, 'texts'],
    ['another type', 200, '', { 'Content-Type': 'text/html' }, 'text'],
    ['another header', 200, '', { 'Upstash-Forward-X': '2' }, 'text'],
    ['one header more', 200, '', { 'Upstash-Forward-Y': '1' }, 'text'],
    ['other retries', 202, '', { 'Upstash-Retries': '7' }, 'text'],
    ['another label', 202, '', { 'Upstash-Label': 'l' }, 'text'],
    ['a header that is not forwarded', 202, '', { 'X-Request-Id': '1' }, 'text'],
    ['True for true', 202, '', { 'Upstash-Content-Based-Deduplication': 'True' }, 'text'],
    ['false for true', 200, '', { 'Upstash-Content-Based-Deduplication': 'False' }, 'text'],
  ])('with %s gets %i', async (_, status, suffix, headers, body) => {
    const { url } = sink.destination();
    const given = { ...byContent, 'Upstash-Forward-X': '1' };
    expect((await publish(url, given)).status).toBe(200);
    expect((await publish(url + suffix, { ...given, ...headers }, body)).status).toBe(status);
  });

  test('an id beside it counts alone', async () => {
    const { url } = sink.destination();
    const id = newId();
    expect((await publish(url, { ...byContent, 'Upstash-Deduplication-Id': id })).status).toBe(200);
    expect((await publish(url, { ...byContent, 'Upstash-Deduplication-Id': newId() })).status).toBe(200);
    expect((await publish(url, { ...byContent, 'Upstash-Deduplication-Id': id }, 'other')).status).toBe(202);
    expect((await publish(url, byContent)).status).toBe(200);
  });

  test('of many at once one is delivered', async () => {
    const destination = sink.destination();
    const answers = await Promise.all(Array.from({ length: 12 }, () => publish(destination.url, byContent)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await running.service.whenIdle();
    expect(destination.arrivals).toHaveLength(1);
  });
});

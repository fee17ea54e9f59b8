import { QstashDailyRatelimitError } from '@upstash/qstash';
import { closeAll, type Running, start, startSink, until } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeEach(async () => {
  running = await start({ environment: { MAX_MESSAGES_PER_DAY: '5' } });
  sink = await startSink();
});
afterEach(closeAll);

test("what is beyond the day's quota is refused with what is left, and the next day begins anew", async () => {
  const destination = sink.destination();
  const message = { url: destination.url, body: '' };
  await running.client.batch([message, message, message]);
  const refused = await running.client.batch([message, message, message]).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(QstashDailyRatelimitError);
  const { limit, remaining, reset } = refused as QstashDailyRatelimitError;
  expect([limit, remaining]).toEqual(['5', '2']);
  const nextDay = Number(reset) * 1000;
  expect(nextDay % 86_400_000).toBe(0);
  await running.client.batch([message, message]);
  await expect(running.client.publish(message)).rejects.toThrow(QstashDailyRatelimitError);
  await until(() => destination.arrivals.length === 5);
  await running.service.advance(nextDay - running.service.clock.now());
  await running.client.publish(message);
  await until(() => destination.arrivals.length === 6);
});

test('a request larger than the whole quota is refused, and uses none of it', async () => {
  const message = { url: sink.url(), body: '' };
  await expect(running.client.batch(Array(6).fill(message))).rejects.toThrow('"remaining":"5"');
  await expect(running.client.publish({ ...message, retries: -1 })).rejects.toThrow('Upstash-Retries');
  await running.client.batch(Array(5).fill(message));
});

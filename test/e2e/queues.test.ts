import { closeAll, type Running, start, startSink, until } from './harness';
import type { Sink } from './sink';
import { AGAIN } from './sink';

let running: Running;
let sink: Sink;
beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

test('one after the other', async () => {
  const { url, arrivals } = sink.destination();
  const queue = running.client.queue({ queueName: 'first' });
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await queue.enqueueJSON({ url, body: { i } })).messageId);
  await until(() => arrivals.length === 5);
  expect(arrivals.map(({ headers }) => headers['upstash-message-id'])).toEqual(ids);
  await until(async () => (await queue.get()).lag === 0);
  expect(AGAIN).toBeDefined();
});

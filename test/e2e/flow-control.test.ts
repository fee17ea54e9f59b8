import type { AwsCall } from '../../local/aws-call';
import { closeAll, type Running, start, startSink, until } from './harness';
import type { Sink } from './sink';

const SECOND = 1_000;

let running: Running;
let sink: Sink;
/** Begins of the windows that the dispatcher counted in, by key. */
const windows = new Map<string, Set<number>>();

function noteWindow({ operation, input }: AwsCall): void {
  const key = (input.Key as { pk: { S: string } } | undefined)?.pk.S ?? '';
  const values = input.ExpressionAttributeValues as Record<string, { N: string }> | undefined;
  if (operation !== 'UpdateItem' || !key.startsWith('flow#') || values?.[':version'] === undefined) return;
  const own = windows.get(key.slice('flow#'.length)) ?? new Set();
  windows.set(key.slice('flow#'.length), own.add(Number(values[':start']!.N)));
}

beforeAll(async () => {
  running = await start({
    intercept: (call, execute) => {
      noteWindow(call);
      return execute();
    },
  });
  sink = await startSink();
});
afterAll(closeAll);

interface Call {
  readonly begun: number;
  ended: number;
}

/** A destination that takes a while, and knows when it was called. */
function slowDestination(milliseconds: number) {
  const calls: Call[] = [];
  const { url, arrivals } = sink.destination(async () => {
    const call: Call = { begun: running.service.clock.now(), ended: Number.POSITIVE_INFINITY };
    calls.push(call);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    call.ended = running.service.clock.now();
    return 200;
  });
  return { url, arrivals, calls };
}

/** The most calls that were under way at once. */
function mostAtOnce(calls: readonly Call[]): number {
  return Math.max(
    ...calls.map(({ begun }) => calls.filter((call) => call.begun <= begun && call.ended > begun).length),
  );
}

function mostWithin(calls: readonly Call[], milliseconds: number): number {
  const within = (from: number) => calls.filter(({ begun }) => begun >= from && begun < from + milliseconds).length;
  return Math.max(...calls.map(({ begun }) => within(begun)));
}

function expectLimits(key: string, calls: readonly Call[], limits: { parallelism?: number; rate?: number }): void {
  expect(mostAtOnce(calls)).toBeLessThanOrEqual(limits.parallelism ?? Number.POSITIVE_INFINITY);
  if (limits.rate === undefined) return;
  const begins = [...windows.get(key)!];
  const inWindow = begins.map((from) => calls.filter(({ begun }) => begun >= from && begun < from + SECOND).length);
  expect(Math.max(...inWindow)).toBeLessThanOrEqual(limits.rate);
  expect(inWindow.reduce((sum, count) => sum + count, 0)).toBe(calls.length);
  expect(mostWithin(calls, SECOND)).toBeLessThanOrEqual(2 * limits.rate);
}

async function keyOf(key: string) {
  return (await running.json(`/v2/flowControl/${key}`)).body;
}

test('one hot key: neither limit is ever exceeded, and everything is delivered once', async () => {
  const { url, calls, arrivals } = slowDestination(20);
  const flowControl = { key: 'hot', parallelism: 3, rate: 20, period: '1s' as const };
  await Promise.all(Array.from({ length: 200 }, () => running.client.publish({ url, flowControl })));
  await until(() => arrivals.length >= 200 && calls.every(({ ended }) => ended < Number.POSITIVE_INFINITY));
  await running.service.whenIdle();
  expect(new Set(arrivals.map(({ headers }) => headers['upstash-message-id'])).size).toBe(200);
  expect(arrivals).toHaveLength(200);
  expectLimits('hot', calls, flowControl);
  expect(await keyOf('hot')).toMatchObject({ waitListSize: 0, parallelismCount: 0 });
});

import { randomBytes } from 'node:crypto';
import type { LocalService } from '../local/start-local';
import type { Workload } from './cost';
import type { LoggedCall, RequestLog } from './request-log';
import type { BenchSink } from './sink';

export interface Bench {
  readonly service: LocalService;
  readonly log: RequestLog;
  readonly sink: BenchSink;
  readonly sinkUrl: string;
  /** Batches that the delivery functions were given so far, and the one that serves wait lists. */
  readonly batches: () => number;
  readonly dispatches: () => number;
  /** Calls of a tick that finds nothing to do: they are paid by the month, not by the message. */
  readonly idleTick: readonly LoggedCall[];
  readonly gate: Gate;
}

/** Holds back what the delivery functions do while it is closed. */
export class Gate {
  private opened: Promise<void> = Promise.resolve();
  private release: () => void = () => {};

  close(): void {
    this.opened = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  open(): void {
    this.release();
  }

  pass(): Promise<void> {
    return this.opened;
  }
}

export interface Outcome extends Workload {
  readonly lost: number;
}

const BODY = randomBytes(512).toString('hex');
/** 64 KB. */
const LARGE_BODY = randomBytes(32 * 1024).toString('hex');
let published = 0;

/** Publishes one message to a path of its own below `where`; throws unless it is accepted. */
async function publish(
  bench: Bench,
  where: string,
  headers: Record<string, string> = {},
  body = BODY,
  route = 'publish',
): Promise<string> {
  const path = `${where}/${++published}`;
  await post(bench, `/v2/${route}/${bench.sinkUrl}${path}`, body, { 'content-type': 'application/json', ...headers });
  return path;
}

async function post(
  { service }: Bench,
  route: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const init = { method: 'POST', headers: { authorization: `Bearer ${service.token}`, ...headers }, body };
  const response = await fetch(service.url + route, init);
  if (!response.ok) throw new Error(`${route} was answered with ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** `perRequest` messages, each with this body, are in one request to the API. */
async function counted(bench: Bench, run: () => Promise<string[]>, perRequest = 1, body = BODY): Promise<Outcome> {
  bench.log.reset();
  const before = { batches: bench.batches(), dispatches: bench.dispatches(), requests: bench.sink.requests };
  const paths = await run();
  await bench.service.whenIdle();
  const lost = paths.filter((path) => !bench.sink.arrivals.has(path)).length;
  return {
    messages: paths.length,
    calls: withoutIdleTicks(bench.log.calls, bench.idleTick),
    apiRequests: paths.length / perRequest,
    batches: bench.batches() - before.batches,
    dispatches: bench.dispatches() - before.dispatches,
    attempts: bench.sink.requests - before.requests,
    bodyBytes: body.length,
    lost,
  };
}

/** Leaves of the ticks' calls only what they did beyond what an idle one does. */
function withoutIdleTicks(calls: readonly LoggedCall[], idleTick: readonly LoggedCall[]): LoggedCall[] {
  const caller = idleTick[0]!.caller;
  const kept = calls.filter((call) => call.caller !== caller);
  const ofTicks = calls.filter((call) => call.caller === caller);
  // Each tick takes its lease and gives it back, and nothing else of it updates the same item.
  const leases = (list: readonly LoggedCall[]) => list.filter(({ operation }) => operation === 'UpdateItem').length;
  const ticks = leases(ofTicks) / leases(idleTick);
  for (const operation of new Set(ofTicks.map((call) => call.operation))) {
    const idle = ticks * idleTick.filter((call) => call.operation === operation).length;
    const sorted = ofTicks
      .filter((call) => call.operation === operation)
      .sort((a, b) => a.readUnits + a.writeUnits - (b.readUnits + b.writeUnits));
    kept.push(...sorted.slice(idle));
  }
  return kept;
}

/** Gives each message a deduplication id of its own where the headers ask for one. */
function idOnce(headers: Record<string, string>): Record<string, string> {
  if (headers['upstash-deduplication-id'] === undefined) return headers;
  return { ...headers, 'upstash-deduplication-id': `${published}` };
}

/** Messages at a time in {@link inTens}: few enough to be delivered within seconds of their acceptance. */
const ROUND = 200;

/** Messages that are held back until there are enough of them for full batches. */
export function inTens(
  bench: Bench,
  messages: number,
  headers: Record<string, string> = {},
  body = BODY,
): Promise<Outcome> {
  const run = async () => {
    const paths: string[] = [];
    while (paths.length < messages) {
      bench.gate.close();
      const round = Math.min(ROUND, messages - paths.length);
      paths.push(...(await concurrently(round, 16, () => publish(bench, '/tens', idOnce(headers), body))));
      bench.gate.open();
      await bench.service.whenIdle();
    }
    return paths;
  };
  return counted(bench, run, 1, body);
}

/** Messages whose bodies of 64 KB the table does not take, in full batches. */
export function large(bench: Bench, messages: number): Promise<Outcome> {
  return inTens(bench, messages, {}, LARGE_BODY);
}

/** What one request of {@link inRequests} carries. */
const PER_REQUEST = 100;

/** Messages published a hundred to a request. */
export function inRequests(bench: Bench, messages: number): Promise<Outcome> {
  const run = async () => {
    const paths: string[] = [];
    while (paths.length < messages) {
      bench.gate.close();
      for (let i = 0; i < ROUND / PER_REQUEST; i++) paths.push(...(await publishBatch(bench)));
      bench.gate.open();
      await bench.service.whenIdle();
    }
    return paths;
  };
  return counted(bench, run, PER_REQUEST);
}

async function publishBatch(bench: Bench): Promise<string[]> {
  const paths = Array.from({ length: PER_REQUEST }, () => `/batch/${++published}`);
  const items = paths.map((path) => ({
    destination: bench.sinkUrl + path,
    headers: { 'content-type': 'application/json' },
    body: BODY,
  }));
  await post(bench, '/v2/batch', JSON.stringify(items));
  return paths;
}

/** Messages of one queue, enqueued faster than it delivers them. */
export function enqueued(bench: Bench, messages: number, parallelism: number): Promise<Outcome> {
  const queueName = `queue-${parallelism}`;
  return counted(bench, async () => {
    await post(bench, '/v2/queues', JSON.stringify({ queueName, parallelism }));
    bench.log.reset();
    return concurrently(messages, 16, () => publish(bench, '/enqueued', {}, BODY, `enqueue/${queueName}`));
  });
}

/** Messages of so many flow-control keys, in turn. The service is not idle while they wait for slots, but for a rate it is. */
export function flowControlled(bench: Bench, messages: number, keys: number, value: string): Promise<Outcome> {
  return counted(bench, () =>
    concurrently(messages, 16, (index) => {
      const key = `of-${keys}-${index % keys}`;
      return publish(bench, '/flow', { 'upstash-flow-control-key': key, 'upstash-flow-control-value': value });
    }),
  );
}

/** Messages one at a time, each in a batch of its own. */
export function alone(bench: Bench, messages: number): Promise<Outcome> {
  return counted(bench, async () => {
    const paths: string[] = [];
    for (let i = 0; i < messages; i++) {
      const path = await publish(bench, '/alone');
      await bench.sink.called(path);
      await bench.service.whenIdle();
      paths.push(path);
    }
    return paths;
  });
}

/** Messages that fail four times over 33 minutes, become dead letters and tell so to a failure callback. */
export function deadLetters(bench: Bench, messages: number): Promise<Outcome> {
  return counted(bench, async () => {
    bench.gate.close();
    const headers = { 'upstash-failure-callback': `${bench.sinkUrl}/callback`, 'upstash-retries': '3' };
    const paths = await concurrently(messages, 16, () => publish(bench, '/fail', headers));
    bench.gate.open();
    await bench.service.whenIdle();
    // The default backoff, and for the third retry the tick that brings it from the due index to its queue.
    for (const seconds of [15, 150, 1_300, 600]) await jump(bench, seconds);
    return paths;
  });
}

/** Messages that wait an hour, so that the tick brings them to their queue. */
export function delayed(bench: Bench, messages: number): Promise<Outcome> {
  return counted(bench, async () => {
    const paths = await concurrently(messages, 16, () => publish(bench, '/delayed', { 'upstash-delay': '1h' }));
    for (const seconds of [3_060, 660]) await jump(bench, seconds);
    return paths;
  });
}

/** Sets the clock ahead at once, where travelling in time would play every message's moment by itself. */
async function jump({ service }: Bench, seconds: number): Promise<void> {
  service.clock.advanceTo(service.clock.now() + seconds * 1000);
  await service.whenIdle();
}

/** What a laptop's clock says. */
export interface Speed {
  readonly messages: number;
  readonly lost: number;
  readonly deliveredPerSecond: number;
  /** Milliseconds. */
  readonly publishP50: number;
  readonly publishP99: number;
  readonly endToEndP50: number;
  readonly endToEndP99: number;
}

/** Publishes from `publishers` at a time and waits until all is delivered. */
export async function speed(bench: Bench, messages: number, publishers: number): Promise<Speed> {
  const start = performance.now();
  const publishTimes: number[] = [];
  const endToEnd: number[] = [];
  let lost = messages;
  await concurrently(messages, publishers, async () => {
    const from = performance.now();
    const path = await publish(bench, '/speed');
    publishTimes.push(performance.now() - from);
    const delivered = bench.sink.called(path).then(() => {
      endToEnd.push(bench.sink.arrivals.get(path)! - from);
      lost--;
    });
    // One publisher at a time is for the latency of a message that nothing stands in the way of.
    if (publishers === 1) await delivered;
    return path;
  });
  await bench.service.whenIdle();
  const seconds = (Math.max(...bench.sink.arrivals.values()) - start) / 1000;
  return {
    messages,
    lost,
    deliveredPerSecond: messages / seconds,
    publishP50: quantile(publishTimes, 0.5),
    publishP99: quantile(publishTimes, 0.99),
    endToEndP50: quantile(endToEnd, 0.5),
    endToEndP99: quantile(endToEnd, 0.99),
  };
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function concurrently<T>(count: number, width: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

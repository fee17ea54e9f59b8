import { Activity } from '../../../local/activity';
import { ServiceClock } from '../../../local/clock';
import { QueueSource, type QueueSourceOptions } from '../../../local/events/queue-source';
import type { InvocationResult } from '../../../local/functions/lambda-worker';
import { SqsServer } from '../../../local/sqs/sqs-server';
import { Probe } from '../sqs/probe';

const QUEUE = 'orders';

interface Record {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
}

/** An invocation that waits for its answer. */
interface Invocation {
  readonly bodies: string[];
  readonly records: readonly Record[];
  answer(result?: InvocationResult): void;
}

let clock: ServiceClock;
let sqs: SqsServer;
let probe: Probe;
let url: string;
let activity: Activity;
let sources: QueueSource[];
let invocations: Invocation[];

beforeEach(async () => {
  clock = new ServiceClock();
  sqs = new SqsServer({ clock });
  const endpoint = `http://127.0.0.1:${await sqs.listen()}`;
  probe = new Probe({ endpoint, stop: () => sqs.close() });
  sqs.ensureQueue(QUEUE, { VisibilityTimeout: '600' });
  url = `${endpoint}/000000000000/${QUEUE}`;
  activity = new Activity();
  sources = [];
  invocations = [];
});

afterEach(async () => {
  await Promise.all(sources.map((source) => source.stop()));
  probe.client.destroy();
  await sqs.close();
  clock.stop();
});

function start(options: Partial<QueueSourceOptions> = {}): QueueSource {
  const target = {
    invoke: (event: unknown) =>
      new Promise<InvocationResult>((resolve) => {
        const { Records } = event as { Records: Record[] };
        invocations.push({
          records: Records,
          bodies: Records.map(({ body }) => body).sort(),
          answer: (result = ok()) => resolve(result),
        });
      }),
  };
  const source = new QueueSource(
    {
      queueName: QUEUE,
      queueArn: sqs.queueArn(QUEUE),
      batchSize: 10,
      windowMs: 0,
      maxConcurrency: Number.POSITIVE_INFINITY,
      partialFailures: true,
      ...options,
    },
    sqs,
    target,
    clock,
    activity,
  );
  sources.push(source);
  source.start();
  return source;
}

function ok(answer: unknown = {}): InvocationResult {
  return { ok: true, payload: JSON.stringify(answer) };
}
const failed: InvocationResult = { ok: false, errorType: 'Error', errorMessage: 'as asked' };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const depth = () => {
  const { visible, inFlight } = sqs.depths().find(({ name }) => name === QUEUE)!;
  return { visible, inFlight };
};

/** Sends messages before the source looks. */
async function sendAll(...bodies: string[]): Promise<void> {
  for (const body of bodies) await probe.send(url, body);
}

test('a message is handed over as a record of Lambda, and deleted when it is done', async () => {
  await probe.send(url, 'grün', {
    MessageAttributes: {
      text: { DataType: 'String', StringValue: 'a' },
      bytes: { DataType: 'Binary', BinaryValue: Uint8Array.from([1, 255]) },
    },
  });
  start();
  await until(() => invocations.length === 1);
  expect(invocations[0]!.records).toEqual([
    {
      messageId: expect.stringMatching(/^[\w-]{36}$/),
      receiptHandle: expect.any(String),
      body: 'grün',
      attributes: expect.objectContaining({ ApproximateReceiveCount: '1', SentTimestamp: expect.any(String) }),
      messageAttributes: {
        text: { stringValue: 'a', stringListValues: [], binaryListValues: [], dataType: 'String' },
        bytes: { binaryValue: 'Af8=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
      },
      md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:orders',
      awsRegion: 'us-east-1',
    },
  ]);
  expect(depth()).toEqual({ visible: 0, inFlight: 1 });
  invocations[0]!.answer();
  await until(() => depth().inFlight === 0);
  expect(depth()).toEqual({ visible: 0, inFlight: 0 });
});

test('a batch has as many messages as asked for', async () => {
  await sendAll('a', 'b', 'c', 'd', 'e');
  start({ batchSize: 2 });
  await until(() => invocations.length === 3);
  expect(invocations.map(({ bodies }) => bodies.length)).toEqual([2, 2, 1]);
  expect(invocations.flatMap(({ bodies }) => bodies).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('of a batch that fails in part the failed messages come back when their visibility ends', async () => {
  await sendAll('a', 'b', 'c');
  start();
  await until(() => invocations.length === 1);
  const { records } = invocations[0]!;
  const bad = records.find(({ body }) => body === 'b')!;
  invocations[0]!.answer(ok({ batchItemFailures: [{ itemIdentifier: bad.messageId }] }));
  await until(() => depth().inFlight === 1);
  clock.advanceTo(clock.now() + 600_000);
  await until(() => invocations.length === 2);
  expect(invocations[1]!.bodies).toEqual(['b']);
  expect(invocations[1]!.records[0]!.attributes.ApproximateReceiveCount).toBe('2');
});

test.each<[string, InvocationResult, boolean]>([
  ['a function that fails', failed, true],
  ['a failure reported for nobody', ok({ batchItemFailures: [{ itemIdentifier: 'z' }] }), true],
])('after %s the whole batch comes back', async (_what, result, partialFailures) => {
  await sendAll('a', 'b');
  start({ partialFailures });
  await until(() => invocations.length === 1);
  invocations[0]!.answer(result);
  await activity.whenIdle(() => true);
  expect(depth()).toEqual({ visible: 0, inFlight: 2 });
  clock.advanceTo(clock.now() + 600_000);
  await until(() => invocations.length === 2);
  expect(invocations[1]!.bodies).toEqual(['a', 'b']);
});

test('without partial failures an answer that reports some is success', async () => {
  await sendAll('a');
  start({ partialFailures: false });
  await until(() => invocations.length === 1);
  const [{ messageId }] = invocations[0]!.records as [Record];
  invocations[0]!.answer(ok({ batchItemFailures: [{ itemIdentifier: messageId }] }));
  await until(() => depth().inFlight === 0);
});

test('no more batches are under way than the concurrency allows; each that ends lets one in', async () => {
  await sendAll('a', 'b', 'c', 'd');
  start({ batchSize: 1, maxConcurrency: 2 });
  await until(() => invocations.length === 2);
  expect(depth()).toEqual({ visible: 2, inFlight: 2 });
  invocations[0]!.answer();
  await until(() => invocations.length === 3);
  expect(depth()).toEqual({ visible: 1, inFlight: 2 });
  invocations[1]!.answer(failed);
  await until(() => invocations.length === 4);
  invocations[2]!.answer();
  invocations[3]!.answer();
  await until(() => depth().inFlight === 1);
});

test('a window waits in service time for a batch to fill', async () => {
  start({ windowMs: 60_000, batchSize: 15 });
  await probe.send(url, 'first');
  await until(() => depth().inFlight === 1);
  await probe.send(url, 'second');
  await until(() => depth().inFlight === 2);
  expect(invocations).toEqual([]);
  clock.advanceTo(clock.now() + 60_000);
  await until(() => invocations.length === 1);
  expect(invocations[0]!.bodies).toEqual(['first', 'second']);
});

test('a window ends when the batch is full, also with more than one receive gives', async () => {
  await sendAll(...Array.from({ length: 12 }, (_, index) => `m${index}`));
  start({ windowMs: 300_000, batchSize: 12 });
  await until(() => invocations.length === 1);
  expect(invocations[0]!.bodies).toHaveLength(12);
});

test('while a batch fills and runs there is activity', async () => {
  start({ windowMs: 60_000 });
  await probe.send(url, 'a');
  await until(() => depth().inFlight === 1);
  let idle = false;
  const waiting = activity
    .whenIdle(() => true)
    .then(() => {
      idle = true;
    });
  clock.advanceTo(clock.now() + 60_000);
  await until(() => invocations.length === 1);
  expect(idle).toBe(false);
  invocations[0]!.answer();
  await waiting;
});

test('a batch whose queue is gone when it ends harms no other', async () => {
  await sendAll('a');
  start({ maxConcurrency: 1 });
  await until(() => invocations.length === 1);
  await probe.remove(QUEUE);
  invocations[0]!.answer();
  await activity.whenIdle(() => true);
  clock.advanceTo(clock.now() + 60_000);
  sqs.ensureQueue(QUEUE);
  await sendAll('b');
  await until(() => invocations.length === 2);
  expect(invocations[1]!.bodies).toEqual(['b']);
  invocations[1]!.answer();
});

test('a message of a FIFO queue that came back while its batch ran is not the batch’s any more', async () => {
  sqs.ensureQueue('fifo.fifo', { FifoQueue: 'true', VisibilityTimeout: '1' });
  await probe.send(url.replace(QUEUE, 'fifo.fifo'), 'a', { MessageGroupId: 'g', MessageDeduplicationId: '1' });
  start({ queueName: 'fifo.fifo', queueArn: sqs.queueArn('fifo.fifo'), maxConcurrency: 2 });
  await until(() => invocations.length === 1);
  clock.advanceTo(clock.now() + 1000);
  await until(() => invocations.length === 2);
  invocations[0]!.answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect(invocations[1]!.records[0]!.attributes.ApproximateReceiveCount).toBe('2');
  invocations[1]!.answer();
  await until(() => sqs.depths().every(({ visible, inFlight }) => visible + inFlight === 0));
});

test('stopped, it takes no further message, and leaves a batch that fills to come back', async () => {
  const filling = start({ windowMs: 60_000 });
  await sendAll('a');
  await until(() => depth().inFlight === 1);
  await filling.stop();
  await activity.whenIdle(() => true);
  await sendAll('b');
  expect(invocations).toEqual([]);
  expect(depth()).toEqual({ visible: 1, inFlight: 1 });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ServiceClock } from '../../../local/clock';
import { parseReceiptHandle } from '../../../local/sqs/message';
import { newQueueAttributes } from '../../../local/sqs/queue-attributes';
import { Queues } from '../../../local/sqs/queues';
import type { ReceivedMessage } from '../../../local/sqs/received-message';

const HOUR = 3_600_000;
const NOW = { max: 10, waitMs: 0 };

/** Queues on a directory that can be closed and opened again, with the time that was reached. */
class Restartable {
  readonly dir = mkdtempSync(join(tmpdir(), 'sqs-restart-'));
  private clock = new ServiceClock();
  queues = new Queues(this.clock, this.dir);

  reopen(): void {
    const { ahead } = this.clock;
    this.queues.close();
    this.clock.stop();
    this.clock = new ServiceClock(ahead);
    this.queues = new Queues(this.clock, this.dir);
  }

  pass(ms: number): void {
    this.clock.advanceTo(this.clock.now() + ms);
  }

  create(name: string, attributes: Record<string, string> = {}): void {
    const complete = name.endsWith('.fifo') ? { FifoQueue: 'true', ...attributes } : attributes;
    this.queues.create(name, newQueueAttributes(name, complete), {});
  }

  send(name: string, body: string, rest: { delayMs?: number; groupId?: string; deduplicationId?: string } = {}) {
    const [sent] = this.queues.send(this.queues.queue(name), [{ body, senderId: 'test', delayMs: 0, ...rest }]);
    return sent!.id;
  }

  receive(name: string, visibilityTimeout?: number): Promise<ReceivedMessage[]> {
    return this.queues.receive(this.queues.queue(name), { ...NOW, visibilityTimeout });
  }

  counts(name: string): object {
    return { ...this.queues.queue(name).counts };
  }

  dispose(): void {
    this.queues.close();
    this.clock.stop();
    rmSync(this.dir, { recursive: true });
  }
}

let server: Restartable;

beforeEach(() => {
  server = new Restartable();
});

afterEach(() => server.dispose());

test('what was in flight is visible at once, with its receive count; what was delayed still is', async () => {
  server.create('q');
  server.send('q', 'held');
  await server.receive('q', 43_200);
  server.send('q', 'later', { delayMs: HOUR });
  server.reopen();
  expect(server.counts('q')).toEqual({ visible: 1, inFlight: 0, delayed: 1 });
  const [message] = await server.receive('q', 43_200);
  expect(message).toMatchObject({ Body: 'held', Attributes: { ApproximateReceiveCount: '2' } });
  server.pass(HOUR);
  expect((await server.receive('q')).map(({ Body }) => Body)).toEqual(['later']);
});

test('what was deleted, purged, expired or moved does not come back', async () => {
  server.create('dead');
  const deadLetterTargetArn = server.queues.queue('dead').arn;
  server.create('q', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) });
  server.create('purged');
  server.create('short', { MessageRetentionPeriod: '60' });
  for (const name of ['q', 'purged', 'short']) server.send(name, 'gone');
  const [message] = await server.receive('q');
  server.queues.deleteMessage(server.queues.queue('q'), message!.ReceiptHandle);
  server.queues.purge(server.queues.queue('purged'));
  server.send('q', 'poison');
  await server.receive('q', 0);
  await server.receive('q', 0);
  server.pass(60_000);
  server.queues.configure(server.queues.queue('short'), newQueueAttributes('short', {}));
  for (let restart = 0; restart < 2; restart++) {
    server.reopen();
    for (const name of ['q', 'purged', 'short']) expect([name, await server.receive(name)]).toEqual([name, []]);
    expect(server.counts('dead')).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  }
});

test('attributes, tags, order, deduplication and sequence numbers survive', async () => {
  server.create('q.fifo', { VisibilityTimeout: '77' });
  server.queues.configure(server.queues.queue('q.fifo'), server.queues.queue('q.fifo').attributes, { team: 'a' });
  const ids = ['1', '2', '3'].map((body) => server.send('q.fifo', body, { groupId: 'g', deduplicationId: body }));
  server.reopen();
  server.reopen();
  const queue = server.queues.queue('q.fifo');
  expect([queue.attributes.VisibilityTimeout, queue.tags]).toEqual(['77', { team: 'a' }]);
  expect(server.send('q.fifo', 'again', { groupId: 'g', deduplicationId: '2' })).toBe(ids[1]);
  server.send('q.fifo', '4', { groupId: 'g', deduplicationId: '4' });
  const messages = await server.receive('q.fifo');
  expect(messages.map(({ Body }) => Body)).toEqual(['1', '2', '3', '4']);
  const numbers = messages.map(({ Attributes }) => Attributes.SequenceNumber!);
  expect(numbers).toEqual([...new Set(numbers)].sort());
  server.pass(300_000);
  expect(server.send('q.fifo', 'new', { groupId: 'g', deduplicationId: '2' })).not.toBe(ids[1]);
});

test('a new delay of a FIFO queue still holds for the messages that waited', () => {
  server.create('q.fifo', { DelaySeconds: '900' });
  server.send('q.fifo', 'a', { delayMs: 900_000, groupId: 'g', deduplicationId: 'd' });
  const queue = server.queues.queue('q.fifo');
  server.queues.configure(queue, { ...queue.attributes, DelaySeconds: '60' });
  server.reopen();
  expect(server.counts('q.fifo')).toEqual({ visible: 0, inFlight: 0, delayed: 1 });
  server.pass(60_000);
  expect(server.counts('q.fifo')).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
});

test('a deleted queue stays deleted', () => {
  server.create('q');
  server.send('q', 'a');
  server.queues.deleteQueue(server.queues.queue('q'));
  server.reopen();
  expect(server.queues.has('q')).toBe(false);
});

interface ModelMessage {
  readonly body: string;
  readonly visibleAt: number;
  receiveCount: number;
}

const QUEUES = ['q', 'dead', 'q.fifo'] as const;
const MAX_RECEIVES = 3;

const operation = fc.oneof(
  fc.record({
    op: fc.constant('send' as const),
    queue: fc.constantFrom('q', 'q.fifo'),
    delayed: fc.boolean(),
    group: fc.constantFrom('a', 'b'),
    deduplicationId: fc.nat(20),
  }),
  fc.record({
    op: fc.constant('receive' as const),
    queue: fc.constantFrom(...QUEUES),
    visibility: fc.constantFrom(0, 60),
  }),
  fc.record({ op: fc.constantFrom('delete' as const, 'show' as const), which: fc.nat(100) }),
  fc.record({ op: fc.constant('pass' as const), ms: fc.constantFrom(1000, 30_000, 120_000) }),
  fc.record({ op: fc.constant('reopen' as const) }),
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Does random operations to the queues and to a map of what must be in them. */
class Model {
  readonly live = new Map<string, ModelMessage>();
  private now = 0;
  private held: { queue: string; message: ReceivedMessage }[] = [];
  private readonly deduplicated = new Map<number, number>();

  constructor(private readonly target: Restartable) {
    target.create('dead');
    const deadLetterTargetArn = target.queues.queue('dead').arn;
    target.create('q', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: MAX_RECEIVES }) });
    target.create('q.fifo');
  }

  async step(operation: Operation): Promise<void> {
    switch (operation.op) {
      case 'send':
        this.send(operation);
        break;
      case 'receive':
        await this.receive(operation.queue, operation.visibility);
        break;
      case 'pass':
        this.now += operation.ms;
        this.target.pass(operation.ms);
        break;
      case 'reopen':
        this.held = [];
        this.target.reopen();
        break;
      default:
        this.answer(operation.op, operation.which);
    }
  }

  private async receive(queue: string, visibility: number): Promise<number> {
    const messages = await this.target.receive(queue, visibility);
    for (const message of messages) {
      const expected = this.live.get(message.MessageId)!;
      expect(message.Body).toBe(expected.body);
      expect(expected.visibleAt).toBeLessThanOrEqual(this.now + 1000);
      expect(Number(message.Attributes.ApproximateReceiveCount)).toBe(++expected.receiveCount);
      if (queue === 'q') expect(expected.receiveCount).toBeLessThanOrEqual(MAX_RECEIVES);
      this.held.push({ queue, message });
    }
    return messages.length;
  }

  /** Receives and deletes until nothing comes any more; dead letters last, for some come about here. */
  async drain(): Promise<void> {
    this.held = [];
    for (const queue of ['q', 'q.fifo', 'dead']) {
      while ((await this.receive(queue, 600)) > 0) while (this.held.length > 0) this.answer('delete', 0);
    }
  }

  private send({ queue, delayed, group, deduplicationId }: Extract<Operation, { op: 'send' }>): void {
    const body = `${queue} ${this.live.size}`;
    if (queue === 'q') {
      const delayMs = delayed ? 60_000 : 0;
      const id = this.target.send(queue, body, { delayMs });
      this.live.set(id, { body, visibleAt: this.now + delayMs, receiveCount: 0 });
      return;
    }
    const last = this.deduplicated.get(deduplicationId);
    // Wall time goes on during the test, so the end of the five minutes itself is left out.
    if (last !== undefined && this.now - last > 240_000 && this.now - last <= 300_000) return;
    const duplicate = last !== undefined && this.now - last <= 240_000;
    const id = this.target.send(queue, body, { groupId: group, deduplicationId: String(deduplicationId) });
    if (duplicate) return;
    this.deduplicated.set(deduplicationId, this.now);
    this.live.set(id, { body, visibleAt: this.now, receiveCount: 0 });
  }

  /** Deletes or shows a message that was received; the queue refuses or ignores what is no longer held. */
  private answer(op: 'delete' | 'show', which: number): void {
    if (this.held.length === 0) return;
    const [{ queue: name, message }] = this.held.splice(which % this.held.length, 1) as [(typeof this.held)[0]];
    const queue = this.target.queues.queue(name);
    const held = queue.held(parseReceiptHandle(name, message.ReceiptHandle)) !== undefined;
    if (!held) return;
    if (op === 'show') this.target.queues.changeVisibility(queue, message.ReceiptHandle, 0);
    else {
      this.target.queues.deleteMessage(queue, message.ReceiptHandle);
      this.live.delete(message.MessageId);
    }
  }
}

test('after any operations and restarts the queues hold what the model holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 80 }), async (operations) => {
      const target = new Restartable();
      try {
        const model = new Model(target);
        for (const step of operations) await model.step(step);
        target.reopen();
        const found = QUEUES.flatMap((name) => target.queues.queue(name).stored());
        expect(new Map(found.map(({ id, body, receiveCount }) => [id, [body, receiveCount]]))).toEqual(
          new Map([...model.live].map(([id, { body, receiveCount }]) => [id, [body, receiveCount]])),
        );
        await model.step({ op: 'pass', ms: 120_000 });
        await model.drain();
        expect(model.live.size).toBe(0);
      } finally {
        target.dispose();
      }
    }),
    { numRuns: 60 },
  );
});

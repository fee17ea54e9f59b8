import { randomUUID } from 'node:crypto';
import type { ServiceClock } from '../clock';
import { Journal } from './journal';
import { type JournalEntry, replay } from './journal-entries';
import { parseReceiptHandle, type QueuedMessage, type StoredMessage, stored } from './message';
import { Queue, queueName } from './queue';
import { type QueueAttributes, redrivePolicyOf } from './queue-attributes';
import { type ReceivedMessage, receivedMessage } from './received-message';
import { checkRedrive } from './redrive';
import { invalidValue, noSuchQueue, SqsError } from './sqs-error';

/** Most messages that may be in flight in one queue. */
export const MAX_IN_FLIGHT = 120_000;

const PURGE_MS = 60_000;
const RECREATE_MS = 60_000;
const COMPACTION_BYTES = 64 * 1024 * 1024;
const COMPACTION_GROWTH = 4;

/** A checked message that has no id yet. */
export type Draft = Pick<
  StoredMessage,
  'body' | 'attributes' | 'systemAttributes' | 'groupId' | 'deduplicationId' | 'senderId'
> & {
  /** How long it stays hidden, in milliseconds of service time. */
  readonly delayMs: number;
};

/** What a receive asks for. */
export interface ReceiveOptions {
  /** Most messages to return, 1 to 10. */
  readonly max: number;
  /** How long to wait for the first message, in milliseconds of wall time. */
  readonly waitMs: number;
  /** Ends the wait; a poll that was aborted takes no message. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds of service time; the queue's `VisibilityTimeout` when left out. */
  readonly visibilityTimeout?: number | undefined;
}

interface Poller {
  readonly options: ReceiveOptions;
  end(messages: ReceivedMessage[]): void;
  fail(error: unknown): void;
}

interface OpenQueue {
  readonly queue: Queue;
  readonly pollers: Poller[];
  purgedAt: number;
  timerAt: number | undefined;
  cancelTimer: (() => void) | undefined;
}

/**
 * All queues of one account: keeps every change in the journal before it happens, moves messages between
 * queues, wakes the waiting receives, and has one timer per queue.
 */
export class Queues {
  private readonly open = new Map<string, OpenQueue>();
  private readonly deletedAt = new Map<string, number>();
  private readonly journal: Journal<JournalEntry[]> | undefined;
  private order = 0;
  private closed = false;

  /** Throws `CorruptJournalError` when the journal in `dir` is damaged. Without `dir` nothing is kept. */
  constructor(
    readonly clock: ServiceClock,
    dir: string | undefined,
  ) {
    if (dir === undefined) return;
    this.journal = new Journal(dir);
    this.restore(this.journal);
    this.journal.rewrite(this.snapshot());
    for (const entry of this.open.values()) this.changed(entry);
  }

  /** The queue that an ARN, a URL or a name means, with all that is due done. */
  queue(arnOrUrl: string): Queue {
    return this.entry(arnOrUrl).queue;
  }

  /** All queues by name. */
  list(): Queue[] {
    return [...this.open.values()].map(({ queue }) => queue).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Whether there is a queue of this name. */
  has(arnOrUrl: string): boolean {
    return this.open.has(queueName(arnOrUrl));
  }

  /** Creates a queue. `attributes` are complete and checked. */
  create(name: string, attributes: QueueAttributes, tags: Readonly<Record<string, string>>): Queue {
    const now = this.clock.now();
    if ((this.deletedAt.get(name) ?? Number.NEGATIVE_INFINITY) + RECREATE_MS > now) {
      throw new SqsError('QueueDeletedRecently', 'Wait 60 seconds after deleting a queue before creating it again.');
    }
    const policy = redrivePolicyOf(attributes);
    if (policy) checkRedrive(this, name, policy);
    const queue = new Queue(name, attributes, now);
    queue.tags = tags;
    this.append({ op: 'queue', name, attributes, tags, createdAt: now, modifiedAt: now });
    this.deletedAt.delete(name);
    this.add(queue);
    return queue;
  }

  /** Gives a queue other attributes (complete and checked) and tags. */
  configure(queue: Queue, attributes: QueueAttributes, tags = queue.tags): void {
    const policy = redrivePolicyOf(attributes);
    if (policy && attributes.RedrivePolicy !== queue.attributes.RedrivePolicy) checkRedrive(this, queue.name, policy);
    const now = this.clock.now();
    this.append({ op: 'queue', name: queue.name, attributes, tags, createdAt: queue.createdAt, modifiedAt: now });
    queue.configure(attributes, tags, now);
    this.changed(this.entry(queue.name));
  }

  /** Deletes a queue with all its messages; who waits for one is told that it is gone. */
  deleteQueue(queue: Queue): void {
    const entry = this.entry(queue.name);
    this.append({ op: 'deleteQueue', name: queue.name });
    this.open.delete(queue.name);
    this.deletedAt.set(queue.name, this.clock.now());
    entry.cancelTimer?.();
    for (const poller of entry.pollers.splice(0)) poller.fail(noSuchQueue());
  }

  /** Puts messages into a queue; one that is a duplicate on a FIFO queue gets the first one's id and order. */
  send(queue: Queue, drafts: readonly Draft[]): { id: string; order: number }[] {
    const now = this.clock.now();
    const sent: { id: string; order: number }[] = [];
    const messages: StoredMessage[] = [];
    const keys = new Map<string, StoredMessage>();
    for (const { delayMs, ...draft } of drafts) {
      const key = queue.fifo ? queue.deduplicationKey(draft) : undefined;
      const first = key === undefined ? undefined : (queue.duplicateOf(key, now) ?? keys.get(key));
      if (first) {
        sent.push({ id: first.id, order: first.order });
        continue;
      }
      const id = randomUUID();
      const message = { ...draft, id, order: ++this.order, sentAt: now, availableAt: now + delayMs, receiveCount: 0 };
      messages.push(message);
      sent.push(message);
      if (key !== undefined) keys.set(key, message);
    }
    if (messages.length === 0) return sent;
    const fifo = queue.fifo ? { keys: [...keys.keys()] } : {};
    this.append({ op: 'send', queue: queue.name, messages, ...fifo });
    for (const message of messages) queue.insert(message, now);
    for (const [key, { id, order }] of keys) queue.deduplicate(key, { id, order, at: now });
    this.changed(this.entry(queue.name));
    return sent;
  }

  /** Receives what there is, or waits for it; empty when the wait ended or was aborted. */
  async receive(queue: Queue, options: ReceiveOptions): Promise<ReceivedMessage[]> {
    const entry = this.entry(queue.name);
    if (options.signal?.aborted || this.closed) return [];
    const messages = this.take(entry, options);
    this.changed(entry);
    if (messages.length > 0 || options.waitMs <= 0) return messages;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', onEnd);
        const at = entry.pollers.indexOf(poller);
        if (at !== -1) entry.pollers.splice(at, 1);
      };
      const poller: Poller = {
        options,
        end(received) {
          leave();
          resolve(received);
        },
        fail(error) {
          leave();
          reject(error);
        },
      };
      const onEnd = (): void => poller.end([]);
      const timer = setTimeout(onEnd, options.waitMs);
      options.signal?.addEventListener('abort', onEnd);
      entry.pollers.push(poller);
    });
  }

  /**
   * Deletes the message of a handle. On a standard queue the handle of an earlier receive deletes nothing
   * once the message was received again; on a FIFO queue a handle whose visibility ended is refused.
   */
  deleteMessage(queue: Queue, handle: string): void {
    const receipt = parseReceiptHandle(queue.name, handle);
    const message = queue.messages.get(receipt.messageId);
    if (!message) return;
    if (queue.fifo && !queue.held(receipt)) {
      throw invalidValue('ReceiptHandle', handle, 'The receipt handle has expired.');
    }
    if (message.receiveCount !== receipt.receiveCount) return;
    this.append({ op: 'delete', queue: queue.name, ids: [message.id] });
    queue.remove(message.id);
    this.changed(this.entry(queue.name));
  }

  /** Hides a message in flight for `seconds` from now; 0 makes it visible at once. */
  changeVisibility(queue: Queue, handle: string, seconds: number): void {
    const receipt = parseReceiptHandle(queue.name, handle);
    if (!queue.messages.has(receipt.messageId)) {
      throw invalidValue('ReceiptHandle', handle, 'Message does not exist or is not available for a change.');
    }
    const message = queue.held(receipt);
    if (!message) throw new SqsError('MessageNotInflight', 'The specified message is not in flight.');
    queue.waitUntil(message, this.clock.now() + seconds * 1000);
    this.changed(this.entry(queue.name));
  }

  /** Deletes all messages of a queue; once a minute at most. */
  purge(queue: Queue): void {
    const entry = this.entry(queue.name);
    const now = this.clock.now();
    if (entry.purgedAt + PURGE_MS > now) {
      throw new SqsError('PurgeQueueInProgress', 'Only one PurgeQueue operation is allowed every 60 seconds.');
    }
    this.append({ op: 'purge', queue: queue.name });
    entry.purgedAt = now;
    queue.purge();
    this.changed(entry);
  }

  /** Puts a message that was taken from `from` into `to` as a new one: new id, new age, no receives. */
  moveAsNew(
    from: Queue,
    { id, body, attributes, systemAttributes, groupId, deduplicationId, senderId }: QueuedMessage,
    to: Queue,
  ): void {
    const now = this.clock.now();
    const order = ++this.order;
    const kept = { body, attributes, systemAttributes, groupId, deduplicationId, senderId };
    this.move(from, id, to, { ...kept, id: randomUUID(), order, sentAt: now, availableAt: now, receiveCount: 0 });
  }

  /** Ends every wait and every timer and closes the journal. */
  close(): void {
    this.closed = true;
    for (const { pollers, cancelTimer } of this.open.values()) {
      cancelTimer?.();
      for (const poller of [...pollers]) poller.end([]);
    }
    this.journal?.close();
  }

  private entry(arnOrUrl: string): OpenQueue {
    const entry = this.open.get(queueName(arnOrUrl));
    if (!entry) throw noSuchQueue();
    entry.queue.settle(this.clock.now());
    return entry;
  }

  private add(queue: Queue): void {
    const purgedAt = Number.NEGATIVE_INFINITY;
    this.open.set(queue.name, { queue, pollers: [], purgedAt, timerAt: undefined, cancelTimer: undefined });
  }

  /** After every change: what is due, who waits, and when to look again. */
  private changed(entry: OpenQueue): void {
    const { queue, pollers } = entry;
    queue.settle(this.clock.now());
    while (queue.receivable) {
      const poller = pollers.shift();
      if (!poller) break;
      try {
        const messages = this.take(entry, poller.options);
        if (messages.length === 0) {
          pollers.unshift(poller);
          break;
        }
        poller.end(messages);
      } catch (error) {
        poller.fail(error);
      }
    }
    this.arm(entry);
  }

  private arm(entry: OpenQueue): void {
    const at = this.closed ? undefined : entry.queue.nextAt();
    if (at === entry.timerAt) return;
    entry.cancelTimer?.();
    entry.timerAt = at;
    entry.cancelTimer =
      at === undefined
        ? undefined
        : this.clock.schedule(at, () => {
            entry.timerAt = undefined;
            this.changed(entry);
          });
  }

  private take(entry: OpenQueue, { max, visibilityTimeout }: ReceiveOptions): ReceivedMessage[] {
    const { queue } = entry;
    const now = this.clock.now();
    const room = MAX_IN_FLIGHT - queue.counts.inFlight;
    if (room <= 0 && !queue.fifo) throw new SqsError('OverLimit', 'Too many messages are in flight.');
    const limit = Math.min(max, room);
    const taken: QueuedMessage[] = [];
    try {
      while (taken.length < limit) {
        const batch = queue.take(limit - taken.length);
        if (batch.length === 0) break;
        taken.push(...batch);
        for (const message of batch) if (this.bury(queue, message, now)) taken.splice(taken.indexOf(message), 1);
      }
      const ids = taken.map(({ id }) => id);
      if (ids.length > 0) this.append({ op: 'receive', queue: queue.name, ids, at: now });
    } catch (error) {
      queue.giveBack(taken);
      throw error;
    }
    const visibilityMs = (visibilityTimeout ?? queue.setting('VisibilityTimeout')) * 1000;
    for (const message of taken) queue.received(message, now, visibilityMs);
    const messages = taken.map((message) => receivedMessage(queue, message));
    queue.settle(now);
    return messages;
  }

  /** Moves a message that was received too often to the dead letter queue; false when it stays. */
  private bury(queue: Queue, message: QueuedMessage, now: number): boolean {
    const policy = queue.redrivePolicy;
    if (!policy || message.receiveCount < policy.maxReceiveCount || !this.has(policy.deadLetterTargetArn)) return false;
    this.move(queue, message.id, this.queue(policy.deadLetterTargetArn), {
      ...stored(message),
      order: ++this.order,
      availableAt: now,
      // On standard queues a dead letter keeps its age, so its retention counts from the first send.
      sentAt: queue.fifo ? now : message.sentAt,
      deadLetterSource: queue.arn,
    });
    return true;
  }

  private move(from: Queue, id: string, to: Queue, message: StoredMessage): void {
    this.append({ op: 'move', from: from.name, id, to: to.name, message });
    from.remove(id);
    to.insert(message, this.clock.now());
    this.changed(this.entry(to.name));
  }

  private append(entry: JournalEntry): void {
    const { journal } = this;
    if (!journal) return;
    if (journal.size > COMPACTION_BYTES && journal.size > COMPACTION_GROWTH * journal.compactedSize) {
      journal.rewrite(this.snapshot());
    }
    journal.append([entry]);
  }

  private restore(journal: Journal<JournalEntry[]>): void {
    const { queues, order } = replay(journal.read());
    const now = this.clock.now();
    this.order = order;
    for (const [name, { attributes, tags, createdAt, modifiedAt, messages, deduplicated }] of queues) {
      const queue = new Queue(name, attributes, createdAt);
      queue.tags = tags;
      queue.modifiedAt = modifiedAt;
      for (const message of messages.values()) queue.insert(message, now);
      for (const [key, value] of deduplicated) queue.deduplicate(key, value);
      this.add(queue);
    }
  }

  private *snapshot(): Generator<JournalEntry[]> {
    yield [{ op: 'order', value: this.order }];
    for (const { queue } of this.open.values()) {
      const { name, attributes, tags, createdAt, modifiedAt } = queue;
      yield [{ op: 'queue', name, attributes, tags, createdAt, modifiedAt }];
      const entries = queue.deduplications();
      if (entries.length > 0) yield [{ op: 'deduplicated', queue: name, entries }];
      for (const message of queue.stored()) yield [{ op: 'send', queue: name, messages: [message] }];
    }
  }
}

import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws-call';
import { Heap } from './heap';
import { type MessageState, type QueuedMessage, type Receipt, type StoredMessage, stored } from './message';
import { type QueueAttributes, type RedrivePolicy, redrivePolicyOf } from './queue-attributes';
import { GroupOrder, type ReadyOrder, StandardOrder } from './ready-order';

/** How long SQS remembers a deduplication id, in milliseconds. */
export const DEDUPLICATION_MS = 5 * 60_000;

/** What SQS remembers of a message that was sent with a deduplication id. */
export interface Deduplicated {
  readonly id: string;
  readonly order: number;
  readonly at: number;
}

/** ARN of the queue of this name. */
export function queueArn(name: string): string {
  return `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${name}`;
}

/** Name of the queue that an ARN, a URL or a name means. */
export function queueName(arnOrUrl: string): string {
  return arnOrUrl.slice(Math.max(arnOrUrl.lastIndexOf('/'), arnOrUrl.lastIndexOf(':')) + 1);
}

/**
 * One queue in memory: which message is where, and when that changes. It decides nothing about other
 * queues, keeps nothing on disk and starts no timer; its owner calls {@link settle} when {@link nextAt} is
 * reached. All times are service time in milliseconds.
 */
export class Queue {
  readonly arn: string;
  readonly fifo: boolean;
  readonly messages = new Map<string, QueuedMessage>();
  /** How many messages are in each state. */
  readonly counts: Record<MessageState, number> = { delayed: 0, visible: 0, inFlight: 0 };
  tags: Readonly<Record<string, string>> = {};
  modifiedAt: number;
  redrivePolicy: RedrivePolicy | undefined;
  private readonly ready: ReadyOrder;
  private readonly waiting = new Heap<QueuedMessage>((a, b) => a.availableAt < b.availableAt);
  private readonly oldest = new Heap<QueuedMessage>((a, b) => a.sentAt < b.sentAt);
  private readonly deduplicated = new Map<string, Deduplicated>();

  constructor(
    readonly name: string,
    private current: QueueAttributes,
    readonly createdAt: number,
  ) {
    this.arn = queueArn(name);
    this.fifo = current.FifoQueue === 'true';
    this.ready = this.fifo ? new GroupOrder() : new StandardOrder();
    this.modifiedAt = createdAt;
    this.redrivePolicy = redrivePolicyOf(current);
  }

  /** The attributes that can be set. */
  get attributes(): QueueAttributes {
    return this.current;
  }

  /** Whether a receive would find anything now. */
  get receivable(): boolean {
    return this.ready.receivable;
  }

  /** A numeric attribute that every queue has, such as `VisibilityTimeout`, in its own unit. */
  setting(name: string): number {
    return Number(this.current[name]);
  }

  /** Takes over attributes. On a FIFO queue a new delay also holds for the messages that wait for theirs. */
  configure(attributes: QueueAttributes, tags: Readonly<Record<string, string>>, now: number): void {
    const delayChanged = attributes.DelaySeconds !== this.current.DelaySeconds;
    this.current = attributes;
    this.tags = tags;
    this.modifiedAt = now;
    this.redrivePolicy = redrivePolicyOf(attributes);
    if (!this.fifo || !delayChanged) return;
    for (const message of this.messages.values()) {
      if (message.state === 'delayed') this.waitUntil(message, message.sentAt + this.setting('DelaySeconds') * 1000);
    }
  }

  /** The next time at which something happens by itself: a delay, a visibility or a retention ends. */
  nextAt(): number | undefined {
    const waiting = this.waiting.peek()?.availableAt;
    const oldest = this.oldest.peek();
    const expiry = oldest && oldest.sentAt + this.setting('MessageRetentionPeriod') * 1000;
    if (waiting === undefined) return expiry;
    return expiry === undefined ? waiting : Math.min(waiting, expiry);
  }

  /** Does what is due by `now`. */
  settle(now: number): void {
    const retention = this.setting('MessageRetentionPeriod') * 1000;
    for (let old = this.oldest.peek(); old && old.sentAt + retention <= now; old = this.oldest.peek()) {
      this.remove(old.id);
    }
    for (let due = this.waiting.peek(); due && due.availableAt <= now; due = this.waiting.peek()) this.reveal(due);
  }

  /** Puts a message in; it is delayed when its time of availability is still to come. */
  insert(message: StoredMessage, now: number): void {
    const queued: QueuedMessage = { ...message, state: message.availableAt > now ? 'delayed' : 'visible' };
    this.messages.set(queued.id, queued);
    this.counts[queued.state]++;
    this.oldest.push(queued);
    if (queued.state === 'delayed') this.waiting.push(queued);
    this.ready.add(queued);
  }

  /** Hands out up to `max` messages: in flight, but not yet counted as received. */
  take(max: number): QueuedMessage[] {
    const taken = this.ready.take(max);
    for (const message of taken) this.enter(message, 'inFlight');
    return taken;
  }

  /** Gives back what {@link take} handed out, as if it had not happened. */
  giveBack(messages: readonly QueuedMessage[]): void {
    for (const message of messages) {
      this.enter(message, 'visible');
      this.ready.returned(message);
    }
  }

  /** Counts a receive of a message that {@link take} handed out and hides it for a time. */
  received(message: QueuedMessage, now: number, visibilityMs: number): void {
    message.receiveCount++;
    message.firstReceivedAt ??= now;
    this.waitUntil(message, now + visibilityMs);
  }

  /** Hides a message in flight until a new time. */
  waitUntil(message: QueuedMessage, at: number): void {
    this.waiting.remove(message);
    message.availableAt = at;
    this.waiting.push(message);
  }

  /** The message of a receipt if it is in flight by that very receive, else undefined. */
  held(receipt: Receipt): QueuedMessage | undefined {
    const message = this.messages.get(receipt.messageId);
    return message?.state === 'inFlight' && message.receiveCount === receipt.receiveCount ? message : undefined;
  }

  /** Takes a message out for good. */
  remove(id: string): void {
    const message = this.messages.get(id);
    if (!message) return;
    this.messages.delete(id);
    this.counts[message.state]--;
    this.waiting.remove(message);
    this.oldest.remove(message);
    this.ready.gone(message);
  }

  /** Takes every message out. Deduplication ids stay remembered. */
  purge(): void {
    for (const id of [...this.messages.keys()]) this.remove(id);
  }

  /** What was sent with this deduplication id within the last five minutes. */
  duplicateOf(key: string, now: number): Deduplicated | undefined {
    for (const [oldest, { at }] of this.deduplicated) {
      if (at + DEDUPLICATION_MS > now) break;
      this.deduplicated.delete(oldest);
    }
    return this.deduplicated.get(key);
  }

  /** The key under which a message is deduplicated: its id, within its group when the queue says so. */
  deduplicationKey(message: Pick<StoredMessage, 'groupId' | 'deduplicationId'>): string {
    const scope = this.current.DeduplicationScope === 'messageGroup' ? `${message.groupId} ` : '';
    return scope + message.deduplicationId;
  }

  /** Remembers a deduplication id. */
  deduplicate(key: string, entry: Deduplicated): void {
    this.deduplicated.set(key, entry);
  }

  /** The remembered deduplication ids, oldest first. */
  deduplications(): [key: string, entry: Deduplicated][] {
    return [...this.deduplicated];
  }

  /** All messages as they are kept for a restart. */
  stored(): StoredMessage[] {
    return [...this.messages.values()].map(stored);
  }

  private reveal(message: QueuedMessage): void {
    const before = message.state;
    this.waiting.remove(message);
    this.enter(message, 'visible');
    if (before === 'inFlight') this.ready.returned(message);
    else this.ready.appeared(message);
  }

  private enter(message: QueuedMessage, state: MessageState): void {
    this.counts[message.state]--;
    message.state = state;
    this.counts[state]++;
  }
}

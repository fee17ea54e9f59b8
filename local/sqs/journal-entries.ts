import type { StoredMessage } from './message';
import type { Deduplicated } from './queue';
import type { QueueAttributes } from './queue-attributes';

/** One change as the journal keeps it; a record is a list of changes that happen together. */
export type JournalEntry =
  | {
      readonly op: 'queue';
      readonly name: string;
      readonly attributes: QueueAttributes;
      readonly tags: Readonly<Record<string, string>>;
      readonly createdAt: number;
      readonly modifiedAt: number;
    }
  | { readonly op: 'deleteQueue'; readonly name: string }
  | {
      readonly op: 'send';
      readonly queue: string;
      readonly messages: readonly StoredMessage[];
      /** Deduplication keys of the messages, in their order, on a FIFO queue. */
      readonly keys?: readonly string[];
    }
  | { readonly op: 'receive'; readonly queue: string; readonly ids: readonly string[]; readonly at: number }
  | { readonly op: 'delete'; readonly queue: string; readonly ids: readonly string[] }
  | {
      readonly op: 'move';
      readonly from: string;
      readonly id: string;
      readonly to: string;
      readonly message: StoredMessage;
    }
  | { readonly op: 'purge'; readonly queue: string }
  | {
      readonly op: 'deduplicated';
      readonly queue: string;
      readonly entries: readonly (readonly [string, Deduplicated])[];
    }
  /** The highest order number given so far, which must never be given again. */
  | { readonly op: 'order'; readonly value: number };

/** A queue as the journal tells it. */
export interface StoredQueue {
  attributes: QueueAttributes;
  tags: Readonly<Record<string, string>>;
  readonly createdAt: number;
  modifiedAt: number;
  readonly messages: Map<string, StoredMessage>;
  readonly deduplicated: Map<string, Deduplicated>;
}

/** Everything that a journal tells. */
export interface StoredState {
  readonly queues: Map<string, StoredQueue>;
  order: number;
}

/** Plays a journal from its beginning. */
export function replay(records: Iterable<readonly JournalEntry[]>): StoredState {
  const state: StoredState = { queues: new Map(), order: 0 };
  for (const record of records) for (const entry of record) apply(state, entry);
  return state;
}

function apply(state: StoredState, entry: JournalEntry): void {
  switch (entry.op) {
    case 'queue':
      configure(state, entry);
      break;
    case 'deleteQueue':
      state.queues.delete(entry.name);
      break;
    case 'send': {
      const { messages, deduplicated } = queueOf(state, entry.queue);
      entry.messages.forEach((message, index) => {
        messages.set(message.id, message);
        state.order = Math.max(state.order, message.order);
        const key = entry.keys?.[index];
        if (key !== undefined) deduplicated.set(key, { id: message.id, order: message.order, at: message.sentAt });
      });
      break;
    }
    case 'receive': {
      const { messages } = queueOf(state, entry.queue);
      for (const id of entry.ids) {
        const message = messages.get(id);
        if (!message) continue;
        const { receiveCount, firstReceivedAt = entry.at } = message;
        messages.set(id, { ...message, receiveCount: receiveCount + 1, firstReceivedAt, availableAt: 0 });
      }
      break;
    }
    case 'delete': {
      const { messages } = queueOf(state, entry.queue);
      for (const id of entry.ids) messages.delete(id);
      break;
    }
    case 'move':
      queueOf(state, entry.from).messages.delete(entry.id);
      queueOf(state, entry.to).messages.set(entry.message.id, entry.message);
      state.order = Math.max(state.order, entry.message.order);
      break;
    case 'purge':
      queueOf(state, entry.queue).messages.clear();
      break;
    case 'deduplicated':
      for (const [key, value] of entry.entries) queueOf(state, entry.queue).deduplicated.set(key, value);
      break;
    case 'order':
      state.order = Math.max(state.order, entry.value);
      break;
  }
}

function queueOf(state: StoredState, name: string): StoredQueue {
  const queue = state.queues.get(name);
  if (!queue) throw new Error(`The queue journal names ${name} before it is created.`);
  return queue;
}

function configure(state: StoredState, entry: Extract<JournalEntry, { op: 'queue' }>): void {
  const { attributes, tags, createdAt, modifiedAt } = entry;
  const queue = state.queues.get(entry.name);
  if (!queue) {
    const added = { attributes, tags, createdAt, modifiedAt, messages: new Map(), deduplicated: new Map() };
    state.queues.set(entry.name, added);
    return;
  }
  // What the old retention had ended must not come back under a longer one.
  const retention = Number(queue.attributes.MessageRetentionPeriod) * 1000;
  const delayChanged = attributes.DelaySeconds !== queue.attributes.DelaySeconds;
  for (const [id, message] of queue.messages) {
    if (message.sentAt + retention <= modifiedAt) queue.messages.delete(id);
    else if (attributes.FifoQueue === 'true' && delayChanged && message.availableAt > modifiedAt) {
      queue.messages.set(id, { ...message, availableAt: message.sentAt + Number(attributes.DelaySeconds) * 1000 });
    }
  }
  Object.assign(queue, { attributes, tags, modifiedAt });
}

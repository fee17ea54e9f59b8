import type { CallbackOptions, Message } from '../../lambda/message/message';
import type { AttemptRecord, MessageState } from '../../lambda/message/message-state';
import { ATTEMPT_SUFFIX, CANCEL_SUFFIX, dueOf, type Item, STATE_SUFFIX } from '../../lambda/store/keys';
import { decodeAttempt, decodeMessage, decodeState, expiryOf } from '../../lambda/store/message-items';
import { decodeBodyHint, decodeHint, decodeScheduleHint, type Hint } from '../../lambda/wait/hint';
import { decodeWake } from '../../lambda/wait/wake';

/*
 * All times are service time in milliseconds. `status` is that of the answer, 0 where there was none: whether
 * the service did what it was asked is unknown then, as it is for 5xx.
 */

/** What a publisher asked for and was told. Every message has a URL of its own, but for duplicates. */
export interface Publish {
  readonly url: string;
  readonly status: number;
  readonly messageId?: string;
  readonly askedAt: number;
  readonly answeredAt?: number;
  /** Milliseconds to wait before the first attempt. */
  readonly delay?: number;
  /** Milliseconds to wait before each retry. */
  readonly retryDelay?: number;
  readonly deduplicationId?: string;
}

/** What a canceller was told. */
export interface Cancel {
  readonly messageId: string;
  readonly status: number;
  /** How many messages the answer says it canceled. */
  readonly cancelled?: number;
  readonly answeredAt: number;
}

/** What was told to whoever retried or deleted a dead letter. */
export interface DeadLetterRequest {
  readonly dlqId: string;
  readonly action: 'retry' | 'delete';
  readonly status: number;
  /** The message that a retry became. */
  readonly successor?: string;
}

/** A request that reached a destination. */
export interface Arrival {
  readonly messageId: string;
  /** `Upstash-Retried`. */
  readonly retried: number;
  readonly arrivedAt: number;
  /** When it was answered, and with what; absent when it never was. */
  readonly answeredAt?: number;
  readonly status?: number;
  /** It came without the body that was published, or with another one. */
  readonly isGarbled?: boolean;
}

/** An entry of `/v2/events`. */
export interface LogEntry {
  readonly messageId: string;
  readonly state: string;
}

/** Everything that the service keeps, at a time when none of its functions runs. */
export interface Dump {
  readonly now: number;
  /** Whether everything has been given the time to end. */
  readonly drained: boolean;
  readonly table: readonly Item[];
  /** Keys of the bodies in the bucket. */
  readonly objects: readonly string[];
  /** Bodies of all messages, visible or not. */
  readonly queues: Readonly<Record<'deliveries' | 'failures' | 'redrive' | 'wakes', readonly string[]>>;
}

/** What is known of a service from outside, and what it keeps. */
export interface History {
  readonly publishes: readonly Publish[];
  readonly cancels: readonly Cancel[];
  readonly deadLetterRequests: readonly DeadLetterRequest[];
  readonly arrivals: readonly Arrival[];
  readonly dump: Dump;
  /** An earlier dump, with which the last must agree. */
  readonly earlier?: Dump;
  /** The log, where it was read. */
  readonly log?: readonly LogEntry[];
  /** What the functions wrote to their output. */
  readonly lines: readonly string[];
}

/** A message as a dump holds it. */
export interface StoredMessage {
  readonly message: Message;
  readonly state: MessageState;
  /** Records of the attempts that its state names, by attempt; those that are gone are absent. */
  readonly records: readonly (AttemptRecord | undefined)[];
  readonly logsCancel: boolean;
  readonly expiry: number | undefined;
  readonly stateExpiry: number | undefined;
}

export interface StoredDeadLetter {
  readonly dlqId: string;
  readonly messageId: string;
  readonly expiry: number | undefined;
}

/** A dump by what its items are. */
export interface Stored {
  readonly messages: ReadonlyMap<string, StoredMessage>;
  readonly deadLetters: ReadonlyMap<string, StoredDeadLetter>;
  /** What will make somebody look at a message: the hints of the queues and of the due index. */
  readonly hints: readonly Hint[];
  readonly due: readonly { readonly hint: Hint; readonly at: number }[];
  /** The messages whose held bodies somebody will look at. */
  readonly released: ReadonlySet<string>;
  /** Bodies of a queue that are no hints. */
  readonly malformed: readonly string[];
}

export function readDump({ table, queues }: Dump): Stored {
  const inDays = table.filter(({ pk }) => pk!.S!.startsWith('m#'));
  const states = new Map(inDays.filter(endsIn(STATE_SUFFIX)).map((item) => [item.sk!.S!, item]));
  const attempts = inDays.filter(endsIn(ATTEMPT_SUFFIX)).map((item) => ({ ...decodeAttempt(item), item }));
  const canceled = new Set(
    inDays
      .filter(endsIn(CANCEL_SUFFIX))
      .filter(({ st }) => st!.S === 'CANCELED')
      .map(({ m }) => m!.S!),
  );
  const messages = new Map<string, StoredMessage>();
  for (const item of inDays.filter(({ sk }) => !sk!.S!.includes('#'))) {
    const message = decodeMessage(item);
    const stateItem = states.get(item.sk!.S! + STATE_SUFFIX);
    const state = decodeState(stateItem);
    const own = attempts.filter(({ messageId }) => messageId === message.messageId).map(({ record }) => record);
    messages.set(message.messageId, {
      message,
      state,
      records: state.ends.map((_, attempt) =>
        attempt === 0 && state.first !== undefined
          ? state.first
          : own.find((record) => record.attempt === attempt && record.endedAt === state.ends[attempt]),
      ),
      logsCancel: canceled.has(message.messageId),
      expiry: expiryOf(item),
      stateExpiry: stateItem && expiryOf(stateItem),
    });
  }
  const deadLetters = table
    .filter(({ pk }) => pk!.S!.startsWith('dlq#'))
    .map((item) => ({ dlqId: item.sk!.S!, messageId: item.m!.S!, expiry: expiryOf(item) }));
  const bodies = Object.values(queues).flat();
  const due = table.filter(({ pk }) => pk!.S!.startsWith('due#'));
  const all = [...bodies, ...due.map(({ h }) => h!.S!)];
  return {
    messages,
    deadLetters: new Map(deadLetters.map((deadLetter) => [deadLetter.dlqId, deadLetter])),
    hints: bodies.flatMap((body) => decodeHint(body) ?? []),
    due: due.flatMap((item) => {
      const hint = decodeHint(item.h!.S!);
      return hint === undefined ? [] : [{ hint, at: dueOf(item) }];
    }),
    released: new Set(all.flatMap((body) => decodeBodyHint(body)?.messageId ?? [])),
    malformed: bodies.filter((body) =>
      [decodeHint, decodeBodyHint, decodeScheduleHint, decodeWake].every((read) => read(body) === undefined),
    ),
  };
}

/** The callbacks that a message asks for, by how its messages are kept apart. */
export function callbacksOf({
  callback,
  failureCallback,
}: Message): { lane: Message['lane']; options: CallbackOptions }[] {
  return [
    ...(callback === undefined ? [] : [{ lane: 'deliveries' as const, options: callback }]),
    ...(failureCallback === undefined ? [] : [{ lane: 'failures' as const, options: failureCallback }]),
  ];
}

function endsIn(suffix: string): (item: Item) => boolean {
  return ({ sk }) => sk!.S!.endsWith(suffix);
}

/** What has a key, by that. */
export function groupBy<T>(all: readonly T[], keyOf: (one: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

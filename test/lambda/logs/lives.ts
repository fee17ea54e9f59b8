import fc from 'fast-check';
import {
  activeEvent,
  attemptEvents,
  cancelEvents,
  createdEvent,
  earlyEvents,
  type LogEvent,
} from '../../../lambda/logs/log-event';
import type { Message } from '../../../lambda/message/message';
import { derivedMessageId } from '../../../lambda/message/message-id';
import {
  type AttemptRecord,
  EARLY_EVENT_MS,
  isEarly,
  type MessageState,
  NO_STATE,
} from '../../../lambda/message/message-state';

/** An item of the log, by where it lies in time. */
export interface TellingItem {
  readonly at: number;
  readonly events: readonly LogEvent[];
}

/** A message as the table would have it. */
export interface Life {
  readonly message: Pick<Message, 'messageId' | 'createdAt'>;
  readonly state: MessageState;
  readonly records: readonly AttemptRecord[];
  /** Begins that have an item of their own, and the cancel, if it has one. */
  readonly begins: readonly { readonly attempt: number; readonly startedAt: number }[];
  readonly cancel?: { readonly at: number; readonly state: 'CANCELED' | 'CANCEL_REQUESTED' };
  /** When attempts began whose maker died. */
  readonly died: readonly number[];
  /** No item tells of the attempt under way yet. */
  readonly untold: boolean;
  items(): TellingItem[];
}

export const eventsOfItems = (life: Life): LogEvent[] => life.items().flatMap(({ events }) => events);

/** Times around which the places of events change. */
const around = (time: number) => fc.integer({ min: -2, max: 2 }).map((off) => Math.max(1, time + off));
const spans = fc.oneof(
  fc.integer({ min: 1, max: 30_000 }),
  around(EARLY_EVENT_MS),
  around(EARLY_EVENT_MS / 2),
  fc.nat(3).map((ms) => ms + 1),
);

interface Step {
  readonly waits: number;
  readonly lasts: number;
  readonly inline: boolean;
  /** How long makers lived that died at this attempt; their leases outlive them by half a minute. */
  readonly diedAfter: readonly number[];
}

const steps = (crashes: boolean): fc.Arbitrary<Step> =>
  fc.record({
    waits: spans,
    lasts: spans,
    inline: fc.boolean(),
    diedAfter: fc.array(spans, { maxLength: crashes ? 2 : 0 }),
  });

type End =
  | 'delivered'
  | 'failed'
  | 'waiting'
  | 'canceled'
  | 'canceledWhileActive'
  | 'deliveredAlthoughCanceled'
  | 'active'
  | 'cancelRequested'
  | 'canceledDead';

const ENDS: readonly End[] = [
  'delivered',
  'failed',
  'waiting',
  'canceled',
  'canceledWhileActive',
  'deliveredAlthoughCanceled',
];

export interface LivesOptions {
  readonly crashes: boolean;
  readonly underWay: boolean;
  /** When messages are accepted. */
  readonly createdAt?: fc.Arbitrary<number>;
}

/** Random lives: of several attempts, some of whose makers died, or with the last one still under way. */
export function lives(kind: LivesOptions): fc.Arbitrary<Life> {
  const ends: readonly End[] = kind.underWay
    ? ['active', 'cancelRequested']
    : kind.crashes
      ? [...ENDS, 'canceledDead']
      : ENDS;
  return fc
    .record({
      createdAt: kind.createdAt ?? fc.nat(100_000_000).map((ms) => 1_780_000_000_000 + ms),
      seed: fc.nat(),
      steps: fc.array(steps(kind.crashes), { minLength: 1, maxLength: 4 }),
      end: fc.constantFrom(...ends),
      cancelAfter: spans,
    })
    .map((drawn) => live(drawn));
}

interface Drawn {
  readonly createdAt: number;
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly end: End;
  readonly cancelAfter: number;
}

function live({ createdAt, seed, steps: drawn, end, cancelAfter }: Drawn): Life {
  const message = { messageId: derivedMessageId(createdAt, seed), createdAt };
  const records: AttemptRecord[] = [];
  const begins: { attempt: number; startedAt: number }[] = [];
  let state: MessageState = NO_STATE;
  let now = createdAt;
  const died: number[] = [];
  let untold = false;
  let cancel: Life['cancel'];

  const begin = (attempt: number) => {
    const firstStartedAt = state.firstStartedAt ?? now;
    state = { ...state, state: 'ACTIVE', attempt, startedAt: now, firstStartedAt, lease: 'ours' };
  };
  /** Somebody who lives through the first ten seconds of an attempt tells of it. */
  const tellBegin = (attempt: number, startedAt: number, lived: number) => {
    const toldByState = attempt === 0 && isEarly(message, startedAt);
    if (lived > EARLY_EVENT_MS && !toldByState) begins.push({ attempt, startedAt });
    return toldByState || lived > EARLY_EVENT_MS;
  };
  const requestCancel = (at: number) => {
    if (!isEarly(message, at)) cancel = { at, state: 'CANCEL_REQUESTED' };
    state = { ...state, state: 'CANCEL_REQUESTED', cancelRequestedAt: at };
  };
  const cancelNow = (at: number) => {
    if (!isEarly(message, at)) cancel = { at, state: 'CANCELED' };
    state = { ...state, state: 'CANCELED', canceledAt: at };
  };
  const finish = (attempt: number, outcome: AttemptRecord['outcome'], inline: boolean) => {
    const startedAt = state.startedAt!;
    tellBegin(attempt, startedAt, now - startedAt);
    const record: AttemptRecord = {
      attempt,
      startedAt,
      endedAt: now,
      status: 500,
      header: {},
      body: new Uint8Array(),
      outcome,
    };
    records.push(record);
    const after = { delivered: 'DELIVERED', retry: 'RETRY', failed: 'FAILED', canceled: 'CANCELED' } as const;
    state = {
      ...state,
      state: after[outcome],
      attempt: outcome === 'retry' ? attempt + 1 : attempt,
      ends: [...state.ends, now],
      ...(attempt === 0 && isEarly(message, now) && inline ? { first: record } : {}),
    };
  };

  for (const [attempt, { waits, lasts, inline, diedAfter }] of drawn.entries()) {
    const isLast = attempt === drawn.length - 1;
    now += waits;
    if (isLast && end === 'canceled') {
      cancelNow(now);
      break;
    }
    if (isLast && end === 'waiting') break;
    for (const lived of diedAfter) {
      begin(attempt);
      died.push(now);
      tellBegin(attempt, now, lived);
      now += lived + 30_000;
    }
    begin(attempt);
    const startedAt = now;
    if (isLast && end === 'canceledDead') {
      died.push(now);
      untold = !tellBegin(attempt, startedAt, lasts);
      now += lasts + 30_000;
      cancelNow(now);
      break;
    }
    if (isLast && (end === 'active' || end === 'cancelRequested')) {
      untold = !tellBegin(attempt, startedAt, lasts);
      if (end === 'cancelRequested') requestCancel(startedAt + Math.min(cancelAfter, lasts));
      break;
    }
    const asked = isLast && (end === 'canceledWhileActive' || end === 'deliveredAlthoughCanceled');
    if (asked) requestCancel(startedAt + Math.min(cancelAfter, lasts));
    now += lasts;
    const last = {
      delivered: 'delivered',
      failed: 'failed',
      canceledWhileActive: 'canceled',
      deliveredAlthoughCanceled: 'delivered',
    } as const;
    finish(attempt, isLast ? last[end as keyof typeof last] : 'retry', inline);
  }

  const items = (): TellingItem[] => [
    { at: createdAt, events: [createdEvent(message)] },
    { at: createdAt, events: earlyEvents(message, state) },
    ...records
      .filter((record) => record !== state.first)
      .map((record) => ({ at: record.endedAt, events: attemptEvents(message, record) })),
    ...begins.map(({ startedAt }) => ({ at: startedAt, events: [activeEvent(message, startedAt)] })),
    ...(cancel === undefined
      ? []
      : [
          {
            at: cancel.at,
            events:
              cancel.state === 'CANCELED'
                ? cancelEvents(message, [], [cancel.at])
                : cancelEvents(message, [cancel.at], []),
          },
        ]),
  ];
  return { message, state, records, begins, died, untold, items, ...(cancel === undefined ? {} : { cancel }) };
}

import type { Message } from '../message/message';
import { type AttemptRecord, EARLY_EVENT_MS, isEarly, type MessageState } from '../message/message-state';

/** States of the log in the order of a message's life (QStash docs, "Debug logs"). */
export const LOG_STATES = [
  'CREATED',
  'ACTIVE',
  'CANCEL_REQUESTED',
  'ERROR',
  'RETRY',
  'DELIVERED',
  'FAILED',
  'CANCELED',
] as const;
export type LogState = (typeof LOG_STATES)[number];

/** Something that happened to a message. */
export interface LogEvent {
  /** Milliseconds. */
  readonly time: number;
  readonly messageId: string;
  readonly state: LogState;
  /** The attempt that ended, for the states that an outcome has. */
  readonly record?: AttemptRecord;
}

type Dated = Pick<Message, 'messageId' | 'createdAt'>;

export function createdEvent({ messageId, createdAt }: Dated): LogEvent {
  return { time: createdAt, messageId, state: 'CREATED' };
}

/** What happened so soon after a message's acceptance that its state item alone tells of it. */
export function earlyEvents(message: Dated, state: MessageState): LogEvent[] {
  const early = (time: number | undefined) => (time !== undefined && isEarly(message, time) ? [time] : []);
  return [
    ...early(state.firstStartedAt).map((time) => activeEvent(message, time)),
    ...(state.first === undefined ? [] : outcomeEvents(message, state.first)),
    ...cancelEvents(message, early(state.cancelRequestedAt), early(state.canceledAt)),
  ];
}

type Begun = Pick<AttemptRecord, 'attempt' | 'startedAt'>;

/** Whether a message's state item tells when an attempt began: the first, of a message that started at once. */
export function isBeginInState(message: Dated, { attempt, startedAt }: Begun): boolean {
  return attempt === 0 && isEarly(message, startedAt);
}

/** Whether the begin of an ended attempt has an item of its own, as it is too far from the attempt's own item. */
export function hasBeginItem(message: Dated, record: AttemptRecord): boolean {
  return record.endedAt - record.startedAt > EARLY_EVENT_MS && !isBeginInState(message, record);
}

/** What the item of an ended attempt tells. It lies at the time of the end. */
export function attemptEvents(message: Dated, record: AttemptRecord): LogEvent[] {
  const isBeginElsewhere = isBeginInState(message, record) || hasBeginItem(message, record);
  return [...(isBeginElsewhere ? [] : [activeEvent(message, record.startedAt)]), ...outcomeEvents(message, record)];
}

/** Everything that happened to one message, told by its state and the records of its ended attempts. */
export function allEvents(message: Dated, state: MessageState, records: readonly AttemptRecord[]): LogEvent[] {
  const list = (time: number | undefined) => (time === undefined ? [] : [time]);
  // A begin without a record is that of the attempt under way, or of one whose maker died.
  const recorded = records.map(({ startedAt }) => startedAt);
  const begins = new Set([...recorded, ...list(state.startedAt), ...list(state.firstStartedAt)]);
  return [
    createdEvent(message),
    ...[...begins].map((time) => activeEvent(message, time)),
    ...records.flatMap((record) => outcomeEvents(message, record)),
    ...cancelEvents(message, list(state.cancelRequestedAt), list(state.canceledAt)),
  ];
}

export function activeEvent({ messageId }: Pick<Message, 'messageId'>, time: number): LogEvent {
  return { time, messageId, state: 'ACTIVE' };
}

/** A cancel of a message that nobody is delivering is asked for and done at once. */
export function cancelEvents(
  { messageId }: Pick<Message, 'messageId'>,
  requested: readonly number[],
  canceled: readonly number[],
): LogEvent[] {
  return [
    ...[...requested, ...canceled].map((time): LogEvent => ({ time, messageId, state: 'CANCEL_REQUESTED' })),
    ...canceled.map((time): LogEvent => ({ time, messageId, state: 'CANCELED' })),
  ];
}

const STATES_OF_OUTCOME: Readonly<Record<AttemptRecord['outcome'], readonly LogState[]>> = {
  delivered: ['DELIVERED'],
  retry: ['ERROR', 'RETRY'],
  failed: ['ERROR', 'FAILED'],
  canceled: ['ERROR', 'CANCELED'],
};

function outcomeEvents({ messageId }: Pick<Message, 'messageId'>, record: AttemptRecord): LogEvent[] {
  return STATES_OF_OUTCOME[record.outcome].map((state) => ({ time: record.endedAt, messageId, state, record }));
}

/** Newest first; at the same millisecond by message, and of one message the later state first. */
export function compareEvents(a: LogEvent, b: LogEvent): number {
  if (a.time !== b.time) return b.time - a.time;
  if (a.messageId !== b.messageId) return a.messageId < b.messageId ? -1 : 1;
  return LOG_STATES.indexOf(b.state) - LOG_STATES.indexOf(a.state);
}

/** Where a page of events ended. */
export function cursorOf({ time, messageId, state }: LogEvent): string {
  return `${time}-${messageId}-${LOG_STATES.indexOf(state)}`;
}

/** A cursor before every event at `time`, which a scan has come down to. */
export function cursorBefore(time: number): string {
  return `${time}--`;
}

/** What a cursor stands for: events after it are those that compare as greater. Undefined for other text. */
export function parseCursor(text: string): LogEvent | undefined {
  const match = /^(\d{1,15})-([\w]*)-(\d?)$/.exec(text);
  if (match === null) return undefined;
  const state = LOG_STATES[Number(match[3] || LOG_STATES.length - 1)];
  return state && { time: Number(match[1]), messageId: match[2]!, state };
}

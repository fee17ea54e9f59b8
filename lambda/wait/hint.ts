import { placeOf } from '../message/message-id';

/** What travels on the queues: a reason to look at a message's row, never the truth. */
export interface Hint {
  readonly messageId: string;
  readonly attempt: number;
  /** When the attempt may start, so that one that is a moment early can wait without reading. */
  readonly due: number;
}

export function encodeHint(hint: Hint): string {
  return JSON.stringify({ m: hint.messageId, a: hint.attempt, d: hint.due });
}

/** Undefined for anything that {@link encodeHint} did not write. */
export function decodeHint(body: string): Hint | undefined {
  const { m, a, d } = readObject(body);
  if (typeof m !== 'string' || placeOf(m) === undefined) return undefined;
  if (!Number.isSafeInteger(a) || (a as number) < 0 || !Number.isFinite(d)) return undefined;
  return { messageId: m, attempt: a as number, due: d as number };
}

/** A reason to look whether a body that is held for a message is still needed. */
export interface BodyHint {
  readonly messageId: string;
}

export function encodeBodyHint({ messageId }: BodyHint): string {
  return JSON.stringify({ b: messageId });
}

/** Undefined for anything that {@link encodeBodyHint} did not write. */
export function decodeBodyHint(body: string): BodyHint | undefined {
  const { b } = readObject(body);
  return typeof b === 'string' && placeOf(b) !== undefined ? { messageId: b } : undefined;
}

/** A reason to look whether a schedule is to be run for a tick, milliseconds, or for one before it. */
export interface ScheduleHint {
  readonly scheduleId: string;
  readonly tick: number;
}

export function encodeScheduleHint({ scheduleId, tick }: ScheduleHint): string {
  return JSON.stringify({ s: scheduleId, t: tick });
}

/** Undefined for anything that {@link encodeScheduleHint} did not write. */
export function decodeScheduleHint(body: string): ScheduleHint | undefined {
  const { s, t } = readObject(body);
  return typeof s === 'string' && Number.isSafeInteger(t) ? { scheduleId: s, tick: t as number } : undefined;
}

function readObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

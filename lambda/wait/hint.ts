import { placeOf } from '../message/message-id';
import type { Grant } from '../message/wait-list';

/** What travels on the queues: a reason to look at a message's row, never the truth. */
export interface Hint {
  readonly messageId: string;
  readonly attempt: number;
  /** When the attempt may start, so that one that is a moment early can wait without reading. */
  readonly due: number;
  /** The slot that the attempt has been given, where it needs one. */
  readonly grant?: Grant;
}

export function encodeHint({ messageId, attempt, due, grant }: Hint): string {
  if (grant === undefined) return JSON.stringify({ m: messageId, a: attempt, d: due });
  const { list, order, at, until } = grant;
  return JSON.stringify({ m: messageId, a: attempt, d: due, k: list.kind, l: list.name, o: order, g: at, u: until });
}

/** Undefined for anything that {@link encodeHint} did not write. */
export function decodeHint(body: string): Hint | undefined {
  const parsed = readObject(body);
  const { m, a, d, k } = parsed;
  if (typeof m !== 'string' || placeOf(m) === undefined) return undefined;
  if (!Number.isSafeInteger(a) || (a as number) < 0 || !Number.isFinite(d)) return undefined;
  const hint = { messageId: m, attempt: a as number, due: d as number };
  if (k === undefined) return hint;
  const grant = readGrant(parsed);
  return grant && { ...hint, grant };
}

function readGrant({ k, l, o, g, u }: Readonly<Record<string, unknown>>): Grant | undefined {
  if ((k !== 'queue' && k !== 'flow') || typeof l !== 'string' || typeof o !== 'string') return undefined;
  if (!Number.isFinite(g) || !(u === undefined || Number.isFinite(u))) return undefined;
  const until = u === undefined ? {} : { until: u as number };
  return { list: { kind: k, name: l }, order: o, at: g as number, ...until };
}

/** A reason to look whether a body that is held for a message, or for a version of a schedule, is still needed. */
export interface BodyHint {
  readonly messageId: string;
  /** The schedule that {@link messageId} is a version of. */
  readonly scheduleId?: string;
}

export function encodeBodyHint({ messageId, scheduleId }: BodyHint): string {
  return JSON.stringify({ b: messageId, s: scheduleId });
}

/** Undefined for anything that {@link encodeBodyHint} did not write. */
export function decodeBodyHint(body: string): BodyHint | undefined {
  const { b, s } = readObject(body);
  if (typeof b !== 'string' || placeOf(b) === undefined) return undefined;
  return { messageId: b, ...(typeof s === 'string' ? { scheduleId: s } : {}) };
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

/** The object that a text is in JSON; empty for anything else. */
export function readObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

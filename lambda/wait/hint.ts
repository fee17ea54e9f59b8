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
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { m, a, d } = parsed as Record<string, unknown>;
  if (typeof m !== 'string' || placeOf(m) === undefined) return undefined;
  if (!Number.isSafeInteger(a) || (a as number) < 0 || !Number.isFinite(d)) return undefined;
  return { messageId: m, attempt: a as number, due: d as number };
}

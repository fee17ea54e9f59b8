import type { FlowControl } from '../message/message';
import { parseDuration } from './duration';
import { badRequest, overLimit } from './http-error';
import { printable } from './printable';

/** Sort keys of DynamoDB have up to 1024 bytes. */
const MAX_KEY_BYTES = 1_024;
/** Attempts in one period or at once: more than any key of this service could start. */
const MAX_NUMBER = 1_000_000;
/** QStash docs, "Flow Control". */
const DEFAULT_PERIOD_SECONDS = 1;
const MAX_PERIOD_SECONDS = 7 * 86_400;

/** The key of a flow control; a 400 names `field`. */
export function readFlowControlKey(text: string, field: string): string {
  if (text === '' || /\p{Cc}|\p{Cs}/u.test(text)) {
    throw badRequest(`invalid ${field}: must be text without control characters`);
  }
  if (Buffer.byteLength(text) > MAX_KEY_BYTES) throw overLimit(`invalid ${field}: longer than ${MAX_KEY_BYTES} bytes`);
  return text;
}

/**
 * Reads `parallelism=N, rate=N, period=D` in any order, of which parallelism or rate must be there. The period
 * is a duration such as `1m` or a number of seconds, from one second to a week.
 */
export function parseFlowControlValue(text: string, field: string): Omit<FlowControl, 'key'> {
  const parts = new Map<string, string>();
  for (const part of text.split(',')) {
    const [name = '', value, ...more] = part.split('=').map((piece) => piece.trim());
    const known = ['parallelism', 'rate', 'period'].includes(name);
    if (!known || value === undefined || more.length > 0 || parts.has(name)) throw malformed(field, text);
    parts.set(name, value);
  }
  const parallelism = readNumber(parts.get('parallelism'), 'parallelism', field);
  const rate = readNumber(parts.get('rate'), 'rate', field);
  if (parallelism === undefined && rate === undefined) throw malformed(field, text);
  return {
    ...(parallelism === undefined ? {} : { parallelism }),
    ...(rate === undefined ? {} : { rate }),
    period: readPeriod(parts.get('period'), field),
  };
}

/** Seconds in a period, from one to a week. */
export function readPeriod(text: string | undefined, field: string): number {
  if (text === undefined) return DEFAULT_PERIOD_SECONDS;
  const seconds = parseDuration(text, field);
  if (seconds < 1) throw badRequest(`invalid ${field}: the shortest period is 1 second`);
  if (seconds > MAX_PERIOD_SECONDS) throw overLimit(`invalid ${field}: the longest period is a week`);
  return seconds;
}

/** A parallelism or a rate. */
export function readNumber(text: string | undefined, name: string, field: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text) || Number(text) < 1) {
    throw badRequest(`invalid ${field}: ${name} "${printable(text)}" is not a whole number from 1`);
  }
  if (Number(text) > MAX_NUMBER) throw overLimit(`invalid ${field}: the largest ${name} is ${MAX_NUMBER}`);
  return Number(text);
}

function malformed(field: string, text: string) {
  return badRequest(
    `invalid ${field}: "${printable(text)}" should be either rate=X or parallelism=Y, or both as comma-separated values, and may have period=D`,
  );
}

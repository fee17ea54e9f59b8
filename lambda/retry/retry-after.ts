import type { HeaderMap } from '../message/message';

/** In the order in which they count (QStash docs, "Retry"). */
const DELAY_HEADERS = ['Retry-After', 'X-Ratelimit-Reset', 'X-Ratelimit-Reset-Requests', 'X-Ratelimit-Reset-Tokens'];
const DAY_MS = 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
};
const DURATION = /^(?:\d+(?:\.\d*)?(?:ns|us|µs|μs|ms|s|m|h|d))+$/;
const DURATION_PART = /(\d+(?:\.\d*)?)(ns|us|µs|μs|ms|s|m|h|d)/g;
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|[+-]\d{4})$/;

/**
 * How long the destination asks us to wait, in milliseconds: from `Retry-After`, `X-RateLimit-Reset`,
 * `-Requests` or `-Tokens`, the first that can be read, as seconds (`120`), an HTTP date or a duration
 * (`6m5s`). 0 means at once. More than a day, and what can't be read, is ignored.
 * A date is compared with the response's own `Date`, else with `now`: both come from one clock then.
 */
export function serverDelay(header: HeaderMap, now: number): number | undefined {
  for (const name of DELAY_HEADERS) {
    const text = first(header, name);
    const delay = text === undefined ? undefined : readDelay(text, header, now);
    if (delay !== undefined && delay <= DAY_MS) return Math.round(delay);
  }
  return undefined;
}

function readDelay(text: string, header: HeaderMap, now: number): number | undefined {
  if (text.length > 64) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (DURATION.test(text)) {
    return [...text.matchAll(DURATION_PART)].reduce((sum, part) => sum + Number(part[1]) * UNIT_MS[part[2]!]!, 0);
  }
  const at = readDate(text);
  if (at === undefined) return undefined;
  return Math.max(0, at - (readDate(first(header, 'Date') ?? '') ?? now));
}

function readDate(text: string): number | undefined {
  const at = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

function first(header: HeaderMap, name: string): string | undefined {
  return Object.hasOwn(header, name) ? header[name]?.[0]?.trim() : undefined;
}

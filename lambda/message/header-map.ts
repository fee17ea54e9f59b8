import type { HeaderMap } from './message';

/** Headers that belong to one connection or frame one request (RFC 9110 §7.6.1): never the publisher's to set. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Header name as Go's `http.Header` writes it and QStash's answers show it: `x-api-key` becomes `X-Api-Key`. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/** Whether a header frames the request or belongs to the connection, so that only the HTTP client sets it. */
export function isConnectionHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return CONNECTION_HEADERS.has(lower) || lower.startsWith('proxy-');
}

/** Pairs of raw name and value as received, gathered under canonical names in order. */
export function gatherHeaders(pairs: Iterable<readonly [string, string]>): HeaderMap {
  const gathered = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const canonical = canonicalName(name);
    const values = gathered.get(canonical);
    if (values === undefined) gathered.set(canonical, [value]);
    else values.push(value);
  }
  return Object.fromEntries(gathered);
}

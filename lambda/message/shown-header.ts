import { createHash } from 'node:crypto';
import type { HeaderMap } from './message';

/** Forwarded headers that carry credentials of the destination. */
const CREDENTIALS: ReadonlySet<string> = new Set(['Authorization', 'Cookie', 'Proxy-Authorization', 'X-Api-Key']);

/**
 * Headers as answers and callbacks show them: a credential only as QStash shows a redacted field, by its hash,
 * so that who may read messages cannot act as their publisher. Deliveries and retries use the originals.
 */
export function shownHeader(header: HeaderMap): HeaderMap {
  return Object.fromEntries(
    Object.entries(header).map(([name, values]) => [name, CREDENTIALS.has(name) ? values.map(redacted) : values]),
  );
}

function redacted(value: string): string {
  return `REDACTED:${createHash('sha256').update(value).digest('hex')}`;
}

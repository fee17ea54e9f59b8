import { createHash } from 'node:crypto';
import type { HeaderMap, Redaction } from './message';

/** Forwarded headers that carry credentials of the destination. */
const CREDENTIALS: ReadonlySet<string> = new Set(['Authorization', 'Cookie', 'Proxy-Authorization', 'X-Api-Key']);

/**
 * Headers as answers and callbacks show them: a credential, and what the publisher wants redacted, only by its
 * hash (QStash docs, "Redact fields"), so that who may read messages cannot act as their publisher. Deliveries
 * and retries use the originals.
 */
export function shownHeader(header: HeaderMap, redact?: Redaction): HeaderMap {
  const isHidden = (name: string) =>
    CREDENTIALS.has(name) || redact?.header === true || redact?.header?.includes(name) === true;
  return Object.fromEntries(
    Object.entries(header).map(([name, values]) => [name, isHidden(name) ? values.map(redacted) : values]),
  );
}

/** A body as answers show it. */
export function shownBody(body: Uint8Array, redact?: Redaction): Uint8Array {
  return redact?.body === true && body.length > 0 ? Buffer.from(redacted(body)) : body;
}

function redacted(value: string | Uint8Array): string {
  return `REDACTED:${createHash('sha256').update(value).digest('hex')}`;
}

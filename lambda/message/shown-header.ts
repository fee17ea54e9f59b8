import { createHash } from 'node:crypto';
import type { HeaderMap, Message, Redaction } from './message';

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

/** A body, or its beginning. */
export interface BodyPart {
  readonly bytes: Uint8Array;
  /** There is more of it. */
  readonly isCut: boolean;
}

/** Bytes of a body that lists show. */
export const LISTED_BODY_BYTES = 8_192;

/** What of a body fits into so many bytes; all of it, if there are none given. */
export function partOf(body: Uint8Array, maxBytes = body.length): BodyPart {
  return { bytes: body.subarray(0, maxBytes), isCut: body.length > maxBytes };
}

/** A body as answers show it. One that is redacted has to be whole, unless its hash is stored. */
export function shownBody(body: BodyPart, { redact, stored }: Pick<Message, 'redact' | 'stored'>): BodyPart {
  if (redact?.body !== true || body.bytes.length === 0) return body;
  return partOf(Buffer.from(stored?.sha256 === undefined ? redacted(body.bytes) : `REDACTED:${stored.sha256}`));
}

function redacted(value: string | Uint8Array): string {
  return `REDACTED:${createHash('sha256').update(value).digest('hex')}`;
}

import { createHash } from 'node:crypto';
import type { Message, StoredBody } from '../message/message';

/**
 * A body larger than this is in the bucket: beyond it, DynamoDB's price for each KB written exceeds that of an
 * object that is put and got.
 */
const INLINE_BODY_BYTES = 8_192;

const objects = () => import('./objects');

/** Whether the body of a message is too large for the table. */
export function isLarge({ body }: Pick<Message, 'body'>): boolean {
  return body.length > INLINE_BODY_BYTES;
}

/** Puts a body into the bucket; what a message then has in its place. */
export async function putBody(key: string, { body, redact }: Pick<Message, 'body' | 'redact'>): Promise<StoredBody> {
  await (await objects()).putObject(key, body);
  const hash = redact?.body === true ? { sha256: createHash('sha256').update(body).digest('hex') } : {};
  return { key, size: body.length, ...hash };
}

/** A body of the bucket, its first `maxBytes` where they are enough; undefined when it is not there any more. */
export async function getBody({ key, size }: StoredBody, maxBytes?: number): Promise<Uint8Array | undefined> {
  return (await objects()).getObject(key, maxBytes !== undefined && maxBytes < size ? maxBytes : undefined);
}

/** Deletes a body, if it is there. */
export async function deleteBody(key: string): Promise<void> {
  await (await objects()).deleteObject(key);
}

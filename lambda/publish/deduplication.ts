import { createHash } from 'node:crypto';
import type { Message } from '../message/message';

/** For how long a message with the same id or content counts as a duplicate (QStash docs, "Deduplication"). */
export const DEDUPLICATION_MS = 600_000;

/** What a publisher says of duplicates. */
export interface Deduplication {
  readonly deduplicationId?: string;
  readonly contentBasedDeduplication: boolean;
}

/**
 * Names what must not be published twice within the window: the publisher's own id, or the destination, body,
 * Content-Type and forwarded headers. Undefined when the publisher asked for neither. Ids and contents never
 * meet, and an id counts for all destinations. Of what a URL group receives, each endpoint counts for itself.
 */
export function deduplicationDigest(
  { deduplicationId, contentBasedDeduplication }: Deduplication,
  message: Pick<Message, 'url' | 'header' | 'body' | 'topicName'>,
): string | undefined {
  const hash = createHash('sha256');
  if (deduplicationId !== undefined) {
    const endpoint = message.topicName === undefined ? [] : [message.topicName, message.url];
    return hash.update(['id', deduplicationId, ...endpoint].join('\n')).digest('hex');
  }
  if (!contentBasedDeduplication) return undefined;
  const header = Object.entries(message.header).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash
    .update(`content\n${JSON.stringify([message.url, header, message.topicName])}\n`)
    .update(message.body)
    .digest('hex');
}

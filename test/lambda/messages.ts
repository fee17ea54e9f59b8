import type { Message } from '../../lambda/message/message';
import { derivedMessageId } from '../../lambda/message/message-id';

/** A message accepted at `createdAt`, as far as a test cares. */
export function newMessage(createdAt: number, fields: Partial<Message> = {}): Message {
  return {
    messageId: derivedMessageId(createdAt, crypto.randomUUID()),
    createdAt,
    url: 'https://example.com/',
    method: 'POST',
    header: {},
    body: new Uint8Array(),
    notBefore: createdAt,
    maxRetries: 3,
    lane: 'deliveries',
    ...fields,
  };
}

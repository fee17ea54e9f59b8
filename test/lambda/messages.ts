import type { Message } from '../../lambda/message/message';
import { acceptMessage, newMessageId } from '../../lambda/publish/accept-message';
import { putItem } from '../../lambda/store/write-items';

/** A message accepted at `createdAt`, as far as a test cares. */
export function newMessage(createdAt: number, fields: Partial<Message> = {}): Message {
  return {
    messageId: newMessageId(createdAt),
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

/** Stores a message and its hint or due item, as a publish does. */
export async function accept(message: Message): Promise<Message> {
  await acceptMessage(message, message.createdAt, async (item) => {
    await putItem(item);
    return true;
  });
  return message;
}

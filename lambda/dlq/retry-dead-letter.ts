import { loadBody } from '../callback/load-body';
import { requireEnv } from '../config';
import { followMessages } from '../flow-control/follow-messages';
import type { Message } from '../message/message';
import { acceptMessage, newMessageId, type Published } from '../publish/accept-message';
import { takePlaces } from '../queue/take-places';
import { dlqKey } from '../store/keys';
import { loadRow } from '../store/message-rows';
import { transact } from '../store/write-items';
import type { DeadLetter } from './dead-letter-item';

/** What the retry changes of the message; headers are replaced name by name. */
export type Overrides = Partial<
  Omit<Message, 'messageId' | 'createdAt' | 'url' | 'body' | 'stored' | 'lane' | 'source'>
>;

/**
 * Sends a dead letter again, as a new message with the same content, and takes it out of the dead letter
 * queue in the same transaction: it is there or has a successor, never both and never neither. Undefined when
 * somebody else has retried or deleted it.
 */
export async function retryDeadLetter(
  deadLetter: DeadLetter,
  overrides: Overrides,
  now: number,
): Promise<Published | undefined> {
  const row = await loadRow(deadLetter.messageId);
  const body = row && (await loadBody(row.message));
  if (row === undefined || body === undefined) return undefined;
  // A callback becomes a message of its own: what it reported on may expire before its successor does.
  const { source: _source, stored: _stored, queue, holds: _holds, ...content } = row.message;
  // Behind all that was enqueued meanwhile.
  const [place] = queue === undefined ? [] : await takePlaces(queue.name, 1, now, async () => undefined);
  const message: Message = {
    ...content,
    notBefore: now,
    ...overrides,
    header: { ...content.header, ...overrides.header },
    messageId: newMessageId(now),
    createdAt: now,
    body,
    ...(place === undefined ? {} : { queue: place }),
  };
  await followMessages([message], now);
  const TableName = requireEnv('TABLE_NAME');
  const moved = await acceptMessage(message, now, async (items) => {
    const refusal = await transact([
      { Delete: { TableName, Key: dlqKey(deadLetter.dlqId)!, ConditionExpression: 'attribute_exists(pk)' } },
      ...items.map((Item) => ({ Put: { TableName, Item } })),
    ]);
    return refusal === 'written';
  });
  return moved ? { messageId: message.messageId, url: message.url } : undefined;
}

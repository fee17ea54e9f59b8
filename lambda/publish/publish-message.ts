import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { settle } from '../deliver/settle';
import type { Message } from '../message/message';
import { deduplicationKey, N, S } from '../store/keys';
import { ttlOf } from '../store/message-items';
import { loadRow } from '../store/message-rows';
import { putItem, transact } from '../store/write-items';
import { acceptMessage, newMessageId, type Published } from './accept-message';
import { DEDUPLICATION_MS, type Deduplication, deduplicationDigest } from './deduplication';

/** A message to be accepted: what only the service can say is missing. */
export type NewMessage = Omit<Message, 'messageId' | 'createdAt' | 'lane' | 'source'>;

/** Accepts a message: once this returns, it will be delivered or end as a dead letter. */
export async function publishMessage(
  content: NewMessage,
  deduplication: Deduplication,
  now: number,
): Promise<Published> {
  const message: Message = { ...content, messageId: newMessageId(now), createdAt: now, lane: 'deliveries' };
  const { messageId, url } = message;
  const digest = deduplicationDigest(deduplication, message);
  let first: string | undefined;
  await acceptMessage(message, now, async (item) => {
    if (digest === undefined) {
      await putItem(item);
      return true;
    }
    const refusal = await transact([
      mark(digest, messageId, now),
      { Put: { TableName: requireEnv('TABLE_NAME'), Item: item } },
    ]);
    if (refusal === 'written') return true;
    first = refusal[0]!.item!.m!.S!;
    return false;
  });
  if (first === undefined) return { messageId, url };
  await repair(first, now);
  return { messageId: first, url, deduplicated: true };
}

/** Marks what must not be published twice, on condition that it has no mark of the last ten minutes. */
function mark(digest: string, messageId: string, now: number): TransactWriteItem {
  return {
    Put: {
      TableName: requireEnv('TABLE_NAME'),
      Item: { ...deduplicationKey(digest), m: S(messageId), at: N(now), ...ttlOf(now + DEDUPLICATION_MS) },
      // By its time: DynamoDB deletes what has expired days later.
      ConditionExpression: 'attribute_not_exists(pk) OR #at <= :window',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: { ':window': N(now - DEDUPLICATION_MS) },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

/** The first publish may have died before its hint was sent: who is told of it may rely on it. */
async function repair(messageId: string, now: number): Promise<void> {
  const row = await loadRow(messageId);
  if (row !== undefined && row.state.state === undefined) await settle(row, now);
}

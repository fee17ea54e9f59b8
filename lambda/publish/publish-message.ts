import { Metric } from '../../lib/names';
import { longestAttemptMs, requireEnv, retention } from '../config';
import { settle } from '../deliver/settle';
import { hostOf, writeMetrics } from '../logs/write-line';
import { messageExpiry } from '../message/expiry';
import type { Message } from '../message/message';
import { newMessageId } from '../message/message-id';
import { deduplicationKey, type Item, N, S } from '../store/keys';
import { encodeMessage, ttlOf } from '../store/message-items';
import { loadRow } from '../store/message-rows';
import { putItem, transact } from '../store/write-items';
import { scheduleAttempt, unscheduleAttempt, waitsInDueIndex } from '../wait/schedule-attempt';
import { DEDUPLICATION_MS, type Deduplication, deduplicationDigest } from './deduplication';

/** A message to be accepted: what only the service can say is missing. */
export type NewMessage = Omit<Message, 'messageId' | 'createdAt' | 'lane' | 'source'>;

export interface Published {
  readonly messageId: string;
  readonly url: string;
  /** Accepted before: this is the id of the first. */
  readonly deduplicated?: true;
}

/**
 * Accepts a message: once this returns it will be delivered or end as a dead letter. What waits longer than
 * SQS can hold it has its due item first, since the tick looks there alone; anything else has its row first,
 * which the tick finds again if the hint was never sent.
 */
export async function publishMessage(
  content: NewMessage,
  deduplication: Deduplication,
  now: number,
): Promise<Published> {
  const message: Message = { ...content, messageId: newMessageId(now), createdAt: now, lane: 'deliveries' };
  const digest = deduplicationDigest(deduplication, message);
  const parked = waitsInDueIndex(message.notBefore, now);
  if (parked) await scheduleAttempt(message, 0, message.notBefore, now);
  const item = encodeMessage(message, messageExpiry(message, longestAttemptMs(), retention()));
  const first = digest === undefined ? undefined : await putUnlessDuplicate(item, message.messageId, digest, now);
  if (digest === undefined) await putItem(item);
  if (first !== undefined) {
    if (parked) await unscheduleAttempt(message, message.notBefore);
    return duplicateOf(first, message.url, now);
  }
  if (!parked) await scheduleAttempt(message, 0, message.notBefore, now);
  tellPublished(message);
  return { messageId: message.messageId, url: message.url };
}

/** Writes the message with its mark, or returns the id of the message that it duplicates. */
async function putUnlessDuplicate(
  item: Item,
  messageId: string,
  digest: string,
  now: number,
): Promise<string | undefined> {
  const TableName = requireEnv('TABLE_NAME');
  const mark = { ...deduplicationKey(digest), m: S(messageId), at: N(now), ...ttlOf(now + DEDUPLICATION_MS) };
  const refusal = await transact([
    {
      Put: {
        TableName,
        Item: mark,
        // By its time: DynamoDB deletes what has expired days later.
        ConditionExpression: 'attribute_not_exists(pk) OR #at <= :window',
        ExpressionAttributeNames: { '#at': 'at' },
        ExpressionAttributeValues: { ':window': N(now - DEDUPLICATION_MS) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
    { Put: { TableName, Item: item } },
  ]);
  return refusal === 'written' ? undefined : refusal[0]!.item!.m!.S!;
}

/** The first publish may have died before its hint was sent, and the publisher knows of it only now. */
async function duplicateOf(messageId: string, url: string, now: number): Promise<Published> {
  const row = await loadRow(messageId);
  if (row !== undefined && row.state.state === undefined) await settle(row, now);
  return { messageId, url, deduplicated: true };
}

/** Tells log and metrics that a message was accepted. */
export function tellPublished(message: Message): void {
  const { messageId, method, createdAt, notBefore } = message;
  const event = { event: 'created', messageId, method, host: hostOf(message.url), notBefore, time: createdAt };
  writeMetrics(createdAt, { [Metric.PUBLISHED]: 1 }, event);
}

import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { dynamodb } from '../store/aws';
import { N, quotaKey } from '../store/keys';
import { ttlOf } from '../store/message-items';

const DAY_MS = 86_400_000;

/** A day's quota, used up. */
export interface QuotaExceeded {
  readonly limit: number;
  /** Messages of the day that are left. */
  readonly remaining: number;
  /** When the next day begins (UTC), milliseconds. */
  readonly resetAt: number;
}

/**
 * Counts messages that are about to be accepted against the quota of the day; says what stands in the way when
 * they are too many for it, and counts none of them then.
 */
export async function countMessages(count: number, limit: number, now: number): Promise<QuotaExceeded | undefined> {
  const day = Math.floor(now / DAY_MS);
  const resetAt = (day + 1) * DAY_MS;
  const used = await add(count, limit, day, resetAt);
  return used === undefined ? undefined : { limit, remaining: Math.max(0, limit - used), resetAt };
}

/** Returns what is used already if that leaves too little. */
async function add(count: number, limit: number, day: number, resetAt: number): Promise<number | undefined> {
  if (count > limit) return 0;
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: quotaKey(day),
        UpdateExpression: 'SET #ttl = :ttl ADD used :count',
        ConditionExpression: 'attribute_not_exists(used) OR used <= :room',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':count': N(count),
          ':room': N(limit - count),
          ':ttl': ttlOf(resetAt + DAY_MS).ttl!,
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return Number(error.Item?.used?.N ?? limit);
  }
}

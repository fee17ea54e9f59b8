import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import type { QueuePlace } from '../message/message';
import { dynamodb } from '../store/aws';
import { limitsKey, N } from '../store/keys';
import { makeQueue } from './change-queue';

/**
 * The next places in a queue, in their order. A queue that is not there is made, unless `admit` throws, which is
 * asked before. A place that nobody takes is left out.
 */
export async function takePlaces(
  name: string,
  count: number,
  now: number,
  admit: () => Promise<void>,
): Promise<QueuePlace[]> {
  let last = await advance(name, count);
  while (last === undefined) {
    await admit();
    await makeQueue(name, now);
    last = await advance(name, count);
  }
  const end = last;
  return Array.from({ length: count }, (_, index) => ({ name, seq: end - count + 1 + index }));
}

/** Counts further; the last number that is taken by this, or undefined when there is no such queue. */
async function advance(name: string, count: number): Promise<number | undefined> {
  try {
    const { Attributes } = await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: limitsKey({ kind: 'queue', name }),
        UpdateExpression: 'ADD tail :count',
        ConditionExpression: 'attribute_exists(tail)',
        ExpressionAttributeValues: { ':count': N(count) },
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    return Number(Attributes!.tail!.N);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

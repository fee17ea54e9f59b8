import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import type { WaitList } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { directoryKey, limitsKey, N } from '../store/keys';
import { putItem } from '../store/write-items';
import { sendWake } from '../wait/wake';

/** What can be set of a queue; what is absent stays as it is. */
export interface QueueChange {
  /** Messages that are delivered at once. */
  readonly parallelism?: number;
  readonly paused?: boolean;
}

/** Numbers of a queue's places in one millisecond, so that a queue of the same name made later counts from further on. */
const PLACES_PER_MS = 1_000;

/** Makes a queue that lets one message through at a time. One that is there stays as it is. */
export async function makeQueue(name: string, now: number): Promise<void> {
  const list: WaitList = { kind: 'queue', name };
  // The row last, so that every queue that has one is found.
  await putItem(directoryKey(list));
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: requireEnv('TABLE_NAME'),
      Key: limitsKey(list),
      UpdateExpression:
        'SET tail = if_not_exists(tail, :tail), parallelism = if_not_exists(parallelism, :one), ' +
        'createdAt = if_not_exists(createdAt, :now), updatedAt = if_not_exists(updatedAt, :now)',
      ExpressionAttributeValues: { ':tail': N(now * PLACES_PER_MS), ':one': N(1), ':now': N(now) },
    }),
  );
}

/** Changes a queue, and has it looked at; false when there is none. */
export async function changeQueue(name: string, { parallelism, paused }: QueueChange, now: number): Promise<boolean> {
  const list: WaitList = { kind: 'queue', name };
  const set = [
    'updatedAt = :now',
    ...(parallelism === undefined ? [] : ['parallelism = :parallelism']),
    ...(paused === undefined ? [] : ['paused = :paused']),
  ];
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: limitsKey(list),
        UpdateExpression: `SET ${set.join(', ')}`,
        ConditionExpression: 'attribute_exists(tail)',
        ExpressionAttributeValues: {
          ':now': N(now),
          ...(parallelism === undefined ? {} : { ':parallelism': N(parallelism) }),
          ...(paused === undefined ? {} : { ':paused': { BOOL: paused } }),
        },
      }),
    );
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
  await sendWake({ list, check: true });
  return true;
}

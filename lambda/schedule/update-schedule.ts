import {
  ConditionalCheckFailedException,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { dynamodb } from '../store/aws';
import type { Item } from '../store/keys';

/** A change of an item of a schedule, made if its condition holds. */
export interface ScheduleChange
  extends Pick<UpdateItemCommandInput, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'> {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
}

/** False when the condition does not hold. */
export async function updateSchedule(Key: Item, change: ScheduleChange): Promise<boolean> {
  try {
    await dynamodb.send(new UpdateItemCommand({ TableName: requireEnv('TABLE_NAME'), Key, ...change }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

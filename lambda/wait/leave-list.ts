import { ConditionalCheckFailedException, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import type { Grant, WaitList } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { N, slotKey, waitingKey } from '../store/keys';
import { anybodyWaits } from '../store/wait-lists';
import { deleteItem } from '../store/write-items';
import { sendWake } from './wake';

/**
 * Gives a slot up, if it is held, and has those looked at who wait for it. Doing it twice is harmless. Who enters
 * after this has looked whether anybody waits finds the slot free.
 */
export async function leaveList(list: WaitList, order: string): Promise<void> {
  await deleteItem(slotKey(list, order));
  await wakeWaiting(list);
}

/** {@link leaveList} for a slot of a flow control whose attempt is over: settling looks after that of the last one alone. */
export async function leavePassed(grant: Grant | undefined): Promise<void> {
  if (grant?.list.kind === 'flow') await leaveList(grant.list, grant.order);
}

/** {@link leaveList} for one that may still wait. */
export async function leaveListUnserved(list: WaitList, order: string): Promise<void> {
  await deleteItem(waitingKey(list, order));
  await leaveList(list, order);
}

/** Gives up the slot of one grant alone: the same attempt may have been given another since. */
export async function dropSlot({ list, order, at }: Grant): Promise<void> {
  try {
    await dynamodb.send(
      new DeleteItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: slotKey(list, order),
        ConditionExpression: 'g = :at',
        ExpressionAttributeValues: { ':at': N(at) },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

/** Has a list looked at, if anybody waits in it. */
export async function wakeWaiting(list: WaitList): Promise<void> {
  if (await anybodyWaits(list)) await sendWake({ list });
}

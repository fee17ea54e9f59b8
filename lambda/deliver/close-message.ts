import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv, retention } from '../config';
import { callbacksMayWait, keepsOpen, waitsForCallbacks } from '../message/closing';
import type { Message } from '../message/message';
import type { MessageState } from '../message/message-state';
import { queueOrder, type WaitList } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { isHeld } from '../store/body-key';
import { attemptKey, type Item, messageKey, stateKey } from '../store/keys';
import { decodeState, expiryOf, ttlOf } from '../store/message-items';
import { loadRow, type MessageRow } from '../store/message-rows';
import { leaveList, leaveListUnserved } from '../wait/leave-list';
import { scheduleBodyRelease } from '../wait/schedule-body-release';

/** Notes, before a callback is hinted at, that the message which it reports on stays open until it is closed. */
export async function keepOpen(callback: Message): Promise<void> {
  if (!keepsOpen(callback)) return;
  await updateState(callback.source!.messageId, 'ADD #open :callback', callback.messageId);
}

/**
 * Closes a message that has ended, unless callbacks keep it open: then the last of them does. Its own callbacks have
 * been made. Idempotent, like everything that settles.
 */
export async function closeEnded(row: MessageRow, now: number): Promise<void> {
  if (waitsForCallbacks(row.message)) {
    const state = await updateState(row.message.messageId, 'SET settled = :true');
    if (state !== undefined && state.openCallbacks.length > 0) return;
  }
  await close(row, now);
}

async function close({ message, state }: MessageRow, now: number): Promise<void> {
  const { messageId, queue, source } = message;
  if (queue !== undefined) {
    const list: WaitList = { kind: 'queue', name: queue.name };
    // It may have been canceled before it had a slot.
    const leave = state.canceledAt === undefined ? leaveList : leaveListUnserved;
    await leave(list, queueOrder(messageId, queue.seq));
  }
  if (callbacksMayWait(message)) await expire(message, state, now);
  if (source === undefined || !keepsOpen(message)) return;
  const reported = await updateState(source.messageId, 'DELETE #open :callback', messageId);
  if (reported === undefined || !reported.isSettled || reported.openCallbacks.length > 0) return;
  const row = await loadRow(source.messageId);
  if (row !== undefined) await close(row, now);
}

/** Changes what a message's state says of its callbacks; undefined when the message is gone. */
async function updateState(
  messageId: string,
  UpdateExpression: string,
  callbackId?: string,
): Promise<MessageState | undefined> {
  try {
    const { Attributes } = await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: stateKey(messageId),
        UpdateExpression,
        ConditionExpression: 'attribute_exists(pk)',
        ...(callbackId === undefined ? {} : { ExpressionAttributeNames: { '#open': 'open' } }),
        ExpressionAttributeValues:
          callbackId === undefined ? { ':true': { BOOL: true } } : { ':callback': { SS: [callbackId] } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return decodeState(Attributes);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

/** Lets a message be deleted when nobody asks for it any more; what says that it has ended is not gone before it. */
async function expire({ messageId, stored }: Message, { ends }: MessageState, now: number): Promise<void> {
  const at = now + Math.max(retention().dlqMs, retention().logMs);
  if (stored !== undefined && isHeld(stored.key)) await scheduleBodyRelease({ messageId }, expiryOf(ttlOf(at))!);
  const attempts = ends.map((end, attempt) => attemptKey(messageId, attempt, end));
  for (const key of [messageKey(messageId), ...attempts, stateKey(messageId)]) await setExpiry(key, at);
}

/** Sets when an item may be deleted, milliseconds, if it is there. */
async function setExpiry(key: Item, at: number): Promise<void> {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: key,
        UpdateExpression: 'SET #ttl = :ttl',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: { ':ttl': ttlOf(at).ttl! },
        ConditionExpression: 'attribute_exists(pk)',
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { callbackOf, failureCallbackOf } from '../callback/callback-message';
import { eventLogOn, longestAttemptMs, requireEnv, retention } from '../config';
import { endedExpiry, messageExpiry } from '../message/expiry';
import { isEarly } from '../message/message-state';
import { dynamodb } from '../store/aws';
import { isHeld } from '../store/body-key';
import { messageKey, openKey } from '../store/keys';
import { encodeCancel, encodeMessage, expiryOf, ttlOf } from '../store/message-items';
import { endedAt, type MessageRow } from '../store/message-rows';
import { deleteItem, putItem } from '../store/write-items';
import { needsOpenMark, scheduleAttempt } from '../wait/schedule-attempt';
import { scheduleBodyRelease } from '../wait/schedule-body-release';

/**
 * Makes sure that everything which follows from a message's last outcome exists: the callbacks' rows, their
 * hints, and last the message's own next hint or due item. It is the normal path after every
 * outcome and idempotent, so a crash after any write is mended by the next look at the row, and the hint of
 * a newer attempt proves that the older one is settled.
 */
export async function settle(row: MessageRow, now: number): Promise<void> {
  const { message, state } = row;
  await settleCallbacks(row, now);
  switch (state.state) {
    case undefined:
      return scheduleAttempt(message, 0, message.notBefore, now);
    case 'RETRY':
      return scheduleAttempt(message, state.attempt, state.due ?? now, now);
    case 'DELIVERED':
    case 'FAILED':
    case 'CANCELED':
      return settleEnd(row, now);
    // The holder of the lease goes on from here, or whoever takes it over.
    case 'ACTIVE':
    case 'CANCEL_REQUESTED':
  }
}

async function settleCallbacks({ message, state }: MessageRow, now: number): Promise<void> {
  const attempt = state.ends.length - 1;
  const ended = state.ends[attempt];
  // An attempt that a cancel ended has no callback; one that had ended before the cancel has.
  if (ended === undefined || (state.state === 'CANCELED' && state.canceledAt === undefined)) return;
  const callbacks = [
    callbackOf(message, attempt, ended),
    state.dlqId === undefined ? undefined : failureCallbackOf(message, attempt, ended, state.dlqId),
  ];
  for (const callback of callbacks) {
    if (callback === undefined) continue;
    await putItem(encodeMessage(callback, messageExpiry(callback, longestAttemptMs(), retention())));
    await scheduleAttempt(callback, 0, callback.notBefore, now);
  }
}

async function settleEnd(row: MessageRow, now: number): Promise<void> {
  const { message, state, expiresAt } = row;
  const { messageId } = message;
  if (needsOpenMark(message, now)) await deleteItem(openKey(messageId));
  const needed = endedExpiry(message, endedAt(row) ?? now, longestAttemptMs(), retention());
  // Soon after the message's time its state item tells the log.
  if (state.canceledAt !== undefined && eventLogOn() && !isEarly(message, state.canceledAt)) {
    await putItem(encodeCancel(messageId, state.canceledAt, 'CANCELED', Math.max(expiresAt ?? 0, needed)));
  }
  if (expiresAt !== undefined && expiresAt >= needed) return;
  const ttl = ttlOf(needed);
  if (message.stored !== undefined && isHeld(message.stored.key)) await scheduleBodyRelease(messageId, expiryOf(ttl)!);
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: requireEnv('TABLE_NAME'),
      Key: messageKey(messageId),
      UpdateExpression: 'SET #ttl = :ttl',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: { ':ttl': ttl.ttl! },
      ConditionExpression: 'attribute_exists(pk)',
    }),
  );
}

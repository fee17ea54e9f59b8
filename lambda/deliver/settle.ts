import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { callbackOf, failureCallbackOf } from '../callback/callback-message';
import { eventLogOn, longestAttemptMs, requireEnv, retention } from '../config';
import { endedExpiry, messageExpiry } from '../message/expiry';
import { isEarly } from '../message/message-state';
import { flowOrder, type WaitList } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { isHeld } from '../store/body-key';
import { messageKey, openKey } from '../store/keys';
import { encodeCancel, encodeMessage, expiryOf, ttlOf } from '../store/message-items';
import { endedAt, type MessageRow } from '../store/message-rows';
import { deleteItem, putItem } from '../store/write-items';
import { leaveList, leaveListUnserved } from '../wait/leave-list';
import { needsOpenMark, scheduleAttempt } from '../wait/schedule-attempt';
import { scheduleBodyRelease } from '../wait/schedule-body-release';
import { closeEnded, keepOpen } from './close-message';

/**
 * Makes sure that everything which follows from a message's last outcome exists: the callbacks' rows, their
 * hints, the slots that others may have, and last the message's own next hint or due item. It is the normal path after every
 * outcome and idempotent, so a crash after any write is mended by the next look at the row, and the hint of
 * a newer attempt proves that the older one is settled.
 */
export async function settle(row: MessageRow, now: number): Promise<void> {
  const { message, state } = row;
  await settleCallbacks(row, now);
  await leaveFlow(row);
  switch (state.state) {
    case undefined:
      return scheduleAttempt(message, 0, message.notBefore, now);
    case 'RETRY':
      return scheduleAttempt(message, state.attempt, state.due ?? now, now);
    case 'DELIVERED':
    case 'FAILED':
    case 'CANCELED':
      await closeEnded(row, now);
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
    await keepOpen(callback);
    await scheduleAttempt(callback, 0, callback.notBefore, now);
  }
}

/** Gives up what an attempt that is over, or will not be, had of its flow control. */
async function leaveFlow({ message, state }: MessageRow): Promise<void> {
  const { messageId, flowControl } = message;
  if (flowControl === undefined) return;
  const list: WaitList = { kind: 'flow', name: flowControl.key };
  if (state.ends.length > 0) await leaveList(list, flowOrder(messageId, state.ends.length - 1));
  if (state.canceledAt !== undefined) await leaveListUnserved(list, flowOrder(messageId, state.attempt));
}

async function settleEnd(row: MessageRow, now: number): Promise<void> {
  const { message, state, expiresAt } = row;
  const { messageId } = message;
  if (needsOpenMark(message, now)) await deleteItem(openKey(messageId));
  const needed = endedExpiry(message, endedAt(row) ?? now, longestAttemptMs(), retention());
  // Soon after the message's time its state item tells the log.
  if (state.canceledAt !== undefined && eventLogOn() && !isEarly(message, state.canceledAt)) {
    const kept = needed ?? now + retention().logMs;
    await putItem(encodeCancel(messageId, state.canceledAt, 'CANCELED', Math.max(expiresAt ?? 0, kept)));
  }
  // Without a time, that is done when its callbacks have ended.
  if (needed === undefined || (expiresAt !== undefined && expiresAt >= needed)) return;
  const ttl = ttlOf(needed);
  if (message.stored !== undefined && isHeld(message.stored.key))
    await scheduleBodyRelease({ messageId }, expiryOf(ttl)!);
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

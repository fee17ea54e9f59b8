import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { callbackMessage } from '../callback/callback-message';
import { requireEnv, requireNumber, retention } from '../config';
import { endedExpiry, messageExpiry } from '../message/expiry';
import type { CallbackOptions, Message } from '../message/message';
import { isTerminal } from '../message/message-state';
import { dynamodb } from '../store/aws';
import { messageKey, openKey } from '../store/keys';
import { encodeMessage, ttlOf } from '../store/message-items';
import type { MessageRow } from '../store/read-items';
import { needsOpenMark, scheduleAttempt } from '../wait/schedule-attempt';

/**
 * Makes sure that everything which follows from a message's last outcome exists: the callback's row, the
 * callbacks' hints, and last the message's own next hint or due item. It is the normal path after every
 * outcome and idempotent, so a crash after any write is mended by the next look at the row, and the hint of
 * a newer attempt proves that the older one is settled.
 */
export async function settle(row: MessageRow, now: number): Promise<void> {
  const { message, state } = row;
  await settleCallbacks(row, now);
  if (state.state === undefined) await scheduleAttempt(message, 0, message.notBefore, now);
  else if (state.state === 'RETRY') await scheduleAttempt(message, state.attempt, state.due ?? now, now);
  else if (isTerminal(state)) await settleEnd(row);
}

/** The part of {@link settle} that tells others what came of the last attempt. */
export async function settleCallbacks({ message, state }: MessageRow, now: number): Promise<void> {
  const last = state.ends.length - 1;
  const endedAt = state.ends[last];
  if (endedAt === undefined || state.state === 'CANCELED') return;
  if (message.callback !== undefined) {
    const callback = callbackMessage(message, message.callback, { attempt: last, endedAt });
    await putCallback(callback);
    await scheduleAttempt(callback, 0, callback.notBefore, now);
  }
  if (state.state === 'FAILED' && state.dlqId !== undefined) {
    const failure = failureCallbackOf(message, last, endedAt, state.dlqId);
    if (failure !== undefined) await scheduleAttempt(failure, 0, failure.notBefore, now);
  }
}

/** The failure callback of a message whose last attempt ended at `endedAt`, if the publisher asked for one. */
export function failureCallbackOf(message: Message, attempt: number, endedAt: number, dlqId: string) {
  const options: CallbackOptions | undefined = message.failureCallback;
  return options && callbackMessage(message, options, { attempt, endedAt, dlqId });
}

/** A callback's item; written alone for callbacks, within the burying transaction for failure callbacks. */
export function callbackItem(callback: Message) {
  return encodeMessage(callback, messageExpiry(callback, longestAttemptMs(), retention()));
}

/** The longest attempt in milliseconds, as the delivery functions have time for. */
export function longestAttemptMs(): number {
  return requireNumber('MAX_TIMEOUT_SECONDS') * 1000;
}

async function putCallback(callback: Message): Promise<void> {
  await dynamodb.send(new PutItemCommand({ TableName: requireEnv('TABLE_NAME'), Item: callbackItem(callback) }));
}

async function settleEnd({ message, state, expires }: MessageRow): Promise<void> {
  const TableName = requireEnv('TABLE_NAME');
  const endedAt = state.canceledAt ?? state.ends[state.ends.length - 1] ?? message.createdAt;
  if (state.state !== 'CANCELED' && needsOpenMark(message, endedAt)) {
    await dynamodb.send(new DeleteItemCommand({ TableName, Key: openKey(message.messageId) }));
  }
  if (!expires) {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: messageKey(message.messageId),
        UpdateExpression: 'SET #ttl = :ttl',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':ttl': ttlOf(endedExpiry(message, endedAt, longestAttemptMs(), retention())).ttl!,
        },
        ConditionExpression: 'attribute_exists(pk)',
      }),
    );
  }
}

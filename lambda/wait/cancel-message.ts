import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { eventLogOn, longestAttemptMs, requireEnv, retention } from '../config';
import { settle } from '../deliver/settle';
import { logEvent } from '../logs/write-line';
import { endedExpiry } from '../message/expiry';
import { isEarly, isTerminal, type MessageState } from '../message/message-state';
import { isGated } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { type Item, N, S, stateKey } from '../store/keys';
import { decodeState, encodeCancel, ttlOf } from '../store/message-items';
import type { MessageRow } from '../store/message-rows';
import { putItem } from '../store/write-items';
import { sendHint, unscheduleAttempt } from './schedule-attempt';

/** Later than whoever cancels has done all of it, seconds. */
const LOOK_AFTER_SECONDS = 60;

/**
 * What a cancel did: the message is `canceled`; `requested` lets the attempt under way end, and then it is,
 * unless it is delivered by that; it was requested `before`; or the message has `ended` already.
 */
export type Cancellation = 'canceled' | 'requested' | 'before' | 'ended';

/**
 * Cancels one message. After `canceled` or `requested` no attempt begins. `now` is to be read after the row, so
 * that no attempt which the row tells of has ended later.
 */
export async function cancelMessage(row: MessageRow, now: number): Promise<Cancellation> {
  const { message, state } = row;
  const token = crypto.randomUUID();
  if (isGated(message) && (state.due ?? message.notBefore) <= now) await lookAfter(row, now);
  const needed = endedExpiry(message, now, longestAttemptMs(), retention());
  const { ttl } = ttlOf(needed === undefined ? undefined : Math.max(row.expiresAt ?? 0, needed));
  const waiting = await write(
    message.messageId,
    {
      UpdateExpression: `SET st = :canceled, ca = :now, #by = :by${ttl === undefined ? '' : ', #ttl = :ttl'}`,
      // Of the attempt that was read: no other has ended after `now`. A lease that has run out has nobody who could
      // still record an outcome.
      ConditionExpression: 'attribute_not_exists(st) OR (st = :retry AND n = :n) OR (st = :active AND #until <= :now)',
      ExpressionAttributeNames: { '#by': 'by', '#until': 'until', ...(ttl && { '#ttl': 'ttl' }) },
      ExpressionAttributeValues: {
        ':by': S(token),
        ':now': N(now),
        ':canceled': S('CANCELED'),
        ':retry': S('RETRY'),
        ':n': N(state.attempt),
        ':active': S('ACTIVE'),
        ...(ttl && { ':ttl': ttl }),
      },
    },
    token,
  );
  if (waiting.written) return finish(row, waiting.state, now);
  if (isTerminal(waiting.state)) return 'ended';
  if (waiting.state.state === 'CANCEL_REQUESTED') return 'before';
  // The attempt may have begun after the request came in: the log tells it in this order.
  const requestedAt = Math.max(now, waiting.state.startedAt ?? now);
  const active = await write(
    message.messageId,
    {
      UpdateExpression: 'SET st = :requested, cr = :at, #by = :by',
      ConditionExpression: 'st = :active',
      ExpressionAttributeNames: { '#by': 'by' },
      ExpressionAttributeValues: {
        ':by': S(token),
        ':at': N(requestedAt),
        ':requested': S('CANCEL_REQUESTED'),
        ':active': S('ACTIVE'),
      },
    },
    token,
  );
  if (active.written) {
    const { messageId } = message;
    if (eventLogOn() && !isEarly(message, requestedAt)) {
      await putItem(encodeCancel(messageId, requestedAt, 'CANCEL_REQUESTED', needed ?? now + retention().logMs));
    }
    logEvent('cancelRequested', { messageId, time: requestedAt });
    return 'requested';
  }
  if (isTerminal(active.state)) return 'ended';
  if (active.state.state === 'CANCEL_REQUESTED') return 'before';
  // An attempt has ended in between and the message waits again.
  return cancelMessage({ ...row, state: active.state }, Math.max(now, active.state.ends.at(-1) ?? 0));
}

/** Who waits for a slot has nothing that would wake it: if this ends on the way, somebody has to do the rest. */
function lookAfter({ message, state }: MessageRow, now: number): Promise<void> {
  const hint = { messageId: message.messageId, attempt: state.attempt, due: now };
  return sendHint(message.lane, hint, LOOK_AFTER_SECONDS);
}

interface StateWrite {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Item;
}

interface Written {
  readonly written: boolean;
  /** As it was before when written, else as it stands in the way. */
  readonly state: MessageState;
}

async function write(messageId: string, change: StateWrite, token: string): Promise<Written> {
  try {
    const { Attributes } = await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: stateKey(messageId),
        ...change,
        ReturnValues: 'ALL_OLD',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { written: true, state: decodeState(Attributes) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const state = decodeState(error.Item);
    return { written: state.cancelToken === token, state };
  }
}

/**
 * Does what the end of a message asks for, and last takes out of the table what would wake it: until then it is
 * woken to do the rest, if this ends on the way.
 */
async function finish({ message, expiresAt }: MessageRow, before: MessageState, now: number): Promise<Cancellation> {
  await settle({ message, expiresAt, state: { ...before, state: 'CANCELED', canceledAt: now } }, now);
  const due = before.due ?? message.notBefore;
  if (due > now) await unscheduleAttempt(message, due);
  logEvent('canceled', { messageId: message.messageId, time: now });
  return 'canceled';
}

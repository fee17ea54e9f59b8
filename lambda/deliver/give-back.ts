import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import type { Message } from '../message/message';
import { type Look, look, type MessageState } from '../message/message-state';
import type { Grant } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { N, S, stateKey } from '../store/keys';
import { decodeState } from '../store/message-items';
import type { Hint } from '../wait/hint';
import { dropSlot } from '../wait/leave-list';
import { enterList } from '../wait/schedule-attempt';
import { UNSPENT } from './claim-attempt';

/** What stands in the way of giving a slot back. */
export interface Kept {
  readonly state: MessageState;
  readonly look: Look;
}

/**
 * Gives back a slot whose time is over before its attempt has begun, or with which one has begun that died, and has
 * the attempt wait for another. First it is made sure that nobody begins with it any more, then the slot is free, and
 * then the attempt waits: until that is done the hint is what knows of it. Undefined when it is done.
 */
export async function giveBack(
  { attempt, due }: Hint,
  grant: Grant,
  message: Message,
  now: number,
): Promise<Kept | undefined> {
  const state = await spend(message.messageId, attempt, grant, now);
  if (state !== undefined) {
    const found = look(state, attempt, message.notBefore, now);
    if (found.kind !== 'claim' && found.kind !== 'reclaim') return { state, look: found };
  }
  await dropSlot(grant);
  await enterList(grant.list, { message, attempt, due });
  return undefined;
}

/** Takes a grant the power to begin its attempt; the state when it has none, or somebody is at the attempt. */
async function spend(
  messageId: string,
  attempt: number,
  { at }: Grant,
  now: number,
): Promise<MessageState | undefined> {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: stateKey(messageId),
        UpdateExpression: 'SET spent = :granted',
        ConditionExpression: `(attribute_not_exists(st) OR (n = :n AND (st = :retry OR (st = :active AND #until <= :now)))) AND ${UNSPENT}`,
        ExpressionAttributeNames: { '#until': 'until' },
        ExpressionAttributeValues: {
          ':granted': N(at),
          ':n': N(attempt),
          ':retry': S('RETRY'),
          ':active': S('ACTIVE'),
          ':now': N(now),
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return decodeState(error.Item);
  }
}

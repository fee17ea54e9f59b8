import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import type { Message } from '../message/message';
import { type Look, look, type MessageState } from '../message/message-state';
import { dynamodb } from '../store/aws';
import { type Item, N, S, stateKey } from '../store/keys';
import { decodeState } from '../store/message-items';

/** A lease outlives its attempt's deadline by this much, so that the outcome can be recorded. */
export const LEASE_SLACK_MS = 30_000;

export interface Claimant {
  /** Random, so that a claim whose answer was lost is recognised as ours. */
  readonly lease: string;
  readonly leaseUntil: number;
  readonly now: number;
  /** When the slot was given whose time is limited, milliseconds: with it only one attempt begins. */
  readonly grantedAt?: number;
}

/** Condition that a grant given at `:granted` has neither begun an attempt nor been given back. */
export const UNSPENT = '(attribute_not_exists(spent) OR spent < :granted)';

/** Ours to deliver, or what stands in the way. */
export type Claim =
  | { readonly claimed: true; readonly state: MessageState }
  | { readonly claimed: false; readonly state: MessageState; readonly look: Look };

/**
 * The conditional write that comes before every call: it makes duplicates harmless and a cancel final. It
 * is also the ACTIVE entry of the log.
 */
export async function claimAttempt(message: Message, attempt: number, by: Claimant): Promise<Claim> {
  const first = await write(
    message,
    attempt,
    by,
    attempt === 0
      ? { condition: 'attribute_not_exists(st)' }
      : { condition: 'st = :retry AND n = :n AND due <= :start', values: { ':retry': S('RETRY') } },
  );
  if (first.claimed || first.look.kind !== 'reclaim') return first;
  return write(message, attempt, by, {
    condition: 'st = :active AND lease = :dead',
    values: { ':dead': S(first.look.lease), ':one': N(1) },
    action: ' ADD crashes :one',
  });
}

interface ClaimWrite {
  readonly condition: string;
  readonly values?: Item;
  readonly action?: string;
}

async function write(message: Message, attempt: number, by: Claimant, claim: ClaimWrite): Promise<Claim> {
  try {
    const answer = await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: stateKey(message.messageId),
        UpdateExpression:
          'SET st = :active, n = :n, lease = :lease, #until = :until, #start = :start, s0 = if_not_exists(s0, :start)' +
          (by.grantedAt === undefined ? '' : ', spent = :granted') +
          (claim.action ?? ''),
        ConditionExpression: by.grantedAt === undefined ? claim.condition : `${claim.condition} AND ${UNSPENT}`,
        ExpressionAttributeNames: { '#until': 'until', '#start': 'start' },
        ExpressionAttributeValues: {
          ':active': S('ACTIVE'),
          ':n': N(attempt),
          ':lease': S(by.lease),
          ':until': N(by.leaseUntil),
          ':start': N(by.now),
          ...(by.grantedAt === undefined ? {} : { ':granted': N(by.grantedAt) }),
          ...claim.values,
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { claimed: true, state: decodeState(answer.Attributes) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const state = decodeState(error.Item);
    if (state.lease === by.lease && state.state === 'ACTIVE') return { claimed: true, state };
    return { claimed: false, state, look: look(state, attempt, message.notBefore, by.now) };
  }
}

import {
  ConditionalCheckFailedException,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { eventLogOn, requireEnv, retention } from '../config';
import { deadLetterItem } from '../dlq/dead-letter-item';
import { endedExpiry } from '../message/expiry';
import type { Message } from '../message/message';
import { dlqIdOf } from '../message/message-id';
import type { AttemptRecord, MessageState } from '../message/message-state';
import { dynamodb } from '../store/aws';
import { type Item, N, S, stateKey } from '../store/keys';
import { decodeState, encodeAttempt, encodeInlineAttempt, ttlOf } from '../store/message-items';
import { callbackItem, failureCallbackOf, longestAttemptMs } from './settle';

/** An attempt that ended this soon after its message was accepted is found through the message's own items. */
export const EARLY_EVENT_MS = 10_000;
/** Keeps the state item within one write unit. */
const INLINE_RECORD_BYTES = 512;
/** A response that nobody asked to hear of is kept for the log alone, up to this length. */
const LOGGED_BODY_BYTES = 8_192;

/**
 * Writes what came of an attempt, on condition that the lease is still ours: one small write, or, when the
 * message has finally failed, one transaction of state, dead letter and failure callback. Returns the new
 * state, or undefined when the lease was lost and somebody else's outcome counts.
 */
export async function recordOutcome(
  message: Message,
  claimed: MessageState,
  record: AttemptRecord,
  reason: string | undefined,
): Promise<MessageState | undefined> {
  const kept = trim(message, record);
  const inline = inlineText(message, kept);
  const endedAt = record.endedAt;
  const expiresAt = endedExpiry(message, endedAt, longestAttemptMs(), retention());
  if (inline === undefined && worthKeeping(message, kept)) await putAttempt(message, kept, expiresAt);
  const done = await write(message, claimed, kept, inline, expiresAt, reason, 'ACTIVE');
  if (done?.state !== 'CANCEL_REQUESTED' || done.lease !== claimed.lease) return done;
  // Cancelled while under way: what was delivered is delivered, anything else ends here without a callback.
  const final: AttemptRecord = kept.outcome === 'delivered' ? kept : { ...kept, outcome: 'canceled' };
  const finalInline = inlineText(message, final);
  if (finalInline === undefined && worthKeeping(message, final)) await putAttempt(message, final, expiresAt);
  return write(message, claimed, final, finalInline, expiresAt, reason, 'CANCEL_REQUESTED');
}

function trim(message: Message, record: AttemptRecord): AttemptRecord {
  if (message.callback !== undefined || record.outcome === 'failed') return record;
  if (record.outcome === 'delivered') return { ...record, header: {}, body: new Uint8Array() };
  if (record.body.length <= LOGGED_BODY_BYTES) return record;
  return { ...record, body: record.body.subarray(0, LOGGED_BODY_BYTES), truncated: true };
}

function inlineText(message: Message, record: AttemptRecord): string | undefined {
  if (record.attempt !== 0 || record.endedAt - message.createdAt > EARLY_EVENT_MS) return undefined;
  if (record.body.length > INLINE_RECORD_BYTES) return undefined;
  const text = encodeInlineAttempt(record);
  return Buffer.byteLength(text) <= INLINE_RECORD_BYTES ? text : undefined;
}

function worthKeeping(message: Message, record: AttemptRecord): boolean {
  return eventLogOn() || message.callback !== undefined || record.outcome === 'failed';
}

async function putAttempt(message: Message, record: AttemptRecord, expiresAt: number): Promise<void> {
  await dynamodb.send(
    new PutItemCommand({
      TableName: requireEnv('TABLE_NAME'),
      Item: encodeAttempt(message.messageId, record, expiresAt),
    }),
  );
}

type HeldState = 'ACTIVE' | 'CANCEL_REQUESTED';

async function write(
  message: Message,
  claimed: MessageState,
  record: AttemptRecord,
  inline: string | undefined,
  expiresAt: number,
  reason: string | undefined,
  held: HeldState,
): Promise<MessageState | undefined> {
  const dlqId = record.outcome === 'failed' ? dlqIdOf(message.messageId, record.endedAt) : undefined;
  const change = stateChange(record, inline, expiresAt, dlqId);
  const update = {
    TableName: requireEnv('TABLE_NAME'),
    Key: stateKey(message.messageId),
    UpdateExpression: change.expression,
    ConditionExpression: 'lease = :lease AND st = :held',
    ExpressionAttributeNames: change.names,
    ExpressionAttributeValues: { ...change.values, ':lease': S(claimed.lease!), ':held': S(held) },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  const after = stateAfter(claimed, record, inline, dlqId);
  if (dlqId === undefined) {
    try {
      await dynamodb.send(new UpdateItemCommand(update));
      return after;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return ours(decodeState(error.Item), claimed);
    }
  }
  const failure = failureCallbackOf(message, record.attempt, record.endedAt, dlqId);
  const TableName = requireEnv('TABLE_NAME');
  const transaction = new TransactWriteItemsCommand({
    TransactItems: [
      { Update: update },
      { Put: { TableName, Item: deadLetterItem(message, record, dlqId, reason ?? 'exhausted') } },
      ...(failure === undefined ? [] : [{ Put: { TableName, Item: callbackItem(failure) } }]),
    ],
  });
  for (let conflicts = 0; ; conflicts++) {
    try {
      await dynamodb.send(transaction);
      return after;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const [first] = error.CancellationReasons ?? [];
      if (first?.Code === 'ConditionalCheckFailed') return ours(decodeState(first.Item), claimed);
      if (conflicts >= 4) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** conflicts));
    }
  }
}

/** The state found instead of the one expected, if it is still or again this attempt's own. */
function ours(found: MessageState, claimed: MessageState): MessageState | undefined {
  return found.lease === claimed.lease ? found : undefined;
}

function stateChange(record: AttemptRecord, inline: string | undefined, expiresAt: number, dlqId: string | undefined) {
  const names: Record<string, string> = {};
  const values: Item = { ':none': { L: [] }, ':end': { L: [N(record.endedAt)] } };
  const sets = ['st = :st', 'ends = list_append(if_not_exists(ends, :none), :end)'];
  if (record.outcome === 'retry') {
    values[':st'] = S('RETRY');
    values[':n'] = N(record.attempt + 1);
    values[':due'] = N(record.nextAt!);
    sets.push('n = :n', 'due = :due');
  } else {
    values[':st'] = S(
      record.outcome === 'delivered' ? 'DELIVERED' : record.outcome === 'failed' ? 'FAILED' : 'CANCELED',
    );
    values[':ttl'] = ttlOf(expiresAt).ttl!;
    names['#ttl'] = 'ttl';
    sets.push('#ttl = :ttl');
  }
  if (record.outcome === 'canceled') {
    values[':ca'] = N(record.endedAt);
    sets.push('ca = :ca');
  }
  if (inline !== undefined) {
    values[':r0'] = S(inline);
    sets.push('r0 = :r0');
  }
  if (dlqId !== undefined) {
    values[':dlq'] = S(dlqId);
    sets.push('dlq = :dlq');
  }
  return {
    expression: `SET ${sets.join(', ')}`,
    names: Object.keys(names).length === 0 ? undefined : names,
    values,
  };
}

function stateAfter(
  claimed: MessageState,
  record: AttemptRecord,
  inline: string | undefined,
  dlqId: string | undefined,
): MessageState {
  const common = {
    ...claimed,
    ends: [...claimed.ends, record.endedAt],
    first: inline === undefined ? claimed.first : record,
  };
  switch (record.outcome) {
    case 'retry':
      return { ...common, state: 'RETRY', attempt: record.attempt + 1, due: record.nextAt! };
    case 'delivered':
      return { ...common, state: 'DELIVERED' };
    case 'failed':
      return { ...common, state: 'FAILED', dlqId: dlqId! };
    case 'canceled':
      return { ...common, state: 'CANCELED', canceledAt: record.endedAt };
  }
}

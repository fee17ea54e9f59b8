import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { eventLogOn, longestAttemptMs, requireEnv, retention } from '../config';
import { deadLetterItem, type FailureReason } from '../dlq/dead-letter-item';
import { endedExpiry } from '../message/expiry';
import type { Message } from '../message/message';
import { dlqIdOf } from '../message/message-id';
import { type AttemptRecord, isEarly, type MessageState, type StateName } from '../message/message-state';
import { dynamodb } from '../store/aws';
import { type Item, N, S, stateKey } from '../store/keys';
import { decodeState, encodeAttempt, encodeInlineAttempt, ttlOf } from '../store/message-items';
import type { MessageRow } from '../store/message-rows';
import { putItem, transact } from '../store/write-items';

/** Keeps the state item within one write unit. */
const INLINE_RECORD_BYTES = 512;
/** A response that nobody asked to hear of is kept for the log alone, up to this length. */
const LOGGED_BODY_BYTES = 8_192;

const STATE_AFTER: Readonly<Record<AttemptRecord['outcome'], StateName>> = {
  delivered: 'DELIVERED',
  retry: 'RETRY',
  failed: 'FAILED',
  canceled: 'CANCELED',
};

/** The record of an attempt that ended without an answer of the destination. */
export function failedRecord(state: MessageState, endedAt: number, error: string): AttemptRecord {
  return {
    attempt: state.attempt,
    startedAt: state.startedAt ?? endedAt,
    endedAt,
    status: 0,
    header: {},
    body: new Uint8Array(),
    error,
    outcome: 'failed',
  };
}

/**
 * Writes what came of an attempt, on condition that the lease in `row.state` still holds it: one small
 * write, or, when the message has finally failed, one transaction of state and dead letter.
 * Returns the new state, or undefined when the lease was lost and somebody else's outcome counts.
 */
export async function recordOutcome(
  row: MessageRow,
  record: AttemptRecord,
  reason?: FailureReason,
): Promise<MessageState | undefined> {
  const state = await write(row, record, reason, 'ACTIVE');
  if (state?.state !== 'CANCEL_REQUESTED') return state;
  // Canceled while under way: what was delivered is delivered, anything else ends here without a callback.
  const final: AttemptRecord = record.outcome === 'delivered' ? record : { ...record, outcome: 'canceled' };
  return write(row, final, undefined, 'CANCEL_REQUESTED');
}

async function write(
  row: MessageRow,
  full: AttemptRecord,
  reason: FailureReason | undefined,
  held: StateName,
): Promise<MessageState | undefined> {
  const { message, state } = row;
  const record = trim(message, full);
  const inline = inlineText(message, record);
  const needed = endedExpiry(message, record.endedAt, longestAttemptMs(), retention());
  const expiresAt = needed === undefined ? undefined : Math.max(row.expiresAt ?? 0, needed);
  if (inline === undefined && isKept(message, record)) {
    await putItem(encodeAttempt(message.messageId, record, expiresAt));
  }
  const dlqId = record.outcome === 'failed' ? dlqIdOf(message.messageId, record.endedAt) : undefined;
  const update = {
    TableName: requireEnv('TABLE_NAME'),
    Key: stateKey(message.messageId),
    ...changeOf(record, inline, expiresAt, dlqId, { lease: state.lease ?? '', held }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  const found =
    dlqId === undefined
      ? await updateState(update)
      : await bury(deadLetterItem(message, record, dlqId, reason ?? 'exhausted'), update);
  // Written before, and the answer was lost; what still holds the attempt has not recorded it.
  if (found !== 'written') return found.lease === state.lease && found.state !== held ? found : undefined;
  return stateAfter(state, record, inline, dlqId);
}

type StateUpdate = ConstructorParameters<typeof UpdateItemCommand>[0];

async function updateState(update: StateUpdate): Promise<MessageState | 'written'> {
  try {
    await dynamodb.send(new UpdateItemCommand(update));
    return 'written';
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return decodeState(error.Item);
  }
}

/**
 * State and dead letter in one: a second look that finds the message failed must not make the dead letter
 * again, since somebody may have deleted or retried it meanwhile.
 */
async function bury(deadLetter: Item, update: StateUpdate): Promise<MessageState | 'written'> {
  const refusal = await transact([
    { Update: { ...update, UpdateExpression: update.UpdateExpression! } },
    { Put: { TableName: requireEnv('TABLE_NAME'), Item: deadLetter } },
  ]);
  return refusal === 'written' ? refusal : decodeState(refusal[0]!.item);
}

/** What is kept of an attempt: the whole response where a callback or the dead letter will show it. */
function trim(message: Message, record: AttemptRecord): AttemptRecord {
  if (message.callback !== undefined || record.outcome === 'failed') return record;
  if (record.outcome === 'delivered') return { ...record, header: {}, body: new Uint8Array() };
  if (record.body.length <= LOGGED_BODY_BYTES) return record;
  return { ...record, body: record.body.subarray(0, LOGGED_BODY_BYTES), truncated: true };
}

/** The record as text for the state item, where it fits there and is found there by its time. */
function inlineText(message: Message, record: AttemptRecord): string | undefined {
  if (record.attempt !== 0 || !isEarly(message, record.endedAt)) return undefined;
  if (record.body.length > INLINE_RECORD_BYTES) return undefined;
  const text = encodeInlineAttempt(record);
  return Buffer.byteLength(text) <= INLINE_RECORD_BYTES ? text : undefined;
}

function isKept(message: Message, record: AttemptRecord): boolean {
  return eventLogOn() || message.callback !== undefined || record.outcome === 'failed';
}

function changeOf(
  record: AttemptRecord,
  inline: string | undefined,
  expiresAt: number | undefined,
  dlqId: string | undefined,
  holder: { readonly lease: string; readonly held: StateName },
) {
  const set: Item = {
    st: S(STATE_AFTER[record.outcome]),
    ...(record.outcome === 'retry' ? { n: N(record.attempt + 1), due: N(record.nextAt!) } : ttlOf(expiresAt)),
    ...(inline === undefined ? {} : { r0: S(inline) }),
    ...(dlqId === undefined ? {} : { dlq: S(dlqId) }),
  };
  const assignments = Object.keys(set).map((name) => `#${name} = :${name}`);
  return {
    UpdateExpression: `SET ends = list_append(if_not_exists(ends, :none), :end), ${assignments.join(', ')}`,
    ConditionExpression: 'lease = :lease AND #st = :held',
    ExpressionAttributeNames: Object.fromEntries(Object.keys(set).map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      ':none': { L: [] },
      ':end': { L: [N(record.endedAt)] },
      ':lease': S(holder.lease),
      ':held': S(holder.held),
    },
  };
}

function stateAfter(
  before: MessageState,
  record: AttemptRecord,
  inline: string | undefined,
  dlqId: string | undefined,
): MessageState {
  return {
    ...before,
    state: STATE_AFTER[record.outcome],
    ends: [...before.ends, record.endedAt],
    first: inline === undefined ? before.first : record,
    ...(record.outcome === 'retry' ? { attempt: record.attempt + 1, due: record.nextAt } : {}),
    ...(dlqId === undefined ? {} : { dlqId }),
  };
}

import { randomBytes } from 'node:crypto';
import { loadBody } from '../callback/load-body';
import { serviceNow, wallNow } from '../clock';
import { eventLogOn, longestAttemptMs, retention } from '../config';
import type { FailureReason } from '../dlq/dead-letter-item';
import { hasBeginItem, isBeginInState } from '../logs/log-event';
import { hostOf, logEvent } from '../logs/write-line';
import type { Message } from '../message/message';
import {
  type AttemptRecord,
  EARLY_EVENT_MS,
  EARLY_MS,
  type Look,
  look,
  MAX_CRASHES,
  NO_STATE,
} from '../message/message-state';
import { nextList, type WaitList } from '../message/wait-list';
import { decideNext } from '../retry/decide-next';
import { stateKey } from '../store/keys';
import { decodeState, encodeBegin } from '../store/message-items';
import type { MessageRow } from '../store/message-rows';
import { getItem } from '../store/read-items';
import { putItem } from '../store/write-items';
import type { Hint } from '../wait/hint';
import { leavePassed } from '../wait/leave-list';
import { enterList } from '../wait/schedule-attempt';
import type { AddressPolicy } from './address-policy';
import { buildRequest } from './build-request';
import { callDestination } from './call-destination';
import { claimAttempt, LEASE_SLACK_MS } from './claim-attempt';
import { giveBack } from './give-back';
import { failedRecord, recordOutcome } from './record-outcome';
import { settle } from './settle';

/** Between the end of the last attempt and the function's timeout: what recording the outcomes may take. */
export const RECORDING_MS = 20_000;

/** What is kept of a response at most: it lies in the table, as the publisher's large bodies do not. */
const MAX_RESPONSE_BYTES = 256 * 1024;

/** An attempt is not begun with less time than this, unless it asks for less. */
const LEAST_MS = 1_000;

const CRASHED = `the service ended ${MAX_CRASHES + 1} times while it made this attempt`;

/** What one batch's attempts share. */
export interface DeliveryContext {
  readonly key: string;
  readonly policy: AddressPolicy;
  /** Wall time at which the function must have no call under way. */
  readonly deadline: number;
}

/** What is to become of the hint, and what happened, for the metrics. */
export interface Delivery {
  /** Seconds until the hint is to come back; absent when it may be deleted. */
  readonly comeBackIn?: number;
  readonly outcome?: AttemptRecord['outcome'];
  /** Milliseconds the destination took. */
  readonly durationMs?: number;
}

type LoadedMessage = Pick<MessageRow, 'message' | 'expiresAt'>;

/**
 * Acts on one hint: makes the attempt if it is due, has the slots that it needs and is nobody else's, and whatever
 * follows from it.
 */
export async function deliverMessage(hint: Hint, row: LoadedMessage, context: DeliveryContext): Promise<Delivery> {
  const { message } = row;
  const { grant } = hint;
  const due = Math.max(hint.due, hint.attempt === 0 ? message.notBefore : 0);
  const early = due - serviceNow();
  // Without its state, since all it takes is another hint.
  if (early > EARLY_MS && hint.attempt === 0) return finish({ ...row, state: NO_STATE });
  if (early > 0 && early <= EARLY_MS) await new Promise((resolve) => setTimeout(resolve, early));
  const list = nextList(message, hint.attempt, grant?.list.kind);
  if (list !== undefined) return enter(list, hint, row);

  // Before the claim: a fault here must not leave a lease behind.
  const body = await loadBody(message);
  const lasts = Math.min((message.timeout ?? Number.POSITIVE_INFINITY) * 1000, longestAttemptMs());
  const deadline = Math.min(wallNow() + lasts, context.deadline);
  // Too little of the function's time is left to blame the destination for what does not fit.
  if (deadline - wallNow() < Math.min(lasts, LEAST_MS)) return { comeBackIn: 5 };
  const now = serviceNow();
  if (grant?.until !== undefined && now >= grant.until) return returnSlot(hint, row, now);
  const lease = randomBytes(12).toString('base64url');
  const claim = await claimAttempt(message, hint.attempt, {
    lease,
    leaseUntil: now + (deadline - wallNow()) + LEASE_SLACK_MS,
    now,
    grantedAt: grant?.until === undefined ? undefined : grant.at,
  });
  if (claim.claimed) return attempt({ ...row, state: claim.state }, body, deadline, context);
  const waits = claim.look.kind === 'claim' || claim.look.kind === 'reclaim';
  if (waits && grant?.until !== undefined && (claim.state.spent ?? 0) >= grant.at) return returnSlot(hint, row, now);
  return lookAgain({ ...row, state: claim.state }, claim.look, hint);
}

/** What has no slot yet that it needs waits for it, unless it has ended or somebody is at it. */
async function enter(list: WaitList, hint: Hint, row: LoadedMessage): Promise<Delivery> {
  const { message } = row;
  const state = decodeState(await getItem(stateKey(message.messageId)));
  const found = look(state, hint.attempt, message.notBefore, serviceNow());
  if (found.kind !== 'claim' && found.kind !== 'reclaim') return lookAgain({ ...row, state }, found, hint);
  await enterList(list, { message, attempt: hint.attempt, due: hint.due });
  return {};
}

/** Gives back the slot with which an attempt can't begin any more. */
async function returnSlot(hint: Hint, row: LoadedMessage, now: number): Promise<Delivery> {
  const kept = await giveBack(hint, hint.grant!, row.message, now);
  return kept === undefined ? {} : lookAgain({ ...row, state: kept.state }, kept.look, hint);
}

async function attempt(
  row: MessageRow,
  body: Uint8Array | undefined,
  deadline: number,
  context: DeliveryContext,
): Promise<Delivery> {
  const { message, state } = row;
  const startedAt = state.startedAt ?? serviceNow();
  if (body === undefined) {
    const what = message.source === undefined ? 'its body' : 'what this callback reports on';
    const error = `${what} is no longer stored`;
    return conclude(row, failedRecord(state, serviceNow(), error), 'internal');
  }
  const stopTelling = tellOfLongAttempt(row, startedAt);
  const wallStart = wallNow();
  const request = buildRequest({ message, body, attempt: state.attempt, key: context.key, wallNow: wallStart });
  const result = await callDestination(request, {
    deadlineMs: deadline,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    policy: context.policy,
  });
  stopTelling();
  const durationMs = wallNow() - wallStart;
  const endedAt = serviceNow();
  const next = decideNext(message, state.attempt, result, endedAt);
  const record: AttemptRecord = {
    ...result,
    attempt: state.attempt,
    startedAt,
    endedAt,
    outcome: next.kind,
    ...(next.kind === 'retry' ? { nextAt: next.at } : {}),
  };
  const delivery = await conclude(row, record, next.kind === 'failed' ? next.reason : undefined);
  return { ...delivery, durationMs };
}

/** Records an outcome and everything that follows from it. */
async function conclude(row: MessageRow, record: AttemptRecord, reason?: FailureReason): Promise<Delivery> {
  const state = await recordOutcome(row, record, reason);
  if (state === undefined) {
    logEvent('leaseLost', { messageId: row.message.messageId, attempt: record.attempt });
    // This may be the only hint: who has the lease now may have been given the same SQS message.
    return { comeBackIn: 1 };
  }
  tellOutcome({ ...row, state }, record, reason);
  if (eventLogOn() && hasBeginItem(row.message, record)) await tellBegin(row.message, record);
  const outcome = state.state === 'CANCELED' ? 'canceled' : record.outcome;
  return { ...(await finish({ ...row, state })), outcome };
}

/** What to do when the attempt is not ours to make. */
async function lookAgain(row: MessageRow, found: Look, { grant }: Hint): Promise<Delivery> {
  switch (found.kind) {
    case 'busy':
      return { comeBackIn: Math.ceil((found.until - serviceNow()) / 1000) + 1 };
    case 'crashed':
      return conclude(row, failedRecord(row.state, serviceNow(), CRASHED), 'internal');
    case 'cancel':
      return conclude(row, failedRecord(row.state, serviceNow(), 'canceled'));
    // Somebody else was faster between two of our writes; the next look sees what came of it.
    case 'claim':
    case 'reclaim':
      return { comeBackIn: 1 };
    case 'early':
      return finish(row);
    case 'settle':
      await leavePassed(grant);
      return finish(row);
  }
}

async function finish(row: MessageRow): Promise<Delivery> {
  await settle(row, serviceNow());
  return {};
}

/** An attempt that lasts is told to the log while it lasts: its record comes at its end only. */
function tellOfLongAttempt({ message, state }: MessageRow, startedAt: number): () => void {
  const begun = { attempt: state.attempt, startedAt };
  if (!eventLogOn() || isBeginInState(message, begun)) return () => {};
  const timer = setTimeout(() => {
    tellBegin(message, begun).catch(() => {});
  }, EARLY_EVENT_MS);
  return () => clearTimeout(timer);
}

function tellBegin(
  { messageId }: Message,
  { attempt, startedAt }: Pick<AttemptRecord, 'attempt' | 'startedAt'>,
): Promise<void> {
  return putItem(encodeBegin(messageId, attempt, startedAt, startedAt + retention().logMs));
}

/** The one wide line of an attempt. */
function tellOutcome({ message, state }: MessageRow, record: AttemptRecord, reason?: FailureReason): void {
  logEvent(state.state?.toLowerCase() ?? 'created', {
    messageId: message.messageId,
    attempt: record.attempt,
    method: message.method,
    host: hostOf(message.url),
    status: record.status,
    durationMs: record.endedAt - record.startedAt,
    error: record.error,
    nextAt: record.nextAt,
    reason: state.state === 'FAILED' ? reason : undefined,
    dlqId: state.dlqId,
    lane: message.lane,
    sourceMessageId: message.source?.messageId,
    maxRetries: message.maxRetries,
    time: record.endedAt,
  });
}

import { randomBytes } from 'node:crypto';
import type { MessageRow } from '../store/message-rows';
import { claimAttempt, LEASE_SLACK_MS } from './claim-attempt';
import { failedRecord, recordOutcome } from './record-outcome';
import { settle } from './settle';

/**
 * Makes a message that the service itself cannot deliver a dead letter with the reason `internal`. The attempt
 * is claimed like any other, so that nobody makes it meanwhile; false when somebody else holds it.
 */
export async function buryMessage(row: MessageRow, error: string, now: number): Promise<boolean> {
  const lease = randomBytes(12).toString('base64url');
  const claim = await claimAttempt(row.message, row.state.attempt, { lease, leaseUntil: now + LEASE_SLACK_MS, now });
  if (!claim.claimed) return false;
  const claimed = { ...row, state: claim.state };
  const state = await recordOutcome(claimed, failedRecord(claimed.state, now, error), 'internal');
  if (state === undefined) return false;
  await settle({ ...row, state }, now);
  return true;
}

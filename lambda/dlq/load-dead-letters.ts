import { loadShownBody } from '../callback/load-body';
import type { AttemptRecord } from '../message/message-state';
import type { BodyPart } from '../message/shown-header';
import { attemptKey, dlqKey } from '../store/keys';
import { decodeAttempt, expiryOf } from '../store/message-items';
import { loadRows, type MessageRow } from '../store/message-rows';
import { getItem, getItems } from '../store/read-items';
import { type DeadLetter, decodeDeadLetter } from './dead-letter-item';

/** A dead letter with the message that it refers to and its last attempt. */
export interface DeadLetterDetails {
  readonly deadLetter: DeadLetter;
  readonly row: MessageRow;
  /** What was to be delivered; a callback's is made from what it reports on. */
  readonly body: BodyPart;
  readonly lastAttempt: AttemptRecord;
}

/** The dead letter of an id; undefined when there is none, or not any more. */
export async function getDeadLetter(dlqId: string, now: number): Promise<DeadLetter | undefined> {
  const key = dlqKey(dlqId);
  const item = key && (await getItem(key));
  if (item === undefined || (expiryOf(item) ?? now) <= now) return undefined;
  return decodeDeadLetter(item);
}

/** The dead letters of those ids that exist, in the order of the ids. */
export async function getDeadLetters(dlqIds: readonly string[], now: number): Promise<DeadLetter[]> {
  const items = await getItems(dlqIds.map(dlqKey).filter((key) => key !== undefined));
  const found = new Map(
    items.filter((item) => (expiryOf(item) ?? now) > now).map((item) => [item.sk!.S!, decodeDeadLetter(item)]),
  );
  return [...new Set(dlqIds)].flatMap((dlqId) => found.get(dlqId) ?? []);
}

/**
 * Reads what dead letters refer to, and of each body the first `maxBodyBytes`. Messages outlive their dead letters, so
 * nothing is missing.
 */
export async function loadDetails(
  deadLetters: readonly DeadLetter[],
  maxBodyBytes: number,
): Promise<DeadLetterDetails[]> {
  const rows = await loadRows(deadLetters.map(({ messageId }) => messageId));
  const items = await getItems(
    deadLetters.map(({ messageId, attempt, failedAt }) => attemptKey(messageId, attempt, failedAt)),
  );
  const attempts = new Map(items.map((item) => decodeAttempt(item)).map((found) => [found.messageId, found.record]));
  const details = deadLetters.map(async (deadLetter): Promise<DeadLetterDetails | undefined> => {
    const row = rows.get(deadLetter.messageId);
    const inline = deadLetter.attempt === 0 ? row?.state.first : undefined;
    const lastAttempt = inline ?? attempts.get(deadLetter.messageId);
    if (row === undefined || lastAttempt === undefined) return undefined;
    return { deadLetter, row, body: await loadShownBody(row.message, maxBodyBytes), lastAttempt };
  });
  return (await Promise.all(details)).filter((found) => found !== undefined);
}

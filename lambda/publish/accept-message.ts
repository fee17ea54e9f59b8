import { Metric } from '../../lib/names';
import { longestAttemptMs, retention } from '../config';
import { hostOf, writeMetrics } from '../logs/write-line';
import { messageExpiry } from '../message/expiry';
import type { Message } from '../message/message';
import { derivedMessageId } from '../message/message-id';
import type { Item } from '../store/keys';
import { encodeMessage } from '../store/message-items';
import { scheduleAttempt, unscheduleAttempt, waitsInDueIndex } from '../wait/schedule-attempt';

/** What a publisher is told of an accepted message. */
export interface Published {
  readonly messageId: string;
  readonly url: string;
  /** Accepted before: this is the id of the first. */
  readonly deduplicated?: true;
}

/** A fresh id for a message accepted at `now`. */
export function newMessageId(now: number): string {
  return derivedMessageId(now, crypto.randomUUID());
}

/**
 * Stores a new message by `write`, which says whether it did, and has it looked at when it is due. What waits
 * longer than SQS can hold it has its due item first, since only the tick looks there; anything else has its
 * row first, which the tick finds again if the hint was never sent.
 */
export async function acceptMessage(
  message: Message,
  now: number,
  write: (item: Item) => Promise<boolean>,
): Promise<boolean> {
  const parked = waitsInDueIndex(message.notBefore, now);
  if (parked) await scheduleAttempt(message, 0, message.notBefore, now);
  if (!(await write(encodeMessage(message, messageExpiry(message, longestAttemptMs(), retention()))))) {
    if (parked) await unscheduleAttempt(message, message.notBefore);
    return false;
  }
  if (!parked) await scheduleAttempt(message, 0, message.notBefore, now);
  tell(message);
  return true;
}

function tell(message: Message): void {
  const { messageId, method, createdAt, notBefore } = message;
  const event = { event: 'created', messageId, method, host: hostOf(message.url), notBefore, time: createdAt };
  writeMetrics(createdAt, { [Metric.PUBLISHED]: 1 }, event);
}

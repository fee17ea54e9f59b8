import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
import type { Lane, Message } from '../message/message';
import { sqs } from '../store/aws';
import { dueKey, openKey, S } from '../store/keys';
import { deleteItem, putItem } from '../store/write-items';
import { encodeHint, type Hint } from './hint';

/** The longest delay SQS takes (SQS quotas). */
const SQS_MAX_DELAY_MS = 900_000;
/** A message that has an attempt later than this after its acceptance is marked as open. */
const OPEN_MARK_AFTER_MS = 22 * 3_600_000;
/** Every message that is open longer than this has a mark; the hours between are for attempts that last. */
export const LONGEST_WITHOUT_MARK_MS = 24 * 3_600_000;

export function queueUrlOf(lane: Lane): string {
  return requireEnv(lane === 'failures' ? 'FAILURES_QUEUE_URL' : 'DELIVERIES_QUEUE_URL');
}

/** SQS counts in whole seconds; rounding up keeps an attempt from starting early. */
export function delaySeconds(due: number, now: number): number {
  return Math.min(900, Math.max(0, Math.ceil((due - now) / 1000)));
}

/** Whether an attempt waits in the due index, because SQS can't hold it that long. */
export function waitsInDueIndex(due: number, now: number): boolean {
  return due - now > SQS_MAX_DELAY_MS;
}

/**
 * Makes sure that `attempt` is looked at when it is due: a hint on the message's queue, or an item in the
 * due index; and that a message which stays open for long is marked so. Doing it twice is harmless, because a hint is only a reason to look.
 */
export async function scheduleAttempt(message: Message, attempt: number, due: number, now: number): Promise<void> {
  if (needsOpenMark(message, due)) await putItem(openKey(message.messageId));
  if (waitsInDueIndex(due, now)) await park(message, attempt, due);
  else await sendHint(message.lane, { messageId: message.messageId, attempt, due }, delaySeconds(due, now));
}

/** Sends the one kind of message our queues carry. */
export async function sendHint(lane: Lane, hint: Hint, delay = 0): Promise<void> {
  await sqs.send(
    new SendMessageCommand({ QueueUrl: queueUrlOf(lane), MessageBody: encodeHint(hint), DelaySeconds: delay }),
  );
}

async function park(message: Message, attempt: number, due: number): Promise<void> {
  const hint = encodeHint({ messageId: message.messageId, attempt, due });
  await putItem({ ...dueKey(message.messageId, due), h: S(hint), lane: S(message.lane) });
}

/** Takes back what {@link scheduleAttempt} left in the table; a hint that is under way finds nothing to do. */
export async function unscheduleAttempt(message: Message, due: number): Promise<void> {
  await deleteItem(dueKey(message.messageId, due));
  if (needsOpenMark(message, due)) await deleteItem(openKey(message.messageId));
}

/** Whether a message with an attempt at `due` outlives the day in which its id's time finds it. */
export function needsOpenMark(message: Pick<Message, 'createdAt'>, due: number): boolean {
  return due - message.createdAt > OPEN_MARK_AFTER_MS;
}

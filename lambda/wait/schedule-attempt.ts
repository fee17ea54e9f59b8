import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
import type { Lane, Message } from '../message/message';
import { sqs } from '../store/aws';
import { putItems, sendMessages } from '../store/batches';
import { dueKey, type Item, openKey, S } from '../store/keys';
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

/** An attempt of a message, not to begin before `due`, milliseconds. */
export interface DueAttempt {
  readonly message: Message;
  readonly attempt: number;
  readonly due: number;
}

/**
 * Makes sure that `attempt` is looked at when it is due: a hint on the message's queue, or an item in the
 * due index; and that a message which stays open for long is marked so. Doing it twice is harmless, because a hint is only a reason to look.
 */
export async function scheduleAttempt(message: Message, attempt: number, due: number, now: number): Promise<void> {
  const items = itemsOf({ message, attempt, due }, now);
  for (const item of items) await putItem(item);
  if (waitsInDueIndex(due, now)) return;
  await sendHint(message.lane, { messageId: message.messageId, attempt, due }, delaySeconds(due, now));
}

/** {@link scheduleAttempt} for many at once. Returns those for which it is done: all, unless AWS refuses to. */
export async function scheduleAttempts(attempts: readonly DueAttempt[], now: number): Promise<DueAttempt[]> {
  const items = new Map(attempts.map((each) => [each, itemsOf(each, now)]));
  const written = new Set(await putItems([...items.values()].flat()));
  const noted = attempts.filter((each) => items.get(each)!.every((item) => written.has(item)));
  const parked = noted.filter(({ due }) => waitsInDueIndex(due, now));
  const sent = (['deliveries', 'failures'] as const).map((lane) => {
    const outgoing = noted
      .filter(({ message, due }) => message.lane === lane && !waitsInDueIndex(due, now))
      .map((each) => ({ each, body: hintOf(each), delay: delaySeconds(each.due, now) }));
    return sendMessages(queueUrlOf(lane), outgoing);
  });
  return [...parked, ...(await Promise.all(sent)).flat().map(({ each }) => each)];
}

/** What is to be in the table for an attempt: the mark of a long open message, and what SQS can't hold. */
function itemsOf(each: DueAttempt, now: number): Item[] {
  const { message, due } = each;
  const { messageId } = message;
  return [
    ...(needsOpenMark(message, due) ? [openKey(messageId)] : []),
    ...(waitsInDueIndex(due, now) ? [{ ...dueKey(messageId, due), h: S(hintOf(each)), lane: S(message.lane) }] : []),
  ];
}

function hintOf({ message, attempt, due }: DueAttempt): string {
  return encodeHint({ messageId: message.messageId, attempt, due });
}

export function sendHint(lane: Lane, hint: Hint, delay = 0): Promise<void> {
  return sendEncoded(lane, encodeHint(hint), delay);
}

/** Sends a hint of any kind. */
export async function sendEncoded(lane: Lane, hint: string, delay: number): Promise<void> {
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrlOf(lane), MessageBody: hint, DelaySeconds: delay }));
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

import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
import type { Lane, Message } from '../message/message';
import { isGated, nextList, type WaitList, waitingIn } from '../message/wait-list';
import { sqs } from '../store/aws';
import { putItems, sendMessages } from '../store/batches';
import { dueKey, type Item, listDueKey, openKey, S } from '../store/keys';
import { encodeWaiting } from '../store/wait-lists';
import { deleteItem, putItem } from '../store/write-items';
import { encodeHint, type Hint } from './hint';
import { encodeWake, sendWake, sendWakes } from './wake';

/** The longest delay SQS takes (SQS quotas). */
const SQS_MAX_DELAY_MS = 900_000;
/** A message that has an attempt later than this after its acceptance is marked as open. */
const OPEN_MARK_AFTER_MS = 22 * 3_600_000;
/** Nobody knows how long one waits that must wait for slots: what is open when it is swept gets its mark then. */
const WAITING_MARK_AFTER_MS = 15 * 60_000;
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
 * Makes sure that `attempt` is looked at when it is due, and begins when it has the slots that it needs: an entry in
 * the list that it must pass, a hint on the message's queue, or an item in the due index; and that a message which
 * stays open for long is marked so. Doing it twice is harmless, because a hint is only a reason to look.
 */
export async function scheduleAttempt(message: Message, attempt: number, due: number, now: number): Promise<void> {
  for (const item of notesOf({ message, attempt, due }, now)) await putItem(item);
  await announce({ message, attempt, due }, now);
}

/** {@link scheduleAttempt} for many at once. Returns those for which it is done: all, unless AWS refuses to. */
export async function scheduleAttempts(attempts: readonly DueAttempt[], now: number): Promise<DueAttempt[]> {
  const items = new Map(attempts.map((each) => [each, notesOf(each, now)]));
  const written = new Set(await putItems([...items.values()].flat()));
  return announceAll(
    attempts.filter((each) => items.get(each)!.every((item) => written.has(item))),
    now,
  );
}

/**
 * What is to be in the table for an attempt before it is announced: the mark of a long open message, the entry in a
 * list, and what SQS can't hold.
 */
export function notesOf(each: DueAttempt, now: number): Item[] {
  const { message, attempt, due } = each;
  const { messageId, lane } = message;
  const list = listOf(each, now);
  return [
    ...(needsOpenMark(message, due) ? [openKey(messageId)] : []),
    ...(list === undefined ? [] : [encodeWaiting(list, waitingIn(list, message, attempt, due))]),
    ...(waitsInDueIndex(due, now) ? [{ ...dueKey(messageId, due), h: S(hintOf(each)), lane: S(lane) }] : []),
  ];
}

/** Has somebody look at what {@link notesOf} has put down: at the list, or at the message when it is due. */
export async function announce(each: DueAttempt, now: number): Promise<void> {
  const { message, attempt, due } = each;
  const list = listOf(each, now);
  if (list !== undefined) return sendWake({ list });
  if (waitsInDueIndex(due, now)) return;
  await sendHint(message.lane, { messageId: message.messageId, attempt, due }, delaySeconds(due, now));
}

/** {@link announce} for many at once; a list that several have entered is looked at once. */
export async function announceAll(attempts: readonly DueAttempt[], now: number): Promise<DueAttempt[]> {
  const sortOf = (each: DueAttempt) => {
    if (listOf(each, now) !== undefined) return 'entered';
    return waitsInDueIndex(each.due, now) ? 'parked' : each.message.lane;
  };
  const entered = attempts.filter((each) => sortOf(each) === 'entered');
  const woken = await sendWakes(entered.map((each) => listOf(each, now)!));
  const sent = (['deliveries', 'failures'] as const).map((lane) => {
    const outgoing = attempts
      .filter((each) => sortOf(each) === lane)
      .map((each) => ({ each, body: hintOf(each), delay: delaySeconds(each.due, now) }));
    return sendMessages(queueUrlOf(lane), outgoing);
  });
  return [
    ...attempts.filter((each) => sortOf(each) === 'parked'),
    ...entered.filter((each) => woken(listOf(each, now)!)),
    ...(await Promise.all(sent)).flat().map(({ each }) => each),
  ];
}

/** The list that an attempt which is due enters. */
function listOf({ message, attempt, due }: DueAttempt, now: number): WaitList | undefined {
  return due > now ? undefined : nextList(message, attempt, undefined);
}

function hintOf({ message, attempt, due }: DueAttempt): string {
  return encodeHint({ messageId: message.messageId, attempt, due });
}

/** Has an attempt wait in a list, from where it is sent on when it has its slot. Doing it twice is harmless. */
export async function enterList(list: WaitList, { message, attempt, due }: DueAttempt): Promise<void> {
  await putItem(encodeWaiting(list, waitingIn(list, message, attempt, due)));
  await sendWake({ list });
}

export function sendHint(lane: Lane, hint: Hint, delay = 0): Promise<void> {
  return sendEncoded(lane, encodeHint(hint), delay);
}

/** Sends a hint of any kind. */
export async function sendEncoded(lane: Lane, hint: string, delay: number): Promise<void> {
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrlOf(lane), MessageBody: hint, DelaySeconds: delay }));
}

/** Has a list looked at when it is due, milliseconds: by a hint, or an item in the due index. */
export async function scheduleWake(list: WaitList, due: number, now: number): Promise<void> {
  const body = encodeWake({ list, due });
  if (waitsInDueIndex(due, now)) return putItem({ ...listDueKey(list, due), h: S(body), lane: S('deliveries') });
  await sendEncoded('deliveries', body, delaySeconds(due, now));
}

/** Takes back what {@link scheduleAttempt} left in the table; a hint that is under way finds nothing to do. */
export async function unscheduleAttempt(message: Message, due: number): Promise<void> {
  await deleteItem(dueKey(message.messageId, due));
  if (needsOpenMark(message, due)) await deleteItem(openKey(message.messageId));
}

/** Whether a message that is open at `at` must be marked so, because the time of its id does not find it any more. */
export function needsOpenMark(message: Pick<Message, 'createdAt' | 'queue' | 'flowControl'>, at: number): boolean {
  return at - message.createdAt > (isGated(message) ? WAITING_MARK_AFTER_MS : OPEN_MARK_AFTER_MS);
}

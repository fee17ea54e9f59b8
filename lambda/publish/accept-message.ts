import { Metric } from '../../lib/names';
import { longestAttemptMs, retention } from '../config';
import { hostOf, logFault, writeMetrics } from '../logs/write-line';
import { messageExpiry } from '../message/expiry';
import type { Message } from '../message/message';
import { derivedMessageId } from '../message/message-id';
import { putItems } from '../store/batches';
import type { Item } from '../store/keys';
import { encodeMessage } from '../store/message-items';
import { putItem } from '../store/write-items';
import {
  announce,
  announceAll,
  type DueAttempt,
  notesOf,
  scheduleAttempt,
  scheduleAttempts,
  unscheduleAttempt,
  waitsInDueIndex,
} from '../wait/schedule-attempt';
import { keepBody, type SharedBodies } from './keep-body';

/** Bodies that are on their way to the bucket at once. */
const BODIES_AT_A_TIME = 10;

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
 * row first, which the tick finds again if the hint was never sent. Its entry in a wait list is written with the row.
 */
export async function acceptMessage(
  message: Message,
  now: number,
  write: (items: Item[]) => Promise<boolean>,
): Promise<boolean> {
  const parked = waitsInDueIndex(message.notBefore, now);
  if (parked) await scheduleAttempt(message, 0, message.notBefore, now);
  const row = await rowItem(message, now);
  if (!(await write(parked ? [row] : [row, ...notesOf(firstOf(message), now)]))) {
    if (parked) await unscheduleAttempt(message, message.notBefore);
    return false;
  }
  if (!parked) await announce(firstOf(message), now);
  tell(message);
  return true;
}

/**
 * {@link acceptMessage} for many at once, in batches. Returns those that are accepted: all, unless AWS refuses
 * to write or send.
 */
export async function acceptMessages(messages: readonly Message[], now: number): Promise<ReadonlySet<Message>> {
  const [only, ...others] = messages;
  if (only === undefined) return new Set();
  if (others.length === 0) {
    const accepted = await acceptMessage(only, now, writeItems);
    return new Set(accepted ? [only] : []);
  }
  const parked = messages.filter(({ notBefore }) => waitsInDueIndex(notBefore, now)).map(firstOf);
  const noted = new Set((await scheduleAttempts(parked, now)).map(({ message }) => message));
  const ready = messages.filter((message) => noted.has(message) || !waitsInDueIndex(message.notBefore, now));
  const rows = (await rowItems(ready, now)).map(({ message, item }) => {
    return { message, items: noted.has(message) ? [item] : [item, ...notesOf(firstOf(message), now)] };
  });
  const items = new Set(await putItems(rows.flatMap((row) => row.items)));
  const written = rows.filter((row) => row.items.every((item) => items.has(item))).map(({ message }) => message);
  const sent = await announceAll(written.filter((message) => !noted.has(message)).map(firstOf), now);
  const accepted = [...written.filter((message) => noted.has(message)), ...sent.map(({ message }) => message)];
  for (const message of accepted) tell(message);
  return new Set(accepted);
}

async function writeItems(items: readonly Item[]): Promise<boolean> {
  const [only, ...others] = items;
  if (others.length > 0) return (await putItems(items)).length === items.length;
  await putItem(only!);
  return true;
}

const firstOf = (message: Message): DueAttempt => ({ message, attempt: 0, due: message.notBefore });

async function rowItem(message: Message, now: number, shared?: SharedBodies): Promise<Item> {
  const expiresAt = messageExpiry(message, longestAttemptMs(), retention());
  return encodeMessage(await keepBody(message, expiresAt, now, shared), expiresAt);
}

interface Row {
  readonly message: Message;
  readonly item: Item;
}

/** The rows of those messages whose body is kept: all, unless AWS refuses to. */
async function rowItems(messages: readonly Message[], now: number): Promise<Row[]> {
  const shared: SharedBodies = new Map();
  const rows: Row[] = [];
  for (let start = 0; start < messages.length; start += BODIES_AT_A_TIME) {
    const some = messages.slice(start, start + BODIES_AT_A_TIME).map(async (message): Promise<Row[]> => {
      try {
        return [{ message, item: await rowItem(message, now, shared) }];
      } catch (error) {
        logFault('keepBody', error, { messageId: message.messageId });
        return [];
      }
    });
    rows.push(...(await Promise.all(some)).flat());
  }
  return rows;
}

function tell(message: Message): void {
  const { messageId, method, createdAt, notBefore } = message;
  const event = { event: 'created', messageId, method, host: hostOf(message.url), notBefore, time: createdAt };
  writeMetrics(createdAt, { [Metric.PUBLISHED]: 1 }, event);
}

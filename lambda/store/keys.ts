import { createHash } from 'node:crypto';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { dlqPlaceOf, eventToken, mustPlace, SHARDS } from '../message/message-id';
import type { WaitList } from '../message/wait-list';

/** A DynamoDB item as the SDK sends it. */
export type Item = Record<string, AttributeValue>;

const DAY_MS = 86_400_000;

export const S = (value: string): AttributeValue => ({ S: value });
export const N = (value: number): AttributeValue => ({ N: String(value) });

const key = (pk: string, sk: string): Item => ({ pk: S(pk), sk: S(sk) });

/** Sort keys of what lies beside a message end in one of these; a message's own is the bare token. */
export const STATE_SUFFIX = '#s';
export const ATTEMPT_SUFFIX = '#a';
export const BEGIN_SUFFIX = '#b';
export const CANCEL_SUFFIX = '#c';

/** The partition that holds what happened on the day of `time`, newest at the end. */
export function dayPartition(time: number, shard: number): string {
  return `m#${Math.floor(time / DAY_MS)}#${shard}`;
}

/** The begin of every day that times from `from` to `to` lie in, oldest first. */
export function daysBetween(from: number, to: number): number[] {
  const days: number[] = [];
  for (let day = Math.floor(from / DAY_MS); day * DAY_MS <= to; day++) days.push(day * DAY_MS);
  return days;
}

export function messageKey(messageId: string): Item {
  const { token, time, shard } = mustPlace(messageId);
  return key(dayPartition(time, shard), token);
}

export function stateKey(messageId: string): Item {
  const { token, time, shard } = mustPlace(messageId);
  return key(dayPartition(time, shard), token + STATE_SUFFIX);
}

/** An attempt is kept at the time it ended, so that the log reads in order of time without an index. */
export function attemptKey(messageId: string, attempt: number, endedAt: number): Item {
  const { shard } = mustPlace(messageId);
  return key(dayPartition(endedAt, shard), eventToken(messageId, endedAt, 'attempt', attempt) + ATTEMPT_SUFFIX);
}

/** The begin of an attempt that lasts, at the time it began. */
export function beginKey(messageId: string, attempt: number, startedAt: number): Item {
  const { shard } = mustPlace(messageId);
  return key(dayPartition(startedAt, shard), eventToken(messageId, startedAt, 'begin', attempt) + BEGIN_SUFFIX);
}

export function cancelKey(messageId: string, at: number): Item {
  const { shard } = mustPlace(messageId);
  return key(dayPartition(at, shard), eventToken(messageId, at, 'cancel') + CANCEL_SUFFIX);
}

export function dlqPartition(shard: number): string {
  return `dlq#${shard}`;
}

/** Undefined for text that is no dead letter id. */
export function dlqKey(dlqId: string): Item | undefined {
  const place = dlqPlaceOf(dlqId);
  return place && key(dlqPartition(place.shard), dlqId);
}

export function duePartition(shard: number): string {
  return `due#${shard}`;
}

/** Thirteen digits, so that due times sort as text until the year 2286. */
export function dueSort(due: number, token: string): string {
  return `${String(due).padStart(13, '0')}#${token}`;
}

/** When a due item is due, milliseconds. */
export function dueOf(item: Item): number {
  return Number(item.sk!.S!.slice(0, 13));
}

export function dueKey(messageId: string, due: number): Item {
  const { token, shard } = mustPlace(messageId);
  return key(duePartition(shard), dueSort(due, token));
}

/** The body that is held for a message is to be looked at. */
export function bodyReleaseKey(messageId: string, at: number): Item {
  const { token, shard } = mustPlace(messageId);
  return key(duePartition(shard), dueSort(at, `${token}#b`));
}

export function openPartition(shard: number): string {
  return `open#${shard}`;
}

/** Marks a message that may still be open a day after it was accepted. */
export function openKey(messageId: string): Item {
  const { token, shard } = mustPlace(messageId);
  return key(openPartition(shard), token);
}

/** `digest` is a hash of what must not be published twice. */
export function deduplicationKey(digest: string): Item {
  return key(`dedup#${digest}`, 'dedup');
}

/** All URL groups, each in one item. */
export const URL_GROUP_PARTITION = 'group';

export function urlGroupKey(name: string): Item {
  return key(URL_GROUP_PARTITION, name);
}

/** Counts the messages of one day, by its number since 1970. */
export function quotaKey(day: number): Item {
  return key(`quota#${day}`, 'quota');
}

/** All schedules by id, each with what tells when it runs next. */
export const SCHEDULE_PARTITION = 'schedules';

export function scheduleRowKey(scheduleId: string): Item {
  return key(SCHEDULE_PARTITION, scheduleId);
}

/** What a schedule publishes, and how its last run went. */
export function scheduleKey(scheduleId: string): Item {
  return key(`schedule#${scheduleId}`, 'schedule');
}

/** Everything of one wait list: its limits, who holds its slots and who waits. */
export function listPartition({ kind, name }: WaitList): string {
  return `${kind}#${name}`;
}

/** Sort keys of a list's items are in this order. */
export const LIMITS_SORT = 'limits';
export const SLOT_PREFIX = 'slot#';
export const WAITING_PREFIX = 'wait#';

export function limitsKey(list: WaitList): Item {
  return key(listPartition(list), LIMITS_SORT);
}

export function slotKey(list: WaitList, order: string): Item {
  return key(listPartition(list), SLOT_PREFIX + order);
}

export function waitingKey(list: WaitList, order: string): Item {
  return key(listPartition(list), WAITING_PREFIX + order);
}

/** Where a list must be looked at again at `due`, milliseconds; among the due items of messages. */
export function listDueKey(list: WaitList, due: number): Item {
  const digest = createHash('sha256').update(listPartition(list)).digest();
  return key(duePartition(digest[0]! % SHARDS), dueSort(due, digest.toString('hex')));
}

/** Names of all queues, or of all flow-control keys. */
export function directoryPartition(kind: WaitList['kind']): string {
  return `${kind}s`;
}

export function directoryKey({ kind, name }: WaitList): Item {
  return key(directoryPartition(kind), name);
}

/** Which version of the signing keys is in force. */
export const KEYS_VERSION_KEY: Item = key('keys', 'version');

/** Keeps the promoter single, and remembers up to where it has swept. */
export const PROMOTER_KEY: Item = key('promoter', 'lease');

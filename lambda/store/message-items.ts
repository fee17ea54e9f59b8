import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Message } from '../message/message';
import { decodeTime, messageIdOf } from '../message/message-id';
import { type AttemptRecord, type MessageState, NO_STATE, type StateName } from '../message/message-state';
import { attemptKey, beginKey, cancelKey, type Item, messageKey, N, S } from './keys';

const optional = <T>(value: AttributeValue | undefined, read: (value: AttributeValue) => T): T | undefined =>
  value === undefined ? undefined : read(value);
const number = (value: AttributeValue) => Number(value.N);
const text = (value: AttributeValue) => value.S!;

const secondsOf = (ms: number) => Math.ceil(ms / 1000);

/** The expiry attribute of an item to be deleted at `at` milliseconds. */
export function ttlOf(at: number | undefined): Item {
  return at === undefined ? {} : { ttl: N(secondsOf(at)) };
}

/** Everything of a message but its body is one JSON text: no rule is ever a condition on it. */
export function encodeMessage(message: Message, expiresAt: number | undefined): Item {
  const { messageId, createdAt: _, body, ...rest } = message;
  return {
    ...messageKey(messageId),
    d: S(JSON.stringify(rest)),
    ...(body.length > 0 ? { b: { B: body } } : {}),
    ...ttlOf(expiresAt),
  };
}

export function decodeMessage(item: Item): Message {
  const token = item.sk!.S!;
  return {
    ...(JSON.parse(item.d!.S!) as Omit<Message, 'messageId' | 'createdAt' | 'body'>),
    messageId: messageIdOf(token),
    createdAt: decodeTime(token),
    body: item.b?.B ?? new Uint8Array(),
  };
}

/** When an item expires, milliseconds; undefined when it carries no expiry. */
export function expiryOf(item: Item): number | undefined {
  return optional(item.ttl, (ttl) => Number(ttl.N) * 1000);
}

export function decodeState(item: Item | undefined): MessageState {
  if (item === undefined) return NO_STATE;
  return {
    state: item.st?.S as StateName | undefined,
    attempt: Number(item.n?.N ?? 0),
    due: optional(item.due, number),
    lease: optional(item.lease, text),
    leaseUntil: optional(item.until, number),
    startedAt: optional(item.start, number),
    firstStartedAt: optional(item.s0, number),
    crashes: Number(item.crashes?.N ?? 0),
    redriven: Number(item.redriven?.N ?? 0),
    ends: item.ends?.L?.map((end) => Number(end.N)) ?? [],
    spent: optional(item.spent, number),
    openCallbacks: item.open?.SS ?? [],
    isSettled: item.settled?.BOOL === true,
    first: optional(item.r0, (value) => decodeInlineAttempt(value.S!)),
    dlqId: optional(item.dlq, text),
    cancelRequestedAt: optional(item.cr, number),
    canceledAt: optional(item.ca, number),
    cancelToken: optional(item.by, text),
  };
}

/** An attempt as text small enough to live in the state item. */
export function encodeInlineAttempt(record: AttemptRecord): string {
  const { body, ...rest } = record;
  return JSON.stringify(body.length === 0 ? rest : { ...rest, body: Buffer.from(body).toString('base64') });
}

function decodeInlineAttempt(json: string): AttemptRecord {
  const record = JSON.parse(json) as Omit<AttemptRecord, 'body'> & { body?: string };
  return { ...record, body: Buffer.from(record.body ?? '', 'base64') };
}

export function encodeAttempt(messageId: string, record: AttemptRecord, expiresAt: number | undefined): Item {
  const { body, ...rest } = record;
  return {
    ...attemptKey(messageId, record.attempt, record.endedAt),
    m: S(messageId),
    d: S(JSON.stringify(rest)),
    ...(body.length > 0 ? { b: { B: body } } : {}),
    ...ttlOf(expiresAt),
  };
}

/** The attempt, and the message it belongs to. */
export function decodeAttempt(item: Item): { readonly messageId: string; readonly record: AttemptRecord } {
  const rest = JSON.parse(item.d!.S!) as Omit<AttemptRecord, 'body'>;
  return { messageId: item.m!.S!, record: { ...rest, body: item.b?.B ?? new Uint8Array() } };
}

/** Says that an attempt began, for the log. */
export function encodeBegin(messageId: string, attempt: number, startedAt: number, expiresAt: number): Item {
  return { ...beginKey(messageId, attempt, startedAt), m: S(messageId), n: N(attempt), ...ttlOf(expiresAt) };
}

/** Says that a message was canceled, or only that this was asked for, for the log. */
export function encodeCancel(
  messageId: string,
  at: number,
  state: 'CANCELED' | 'CANCEL_REQUESTED',
  expiresAt: number,
): Item {
  return { ...cancelKey(messageId, at), m: S(messageId), st: S(state), ...ttlOf(expiresAt) };
}

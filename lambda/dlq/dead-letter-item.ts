import { retention } from '../config';
import type { Message } from '../message/message';
import type { AttemptRecord } from '../message/message-state';
import { dlqKey, type Item, N, S } from '../store/keys';
import { ttlOf } from '../store/message-items';

/** Why a message failed; `internal` is a fault of the service's own, not the destination's. */
export type FailureReason = 'exhausted' | 'nonRetryable' | 'internal';

/** What is listed and filtered of a dead letter; the rest is read from the message and its last attempt. */
export interface DeadLetter {
  readonly dlqId: string;
  readonly messageId: string;
  readonly url: string;
  readonly failedAt: number;
  readonly attempt: number;
  readonly responseStatus: number;
  readonly labels: readonly string[];
  readonly callerIp?: string;
  readonly reason: FailureReason;
}

/** Some 500 bytes with every attribute a filter asks for, so that a million of them can be searched. */
export function deadLetterItem(message: Message, record: AttemptRecord, dlqId: string, reason: FailureReason): Item {
  return {
    ...dlqKey(dlqId)!,
    m: S(message.messageId),
    url: S(message.url),
    at: N(record.endedAt),
    n: N(record.attempt),
    rs: N(record.status),
    why: S(reason),
    ...(message.labels === undefined ? {} : { labels: { L: message.labels.map(S) } }),
    ...texts({
      ip: message.callerIp,
      topic: message.topicName,
      queue: message.queue?.name,
      schedule: message.scheduleId,
      flow: message.flowControl?.key,
    }),
    ...ttlOf(record.endedAt + retention().dlqMs),
  };
}

function texts(values: Readonly<Record<string, string | undefined>>): Item {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, S(value)]])),
  );
}

export function decodeDeadLetter(item: Item): DeadLetter {
  return {
    dlqId: item.sk!.S!,
    messageId: item.m!.S!,
    url: item.url!.S!,
    failedAt: Number(item.at!.N),
    attempt: Number(item.n!.N),
    responseStatus: Number(item.rs!.N),
    labels: item.labels?.L?.map((label) => label.S!) ?? [],
    ...(item.ip === undefined ? {} : { callerIp: item.ip.S! }),
    reason: item.why!.S as FailureReason,
  };
}

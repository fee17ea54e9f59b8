import type { CallbackOptions, Message } from '../message/message';
import { derivedMessageId } from '../message/message-id';

/** The attempt to report: a callback tells of every attempt, a failure callback of the last one. */
export interface ReportedAttempt {
  readonly attempt: number;
  readonly endedAt: number;
  /** Given for a failure callback. */
  readonly dlqId?: string;
}

/**
 * The message that reports an attempt (QStash docs, "Callbacks"): a message of its own, with its own
 * retries, made from stored times alone, so that making it twice makes the same one. Its body is built at
 * delivery. It has callbacks of its own only where the publisher named them by a nested prefix.
 */
export function callbackMessage(source: Message, options: CallbackOptions, reported: ReportedAttempt): Message {
  const { attempt, endedAt, dlqId } = reported;
  const kind = dlqId === undefined ? 'callback' : 'failureCallback';
  return {
    messageId: derivedMessageId(endedAt, source.messageId, kind, attempt),
    createdAt: endedAt,
    url: options.url,
    method: options.method,
    header: { 'Content-Type': ['application/json'], ...options.header },
    body: new Uint8Array(),
    notBefore: endedAt + (options.delay ?? 0) * 1000,
    maxRetries: options.retries ?? source.maxRetries,
    ...(options.retryDelayExpression === undefined ? {} : { retryDelayExpression: options.retryDelayExpression }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.callback === undefined ? {} : { callback: options.callback }),
    ...(options.failureCallback === undefined ? {} : { failureCallback: options.failureCallback }),
    ...(source.callerIp === undefined ? {} : { callerIp: source.callerIp }),
    lane: dlqId === undefined ? 'deliveries' : 'failures',
    source: { messageId: source.messageId, attempt, endedAt, ...(dlqId === undefined ? {} : { dlqId }) },
  };
}

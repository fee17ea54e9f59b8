import type { CallbackOptions, CallbackSource, Message } from '../message/message';
import { derivedMessageId } from '../message/message-id';

/** The callback that tells of an attempt which ended at `endedAt`, if the publisher asked for callbacks. */
export function callbackOf(source: Message, attempt: number, endedAt: number): Message | undefined {
  if (source.callback === undefined) return undefined;
  return messageOf(source, source.callback, 'deliveries', { messageId: source.messageId, attempt, endedAt });
}

/** The failure callback of a message whose last attempt ended at `endedAt`, if the publisher asked for one. */
export function failureCallbackOf(
  source: Message,
  attempt: number,
  endedAt: number,
  dlqId: string,
): Message | undefined {
  if (source.failureCallback === undefined) return undefined;
  return messageOf(source, source.failureCallback, 'failures', {
    messageId: source.messageId,
    attempt,
    endedAt,
    dlqId,
  });
}

/**
 * The message that reports an attempt (QStash docs, "Callbacks"): a message of its own, with its own
 * retries, made from stored times alone, so that making it twice makes the same one. Its body is built at
 * delivery. It has callbacks of its own only where the publisher named them by a nested prefix.
 */
function messageOf(
  source: Message,
  options: CallbackOptions,
  lane: Message['lane'],
  reported: CallbackSource,
): Message {
  const { attempt, endedAt } = reported;
  const holds = source.queue ?? source.holds;
  return {
    messageId: derivedMessageId(endedAt, source.messageId, lane, attempt),
    createdAt: endedAt,
    url: options.url,
    method: options.method,
    header: { 'Content-Type': ['application/json'], ...options.header },
    body: new Uint8Array(),
    notBefore: endedAt + Math.round((options.delay ?? 0) * 1000),
    maxRetries: options.retries ?? source.maxRetries,
    ...(options.retryDelayExpression === undefined ? {} : { retryDelayExpression: options.retryDelayExpression }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.flowControl === undefined ? {} : { flowControl: options.flowControl }),
    ...(options.redact === undefined ? {} : { redact: options.redact }),
    ...(options.callback === undefined ? {} : { callback: options.callback }),
    ...(options.failureCallback === undefined ? {} : { failureCallback: options.failureCallback }),
    ...(source.callerIp === undefined ? {} : { callerIp: source.callerIp }),
    ...(holds === undefined ? {} : { holds }),
    lane,
    source: reported,
  };
}

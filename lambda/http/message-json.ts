import { isUtf8 } from 'node:buffer';
import type { DeadLetterDetails } from '../dlq/load-dead-letters';
import type { FoundEvent } from '../logs/find-events';
import type { CallbackOptions, Message } from '../message/message';
import { type BodyPart, LISTED_BODY_BYTES, partOf, shownBody, shownHeader } from '../message/shown-header';

/** A message as the API shows it (QStash docs, "Get a message"); what is not set is absent. */
export function messageJson(message: Message, body = partOf(message.body)): object {
  return {
    messageId: message.messageId,
    url: message.url,
    method: message.method,
    ...originJson(message),
    header: shownHeader(message.header, message.redact),
    ...bodyJson('body', shownBody(body, message)),
    maxRetries: message.maxRetries,
    notBefore: message.notBefore,
    createdAt: message.createdAt,
    ...settingsJson(message),
  };
}

/** How a message is to be delivered, besides what it always says; times are in seconds. */
export function settingsJson(
  message: Pick<
    Message,
    'callback' | 'failureCallback' | 'callerIp' | 'labels' | 'flowControl' | 'retryDelayExpression' | 'timeout'
  >,
): object {
  return {
    ...callbackJson('callback', message.callback),
    ...callbackJson('failureCallback', message.failureCallback),
    ...(message.callerIp === undefined ? {} : { callerIP: message.callerIp, callerIp: message.callerIp }),
    ...labelsJson(message),
    ...flowControlJson(message),
    ...(message.retryDelayExpression === undefined ? {} : { retryDelayExpression: message.retryDelayExpression }),
    ...(message.timeout === undefined ? {} : { timeout: message.timeout }),
  };
}

/** A dead letter: the message with its id there and its last response. `listed` cuts the response. */
export function deadLetterJson({ deadLetter, row, body, lastAttempt }: DeadLetterDetails, listed: boolean): object {
  const max = listed ? LISTED_BODY_BYTES : undefined;
  return {
    dlqId: deadLetter.dlqId,
    ...messageJson(row.message, body),
    responseStatus: lastAttempt.status,
    responseHeader: lastAttempt.header,
    ...bodyJson('responseBody', partOf(responseBody(lastAttempt), max)),
    failedAt: deadLetter.failedAt,
    retried: deadLetter.attempt,
    reason: deadLetter.reason,
  };
}

/** An entry of the log. Bodies are base64 there; the response is told where an attempt failed. */
export function logJson({ event, message, body }: FoundEvent): object {
  const { record, state } = event;
  const failed = state === 'ERROR' && record !== undefined;
  const error = failed ? (record.error ?? `the destination answered with status ${record.status}`) : undefined;
  return {
    time: event.time,
    messageId: event.messageId,
    state,
    url: message.url,
    method: message.method,
    ...originJson(message),
    header: shownHeader(message.header, message.redact),
    body: base64(shownBody(body, message).bytes),
    maxRetries: message.maxRetries,
    ...(error === undefined ? {} : { error }),
    ...(failed
      ? {
          responseStatus: record.status,
          responseHeader: record.header,
          responseHeaders: record.header,
          responseBody: base64(responseBody(record)),
        }
      : {}),
    ...(state === 'RETRY' && record?.nextAt !== undefined ? { nextDeliveryTime: record.nextAt } : {}),
    ...(message.timeout === undefined ? {} : { timeout: message.timeout * 1000 }),
    ...callbackJson('callback', message.callback, 's'),
    ...callbackJson('failureCallback', message.failureCallback, 's'),
    ...labelsJson(message),
    ...flowControlJson(message),
    ...(message.retryDelayExpression === undefined
      ? {}
      : { retryDelayExpression: message.retryDelayExpression, retryDelayExpr: message.retryDelayExpression }),
    ...(message.callerIp === undefined ? {} : { callerIP: message.callerIp, callerIp: message.callerIp }),
  };
}

/** The log says `callbackHeaders`, messages say `callbackHeader`. */
function callbackJson(name: 'callback' | 'failureCallback', options: CallbackOptions | undefined, plural = ''): object {
  if (options === undefined) return {};
  const hasHeader = Object.keys(options.header).length > 0;
  return {
    [name]: options.url,
    ...(hasHeader ? { [`${name}Header${plural}`]: shownHeader(options.header, options.redact) } : {}),
  };
}

/** How the message came to be: through a URL group, a queue or a schedule. */
function originJson({ topicName, endpointName, queue, scheduleId }: Message): object {
  return {
    ...(topicName === undefined ? {} : { topicName }),
    ...(endpointName === undefined ? {} : { endpointName }),
    ...(queue === undefined ? {} : { queueName: queue.name }),
    ...(scheduleId === undefined ? {} : { scheduleId }),
  };
}

/** Limits that are not set are absent; the period is in seconds. */
export function flowControlJson({ flowControl }: Pick<Message, 'flowControl'>): object {
  if (flowControl === undefined) return {};
  const { key, ...limits } = flowControl;
  return { flowControlKey: key, ...limits };
}

function labelsJson({ labels }: Pick<Message, 'labels'>): object {
  return labels === undefined ? {} : { label: labels[0], labels };
}

function responseBody(attempt: { readonly status: number; readonly body: Uint8Array; readonly error?: string }) {
  return attempt.status === 0 ? Buffer.from(attempt.error ?? '') : attempt.body;
}

/** Text where what is there is UTF-8, else base64; nothing for no bytes. */
export function bodyJson(name: string, { bytes, isCut }: BodyPart): object {
  if (bytes.length === 0) return {};
  const cut = isCut ? { [`${name}Truncated`]: true } : {};
  const text = isCut ? withoutHalfCharacter(bytes) : bytes;
  if (!isUtf8(text)) return { [`${name}Base64`]: Buffer.from(bytes).toString('base64'), ...cut };
  return { [name]: Buffer.from(text).toString(), ...cut };
}

/** Leaves out the last character of a text if its bytes are not all there. */
function withoutHalfCharacter(bytes: Uint8Array): Uint8Array {
  const last = bytes.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  const lead = bytes[last] ?? 0;
  const length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return last + length > bytes.length ? bytes.subarray(0, last) : bytes;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, LISTED_BODY_BYTES)).toString('base64');
}

import type { Message } from '../message/message';
import type { AttemptRecord } from '../message/message-state';
import { shownHeader } from '../message/shown-header';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/**
 * The JSON that a callback delivers (QStash docs, "Callbacks"). Where the destination gave no response,
 * `status` is 0 and `body` says why. `dlqId` is there on failure callbacks alone.
 */
export function callbackBody(source: Message, sourceBody: Uint8Array, attempt: AttemptRecord, dlqId?: string): Buffer {
  const body = attempt.status === 0 ? Buffer.from(attempt.error ?? '') : attempt.body;
  return Buffer.from(
    JSON.stringify({
      status: attempt.status,
      header: attempt.header,
      body: base64(body),
      retried: attempt.attempt,
      maxRetries: source.maxRetries,
      ...(dlqId === undefined ? {} : { dlqId }),
      sourceMessageId: source.messageId,
      ...(source.topicName === undefined ? {} : { topicName: source.topicName }),
      ...(source.endpointName === undefined ? {} : { endpointName: source.endpointName }),
      url: source.url,
      method: source.method,
      sourceHeader: shownHeader(source.header),
      sourceBody: base64(sourceBody),
      notBefore: source.notBefore,
      createdAt: source.createdAt,
      ...(source.scheduleId === undefined ? {} : { scheduleId: source.scheduleId }),
      ...(source.callerIp === undefined ? {} : { callerIP: source.callerIp }),
    }),
  );
}

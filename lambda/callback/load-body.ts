import type { Message } from '../message/message';
import { loadAttempt, loadRow } from '../store/message-rows';
import { callbackBody } from './callback-body';

/**
 * What a message delivers: its own body, or, for a callback, the report built from the message it tells
 * of. Undefined when what it reports on has expired: that is never an empty delivery.
 */
export async function loadBody(message: Message): Promise<Uint8Array | undefined> {
  const { source } = message;
  if (source === undefined) return message.body;
  const row = await loadRow(source.messageId);
  if (row === undefined) return undefined;
  const attempt = await loadAttempt(source.messageId, row.state, source.attempt);
  const sourceBody = await loadBody(row.message);
  if (attempt === undefined || sourceBody === undefined) return undefined;
  return callbackBody(row.message, sourceBody, attempt, source.dlqId);
}

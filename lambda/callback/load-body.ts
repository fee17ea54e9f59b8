import type { CallbackSource, Message } from '../message/message';
import type { AttemptRecord } from '../message/message-state';
import { attemptKey, messageKey, stateKey } from '../store/keys';
import { decodeAttempt, decodeState } from '../store/message-items';
import { rowsOf } from '../store/message-rows';
import { getItem, getItems } from '../store/read-items';
import { callbackBody } from './callback-body';

/**
 * What a message delivers: its own body, or, for a callback, the report built from the message it tells
 * of. Undefined when what it reports on has expired: that is never an empty delivery.
 */
export async function loadBody(message: Message): Promise<Uint8Array | undefined> {
  const { source } = message;
  if (source === undefined) return message.body;
  const key = attemptKey(source.messageId, source.attempt, source.endedAt);
  const items = await getItems([messageKey(source.messageId), key]);
  const reported = rowsOf(items).get(source.messageId)?.message;
  const item = items.find(({ sk }) => sk!.S === key.sk!.S);
  const attempt = item === undefined ? await loadFirst(source) : decodeAttempt(item).record;
  const body = reported && (await loadBody(reported));
  if (attempt === undefined || reported === undefined || body === undefined) return undefined;
  return callbackBody(reported, body, attempt, source.dlqId);
}

/** The first attempt's record is in the state item where it is small. */
async function loadFirst({ messageId, attempt }: CallbackSource): Promise<AttemptRecord | undefined> {
  return attempt === 0 ? decodeState(await getItem(stateKey(messageId))).first : undefined;
}

import type { CallbackSource, Message } from '../message/message';
import type { AttemptRecord } from '../message/message-state';
import { type BodyPart, partOf } from '../message/shown-header';
import { getBody } from '../store/bodies';
import { attemptKey, messageKey, stateKey } from '../store/keys';
import { decodeAttempt, decodeState } from '../store/message-items';
import { rowsOf } from '../store/message-rows';
import { getItem, getItems } from '../store/read-items';
import { callbackBody } from './callback-body';

/** What has a body: a message, or a schedule. */
type Carrier = Pick<Message, 'source' | 'stored' | 'body' | 'redact'>;

/**
 * What a message delivers: its own body, or, for a callback, the report built from the message it tells
 * of. Undefined when that is no longer stored, or what it reports on: that is never an empty delivery.
 */
export async function loadBody(message: Carrier): Promise<Uint8Array | undefined> {
  return (await loadBodyPart(message))?.bytes;
}

/** As much of {@link loadBody} as an answer shows: `maxBytes`, or all of what is shown by its hash alone. */
export async function loadShownBody(message: Carrier, maxBytes: number): Promise<BodyPart> {
  const isHashed = message.redact?.body === true && message.stored?.sha256 === undefined;
  return (await loadBodyPart(message, isHashed ? undefined : maxBytes)) ?? partOf(new Uint8Array());
}

async function loadBodyPart(message: Carrier, maxBytes?: number): Promise<BodyPart | undefined> {
  const { source, stored, body } = message;
  if (stored !== undefined) {
    const bytes = await getBody(stored, maxBytes);
    return bytes && { bytes, isCut: bytes.length < stored.size };
  }
  return source === undefined ? partOf(body, maxBytes) : loadReport(source, maxBytes);
}

async function loadReport(source: CallbackSource, maxBytes: number | undefined): Promise<BodyPart | undefined> {
  const key = attemptKey(source.messageId, source.attempt, source.endedAt);
  const items = await getItems([messageKey(source.messageId), key]);
  const reported = rowsOf(items).get(source.messageId)?.message;
  const item = items.find(({ sk }) => sk!.S === key.sk!.S);
  const attempt = item === undefined ? await loadFirst(source) : decodeAttempt(item).record;
  // The beginning of a report has no more than the beginning of the body that it reports.
  const body = reported && (await loadBodyPart(reported, maxBytes));
  if (attempt === undefined || reported === undefined || body === undefined) return undefined;
  return partOf(callbackBody(reported, body.bytes, attempt, source.dlqId), maxBytes);
}

/** The first attempt's record is in the state item where it is small. */
async function loadFirst({ messageId, attempt }: CallbackSource): Promise<AttemptRecord | undefined> {
  return attempt === 0 ? decodeState(await getItem(stateKey(messageId))).first : undefined;
}

import type { Message, StoredBody } from '../message/message';
import { isLarge, putBody } from '../store/bodies';
import { bodyKey, isHeld } from '../store/body-key';
import { scheduleBodyRelease } from '../wait/schedule-body-release';

/** Whoever dies between body and row leaves a body that is looked at this long after. */
const LOOK_AFTER_MS = 3_600_000;

/** Bodies that are kept already, for messages that have the same one and the same expiry. */
export type SharedBodies = Map<Uint8Array, Promise<StoredBody>>;

/**
 * Keeps a message's body where the table cannot, and returns the message as its row is to have it. To be done before
 * the row is written: a row without its body would be a message that is lost. `expiresAt` is that of the row.
 */
export async function keepBody(
  message: Message,
  expiresAt: number | undefined,
  now: number,
  shared: SharedBodies = new Map(),
): Promise<Message> {
  if (!isLarge(message)) return message;
  const key = bodyKey(message.messageId, expiresAt, now);
  // What is held is deleted with its message, so it cannot be that of another one too.
  if (isHeld(key)) await scheduleBodyRelease({ messageId: message.messageId }, now + LOOK_AFTER_MS);
  const putting = shared.get(message.body) ?? putBody(key, message);
  if (!isHeld(key)) shared.set(message.body, putting);
  return { ...message, body: new Uint8Array(), stored: await putting };
}

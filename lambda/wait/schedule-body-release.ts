import { bodyReleaseKey, S } from '../store/keys';
import { putItem } from '../store/write-items';
import { type BodyHint, encodeBodyHint } from './hint';

/** Has the body that is held for a message looked at at a time, milliseconds. Doing it twice is doing it once. */
export async function scheduleBodyRelease(hint: BodyHint, at: number): Promise<void> {
  await putItem({ ...bodyReleaseKey(hint.messageId, at), h: S(encodeBodyHint(hint)), lane: S('deliveries') });
}

import { bodyReleaseKey, S } from '../store/keys';
import { putItem } from '../store/write-items';
import { encodeBodyHint } from './hint';

/** Has the body that is held for a message looked at at a time, milliseconds. Doing it twice is doing it once. */
export async function scheduleBodyRelease(messageId: string, at: number): Promise<void> {
  await putItem({ ...bodyReleaseKey(messageId, at), h: S(encodeBodyHint({ messageId })), lane: S('deliveries') });
}

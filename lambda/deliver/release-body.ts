import { deleteBody } from '../store/bodies';
import { heldKey } from '../store/body-key';
import { scheduleKey } from '../store/keys';
import { loadRow } from '../store/message-rows';
import { getItem } from '../store/read-items';
import type { BodyHint } from '../wait/hint';
import { scheduleBodyRelease } from '../wait/schedule-body-release';

/**
 * Deletes the body that is held for a message which is gone, or was never accepted. That of a message which expires
 * is looked at again then; that of an open one is left to whoever ends it. That of a schedule is deleted when the
 * schedule is gone or replaced.
 */
export async function releaseBody(hint: BodyHint): Promise<void> {
  const { messageId, scheduleId } = hint;
  if (scheduleId !== undefined) {
    const schedule = await getItem(scheduleKey(scheduleId));
    if (schedule?.v?.S !== messageId) await deleteBody(heldKey(messageId));
    return;
  }
  const row = await loadRow(messageId);
  if (row === undefined) return deleteBody(heldKey(messageId));
  if (row.expiresAt !== undefined) await scheduleBodyRelease(hint, row.expiresAt);
}

import { deleteBody } from '../store/bodies';
import { heldKey } from '../store/body-key';
import { loadRow } from '../store/message-rows';
import type { BodyHint } from '../wait/hint';
import { scheduleBodyRelease } from '../wait/schedule-body-release';

/**
 * Deletes the body that is held for a message which is gone, or was never accepted. That of a message which expires
 * is looked at again then; that of an open one is left to whoever ends it.
 */
export async function releaseBody({ messageId }: BodyHint): Promise<void> {
  const row = await loadRow(messageId);
  if (row === undefined) return deleteBody(heldKey(messageId));
  if (row.expiresAt !== undefined) await scheduleBodyRelease(messageId, row.expiresAt);
}

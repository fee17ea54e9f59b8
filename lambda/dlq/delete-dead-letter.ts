import { dlqKey } from '../store/keys';
import { deleteItem } from '../store/write-items';

/** Deletes a dead letter; says whether it was there. */
export async function deleteDeadLetter(dlqId: string): Promise<boolean> {
  const key = dlqKey(dlqId);
  return key !== undefined && (await deleteItem(key));
}

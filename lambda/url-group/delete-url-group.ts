import { urlGroupKey } from '../store/keys';
import { deleteItem } from '../store/write-items';

/** Deletes a URL group, if it is there. Messages that were published to it still go out. */
export async function deleteUrlGroup(name: string): Promise<void> {
  await deleteItem(urlGroupKey(name));
}

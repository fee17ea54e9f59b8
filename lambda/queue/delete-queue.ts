import { serviceNow } from '../clock';
import type { WaitList } from '../message/wait-list';
import { deleteItems } from '../store/batches';
import { directoryKey, limitsKey, waitingKey } from '../store/keys';
import { loadRows } from '../store/message-rows';
import { readList } from '../store/wait-lists';
import { deleteItem } from '../store/write-items';
import { cancelAll } from '../wait/cancel-messages';
import { changeQueue } from './change-queue';

/** Messages canceled in one go. */
const ROUND = 50;

/**
 * Deletes a queue, if it is there: what waits in it is canceled, what is being delivered ends by itself. False when
 * `isOver` says that it has lasted long enough: then the queue is left, paused, with what still waits in it.
 */
export async function deleteQueue(name: string, isOver: () => boolean): Promise<boolean> {
  const list: WaitList = { kind: 'queue', name };
  // Nobody is served while they are canceled.
  if (await changeQueue(name, { paused: true }, serviceNow())) {
    for (;;) {
      const { slots, waiting } = await readList(list, () => ROUND);
      if (waiting.length === 0) break;
      if (isOver()) return false;
      const some = waiting.slice(0, ROUND);
      const served = new Set(slots.map(({ order }) => order));
      const unserved = some.filter(({ order }) => !served.has(order));
      const rows = await loadRows(unserved.map(({ messageId }) => messageId));
      await cancelAll([...rows.values()]);
      // Of those, too, that need not be canceled any more.
      await deleteItems(some.map(({ order }) => waitingKey(list, order)));
    }
    await deleteItem(limitsKey(list));
  }
  // The name last, so that a queue which has a row is found.
  await deleteItem(directoryKey(list));
  return true;
}

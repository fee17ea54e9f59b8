import { ALL_SHARDS } from '../message/message-id';
import { deleteItems, sendMessages } from '../store/batches';
import { dueOf, duePartition, dueSort, type Item } from '../store/keys';
import { queryPartition } from '../store/read-items';
import { delaySeconds, queueUrlOf } from './schedule-attempt';

/** Hints are sent this long before they are due, and SQS holds them to the second. */
const AHEAD_MS = 600_000;
/** Due items read at a time from one shard. */
const PAGE = 100;

const EVERY_DUE_TIME = { from: dueSort(0, ''), to: dueSort(9_999_999_999_999, '~') };

export interface Promotion {
  /** By how long the most overdue item had been left waiting. */
  readonly lagSeconds: number;
  /** When the earliest item that was left is to be promoted. */
  readonly nextWorkAt: number | undefined;
}

/** Sends the hint of everything that is due in the next ten minutes, and then deletes its due item. */
export async function promoteDue(now: number, isOver: () => boolean): Promise<Promotion> {
  const shards = await Promise.all(ALL_SHARDS.map((shard) => promoteShard(duePartition(shard), now, isOver)));
  const next = shards.flatMap(({ nextWorkAt }) => nextWorkAt ?? []);
  return {
    lagSeconds: Math.max(...shards.map(({ lagSeconds }) => lagSeconds)),
    nextWorkAt: next.length === 0 ? undefined : Math.min(...next),
  };
}

async function promoteShard(partition: string, now: number, isOver: () => boolean): Promise<Promotion> {
  let lagSeconds = 0;
  let left: Item | undefined;
  let after: string | undefined;
  do {
    const page = await queryPartition({ partition, ...EVERY_DUE_TIME, after, limit: PAGE, consistent: false });
    const [first] = page.items;
    if (first !== undefined) lagSeconds = Math.max(lagSeconds, Math.round((now - dueOf(first)) / 1000));
    const near = page.items.filter((item) => dueOf(item) <= now + AHEAD_MS);
    const gone = await deleteItems(await sendAll(near, now));
    left ??= page.items.find((item) => !gone.includes(item));
    // What follows an item that is not near is farther still.
    after = near.length < page.items.length ? undefined : page.lastSort;
  } while (after !== undefined && !isOver());
  if (left !== undefined) return { lagSeconds, nextWorkAt: dueOf(left) - AHEAD_MS };
  return { lagSeconds, nextWorkAt: after === undefined ? undefined : now };
}

/** Returns the items whose hint SQS has taken: a queue that takes nothing does not hold up the hints of the other. */
async function sendAll(items: readonly Item[], now: number): Promise<Item[]> {
  const sent = (['deliveries', 'failures'] as const).map((lane) => {
    const outgoing = items
      .filter((item) => item.lane!.S === lane)
      .map((item) => ({ item, body: item.h!.S!, delay: delaySeconds(dueOf(item), now) }));
    return sendMessages(queueUrlOf(lane), outgoing);
  });
  return (await Promise.all(sent)).flat().map(({ item }) => item);
}

import type { WaitList } from '../message/wait-list';
import { type Item, limitsKey } from '../store/keys';
import { getItem, getItems } from '../store/read-items';
import { countList, listNames } from '../store/wait-lists';

/** A queue as it stands. */
export interface Queue {
  readonly name: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Messages that are delivered at once. */
  readonly parallelism: number;
  readonly paused: boolean;
  /** Messages that wait, or whose delivery, with all callbacks, has not ended. */
  readonly lag: number;
}

export async function hasQueue(name: string): Promise<boolean> {
  return (await getItem(limitsKey({ kind: 'queue', name }))) !== undefined;
}

/** Undefined when there is none of this name. */
export async function getQueue(name: string): Promise<Queue | undefined> {
  const row = await getItem(limitsKey({ kind: 'queue', name }));
  return row && withLag(name, row);
}

export async function countQueues(): Promise<number> {
  return (await listNames('queue')).length;
}

/** Every queue by name. */
export async function listQueues(): Promise<Queue[]> {
  const names = await listNames('queue');
  const rows = await getItems(names.map((name) => limitsKey({ kind: 'queue', name })));
  const byPartition = new Map(rows.map((row) => [row.pk!.S!, row]));
  const queues: Queue[] = [];
  for (const name of names) {
    const row = byPartition.get(limitsKey({ kind: 'queue', name }).pk!.S!);
    if (row !== undefined) queues.push(await withLag(name, row));
  }
  return queues;
}

async function withLag(name: string, row: Item): Promise<Queue> {
  const list: WaitList = { kind: 'queue', name };
  const { slots, waiting } = await countList(list);
  return {
    name,
    createdAt: Number(row.createdAt!.N),
    updatedAt: Number(row.updatedAt!.N),
    parallelism: Number(row.parallelism!.N),
    paused: row.paused?.BOOL === true,
    lag: slots + waiting,
  };
}

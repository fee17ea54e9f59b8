import { type AttributeMap, equal, itemSize } from './attribute-value';
import type { Operation } from './database';
import { indexKey, itemKey } from './keys';
import { type Index, indexEntry, indexesOf, type Table } from './table';
import type { Usage } from './usage';

/** What a write makes of one item; both are undefined when it deletes an item that isn't there. */
export interface Change {
  readonly table: Table;
  readonly before: AttributeMap | undefined;
  readonly after: AttributeMap | undefined;
}

/** Write units of an item by its size. */
export function writeUnits(item: AttributeMap | undefined): number {
  return item === undefined ? 1 : Math.max(1, Math.ceil(itemSize(item) / 1024));
}

/** What a change writes to the table and its indexes; counts the units of the indexes. */
export function changeOperations(change: Change, usage: Usage): Operation[] {
  const { table, before, after } = change;
  const item = after ?? before;
  if (item === undefined) return [];
  const key = itemKey(table, item);
  const own: Operation = after === undefined ? { type: 'del', key } : { type: 'put', key, value: after };
  return [own, ...indexesOf(table).flatMap((index) => indexOperations(change, index, usage))];
}

/**
 * What a change writes to one index. Units: none when its entry stays the same, one write for an entry that
 * comes, goes or changes, two for one that moves to another key.
 */
export function indexOperations({ table, before, after }: Change, index: Index, usage: Usage): Operation[] {
  const old = before && indexEntry(table, index, before);
  const now = after && indexEntry(table, index, after);
  const oldKey = old && indexKey(table, index, old);
  const nowKey = now && indexKey(table, index, now);
  const operations: Operation[] = [];
  if (old !== undefined && now !== undefined && oldKey === nowKey) {
    if (equal({ M: old }, { M: now })) return [];
    usage.add('write', table, Math.max(writeUnits(old), writeUnits(now)), index);
  } else {
    if (old !== undefined) {
      usage.add('write', table, writeUnits(old), index);
      operations.push({ type: 'del', key: oldKey! });
    }
    if (now !== undefined) usage.add('write', table, writeUnits(now), index);
  }
  if (now !== undefined) operations.push({ type: 'put', key: nowKey!, value: now });
  return operations;
}

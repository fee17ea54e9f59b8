import { createHash } from 'node:crypto';
import { type AttributeMap, type AttributeValue, bytes } from './attribute-value';
import { sortableNumber } from './number';
import type { Index, KeyElement, Table } from './table';

/** How many hash values the partitions of a table or index are spread over. */
export const BUCKETS = 16 ** 6;

/**
 * Keys are text whose order is that of the attributes: the hash of the partition key, the partition key, the
 * sort key, and for an index then the key of the item; each closed by `/`, which sorts before all that a key
 * holds, as `~` sorts behind it.
 */
export function itemPrefix(table: Table): string {
  return `item~${table.TableName}~`;
}

/** What the keys of an index begin with. */
export function indexPrefix(table: Table, { IndexName }: Index): string {
  return `index~${table.TableName}~${IndexName}~`;
}

/** The key of an item, by an item or its key. */
export function itemKey(table: Table, item: AttributeMap): string {
  return itemPrefix(table) + schemaKey(table.KeySchema, item);
}

/** The key of an item's entry in an index; its attributes must hold both keys. */
export function indexKey(table: Table, index: Index, item: AttributeMap): string {
  return indexPrefix(table, index) + schemaKey(index.KeySchema, item) + schemaKey(table.KeySchema, item);
}

function schemaKey(schema: readonly KeyElement[], item: AttributeMap): string {
  const [partition, sort] = schema.map(({ AttributeName }) => sortable(item[AttributeName]!));
  return partitionKey(partition!) + (sort === undefined ? '' : `${sort}/`);
}

/** What the keys of one partition begin with, after the prefix of its table or index. */
export function partitionKey(sortablePartitionKey: string): string {
  const bucket = createHash('md5').update(sortablePartitionKey).digest('hex').slice(0, 6);
  return `${bucket}/${sortablePartitionKey}/`;
}

/** Text that sorts as a key attribute does. */
export function sortable({ S, N, B }: AttributeValue): string {
  if (N !== undefined) return sortableNumber(N);
  return (S !== undefined ? Buffer.from(S) : bytes(B!)).toString('hex');
}

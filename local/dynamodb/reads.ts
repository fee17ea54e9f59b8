import { type AttributeMap, itemSize } from './attribute-value';
import type { Engine } from './engine';
import { checkKey, checkScalarKeys } from './key-checks';
import { itemKey } from './keys';
import { project } from './projection';
import { type BatchGetRequest, type GetRequest, parse, SCHEMAS } from './request';
import type { Table } from './table';
import { tableNamed } from './tables';
import type { Usage } from './usage';

const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** Read units of so many bytes: one for each 4 KB begun, half of that when eventually consistent. */
export function readUnits(bytes: number, consistent: boolean | undefined): number {
  return Math.max(1, Math.ceil(bytes / 4096)) * (consistent ? 1 : 0.5);
}

/** Refuses a key or a projection that does not suit the table. */
export function checkGet(table: Table, { Key, _projection }: Pick<GetRequest, 'Key' | '_projection'>): void {
  checkKey(table, Key);
  checkScalarKeys(table, _projection?.nestedPaths);
}

/** The item of a key, as far as it is asked for; counts its units, times `factor` in a transaction. */
export function readItem(
  { database }: Engine,
  table: Table,
  { Key, ConsistentRead, _projection }: Omit<GetRequest, 'TableName'>,
  usage: Usage,
  factor?: number,
): AttributeMap | undefined {
  const item = database.get<AttributeMap>(itemKey(table, Key));
  const bytes = itemSize(item ?? {});
  usage.add('read', table, factor === undefined ? readUnits(bytes, ConsistentRead) : factor * readUnits(bytes, true));
  return item && project(item, _projection?.paths);
}

/** Carries out GetItem. */
export async function getItem(engine: Engine, input: object, usage: Usage): Promise<object> {
  const request = parse<GetRequest>(SCHEMAS.GetItem, input);
  const table = tableNamed(engine.database, request.TableName);
  checkGet(table, request);
  const Item = readItem(engine, table, request, usage);
  return { Item, ConsumedCapacity: usage.ofTable(request.ReturnConsumedCapacity) };
}

/** Carries out BatchGetItem; leaves for another request what is over 16 MB. */
export async function batchGetItem(engine: Engine, input: object, usage: Usage): Promise<object> {
  const { RequestItems, ReturnConsumedCapacity } = parse<BatchGetRequest>(SCHEMAS.BatchGetItem, input);
  const Responses: Record<string, AttributeMap[]> = {};
  const UnprocessedKeys: Record<string, object> = {};
  const reads = Object.entries(RequestItems).map(([name, request]) => {
    const table = tableNamed(engine.database, name);
    for (const Key of request.Keys) checkGet(table, { ...request, Key });
    return { name, request, table };
  });
  let bytes = 0;
  for (const { name, request, table } of reads) {
    const { Keys, _projection, ...rest } = request;
    const left: AttributeMap[] = [];
    Responses[name] = [];
    for (const Key of Keys) {
      const item = engine.database.get<AttributeMap>(itemKey(table, Key));
      const size = itemSize(item ?? {});
      if (bytes + size > MAX_BATCH_BYTES) {
        left.push(Key);
        continue;
      }
      bytes += size;
      usage.add('read', table, readUnits(size, request.ConsistentRead));
      if (item !== undefined) Responses[name].push(project(item, _projection?.paths));
    }
    if (left.length > 0) UnprocessedKeys[name] = { ...rest, Keys: left };
  }
  return { Responses, UnprocessedKeys, ConsumedCapacity: usage.ofTables(ReturnConsumedCapacity) };
}

import { type AttributeMap, type AttributeValue, itemSize } from './attribute-value';
import { type Change, writeUnits } from './change';
import { matches } from './condition';
import { DynamoDbError, invalid, invalidValue } from './dynamodb-error';
import type { Engine } from './engine';
import { checkItemKeys, checkKey, checkScalarKeys } from './key-checks';
import { itemKey } from './keys';
import { project } from './projection';
import { type BatchWriteRequest, parse, SCHEMAS, type WriteRequest } from './request';
import type { Table } from './table';
import { tableNamed } from './tables';
import { updated } from './update';
import type { Usage } from './usage';

/** Kinds of writes, as transactions name them. */
export type WriteKind = 'Put' | 'Update' | 'Delete' | 'ConditionCheck';

const MAX_ITEM_BYTES = 409_600;

const MAX_NESTING = 32;
const MAX_BATCH = 25;

/** The item or key that says which item a write is about. */
export function keyOf({ Item, Key }: WriteRequest): AttributeMap {
  return (Item ?? Key)!;
}

/** Refuses what can't be written whatever the item is now. */
export function checkWrite(table: Table, kind: WriteKind, request: WriteRequest): void {
  if (kind === 'Put') {
    checkItemKeys(table, request.Item!);
    checkItem(request.Item!, 'Item size has exceeded the maximum allowed size');
  } else {
    checkKey(table, request.Key!);
  }
  const { nestedPaths = {}, paths = [] } = request._updates ?? {};
  for (const { AttributeName: name } of table.KeySchema) {
    if (paths.some(([head]) => head === name))
      throw invalidValue(`Cannot update attribute ${name}. This attribute is part of the key`);
  }
  checkScalarKeys(table, { ...nestedPaths, ...request._condition?.nestedPaths });
}

function checkItem(item: AttributeMap, tooLarge: string): void {
  if (itemSize(item) > MAX_ITEM_BYTES) throw invalid(tooLarge);
  checkNesting({ M: item }, 1);
}

function checkNesting({ M, L }: AttributeValue, level: number): void {
  if (M === undefined && L === undefined) return;
  if (level > MAX_NESTING)
    throw invalid(`Nesting Levels have exceeded supported limits: an item can have ${MAX_NESTING}, itself included`);
  if (M !== undefined && Object.hasOwn(M, '')) throw invalid('Empty attribute name');
  for (const value of Object.values(M ?? L!)) checkNesting(value, level + 1);
}

/**
 * What a checked write makes of the item as it is now; counts its units times `factor`. Throws
 * `ConditionalCheckFailedException`, with the item if the request asks for it, and `ValidationException` for an
 * update that does not suit the item.
 */
export function decide(
  { database }: Engine,
  table: Table,
  kind: WriteKind,
  request: WriteRequest,
  usage: Usage,
  factor = 1,
): Change {
  const before = database.get<AttributeMap>(itemKey(table, keyOf(request)));
  const condition = request._condition?.expression;
  const failed = condition !== undefined && !matches(before ?? {}, condition);
  let after = kind === 'ConditionCheck' ? before : request.Item;
  if (kind === 'Update') {
    try {
      after = updated(before ?? request.Key!, request._updates?.sections ?? []);
      checkItemKeys(table, after);
      checkItem(after, 'Item size to update has exceeded the maximum allowed size');
    } catch (error) {
      if (!failed) throw error;
    }
  }
  // A write that its condition forbids is charged too, by the larger of the item that is and the one that would be.
  usage.add('write', table, factor * Math.max(writeUnits(before), writeUnits(after)));
  if (failed) {
    const shown = request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && before !== undefined;
    const details = shown ? { Item: before } : {};
    throw new DynamoDbError('ConditionalCheckFailedException', 'The conditional request failed', details);
  }
  return { table, before, after };
}

/** Carries out PutItem, UpdateItem or DeleteItem. */
export function writeItem(engine: Engine, kind: 'Put' | 'Update' | 'Delete', input: object, usage: Usage) {
  const request = parse<WriteRequest>(SCHEMAS[`${kind}Item`], input);
  return engine.database.turn(() => {
    const table = tableNamed(engine.database, request.TableName);
    checkWrite(table, kind, request);
    const change = decide(engine, table, kind, request, usage);
    return {
      operations: engine.operations(change, usage),
      result: {
        Attributes: returned(change, request),
        ConsumedCapacity: usage.ofTable(request.ReturnConsumedCapacity),
      },
    };
  });
}

function returned({ before, after }: Change, { ReturnValues = 'NONE', _updates }: WriteRequest) {
  if (ReturnValues === 'NONE') return undefined;
  const item = ReturnValues.endsWith('_OLD') ? before : after;
  const shown = item && (ReturnValues.startsWith('ALL_') ? item : project(item, _updates?.paths ?? []));
  return shown !== undefined && Object.keys(shown).length > 0 ? shown : undefined;
}

/** Carries out BatchWriteItem: here all of it or, when refused, nothing. */
export function batchWriteItem(engine: Engine, input: object, usage: Usage): Promise<object> {
  const { RequestItems, ReturnConsumedCapacity } = parse<BatchWriteRequest>(SCHEMAS.BatchWriteItem, input);
  const requests = Object.entries(RequestItems).flatMap(([TableName, all]) =>
    all.map(({ PutRequest, DeleteRequest }) => {
      if ((PutRequest === undefined) === (DeleteRequest === undefined))
        throw invalidValue('A write request must be either a PutRequest or a DeleteRequest');
      return { TableName, ...(PutRequest ?? DeleteRequest) };
    }),
  );
  if (requests.length > MAX_BATCH) throw invalid('Too many items requested for the BatchWriteItem call');
  return engine.database.turn(() => {
    const writes = requests.map((request: WriteRequest) => {
      const table = tableNamed(engine.database, request.TableName);
      const kind = request.Item === undefined ? 'Delete' : 'Put';
      checkWrite(table, kind, request);
      return { table, kind, request } as const;
    });
    const keys = new Set(writes.map(({ table, request }) => itemKey(table, keyOf(request))));
    if (keys.size < writes.length) throw invalid('Provided list of item keys contains duplicates');
    return {
      operations: writes.flatMap(({ table, kind, request }) =>
        engine.operations(decide(engine, table, kind, request, usage), usage),
      ),
      result: { UnprocessedItems: {}, ConsumedCapacity: usage.ofTables(ReturnConsumedCapacity) },
    };
  });
}

import { type AttributeMap, itemSize } from './attribute-value';
import { matches } from './condition';
import { type Range, startingWith } from './database';
import { invalid, invalidValue } from './dynamodb-error';
import type { Engine } from './engine';
import { BUCKETS, indexKey, indexPrefix, itemKey, itemPrefix, partitionKey, sortable } from './keys';
import { project } from './projection';
import { readUnits } from './reads';
import { type KeyCondition, parse, type ReadRequest, SCHEMAS } from './request';
import { checkKey, checkScalarKeys, type Index, indexesOf, type KeyElement, keyType, type Table } from './table';
import { tableNamed } from './tables';
import type { Usage } from './usage';

/** What a query or scan reads: a table or one of its indexes. */
interface Source {
  readonly table: Table;
  readonly index: Index | undefined;
  readonly schema: readonly KeyElement[];
  readonly prefix: string;
}

const MAX_PAGE_BYTES = 1024 * 1024;

/** Carries out Query. */
export async function query(engine: Engine, input: object, usage: Usage): Promise<object> {
  const request = parse<ReadRequest>(SCHEMAS.Query, input);
  const source = sourceOf(engine, request);
  const range = queryRange(source, request);
  for (const { AttributeName: name } of source.schema) {
    if (request._filter?.pathHeads[name])
      throw invalid(`Filter Expression can only contain non-primary key attributes: Primary key attribute: ${name}`);
  }
  return page(engine, source, request, range, usage);
}

/** Carries out Scan. */
export async function scan(engine: Engine, input: object, usage: Usage): Promise<object> {
  const request = parse<ReadRequest>(SCHEMAS.Scan, input);
  const source = sourceOf(engine, request);
  return page(engine, source, request, scanRange(source, request), usage);
}

function sourceOf({ database }: Engine, request: ReadRequest): Source {
  const table = tableNamed(database, request.TableName);
  const { IndexName, ConsistentRead, Select, ExclusiveStartKey, _projection, _filter } = request;
  checkScalarKeys(table, { ..._projection?.nestedPaths, ..._filter?.nestedPaths });
  if (_projection !== undefined && Select !== undefined && Select !== 'SPECIFIC_ATTRIBUTES')
    throw invalid(`Cannot specify the ProjectionExpression when choosing to get ${Select}`);
  if (_projection === undefined && Select === 'SPECIFIC_ATTRIBUTES')
    throw invalid('Must specify the ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES');
  const index = indexesOf(table).find((one) => one.IndexName === IndexName);
  if (index === undefined) {
    if (IndexName !== undefined) throw invalid(`The table does not have the specified index: ${IndexName}`);
    if (Select === 'ALL_PROJECTED_ATTRIBUTES')
      throw invalidValue('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  } else if (!isLocal(table, index)) {
    if (ConsistentRead) throw invalid('Consistent reads are not supported on global secondary indexes');
    if (Select === 'ALL_ATTRIBUTES' && index.Projection.ProjectionType !== 'ALL')
      throw invalidValue(
        `Select type ALL_ATTRIBUTES is not supported for global secondary index ${IndexName} because its projection type is not ALL`,
      );
  }
  const source: Source =
    index === undefined
      ? { table, index, schema: table.KeySchema, prefix: itemPrefix(table) }
      : { table, index, schema: index.KeySchema, prefix: indexPrefix(table, index) };
  if (ExclusiveStartKey !== undefined) checkStartKey(source, ExclusiveStartKey);
  return source;
}

function isLocal(table: Table, index: Index): boolean {
  return table.LocalSecondaryIndexes?.includes(index) ?? false;
}

function checkStartKey(source: Source, key: AttributeMap): void {
  const names = keyNames(source);
  if (
    Object.keys(key).length !== names.length ||
    names.some((name) => key[name]?.[keyType(source.table, name)] === undefined)
  )
    throw invalid('The provided starting key is invalid: The provided key element does not match the schema');
  checkKey(
    source.table,
    attributes(
      key,
      source.table.KeySchema.map(({ AttributeName }) => AttributeName),
    ),
  );
}

/** The attributes that say where in a source an item stands. */
function keyNames({ table, schema }: Source): string[] {
  return [...new Set([...table.KeySchema, ...schema].map(({ AttributeName }) => AttributeName))];
}

function attributes(item: AttributeMap, names: readonly string[]): AttributeMap {
  return Object.fromEntries(names.map((name) => [name, item[name]!]));
}

function keyIn({ table, index }: Source, key: AttributeMap): string {
  return index === undefined ? itemKey(table, key) : indexKey(table, index, key);
}

function queryRange(source: Source, request: ReadRequest): Range {
  const { table, schema, prefix } = source;
  const { KeyConditions = {}, ExclusiveStartKey: start, ScanIndexForward = true } = request;
  const [partition, sort] = schema.map(({ AttributeName }) => AttributeName) as [string, string?];
  const of = conditionOn(table, partition, KeyConditions[partition]);
  if (of === undefined) throw invalid(`Query condition missed key schema element: ${partition}`);
  if (of.ComparisonOperator !== 'EQ') throw invalid('Query key condition not supported');
  const other = Object.keys(KeyConditions).find((name) => name !== partition && name !== sort);
  if (other !== undefined)
    throw invalid(
      sort === undefined ? 'Query key condition not supported' : `Query condition missed key schema element: ${sort}`,
    );
  const sorted = sort === undefined ? undefined : conditionOn(table, sort, KeyConditions[sort]);
  const inPartition = prefix + partitionKey(sortable(of.AttributeValueList[0]!));
  const range = sorted === undefined ? startingWith(inPartition) : sortRange(inPartition, sorted);
  if (start === undefined) return { ...range, reverse: !ScanIndexForward };
  const at = keyIn(source, start);
  if (at < range.gte || at >= range.lt)
    throw invalid('The provided starting key is outside query boundaries based on provided conditions');
  return ScanIndexForward ? { gt: at, lt: range.lt } : { gte: range.gte, lt: at, reverse: true };
}

function conditionOn(table: Table, name: string, condition: KeyCondition | undefined): KeyCondition | undefined {
  if (condition?.AttributeValueList.some((value) => value[keyType(table, name)] === undefined))
    throw invalidValue('Condition parameter type does not match schema type');
  return condition;
}

function sortRange(partition: string, { ComparisonOperator, AttributeValueList }: KeyCondition) {
  const [low, high] = AttributeValueList.map((value) => partition + sortable(value)) as [string, string?];
  const all = startingWith(partition);
  switch (ComparisonOperator) {
    case 'EQ':
      return startingWith(`${low}/`);
    case 'LT':
      return { ...all, lt: `${low}/` };
    case 'LE':
      return { ...all, lt: `${low}/~` };
    case 'GT':
      return { ...all, gte: `${low}/~` };
    case 'GE':
      return { ...all, gte: `${low}/` };
    case 'BETWEEN':
      return { gte: `${low}/`, lt: `${high}/~` };
    case 'BEGINS_WITH':
      return startingWith(low);
  }
}

function scanRange(source: Source, { Segment = 0, TotalSegments = 1, ExclusiveStartKey: start }: ReadRequest): Range {
  const bound = (segment: number) =>
    source.prefix +
    Math.ceil((segment * BUCKETS) / TotalSegments)
      .toString(16)
      .padStart(6, '0');
  const gte = bound(Segment);
  const lt = Segment === TotalSegments - 1 ? startingWith(source.prefix).lt : bound(Segment + 1);
  if (start === undefined) return { gte, lt };
  const at = keyIn(source, start);
  if (at < gte || at >= lt)
    throw invalid(
      'The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct ' +
        `Segment. TotalSegments: ${TotalSegments} Segment: ${Segment}`,
    );
  return { gt: at, lt };
}

/** Reads on until the page is full: `Limit` items or 1 MB, both counted before the filter. */
async function page(
  { database }: Engine,
  source: Source,
  { Limit = Number.POSITIVE_INFINITY, ...request }: ReadRequest,
  range: Range,
  usage: Usage,
): Promise<object> {
  const { table, index } = source;
  const { ConsistentRead, Select, _filter, _projection, ReturnConsumedCapacity } = request;
  const fetches = needsItem(source, request);
  const items: AttributeMap[] = [];
  let bytes = 0;
  let ScannedCount = 0;
  let last: AttributeMap | undefined;
  for await (const [, entry] of database.entries<AttributeMap>(range)) {
    last = entry;
    ScannedCount++;
    bytes += itemSize(entry);
    const item = fetches ? database.get<AttributeMap>(itemKey(table, entry)) : entry;
    if (item !== undefined) {
      if (fetches) usage.add('read', table, readUnits(itemSize(item), ConsistentRead));
      if (_filter === undefined || matches(item, _filter.expression)) items.push(project(item, _projection?.paths));
    }
    if (ScannedCount >= Limit || bytes >= MAX_PAGE_BYTES) break;
  }
  const isFull = ScannedCount >= Limit || bytes >= MAX_PAGE_BYTES;
  usage.add('read', table, readUnits(bytes, ConsistentRead), index);
  return {
    ...(Select === 'COUNT' ? {} : { Items: items }),
    Count: items.length,
    ScannedCount,
    LastEvaluatedKey: isFull ? attributes(last!, keyNames(source)) : undefined,
    ConsumedCapacity: usage.ofTable(ReturnConsumedCapacity),
  };
}

/** Whether an answer needs more of the items than the index holds; a global index can't give more. */
function needsItem({ table, index, schema }: Source, { Select, _projection }: ReadRequest): boolean {
  if (index === undefined || index.Projection.ProjectionType === 'ALL') return false;
  if (isLocal(table, index) && Select === 'ALL_ATTRIBUTES') return true;
  const { NonKeyAttributes = [] } = index.Projection;
  const held = new Set([
    ...[...table.KeySchema, ...schema].map(({ AttributeName }) => AttributeName),
    ...NonKeyAttributes,
  ]);
  const missing = (_projection?.paths ?? []).map(([head]) => head).filter((head) => !held.has(head));
  if (missing.length > 0 && !isLocal(table, index))
    throw invalidValue(`Global secondary index ${index.IndexName} does not project [${missing.join(', ')}]`);
  return missing.length > 0;
}

import { type AttributeMap, itemSize } from './attribute-value';
import { matches } from './condition';
import type { Range } from './database';
import { invalid, invalidValue } from './dynamodb-error';
import type { Engine } from './engine';
import { checkScalarKeys } from './key-checks';
import { itemKey } from './keys';
import { project } from './projection';
import { readUnits } from './reads';
import { parse, type ReadRequest, SCHEMAS } from './request';
import { Source } from './source';
import { indexesOf } from './table';
import { tableNamed } from './tables';
import type { Usage } from './usage';

const MAX_PAGE_BYTES = 1024 * 1024;

/** Carries out Query. */
export async function query(engine: Engine, input: object, usage: Usage): Promise<object> {
  const request = parse<ReadRequest>(SCHEMAS.Query, input);
  const source = sourceOf(engine, request);
  const filtered = source.keyNames.find((name) => request._filter?.pathHeads[name]);
  if (filtered !== undefined)
    throw invalid(`Filter Expression can only contain non-primary key attributes: Primary key attribute: ${filtered}`);
  return readPage(engine, source, request, source.queryRange(request), usage);
}

/** Carries out Scan. */
export async function scan(engine: Engine, input: object, usage: Usage): Promise<object> {
  const request = parse<ReadRequest>(SCHEMAS.Scan, input);
  const source = sourceOf(engine, request);
  return readPage(engine, source, request, source.scanRange(request), usage);
}

/** What a query or scan reads. Throws `ValidationException` when the request does not suit it. */
export function sourceOf({ database }: Engine, request: ReadRequest): Source {
  const table = tableNamed(database, request.TableName);
  const { IndexName, ConsistentRead, Select, _projection, _filter } = request;
  const index = indexesOf(table).find((one) => one.IndexName === IndexName);
  if (index === undefined && IndexName !== undefined)
    throw invalid(`The table does not have the specified index: ${IndexName}`);
  const source = new Source(table, index);
  checkScalarKeys(table, { ..._projection?.nestedPaths, ..._filter?.nestedPaths });
  if (_projection !== undefined && Select !== undefined && Select !== 'SPECIFIC_ATTRIBUTES')
    throw invalid(`Cannot specify the ProjectionExpression when choosing to get ${Select}`);
  if (_projection === undefined && Select === 'SPECIFIC_ATTRIBUTES')
    throw invalid('Must specify the ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES');
  if (index === undefined && Select === 'ALL_PROJECTED_ATTRIBUTES')
    throw invalid('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  const unheld = Object.keys(_filter?.pathHeads ?? {}).filter((name) => !source.holds(name));
  if (unheld.length > 0)
    throw invalidValue(
      `Secondary index ${IndexName} does not project one or more filter attributes: [${unheld.join(', ')}]`,
    );
  if (index === undefined || source.isLocal) return source;
  if (ConsistentRead) throw invalid('Consistent reads are not supported on global secondary indexes');
  if (Select === 'ALL_ATTRIBUTES' && index.Projection.ProjectionType !== 'ALL')
    throw invalidValue(
      `Select type ALL_ATTRIBUTES is not supported for global secondary index ${IndexName} because its projection ` +
        'type is not ALL',
    );
  const missing = unprojected(source, request);
  if (missing.length > 0)
    throw invalidValue(`Global secondary index ${IndexName} does not project [${missing.join(', ')}]`);
  return source;
}

/** The attributes that are asked for and that a source does not hold. */
function unprojected(source: Source, { _projection }: ReadRequest): string[] {
  return (_projection?.paths ?? []).map(([head]) => head).filter((head) => !source.holds(head));
}

/** What a page of a query or scan holds. */
interface Page {
  readonly Items: readonly AttributeMap[] | undefined;
  readonly Count: number;
  readonly ScannedCount: number;
  readonly LastEvaluatedKey: AttributeMap | undefined;
  readonly ConsumedCapacity: object | undefined;
}

/** Reads on until the page is full: `Limit` items or 1 MB, both counted before the filter. */
export async function readPage(
  { database }: Engine,
  source: Source,
  request: ReadRequest,
  range: Range,
  usage: Usage,
): Promise<Page> {
  const { table, index } = source;
  const { ConsistentRead, Select, Limit, _filter, _projection } = request;
  // A local index fetches what it lacks from the table.
  const fetches =
    unprojected(source, request).length > 0 ||
    (Select === 'ALL_ATTRIBUTES' && index !== undefined && index.Projection.ProjectionType !== 'ALL');
  const items: AttributeMap[] = [];
  let bytes = 0;
  let ScannedCount = 0;
  let last: AttributeMap | undefined;
  const entries = Limit === undefined ? range : { ...range, limit: Limit };
  for await (const [, entry] of database.entries<AttributeMap>(entries)) {
    ScannedCount++;
    bytes += itemSize(entry);
    const item = fetches ? database.get<AttributeMap>(itemKey(table, entry)) : entry;
    if (item !== undefined) {
      if (fetches) usage.add('read', table, readUnits(itemSize(item), ConsistentRead));
      if (_filter === undefined || matches(item, _filter.expression)) items.push(project(item, _projection?.paths));
    }
    if (ScannedCount === Limit || bytes >= MAX_PAGE_BYTES) {
      last = entry;
      break;
    }
  }
  usage.add('read', table, readUnits(bytes, ConsistentRead), index);
  return {
    Items: Select === 'COUNT' ? undefined : items,
    Count: items.length,
    ScannedCount,
    LastEvaluatedKey: last && source.position(last),
    ConsumedCapacity: usage.ofTable(request.ReturnConsumedCapacity),
  };
}

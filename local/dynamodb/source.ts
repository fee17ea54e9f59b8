import type { AttributeMap } from './attribute-value';
import { type Range, startingWith } from './database';
import { invalid, invalidValue } from './dynamodb-error';
import { checkKeyValue } from './key-checks';
import { BUCKETS, indexKey, indexPrefix, itemKey, itemPrefix, partitionKey, sortable } from './keys';
import type { KeyCondition, ReadRequest } from './request';
import { type Index, type KeyElement, keyType, type Table } from './table';

/** What a query or scan reads: a table or one of its indexes. */
export class Source {
  private readonly schema: readonly KeyElement[];
  private readonly prefix: string;

  constructor(
    readonly table: Table,
    readonly index: Index | undefined,
  ) {
    this.schema = (index ?? table).KeySchema;
    this.prefix = index === undefined ? itemPrefix(table) : indexPrefix(table, index);
  }

  /** Whether it is a local secondary index, which can look into the table. */
  get isLocal(): boolean {
    return this.index !== undefined && (this.table.LocalSecondaryIndexes?.includes(this.index) ?? false);
  }

  /** The attributes of the keys of this source, partition key first. */
  get keyNames(): readonly string[] {
    return this.schema.map(({ AttributeName }) => AttributeName);
  }

  /** Whether every entry has this attribute if the item has it. */
  holds(attribute: string): boolean {
    const { ProjectionType, NonKeyAttributes = [] } = this.index?.Projection ?? { ProjectionType: 'ALL' };
    return ProjectionType === 'ALL' || this.positionNames.includes(attribute) || NonKeyAttributes.includes(attribute);
  }

  /** The key that says where an entry stands, for the next page to start behind it. */
  position(entry: AttributeMap): AttributeMap {
    return Object.fromEntries(this.positionNames.map((name) => [name, entry[name]!]));
  }

  /** Where a query reads. Throws `ValidationException` when its key conditions do not suit the keys. */
  queryRange({ KeyConditions = {}, ExclusiveStartKey, ScanIndexForward = true }: ReadRequest): Range {
    const [partition, sort] = this.schema.map((element) => this.condition(element, KeyConditions));
    const { AttributeName: partitionName } = this.schema[0]!;
    if (partition === undefined) throw invalid(`Query condition missed key schema element: ${partitionName}`);
    if (partition.ComparisonOperator !== 'EQ') throw invalid('Query key condition not supported');
    if (Object.keys(KeyConditions).length > (sort === undefined ? 1 : 2)) {
      const missed = this.schema[1]?.AttributeName;
      throw invalid(
        missed === undefined
          ? 'Query key condition not supported'
          : `Query condition missed key schema element: ${missed}`,
      );
    }
    const inPartition = this.prefix + partitionKey(sortable(partition.AttributeValueList[0]!));
    const range = sort === undefined ? startingWith(inPartition) : sortRange(inPartition, sort);
    if (ExclusiveStartKey === undefined) return { ...range, reverse: !ScanIndexForward };
    const start = this.startKey(ExclusiveStartKey);
    if (start < range.gte || start >= range.lt)
      throw invalid('The provided starting key is outside query boundaries based on provided conditions');
    return ScanIndexForward ? { gt: start, lt: range.lt } : { gte: range.gte, lt: start, reverse: true };
  }

  /** Where a scan, or one segment of it, reads. */
  scanRange({ Segment = 0, TotalSegments = 1, ExclusiveStartKey }: ReadRequest): Range {
    const bound = (segment: number) => {
      const bucket = Math.ceil((segment * BUCKETS) / TotalSegments);
      return this.prefix + (bucket === BUCKETS ? '~' : bucket.toString(16).padStart(6, '0'));
    };
    const range = { gte: bound(Segment), lt: bound(Segment + 1) };
    if (ExclusiveStartKey === undefined) return range;
    const start = this.startKey(ExclusiveStartKey);
    if (start < range.gte || start >= range.lt)
      throw invalid(
        'The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct ' +
          `Segment. TotalSegments: ${TotalSegments} Segment: ${Segment}`,
      );
    return { gt: start, lt: range.lt };
  }

  private get positionNames(): readonly string[] {
    return [...new Set([...this.table.KeySchema.map(({ AttributeName }) => AttributeName), ...this.keyNames])];
  }

  private condition(element: KeyElement, conditions: Readonly<Record<string, KeyCondition>>): KeyCondition | undefined {
    const condition = conditions[element.AttributeName];
    const type = keyType(this.table, element.AttributeName);
    for (const value of condition?.AttributeValueList ?? []) {
      if (value[type] === undefined) throw invalidValue('Condition parameter type does not match schema type');
      checkKeyValue(value, element);
    }
    return condition;
  }

  private startKey(key: AttributeMap): string {
    const names = this.positionNames;
    if (Object.keys(key).length !== names.length || names.some((name) => !key[name]?.[keyType(this.table, name)]))
      throw invalid('The provided starting key is invalid: The provided key element does not match the schema');
    return this.index === undefined ? itemKey(this.table, key) : indexKey(this.table, this.index, key);
  }
}

function sortRange(
  partition: string,
  { ComparisonOperator, AttributeValueList }: KeyCondition,
): { gte: string; lt: string } {
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

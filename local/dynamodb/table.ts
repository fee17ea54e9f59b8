import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws-call';
import type { AttributeMap } from './attribute-value';

/** An attribute of a primary key; the partition key comes first. */
export interface KeyElement {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}

/** A global or local secondary index as DescribeTable shows it. */
export interface Index {
  readonly IndexName: string;
  readonly KeySchema: readonly KeyElement[];
  readonly Projection: {
    readonly ProjectionType: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
    readonly NonKeyAttributes?: readonly string[];
  };
}

/** A table as CreateTable takes it, and what is known of it besides. */
export interface Table {
  readonly TableName: string;
  readonly KeySchema: readonly KeyElement[];
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: 'S' | 'N' | 'B' }[];
  readonly GlobalSecondaryIndexes?: readonly Index[];
  readonly LocalSecondaryIndexes?: readonly Index[];
  readonly StreamSpecification?: { readonly StreamEnabled?: boolean };
  readonly id: string;
  /** Service time in milliseconds. */
  readonly createdAt: number;
  /** The attribute that items expire by. */
  readonly timeToLive?: string;
}

/** The ARN of a table, whether or not it exists. */
export function tableArn(name: string): string {
  return `arn:aws:dynamodb:${LOCAL_REGION}:${LOCAL_ACCOUNT}:table/${name}`;
}

/** All secondary indexes of a table. */
export function indexesOf(table: Pick<Table, 'GlobalSecondaryIndexes' | 'LocalSecondaryIndexes'>): readonly Index[] {
  return [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
}

/** The type that a key attribute must have. */
export function keyType(table: Table, attribute: string): 'S' | 'N' | 'B' {
  return table.AttributeDefinitions.find(({ AttributeName }) => AttributeName === attribute)!.AttributeType;
}

/** What an index holds of an item, or undefined when the item has not all of its keys. */
export function indexEntry(table: Table, index: Index, item: AttributeMap): AttributeMap | undefined {
  // An item from before the index may hold anything under the name of a key.
  if (index.KeySchema.some(({ AttributeName: name }) => !item[name]?.[keyType(table, name)])) return undefined;
  const { ProjectionType, NonKeyAttributes = [] } = index.Projection;
  if (ProjectionType === 'ALL') return item;
  const keys = [...table.KeySchema, ...index.KeySchema].map(({ AttributeName }) => AttributeName);
  const names = new Set([...keys, ...NonKeyAttributes]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name)));
}

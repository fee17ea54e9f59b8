import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws-call';
import { type AttributeMap, typeOf } from './attribute-value';
import { type DynamoDbError, invalid, invalidValue } from './dynamodb-error';

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

const MAX_PARTITION_KEY_BYTES = 2048;
const MAX_SORT_KEY_BYTES = 1024;

/** The ARN of a table, whether or not it exists. */
export function tableArn(name: string): string {
  return `arn:aws:dynamodb:${LOCAL_REGION}:${LOCAL_ACCOUNT}:table/${name}`;
}

/** All secondary indexes of a table. */
export function indexesOf(table: Table): readonly Index[] {
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

/** Refuses a key that has other attributes than the table's, or values that no key may have. */
export function checkKey(table: Table, key: AttributeMap): void {
  const problem = keyProblem(table, key);
  if (problem !== undefined) throw problem;
}

function keyProblem(table: Table, key: AttributeMap): DynamoDbError | undefined {
  const names = table.KeySchema.map(({ AttributeName }) => AttributeName);
  const mismatch =
    names.length !== Object.keys(key).length || names.some((name) => key[name]?.[keyType(table, name)] === undefined);
  if (mismatch) return invalid('The provided key element does not match the schema');
  return valueProblem(table.KeySchema, key, (type, name) =>
    invalidValue(`The AttributeValue for a key attribute cannot contain an empty ${type} value. Key: ${name}`),
  );
}

/** Refuses paths into a key attribute, which holds no other values. */
export function checkScalarKeys(table: Table, nestedPaths: Readonly<Record<string, boolean>> = {}): void {
  const refusal = (kind: string, name: string) =>
    invalid(
      `Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: ${kind}: ${name}`,
    );
  for (const { AttributeName: name } of table.KeySchema) if (nestedPaths[name]) throw refusal('Key', name);
  for (const { AttributeName: name } of indexesOf(table).flatMap(({ KeySchema }) => KeySchema)) {
    if (nestedPaths[name]) throw refusal('IndexKey', name);
  }
}

/** Refuses an item without a key, or with a value that the table's key or an index's key can't have. */
export function checkItemKeys(table: Table, item: AttributeMap): void {
  for (const { AttributeName: name } of table.KeySchema) {
    const type = keyType(table, name);
    const value = item[name];
    if (value === undefined) throw invalidValue(`Missing the key ${name} in the item`);
    if (value[type] === undefined)
      throw invalidValue(`Type mismatch for key ${name} expected: ${type} actual: ${typeOf(value)}`);
  }
  const problem = valueProblem(table.KeySchema, item, (type, name) =>
    invalidValue(`The AttributeValue for a key attribute cannot contain an empty ${type} value. Key: ${name}`),
  );
  if (problem !== undefined) throw problem;
  for (const index of indexesOf(table)) checkIndexKeys(table, index, item);
}

/** Refuses an item whose value for a key of an index is one that no such key can have; it may be missing. */
export function checkIndexKeys(table: Table, { IndexName, KeySchema }: Index, item: AttributeMap): void {
  for (const { AttributeName: name } of KeySchema) {
    const type = keyType(table, name);
    const value = item[name];
    if (value !== undefined && value[type] === undefined)
      throw invalidValue(
        `Type mismatch for Index Key ${name} Expected: ${type} Actual: ${typeOf(value)} IndexName: ${IndexName}`,
      );
  }
  const problem = valueProblem(KeySchema, item, (type, name) =>
    invalid(
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. ' +
        `The AttributeValue for a key attribute cannot contain an empty ${type} value. ` +
        `IndexName: ${IndexName}, IndexKey: ${name}`,
    ),
  );
  if (problem !== undefined) throw problem;
}

function valueProblem(
  schema: readonly KeyElement[],
  item: AttributeMap,
  empty: (type: 'string' | 'binary', name: string) => DynamoDbError,
): DynamoDbError | undefined {
  for (const { AttributeName: name, KeyType } of schema) {
    const { S, B } = item[name] ?? {};
    if (S === '') return empty('string', name);
    if (B === '') return empty('binary', name);
    const size = S !== undefined ? Buffer.byteLength(S) : B !== undefined ? Buffer.byteLength(B, 'base64') : 0;
    if (KeyType === 'HASH' && size > MAX_PARTITION_KEY_BYTES)
      return invalidValue(
        `Size of hashkey has exceeded the maximum size limit of ${MAX_PARTITION_KEY_BYTES} bytes: ${name} has ${size}`,
      );
    if (KeyType === 'RANGE' && size > MAX_SORT_KEY_BYTES)
      return invalidValue(
        `Aggregated size of all range keys has exceeded the size limit of ${MAX_SORT_KEY_BYTES} bytes: ${name} has ${size}`,
      );
  }
  return undefined;
}

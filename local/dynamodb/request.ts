import batchGetItem from 'dynalite/validations/batchGetItem.js';
import batchWriteItem from 'dynalite/validations/batchWriteItem.js';
import deleteItem from 'dynalite/validations/deleteItem.js';
import getItem from 'dynalite/validations/getItem.js';
import validations from 'dynalite/validations/index.js';
import putItem from 'dynalite/validations/putItem.js';
import query from 'dynalite/validations/query.js';
import scan from 'dynalite/validations/scan.js';
import updateItem from 'dynalite/validations/updateItem.js';
import type { AttributeMap } from './attribute-value';
import { DynamoDbError, invalid } from './dynamodb-error';
import { checkOperands, type Operation, type Path, type Section } from './expression';
import type { Reporting } from './usage';

/** What the types and checks of one request are. */
export interface Schema {
  readonly types: Readonly<Record<string, unknown>>;
  /** Returns what is wrong, or adds what expressions say to the request. */
  // biome-ignore lint/suspicious/noExplicitAny: it takes what the types describe.
  custom?(request: any, store: object): string | null | undefined;
}

/** An expression that reads an item: a condition or filter. */
interface Condition {
  readonly expression: Operation;
  readonly nestedPaths: Readonly<Record<string, boolean>>;
  readonly pathHeads: Readonly<Record<string, boolean>>;
}

/** An expression that names parts of an item. */
interface Projection {
  readonly paths: readonly Path[];
  readonly nestedPaths: Readonly<Record<string, boolean>>;
}

/** What all requests for one table may say. */
interface TableRequest {
  readonly TableName: string;
  readonly ReturnConsumedCapacity?: Reporting;
}

/** A request to write or check one item, alone or in a transaction. */
export interface WriteRequest extends TableRequest {
  readonly Item?: AttributeMap;
  readonly Key?: AttributeMap;
  readonly ReturnValues?: 'NONE' | 'ALL_OLD' | 'UPDATED_OLD' | 'ALL_NEW' | 'UPDATED_NEW';
  readonly ReturnValuesOnConditionCheckFailure?: 'NONE' | 'ALL_OLD';
  readonly _condition?: Condition;
  readonly _updates?: Projection & { readonly sections: readonly Section[] };
}

/** A request to read one item, alone or in a transaction. */
export interface GetRequest extends TableRequest {
  readonly Key: AttributeMap;
  readonly ConsistentRead?: boolean;
  readonly _projection?: Projection;
}

/** A condition on a key attribute, from `KeyConditionExpression`. */
export interface KeyCondition {
  readonly ComparisonOperator: 'EQ' | 'LT' | 'LE' | 'GT' | 'GE' | 'BETWEEN' | 'BEGINS_WITH';
  readonly AttributeValueList: readonly AttributeMap[string][];
}

/** A query or scan. */
export interface ReadRequest extends TableRequest {
  readonly IndexName?: string;
  readonly ConsistentRead?: boolean;
  readonly Select?: 'ALL_ATTRIBUTES' | 'ALL_PROJECTED_ATTRIBUTES' | 'COUNT' | 'SPECIFIC_ATTRIBUTES';
  readonly Limit?: number;
  readonly ExclusiveStartKey?: AttributeMap;
  readonly ScanIndexForward?: boolean;
  readonly Segment?: number;
  readonly TotalSegments?: number;
  readonly KeyConditions?: Readonly<Record<string, KeyCondition>>;
  readonly _filter?: Condition;
  readonly _projection?: Projection;
}

/** Item writes and deletes by table. */
export interface BatchWriteRequest {
  readonly RequestItems: Readonly<
    Record<
      string,
      readonly { readonly PutRequest?: { Item: AttributeMap }; readonly DeleteRequest?: { Key: AttributeMap } }[]
    >
  >;
  readonly ReturnConsumedCapacity?: Reporting;
}

/** Keys to read by table. */
export interface BatchGetRequest {
  readonly RequestItems: Readonly<Record<string, Omit<GetRequest, 'Key' | 'TableName'> & { Keys: AttributeMap[] }>>;
  readonly ReturnConsumedCapacity?: Reporting;
}

const MAX_EXPRESSION_BYTES = 4096;
const ON_FAILURE = { ReturnValuesOnConditionCheckFailure: { type: 'String', enum: ['ALL_OLD', 'NONE'] } };

/** Schemas of requests by operation. */
export const SCHEMAS = {
  PutItem: { ...putItem, types: { ...putItem.types, ...ON_FAILURE } },
  UpdateItem: { ...updateItem, types: { ...updateItem.types, ...ON_FAILURE } },
  DeleteItem: { ...deleteItem, types: { ...deleteItem.types, ...ON_FAILURE } },
  GetItem: getItem,
  Query: query,
  Scan: { ...scan, types: { ...scan.types, ConsistentRead: 'Boolean' } },
  BatchGetItem: batchGetItem,
  BatchWriteItem: batchWriteItem,
} satisfies Record<string, Schema>;

// Superseded by expressions long ago, and in no code that is new.
const LEGACY = [
  'AttributesToGet',
  'AttributeUpdates',
  'ConditionalOperator',
  'Expected',
  'KeyConditions',
  'QueryFilter',
  'ScanFilter',
];

/** A request, and what stands in it for single tables or items. */
function partsOf(input: object): object[] {
  const { RequestItems, TransactItems } = input as { RequestItems?: object; TransactItems?: unknown };
  const transact = Array.isArray(TransactItems) ? TransactItems.flatMap((item) => Object.values(item ?? {})) : [];
  const parts: unknown[] = [input, ...Object.values(RequestItems ?? {}), ...transact];
  return parts.filter((part) => typeof part === 'object' && part !== null);
}

function checkMembers(part: object): void {
  for (const [name, value] of Object.entries(part)) {
    if (LEGACY.includes(name)) throw invalid(`The legacy parameter ${name} is not supported here: use expressions.`);
    const size = name.endsWith('Expression') && typeof value === 'string' ? Buffer.byteLength(value) : 0;
    if (size > MAX_EXPRESSION_BYTES)
      throw invalid(`Invalid ${name}: Expression size has exceeded the maximum allowed size; expression size: ${size}`);
  }
}

/**
 * A request as the operation takes it: types and bounds checked, numbers in plain notation, expressions parsed
 * into the members that begin with `_`. Throws `ValidationException` or `SerializationException`.
 */
export function parse<T>({ types, custom }: Schema, input: object): T {
  for (const part of partsOf(input)) checkMembers(part);
  try {
    const request = validations.checkTypes(input, types);
    // Sizes are checked where the item is known, in the bytes that AWS counts.
    validations.checkValidations(request, types, custom, { options: { maxItemSize: Number.POSITIVE_INFINITY } });
    for (const { _condition, _filter } of partsOf(request) as (WriteRequest & ReadRequest)[]) {
      for (const condition of [_condition, _filter]) if (condition !== undefined) checkOperands(condition.expression);
    }
    return request as T;
  } catch (error) {
    const { body } = error as { body?: { __type: string; message?: string; Message?: string } };
    if (body === undefined) throw error;
    throw new DynamoDbError(body.__type.replace(/^.*#/, ''), body.message ?? body.Message ?? '');
  }
}

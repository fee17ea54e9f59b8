import { randomUUID } from 'node:crypto';
import createTableSchema from 'dynalite/validations/createTable.js';
import describeTableSchema from 'dynalite/validations/describeTable.js';
import listTablesSchema from 'dynalite/validations/listTables.js';
import type { AttributeMap } from './attribute-value';
import { indexOperations } from './change';
import { type Database, type Operation, startingWith } from './database';
import { DynamoDbError, invalid, invalidValue } from './dynamodb-error';
import type { Engine } from './engine';
import { indexPrefix, itemPrefix } from './keys';
import { parse, type Schema } from './request';
import { type Index, indexesOf, keyType, type Table, tableArn } from './table';
import { allTables, findTable, putTable, removeTable, tableNamed } from './tables';
import { Usage } from './usage';

/** What CreateTable takes. */
type CreateRequest = Omit<Table, 'id' | 'createdAt'>;

interface UpdateRequest {
  readonly TableName: string;
  readonly AttributeDefinitions?: Table['AttributeDefinitions'];
  readonly GlobalSecondaryIndexUpdates?: readonly {
    readonly Create?: Index;
    readonly Delete?: { readonly IndexName: string };
  }[];
}

interface TimeToLiveRequest {
  readonly TableName: string;
  readonly TimeToLiveSpecification: { readonly AttributeName: string; readonly Enabled: boolean };
}

const { types: createTypes } = createTableSchema;
const { types: onTable } = describeTableSchema;
const { children: attributeDefinition } = createTypes.AttributeDefinitions as { children: object };
const { children: index } = createTypes.GlobalSecondaryIndexes as { children: { children: object } };

const CREATE: Schema = {
  ...createTableSchema,
  types: {
    ...createTypes,
    StreamSpecification: {
      type: 'FieldStruct<StreamSpecification>',
      children: {
        StreamEnabled: 'Boolean',
        StreamViewType: { type: 'String', enum: ['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY'] },
      },
    },
  },
};
const UPDATE: Schema = {
  types: {
    ...onTable,
    AttributeDefinitions: { type: 'List', children: attributeDefinition },
    GlobalSecondaryIndexUpdates: {
      type: 'List',
      children: {
        type: 'ValueStruct<GlobalSecondaryIndexUpdate>',
        children: {
          Create: { type: 'FieldStruct<CreateGlobalSecondaryIndexAction>', children: index.children },
          Delete: {
            type: 'FieldStruct<DeleteGlobalSecondaryIndexAction>',
            children: { IndexName: { type: 'String', notNull: true } },
          },
        },
      },
    },
  },
};
const TIME_TO_LIVE: Schema = {
  types: {
    ...onTable,
    TimeToLiveSpecification: {
      type: 'FieldStruct<TimeToLiveSpecification>',
      notNull: true,
      children: {
        AttributeName: { type: 'String', notNull: true, lengthGreaterThanOrEqual: 1, lengthLessThanOrEqual: 255 },
        Enabled: { type: 'Boolean', notNull: true },
      },
    },
  },
};

/** Carries out one operation on tables. */
type TableOperation = (engine: Engine, input: object) => Promise<object>;

/** The operations on tables by name. */
export const TABLE_OPERATIONS: Readonly<Record<string, TableOperation>> = {
  CreateTable(engine, input) {
    const request = parseCreate(input);
    return engine.database.turn(() => {
      if (findTable(engine.database, request.TableName) !== undefined)
        throw new DynamoDbError('ResourceInUseException', `Table already exists: ${request.TableName}`);
      const table = newTable(engine, request);
      return { operations: [putTable(table)], result: { TableDescription: description(table) } };
    });
  },

  async DescribeTable({ database }, input) {
    const { TableName } = parse<CreateRequest>(describeTableSchema, input);
    return { Table: description(tableNamed(database, TableName)) };
  },

  async ListTables({ database }, input) {
    const { Limit = 100, ExclusiveStartTableName: after = '' } = parse<{
      Limit?: number;
      ExclusiveStartTableName?: string;
    }>(listTablesSchema, input);
    const names = (await allTables(database)).map(({ TableName }) => TableName).filter((name) => name > after);
    const TableNames = names.slice(0, Limit);
    return { TableNames, LastEvaluatedTableName: names.length > Limit ? TableNames.at(-1) : undefined };
  },

  UpdateTable(engine, input) {
    const request = parse<UpdateRequest>(UPDATE, input);
    const { TableName, AttributeDefinitions = [], GlobalSecondaryIndexUpdates: updates = [] } = request;
    if (updates.length === 0)
      throw invalid('GlobalSecondaryIndexUpdates is missing: nothing else of a table can be updated here.');
    return engine.database.turn(() => {
      const table = tableNamed(engine.database, TableName);
      let indexes = table.GlobalSecondaryIndexes ?? [];
      for (const { Create, Delete } of updates) {
        if (Delete !== undefined && !indexes.some(({ IndexName }) => IndexName === Delete.IndexName))
          throw new DynamoDbError('ResourceNotFoundException', `Requested resource not found: ${Delete.IndexName}`);
        indexes = indexes.filter(({ IndexName }) => IndexName !== Delete?.IndexName);
        if (Create !== undefined) indexes = [...indexes, withoutThroughput(Create)];
      }
      return changeIndexes(engine, table, [...AttributeDefinitions, ...table.AttributeDefinitions], indexes);
    });
  },

  DeleteTable(engine, input) {
    const { TableName } = parse<CreateRequest>(describeTableSchema, input);
    return engine.database.turn(async () => {
      const table = tableNamed(engine.database, TableName);
      const operations: Operation[] = [removeTable(table), ...(await engine.expiry.allOperations(table, false))];
      const prefixes = [itemPrefix(table), ...indexesOf(table).map((one) => indexPrefix(table, one))];
      for (const prefix of prefixes) operations.push(...(await removal(engine.database, prefix)));
      return { operations, result: { TableDescription: { ...description(table), TableStatus: 'DELETING' } } };
    });
  },

  async UpdateTimeToLive(engine, input) {
    const { TableName, TimeToLiveSpecification } = parse<TimeToLiveRequest>(TIME_TO_LIVE, input);
    const { AttributeName, Enabled } = TimeToLiveSpecification;
    const { timeToLive } = tableNamed(engine.database, TableName);
    if (timeToLive === undefined ? !Enabled : Enabled && timeToLive === AttributeName)
      throw invalid(`TimeToLive is already ${Enabled ? 'enabled' : 'disabled'}`);
    if (timeToLive !== undefined && timeToLive !== AttributeName)
      throw invalid(`TimeToLive is active on a different AttributeName: current AttributeName is ${timeToLive}`);
    await setTimeToLive(engine, TableName, Enabled ? AttributeName : undefined);
    return { TimeToLiveSpecification };
  },

  async DescribeTimeToLive({ database }, input) {
    const { TableName } = parse<CreateRequest>(describeTableSchema, input);
    const { timeToLive: AttributeName } = tableNamed(database, TableName);
    const TimeToLiveStatus = AttributeName === undefined ? 'DISABLED' : 'ENABLED';
    return { TimeToLiveDescription: { TimeToLiveStatus, AttributeName } };
  },
};

function parseCreate(input: object): CreateRequest {
  const request = parse<CreateRequest>(CREATE, input);
  const keys = keyAttributes(request);
  const unused = request.AttributeDefinitions.map(({ AttributeName }) => AttributeName).filter(
    (name) => !keys.has(name),
  );
  if (unused.length > 0) throw invalidValue(`Some AttributeDefinitions are not used: [${unused.join(', ')}]`);
  return request;
}

/** Attributes of the keys of a table and its indexes. */
function keyAttributes(table: Pick<Table, 'KeySchema' | 'GlobalSecondaryIndexes' | 'LocalSecondaryIndexes'>) {
  const schemas = [table, ...indexesOf(table)].map(({ KeySchema }) => KeySchema);
  return new Set(schemas.flat().map(({ AttributeName }) => AttributeName));
}

/** An index as it is kept: capacity is on demand here. */
function withoutThroughput({ IndexName, KeySchema, Projection }: Index): Index {
  return { IndexName, KeySchema, Projection };
}

/**
 * Makes a table what the input of a CreateTable says: creates it, or creates and deletes global secondary indexes
 * of the one that exists. Throws when that one has other keys or local indexes, which nothing can change.
 */
export function ensureTable(engine: Engine, input: object): Promise<object> {
  const request = parseCreate(structuredClone(input));
  const { TableName, AttributeDefinitions, GlobalSecondaryIndexes = [] } = request;
  return engine.database.turn(() => {
    const table = findTable(engine.database, TableName);
    if (table === undefined) return { operations: [putTable(newTable(engine, request))], result: {} };
    if (fixedPart(table) !== fixedPart(request))
      throw new Error(`Table ${TableName} exists with another key or other local indexes. Remove the old data first.`);
    return changeIndexes(engine, table, AttributeDefinitions, GlobalSecondaryIndexes);
  });
}

/** Lets the items of a table expire by an attribute, or not at all. */
export function setTimeToLive(engine: Engine, name: string, attribute: string | undefined): Promise<object> {
  return engine.database.turn(async () => {
    const { timeToLive, ...table } = tableNamed(engine.database, name);
    if (timeToLive === attribute) return { operations: [], result: {} };
    const old = timeToLive === undefined ? table : { ...table, timeToLive };
    const now = attribute === undefined ? table : { ...table, timeToLive: attribute };
    const left = await engine.expiry.allOperations(old, false);
    const taken = await engine.expiry.allOperations(now, true);
    return { operations: [putTable(now), ...left, ...taken], result: {} };
  });
}

/** What gives a table these global indexes: it fills the new ones from the items and empties those that go. */
async function changeIndexes(
  { database }: Engine,
  table: Table,
  definitions: Table['AttributeDefinitions'],
  indexes: readonly Index[],
) {
  const { GlobalSecondaryIndexes: _, ...rest } = table;
  const keys = keyAttributes({ ...rest, GlobalSecondaryIndexes: indexes });
  const byName = new Map(definitions.map((one) => [one.AttributeName, one]));
  const AttributeDefinitions = [...byName.values()].filter(({ AttributeName }) => keys.has(AttributeName));
  const changed: Table = {
    ...rest,
    AttributeDefinitions,
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
  };
  parse(CREATE, { ...structuredClone(changed), BillingMode: 'PAY_PER_REQUEST' });
  const [before, after] = [table, changed].map(
    (one) => new Map(one.GlobalSecondaryIndexes?.map((index) => [shape(one, index), index])),
  );
  const operations: Operation[] = [putTable(changed)];
  for (const [key, one] of before!) {
    if (!after!.has(key)) operations.push(...(await removal(database, indexPrefix(table, one))));
  }
  const added = [...after!].flatMap(([key, one]) => (before!.has(key) ? [] : [one]));
  if (added.length > 0) {
    for await (const [, item] of database.entries<AttributeMap>(startingWith(itemPrefix(table)))) {
      const change = { table: changed, before: undefined, after: item };
      for (const one of added) operations.push(...indexOperations(change, one, new Usage()));
    }
  }
  return { operations, result: { TableDescription: description(changed) } };
}

async function removal(database: Database, prefix: string): Promise<Operation[]> {
  const operations: Operation[] = [];
  for await (const [key] of database.entries(startingWith(prefix))) operations.push({ type: 'del', key });
  return operations;
}

/** All that an index's entries depend on. */
function shape(table: Table, index: Index): string {
  return JSON.stringify([index, index.KeySchema.map(({ AttributeName }) => keyType(table, AttributeName))]);
}

/** All of a table that nothing can change. */
function fixedPart({ KeySchema, AttributeDefinitions, LocalSecondaryIndexes }: CreateRequest): string {
  const keys = keyAttributes({ KeySchema, ...(LocalSecondaryIndexes && { LocalSecondaryIndexes }) });
  const types = AttributeDefinitions.filter(({ AttributeName }) => keys.has(AttributeName));
  const described = types.map(({ AttributeName, AttributeType }) => `${AttributeName} ${AttributeType}`).sort();
  return JSON.stringify([KeySchema, described, LocalSecondaryIndexes]);
}

function newTable({ clock }: Engine, request: CreateRequest): Table {
  const { TableName, KeySchema, AttributeDefinitions, StreamSpecification } = request;
  const { GlobalSecondaryIndexes, LocalSecondaryIndexes } = request;
  return {
    TableName,
    KeySchema,
    AttributeDefinitions,
    ...(GlobalSecondaryIndexes && { GlobalSecondaryIndexes: GlobalSecondaryIndexes.map(withoutThroughput) }),
    ...(LocalSecondaryIndexes && { LocalSecondaryIndexes }),
    ...(StreamSpecification?.StreamEnabled && { StreamSpecification }),
    id: randomUUID(),
    createdAt: clock.now(),
  };
}

function description({ id, createdAt, timeToLive: _, ...table }: Table): object {
  const arn = tableArn(table.TableName);
  const label = new Date(createdAt).toISOString().replace('Z', '');
  const unmetered = { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 };
  const described = (one: Index) => ({
    ...one,
    IndexArn: `${arn}/index/${one.IndexName}`,
    IndexSizeBytes: 0,
    ItemCount: 0,
  });
  return {
    ...table,
    TableArn: arn,
    TableId: id,
    TableStatus: 'ACTIVE',
    CreationDateTime: createdAt / 1000,
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    ProvisionedThroughput: unmetered,
    TableSizeBytes: 0,
    ItemCount: 0,
    GlobalSecondaryIndexes: table.GlobalSecondaryIndexes?.map((one) => ({
      ...described(one),
      IndexStatus: 'ACTIVE',
      ProvisionedThroughput: unmetered,
    })),
    LocalSecondaryIndexes: table.LocalSecondaryIndexes?.map(described),
    ...(table.StreamSpecification && { LatestStreamLabel: label, LatestStreamArn: `${arn}/stream/${label}` }),
  };
}

import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type ConsumedCapacity,
  TransactGetItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { Cases } from './dynamodb-conformance';
import { type Item, N, type Probe, S } from './probe';

const INDEXES = { ReturnConsumedCapacity: 'INDEXES' } as const;
const TOTAL = { ReturnConsumedCapacity: 'TOTAL' } as const;

/** What a request used: in all, of the table, and of each index. */
function used({ ConsumedCapacity: capacity }: { ConsumedCapacity?: ConsumedCapacity | undefined }) {
  const indexes = { ...capacity!.GlobalSecondaryIndexes, ...capacity!.LocalSecondaryIndexes };
  const units = Object.entries(indexes).map(([name, { CapacityUnits }]) => [name, CapacityUnits]);
  return { all: capacity!.CapacityUnits, table: capacity!.Table!.CapacityUnits, ...Object.fromEntries(units) };
}

/** A text that makes an item as large as this, when it has no more than its key and `body`. */
function filler(key: Item, bytes: number): { body: { S: string } } {
  const rest = Object.entries(key).reduce(
    (sum, [name, { S: text }]) => sum + name.length + text!.length,
    'body'.length,
  );
  return { body: { S: 'x'.repeat(bytes - rest) } };
}

async function setUp(db: Probe) {
  const table = await db.table();
  const pk = S(db.name());
  return { table, pk, key: (sk: string) => ({ pk, sk: S(sk) }) };
}

export const CAPACITY_CASES: Cases = {
  async 'a write takes a unit for each KB begun, of the larger of old and new'(db) {
    const { table, key } = await setUp(db);
    const k = key('a');
    const put = async (bytes: number) => used(await db.put(table, { ...k, ...filler(k, bytes) }, INDEXES)).all;
    expect(await put(1024)).toBe(1);
    expect(await put(1025)).toBe(2);
    expect(await put(2049)).toBe(3);
    expect(await put(100)).toBe(3);
    expect(used(await db.update(table, k, 'SET n = :n', { ':n': N(1) }, INDEXES))).toEqual({ all: 1, table: 1 });
    expect(await put(5000)).toBe(5);
    expect(used(await db.update(table, k, 'REMOVE body', undefined, INDEXES)).all).toBe(5);
    await put(3000);
    expect(used(await db.delete(table, k, INDEXES)).all).toBe(3);
    expect(used(await db.delete(table, k, INDEXES)).all).toBe(1);
  },

  async 'numbers count by their digits, documents by their elements'(db) {
    const { table, key } = await setUp(db);
    const k = key('a');
    const units = async (item: Item, bytes: number) => {
      const { all } = used(await db.put(table, { ...k, ...filler(k, bytes), ...item }, INDEXES));
      await db.delete(table, k);
      return all;
    };
    for (const [item, size] of [
      [{ n: N('1234567890') }, 1 + 6],
      [{ n: N('1000') }, 1 + 2],
      [{ t: { BOOL: true }, u: { NULL: true } }, 4],
      [{ s: { SS: ['ab', 'é'] } }, 1 + 4],
      [{ l: { L: [S('abc'), S('')] } }, 1 + 3 + 2 + 3],
      [{ m: { M: { ab: S('abc') } } }, 1 + 3 + 1 + 2 + 3],
    ] satisfies [Item, number][]) {
      expect([item, await units(item, 1024 - size)]).toEqual([item, 1]);
      expect([item, await units(item, 1025 - size)]).toEqual([item, 2]);
    }
  },

  async 'an index takes what is written to it: nothing, an entry, or a move'(db) {
    const { table, key, pk } = await setUp(db);
    const kind = pk;
    const put = async (item: Item) => used(await db.put(table, { ...key('a'), ...item }, INDEXES));
    const title = S('x'.repeat(1500));
    expect(await put({ kind, title, rank: N(1) })).toEqual({ all: 5, table: 2, byKind: 2, byRank: 1 });
    expect(await put({ kind, title, rank: N(1) })).toEqual({ all: 2, table: 2 });
    expect(await put({ kind, title, rank: N(1), body: S('b') })).toEqual({ all: 2, table: 2 });
    expect(await put({ kind, title: S('t'), rank: N(1) })).toEqual({ all: 4, table: 2, byKind: 2 });
    expect(await put({ kind: S('other'), title: S('t'), rank: N(2) })).toEqual({
      all: 5,
      table: 1,
      byKind: 2,
      byRank: 2,
    });
    expect(await put({ rank: N(2) })).toEqual({ all: 2, table: 1, byKind: 1 });
    expect(used(await db.delete(table, key('a'), INDEXES))).toEqual({ all: 2, table: 1, byRank: 1 });
  },

  async 'a read takes a unit for each 4 KB begun, half of it when eventually consistent'(db) {
    const { table, key } = await setUp(db);
    const k = key('a');
    const read = async (bytes: number, ConsistentRead: boolean) => {
      await db.put(table, { ...k, ...filler(k, bytes) });
      const { pk, sk } = k;
      const { ConsumedCapacity: capacity } = await db.getOutput(table, { pk, sk }, { ConsistentRead, ...INDEXES });
      return used({ ConsumedCapacity: capacity });
    };
    expect(await read(4096, true)).toEqual({ all: 1, table: 1 });
    expect(await read(4096, false)).toEqual({ all: 0.5, table: 0.5 });
    expect(await read(4097, true)).toEqual({ all: 2, table: 2 });
    expect(await read(4097, false)).toEqual({ all: 1, table: 1 });
    const missing = (ConsistentRead: boolean) => db.getOutput(table, key('missing'), { ConsistentRead, ...INDEXES });
    expect(used(await missing(true)).all).toBe(1);
    expect(used(await missing(false)).all).toBe(0.5);
  },

  async 'a query takes units for all it reads together, filtered or not, and a scan too'(db) {
    const { table, pk, key } = await setUp(db);
    const owner = pk;
    for (let i = 0; i < 6; i++) await db.put(table, { ...key(`${i}`), owner, at: N(i), body: S('x'.repeat(2000)) });
    const query = async (rest: object) => used(await db.query(table, 'pk = :p', { ':p': pk }, { ...INDEXES, ...rest }));
    expect(await query({})).toEqual({ all: 1.5, table: 1.5 });
    expect(await query({ ConsistentRead: true })).toEqual({ all: 3, table: 3 });
    expect(await query({ Limit: 2, ProjectionExpression: 'sk' })).toEqual({ all: 0.5, table: 0.5 });
    expect(await query({ Select: 'COUNT' })).toEqual({ all: 1.5, table: 1.5 });
    const filter = { FilterExpression: 'absent = :m', ExpressionAttributeValues: { ':p': pk, ':m': N(1) } };
    expect(await query(filter)).toEqual({ all: 1.5, table: 1.5 });
    const names = { IndexName: 'byOwner', ExpressionAttributeNames: { '#o': 'owner' } };
    const byOwner = await db.query(table, '#o = :o', { ':o': owner }, { ...INDEXES, ...names });
    expect(used(byOwner)).toEqual({ all: 1.5, table: 0, byOwner: 1.5 });
    const own = await db.newTable({});
    await db.put(own, { ...key('a'), body: S('x'.repeat(5000)) });
    expect(used(await db.scan(own, INDEXES)).all).toBe(1);
    expect(used(await db.scan(own, { ...INDEXES, ConsistentRead: true })).all).toBe(2);
  },

  async 'a local index that fetches takes units of the index and for each item'(db) {
    const { table, pk, key } = await setUp(db);
    for (let i = 0; i < 3; i++) await db.put(table, { ...key(`${i}`), rank: N(i), body: S('x'.repeat(5000)) });
    const query = async (rest: object) =>
      used(await db.query(table, 'pk = :p', { ':p': pk }, { ...INDEXES, IndexName: 'byRank', ...rest }));
    expect(await query({})).toEqual({ all: 0.5, table: 0, byRank: 0.5 });
    expect(await query({ Select: 'ALL_ATTRIBUTES' })).toEqual({ all: 3.5, table: 3, byRank: 0.5 });
    expect(await query({ ProjectionExpression: 'body', ConsistentRead: true })).toEqual({
      all: 7,
      table: 6,
      byRank: 1,
    });
  },

  async 'a query that finds nothing takes the smallest unit'(db) {
    const { table, pk } = await setUp(db);
    const query = async (rest: object) => used(await db.query(table, 'pk = :p', { ':p': pk }, { ...INDEXES, ...rest }));
    expect(await query({})).toEqual({ all: 0.5, table: 0.5 });
    expect(await query({ ConsistentRead: true })).toEqual({ all: 1, table: 1 });
  },

  async 'batches take what their parts take, table by table'(db) {
    const { table, pk, key } = await setUp(db);
    const other = await db.newTable({});
    const put = (item: Item) => ({ PutRequest: { Item: item } });
    const { ConsumedCapacity: written } = await db.client.send(
      new BatchWriteItemCommand({
        ...TOTAL,
        RequestItems: {
          [table]: [put({ ...key('a'), owner: pk, at: N(1) }), put({ ...key('b'), ...filler(key('b'), 1500) })],
          [other]: [put(key('c'))],
        },
      }),
    );
    const byTable = (all: ConsumedCapacity[] | undefined) =>
      Object.fromEntries(all!.map(({ TableName, CapacityUnits }) => [TableName, CapacityUnits]));
    expect(byTable(written)).toEqual({ [table]: 4, [other]: 1 });
    const { ConsumedCapacity: read } = await db.client.send(
      new BatchGetItemCommand({
        ...TOTAL,
        RequestItems: {
          [table]: { Keys: [key('a'), key('b'), key('missing')], ConsistentRead: true },
          [other]: { Keys: [key('c'), key('d')] },
        },
      }),
    );
    expect(byTable(read)).toEqual({ [table]: 3, [other]: 1 });
  },

  async 'a transaction takes twice the units of the items'(db) {
    const { table: TableName, key } = await setUp(db);
    await db.put(TableName, { ...key('old'), ...filler(key('old'), 1500) });
    const { ConsumedCapacity: written } = await db.transact(
      [
        { Put: { TableName, Item: { ...key('a'), ...filler(key('a'), 2500) } } },
        { Delete: { TableName, Key: key('old') } },
        { ConditionCheck: { TableName, Key: key('none'), ConditionExpression: 'attribute_not_exists(pk)' } },
      ],
      TOTAL,
    );
    expect(written).toMatchObject([{ TableName, CapacityUnits: 12 }]);
    const TransactItems = [{ Get: { TableName, Key: key('a') } }, { Get: { TableName, Key: key('none') } }];
    const { ConsumedCapacity: read } = await db.client.send(new TransactGetItemsCommand({ TransactItems, ...TOTAL }));
    expect(read).toMatchObject([{ TableName, CapacityUnits: 4 }]);
  },

  async 'a transaction tells reads from writes, and indexes take no double units'(db) {
    const { table: TableName, key, pk } = await setUp(db);
    const items = [{ Put: { TableName, Item: { ...key('a'), owner: pk, at: N(1) } } }];
    const ClientRequestToken = db.name();
    const { ConsumedCapacity: first } = await db.transact(items, { ClientRequestToken, ...INDEXES });
    expect(first).toMatchObject([
      { CapacityUnits: 3, WriteCapacityUnits: 3, GlobalSecondaryIndexes: { byOwner: { CapacityUnits: 1 } } },
    ]);
    const { ConsumedCapacity: again } = await db.transact(items, { ClientRequestToken, ...INDEXES });
    expect(again).toMatchObject([{ CapacityUnits: 2, ReadCapacityUnits: 2 }]);
  },

  async 'units are told only when asked for'(db) {
    const { table, key } = await setUp(db);
    expect((await db.put(table, key('a'))).ConsumedCapacity).toBeUndefined();
    expect((await db.put(table, key('a'), { ReturnConsumedCapacity: 'NONE' })).ConsumedCapacity).toBeUndefined();
    const { ConsumedCapacity: total } = await db.put(table, key('a'), TOTAL);
    expect(total).toEqual({ TableName: table, CapacityUnits: 1 });
  },
};

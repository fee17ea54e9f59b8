import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type ConditionalCheckFailedException,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { Cases } from './dynamodb-conformance';
import { B, definitions, type Item, invalid, keySchema, L, M, N, type Probe, refusal, S } from './probe';

const KIB = 1024;
const FAILED = 'ConditionalCheckFailedException';

/** A key in a partition of its own. */
function keyOf(db: Probe, sk = 's'): { pk: { S: string }; sk: { S: string } } {
  return { pk: { S: db.name() }, sk: { S: sk } };
}

function nested(levels: number): Item[string] {
  return levels === 0 ? S('leaf') : M({ in: nested(levels - 1) });
}

export const ITEM_CASES: Cases = {
  async 'every type of value comes back as it was put'(db) {
    const table = await db.table();
    const item: Item = {
      ...keyOf(db),
      text: S('héllo 🚀 "\\\n'),
      emptyText: S(''),
      bytes: B('00ff0180'),
      noBytes: { B: new Uint8Array() },
      yes: { BOOL: true },
      no: { BOOL: false },
      nothing: { NULL: true },
      list: L(S('a'), N(1), L(), M({})),
      map: M({ deep: M({ deeper: L(B('01')) }) }),
      texts: { SS: ['a', ''] },
      numbers: { NS: ['1', '-2.5'] },
      binaries: { BS: [Buffer.from([1]), Buffer.from([2, 3])] },
    };
    await db.put(table, item);
    const read = await db.get(table, { pk: item.pk!, sk: item.sk! });
    const plain = (value: unknown): unknown => {
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(plain);
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
    };
    const sets = ({ texts, numbers, binaries, ...rest }: Item) => [
      plain(rest),
      texts!.SS!.sort(),
      numbers!.NS!.sort(),
      binaries!.BS!.map((bytes) => Buffer.from(bytes).toString('hex')).sort(),
    ];
    expect(sets(read!)).toEqual(sets(item));
  },

  async 'numbers keep 38 digits'(db) {
    const table = await db.table();
    const key = keyOf(db);
    const given = ['12345678901234567890123456789012345678', '-0.00000000000000000000000000000000000001', '1.5'];
    await db.put(table, { ...key, n: L(...given.map(N)) });
    expect((await db.get(table, key))!.n!.L!.map(({ N }) => N)).toEqual(given);
    for (const bad of [`1${'0'.repeat(37)}1`, '1E126', '1E-131', 'NaN', '', '0x1', '1,5'])
      await invalid(db.put(table, { ...key, n: N(bad) }));
  },

  async 'numbers lose zeros that do not count and exponents'(db) {
    const table = await db.table();
    const key = keyOf(db);
    await db.put(table, { ...key, n: L(N('1.50'), N('007'), N('-0.10'), N('1E3'), N('12e-1')) });
    expect((await db.get(table, key))!.n).toEqual(L(N('1.5'), N('7'), N('-0.1'), N('1000'), N('1.2')));
  },

  async 'a put replaces the whole item and returns the old one if asked'(db) {
    const table = await db.table();
    const key = keyOf(db);
    expect((await db.put(table, { ...key, a: N(1) }, { ReturnValues: 'ALL_OLD' })).Attributes).toBeUndefined();
    const { Attributes } = await db.put(table, { ...key, b: N(2) }, { ReturnValues: 'ALL_OLD' });
    expect(Attributes).toEqual({ ...key, a: N(1) });
    expect(await db.get(table, key)).toEqual({ ...key, b: N(2) });
    await invalid(db.put(table, key, { ReturnValues: 'ALL_NEW' }));
  },

  async 'a delete returns the old item if asked, and nothing is there twice'(db) {
    const table = await db.table();
    const key = keyOf(db);
    await db.put(table, { ...key, a: N(1) });
    expect((await db.delete(table, key, { ReturnValues: 'ALL_OLD' })).Attributes).toEqual({ ...key, a: N(1) });
    expect((await db.delete(table, key, { ReturnValues: 'ALL_OLD' })).Attributes).toBeUndefined();
    expect(await db.get(table, key)).toBeUndefined();
  },

  async 'a write whose condition is not met changes nothing and can tell the item'(db) {
    const table = await db.table();
    const key = keyOf(db);
    await db.put(table, { ...key, v: N(1) });
    const rest = {
      ConditionExpression: 'v > :v',
      ExpressionAttributeValues: { ':v': N(1) },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    } as const;
    for (const write of [
      db.put(table, { ...key, v: N(9) }, rest),
      db.update(table, key, 'SET v = :v', undefined, rest),
      db.delete(table, key, rest),
    ]) {
      const error = await refusal<ConditionalCheckFailedException>(write);
      expect(error.name).toBe(FAILED);
      expect(error.Item).toEqual({ ...key, v: N(1) });
    }
    const quiet = { ...rest, ReturnValuesOnConditionCheckFailure: 'NONE' } as const;
    expect(await refusal<ConditionalCheckFailedException>(db.delete(table, key, quiet))).not.toHaveProperty('Item.v');
    const missing = db.delete(table, keyOf(db), { ...rest, ConditionExpression: 'attribute_exists(pk) AND v > :v' });
    expect((await refusal<ConditionalCheckFailedException>(missing)).Item).toBeUndefined();
    expect(await db.get(table, key)).toEqual({ ...key, v: N(1) });
  },

  async 'of racing puts that want no item to be there one wins'(db) {
    const table = await db.table();
    const key = keyOf(db);
    const rest = { ConditionExpression: 'attribute_not_exists(pk)' };
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => db.put(table, { ...key, i: N(i) }, rest)),
    );
    const won = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await db.get(table, key)).toMatchObject({ i: N(won) });
  },

  async 'racing additions are all counted'(db) {
    const table = await db.table();
    const key = keyOf(db);
    await Promise.all(Array.from({ length: 100 }, () => db.update(table, key, 'ADD hits :one', { ':one': N(1) })));
    expect(await db.get(table, key)).toMatchObject({ hits: N(100) });
  },

  async 'keys must be complete, of their type, not empty and not too long'(db) {
    const table = await db.table();
    const key = keyOf(db);
    await invalid(db.put(table, { pk: key.pk }));
    await invalid(db.put(table, { ...key, sk: N(1) }));
    await invalid(db.get(table, { pk: key.pk }));
    await invalid(db.get(table, { ...key, more: S('m') }));
    await invalid(db.update(table, { ...key, sk: N(1) }, 'REMOVE a'));
    for (const part of ['pk', 'sk']) {
      expect(await invalid(db.put(table, { ...key, [part]: S('') }))).toMatch(/empty string value.*Key: [ps]k/);
      await invalid(db.delete(table, { ...key, [part]: S('') }));
    }
    const long = { pk: S('é'.repeat(KIB)), sk: S('é'.repeat(KIB / 2)) };
    await db.put(table, long);
    expect(await db.get(table, long)).toEqual(long);
    await invalid(db.put(table, { ...key, pk: S('é'.repeat(KIB + 1)) }));
    await invalid(db.get(table, { ...key, pk: S('é'.repeat(KIB + 1)) }));
    await invalid(db.put(table, { ...key, sk: S('é'.repeat(KIB / 2 + 1)) }));
  },

  async 'keys can be numbers and binary'(db) {
    const table = await db.newTable({ AttributeDefinitions: definitions({ pk: 'N', sk: 'B' }) });
    const key = { pk: N('1.0'), sk: B('00ff') };
    await db.put(table, { ...key, a: N(1) });
    expect(await db.get(table, { pk: N('1'), sk: B('00ff') })).toMatchObject({ a: N(1) });
    expect(await db.get(table, { pk: N('-1'), sk: B('00ff') })).toBeUndefined();
    expect(await invalid(db.put(table, { ...key, sk: { B: new Uint8Array() } }))).toMatch(/empty binary value/);
  },

  async 'index keys must be of their type, not empty and not too long'(db) {
    const table = await db.table();
    const key = keyOf(db);
    expect(await invalid(db.put(table, { ...key, owner: N(1) }))).toMatch(/Index Key/);
    expect(await invalid(db.put(table, { ...key, owner: S('') }))).toMatch(/empty string value.*IndexName: byOwner/);
    await invalid(db.put(table, { ...key, owner: S('x'.repeat(2 * KIB + 1)) }));
    await invalid(
      db.update(table, key, 'SET #o = :v', { ':v': S('') }, { ExpressionAttributeNames: { '#o': 'owner' } }),
    );
    await invalid(db.update(table, key, 'SET rank = :v', { ':v': S('1') }));
    expect(await db.get(table, key)).toBeUndefined();
    await db.put(table, { ...key, owner: S('x'.repeat(2 * KIB)), at: N(1) });
  },

  async 'an item has at most 400 KB, counted in UTF-8 with names'(db) {
    const table = await db.newTable({ AttributeDefinitions: definitions({ pk: 'S' }), KeySchema: keySchema('pk') });
    const room = 400 * KIB - 'pkabody'.length;
    await db.put(table, { pk: S('a'), body: S('x'.repeat(room)) });
    expect(await invalid(db.put(table, { pk: S('b'), body: S('x'.repeat(room + 1)) }))).toMatch(/size/i);
    expect(await invalid(db.put(table, { pk: S('b'), body: S('é'.repeat(room / 2 + 1)) }))).toMatch(/size/i);
    expect(await invalid(db.update(table, { pk: S('a') }, 'SET m = :m', { ':m': S('') }))).toMatch(/size/i);
    expect(await db.get(table, { pk: S('b') })).toBeUndefined();
  },

  async 'values nest 32 levels, the item being the first'(db) {
    const table = await db.table();
    const key = keyOf(db);
    await db.put(table, { ...key, m: nested(31) });
    await invalid(db.put(table, { ...key, m: nested(32) }));
    await invalid(db.update(table, key, 'SET m = :m', { ':m': nested(32) }));
  },

  async 'sets are not empty, have no duplicates, and a null is true'(db) {
    const table = await db.table();
    const key = keyOf(db);
    for (const bad of [{ SS: [] }, { SS: ['a', 'a'] }, { NS: ['1', '1.0'] }, { NULL: false as true }])
      await invalid(db.put(table, { ...key, bad }));
    await invalid(db.put(table, { ...key, '': S('unnamed') }));
    await invalid(db.put(table, { ...key, m: M({ '': S('unnamed') }) }));
  },

  async 'a batch writes up to 25 items and deletes'(db) {
    const table = await db.table();
    const { pk } = keyOf(db);
    const puts = (count: number): WriteRequest[] =>
      Array.from({ length: count }, (_, i) => ({
        PutRequest: { Item: { pk, sk: S(`${i}`), owner: S(pk.S), at: N(i) } },
      }));
    const write = (requests: WriteRequest[]) =>
      db.client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
    expect((await write(puts(25))).UnprocessedItems).toEqual({});
    await write([{ DeleteRequest: { Key: { pk, sk: S('3') } } }, { PutRequest: { Item: { pk, sk: S('4') } } }]);
    const { Items } = await db.query(
      table,
      '#o = :o',
      { ':o': pk },
      {
        IndexName: 'byOwner',
        ExpressionAttributeNames: { '#o': 'owner' },
      },
    );
    expect(Items!.map(({ at }) => Number(at!.N))).toEqual([0, 1, 2, ...Array.from({ length: 20 }, (_, i) => i + 5)]);
    await invalid(write(puts(26)));
    await invalid(write([puts(1)[0]!, puts(1)[0]!]));
    await invalid(write([{ PutRequest: { Item: { pk } } }]));
    await invalid(write([{ PutRequest: { Item: { pk, sk: S('') } } }]));
    await invalid(write([]));
  },

  async 'a batch reads up to 100 items of several tables, with a projection'(db) {
    const [table, other] = [await db.table(), await db.newTable({})];
    const { pk } = keyOf(db);
    await db.put(table, { pk, sk: S('1'), a: N(1), b: N(2) });
    await db.put(table, { pk, sk: S('2'), b: N(2) });
    await db.put(other, { pk, sk: S('1') });
    const keys = (count: number) => Array.from({ length: count }, (_, i) => ({ pk, sk: S(`${i}`) }));
    const read = (count: number) =>
      db.client.send(
        new BatchGetItemCommand({
          RequestItems: {
            [table]: { Keys: keys(count), ProjectionExpression: 'sk, a', ConsistentRead: true },
            [other]: { Keys: [{ pk, sk: S('1') }] },
          },
        }),
      );
    const { Responses, UnprocessedKeys } = await read(99);
    expect(Responses![table]).toEqual(expect.arrayContaining([{ sk: S('1'), a: N(1) }, { sk: S('2') }]));
    expect(Responses![table]).toHaveLength(2);
    expect(Responses![other]).toEqual([{ pk, sk: S('1') }]);
    expect(UnprocessedKeys).toEqual({});
    await invalid(read(100));
    const twice = { [table]: { Keys: [...keys(1), ...keys(1)] } };
    await invalid(db.client.send(new BatchGetItemCommand({ RequestItems: twice })));
  },

  async 'a batch reads 16 MB and leaves the rest to be asked for again'(db) {
    const table = await db.newTable({});
    const pk = S('p');
    const body = S('x'.repeat(399 * KIB));
    await Promise.all(Array.from({ length: 50 }, (_, i) => db.put(table, { pk, sk: S(`${i}`), body })));
    let keys: Item[] = Array.from({ length: 50 }, (_, i) => ({ pk, sk: S(`${i}`) }));
    const read = new Set<string>();
    for (let rounds = 0; keys.length > 0; rounds++) {
      const RequestItems = { [table]: { Keys: keys, ConsistentRead: true } };
      const { Responses, UnprocessedKeys } = await db.client.send(new BatchGetItemCommand({ RequestItems }));
      const items = Responses![table]!;
      expect(items.length).toBeLessThanOrEqual(42);
      expect(rounds).toBeLessThan(3);
      for (const { sk } of items) read.add(sk!.S!);
      const left = UnprocessedKeys![table];
      expect(left === undefined || left.ConsistentRead === true).toBe(true);
      keys = left?.Keys ?? [];
    }
    expect(read.size).toBe(50);
  },

  async 'a read can name what it wants of an item'(db) {
    const table = await db.table();
    const key = keyOf(db);
    await db.put(table, { ...key, m: M({ a: N(1), b: L(S('x'), M({ c: N(2), d: N(3) })) }), dot: M({ 'a.b': N(4) }) });
    const read = (ProjectionExpression: string, ExpressionAttributeNames?: Record<string, string>) =>
      db.get(table, key, { ProjectionExpression, ExpressionAttributeNames });
    expect(await read('m.a, sk')).toEqual({ sk: key.sk, m: M({ a: N(1) }) });
    expect(await read('m.b[1].c, m.b[0], absent, m.absent, m.b[7]')).toEqual({
      m: M({ b: L(S('x'), M({ c: N(2) })) }),
    });
    expect(await read('dot.#ab', { '#ab': 'a.b' })).toEqual({ dot: M({ 'a.b': N(4) }) });
    expect(await read('absent')).toEqual({});
    await invalid(read('m.a, m'));
    await invalid(read('sk.x'));
    await invalid(read('#x'));
  },
};

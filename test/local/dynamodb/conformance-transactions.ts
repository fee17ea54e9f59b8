import {
  TransactGetItemsCommand,
  type TransactionCanceledException,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import type { Cases } from './dynamodb-conformance';
import { type Item, invalid, N, type Probe, refusal, S } from './probe';

const KIB = 1024;

/** Expects a transaction to be cancelled and returns the reasons. */
async function reasons(promise: Promise<unknown>) {
  const error = await refusal<TransactionCanceledException>(promise);
  expect(error.name).toBe('TransactionCanceledException');
  return error.CancellationReasons!;
}

/** Puts of items with these sort keys. */
function puts(TableName: string, pk: Item[string], count: number, more: Item = {}): TransactWriteItem[] {
  return Array.from({ length: count }, (_, i) => ({ Put: { TableName, Item: { pk, sk: S(`${i}`), ...more } } }));
}

async function setUp(db: Probe) {
  const TableName = await db.table();
  const pk = S(db.name());
  return { TableName, pk, key: (sk: string) => ({ pk, sk: S(sk) }) };
}

export const TRANSACTION_CASES: Cases = {
  async 'a transaction puts, updates, deletes and checks'(db) {
    const { TableName, key } = await setUp(db);
    const values = { ':one': N(1) };
    await db.put(TableName, { ...key('update'), n: N(1) });
    await db.put(TableName, key('delete'));
    await db.put(TableName, { ...key('check'), n: N(1) });
    const check = { ConditionExpression: 'n = :one', ExpressionAttributeValues: values };
    await db.transact([
      { Put: { TableName, Item: key('put'), ConditionExpression: 'attribute_not_exists(pk)' } },
      { Update: { TableName, Key: key('update'), UpdateExpression: 'ADD n :one', ExpressionAttributeValues: values } },
      { Delete: { TableName, Key: key('delete') } },
      { ConditionCheck: { TableName, Key: key('check'), ...check } },
    ]);
    expect(await db.get(TableName, key('put'))).toEqual(key('put'));
    expect(await db.get(TableName, key('update'))).toMatchObject({ n: N(2) });
    expect(await db.get(TableName, key('delete'))).toBeUndefined();
    expect(await db.get(TableName, key('check'))).toMatchObject({ n: N(1) });
  },

  async 'a cancelled transaction changes nothing and gives every reason in order'(db) {
    const { TableName, key, pk } = await setUp(db);
    await db.put(TableName, { ...key('there'), n: N(7) });
    const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
    const shown = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
    const given = await reasons(
      db.transact([
        { Put: { TableName, Item: { ...key('new'), owner: pk, at: N(1) } } },
        { Put: { TableName, Item: key('there'), ...absent, ...shown } },
        { Delete: { TableName, Key: key('other') } },
        { ConditionCheck: { TableName, Key: key('missing'), ConditionExpression: 'attribute_exists(pk)', ...shown } },
        { Update: { TableName, Key: { pk, sk: S('there ') }, UpdateExpression: 'REMOVE a', ...absent } },
      ]),
    );
    expect(given.map(({ Code }) => Code)).toEqual([
      'None',
      'ConditionalCheckFailed',
      'None',
      'ConditionalCheckFailed',
      'None',
    ]);
    expect(given[1]).toMatchObject({ Item: { ...key('there'), n: N(7) }, Message: 'The conditional request failed' });
    expect(given[3]!.Item).toBeUndefined();
    const quiet = await reasons(db.transact([{ Put: { TableName, Item: key('there'), ...absent } }]));
    expect(quiet[0]!.Item).toBeUndefined();
    expect(await db.get(TableName, key('new'))).toBeUndefined();
    const index = { IndexName: 'byOwner', ExpressionAttributeNames: { '#o': 'owner' } };
    expect((await db.query(TableName, '#o = :o', { ':o': pk }, index)).Count).toBe(0);
  },

  async 'a value that does not suit an index, or a key that is updated, is a reason too'(db) {
    const { TableName, key } = await setUp(db);
    const Code = 'ValidationError';
    expect(await reasons(db.transact([{ Put: { TableName, Item: { ...key('a'), rank: S('1') } } }]))).toMatchObject([
      { Code },
    ]);
    const Update = {
      TableName,
      Key: key('a'),
      UpdateExpression: 'SET pk = :v',
      ExpressionAttributeValues: { ':v': S('v') },
    };
    expect(await reasons(db.transact([{ Update }]))).toMatchObject([
      { Code, Message: expect.stringMatching(/part of the key/) },
    ]);
  },

  async 'an update that does not suit its item is a reason, after all others are known'(db) {
    const { TableName, key } = await setUp(db);
    const Update = {
      TableName,
      Key: key('a'),
      UpdateExpression: 'SET a = absent + :v',
      ExpressionAttributeValues: { ':v': N(1) },
    };
    const check = { TableName, Key: key('b'), ConditionExpression: 'attribute_exists(pk)' };
    const given = await reasons(db.transact([{ Update }, { ConditionCheck: check }]));
    expect(given).toMatchObject([{ Code: 'ValidationError' }, { Code: 'ConditionalCheckFailed' }]);
  },

  async 'a transaction has at most 100 items, each once, and 4 MB'(db) {
    const { TableName, pk, key } = await setUp(db);
    await db.transact(puts(TableName, pk, 100));
    expect(await db.get(TableName, key('99'))).toBeDefined();
    await invalid(db.transact(puts(TableName, pk, 101)));
    await invalid(db.transact([]));
    const twice = [{ Put: { TableName, Item: key('0') } }, { Delete: { TableName, Key: key('0') } }];
    expect(await invalid(db.transact(twice))).toMatch(/multiple operations on one item/);
    const body = { body: S('x'.repeat(399 * KIB)) };
    await db.transact(puts(TableName, pk, 10, body));
    await invalid(db.transact(puts(TableName, pk, 11, body)));
    expect(await db.get(TableName, key('10'))).not.toHaveProperty('body');
  },

  async 'an element of a transaction is one thing, and can be read'(db) {
    const { TableName, key } = await setUp(db);
    await invalid(db.transact([{ Put: { TableName, Item: key('a') }, Delete: { TableName, Key: key('b') } }]));
    await invalid(db.transact([{}]));
    const UpdateExpression = 'SET status = :v';
    const values = { ':v': N(1) };
    const Update = { TableName, Key: key('a'), UpdateExpression, ExpressionAttributeValues: values };
    expect(await invalid(db.transact([{ Update }]))).toMatch(/reserved keyword/);
    const check = { TableName, Key: key('a'), ConditionExpression: undefined as unknown as string };
    await invalid(db.transact([{ ConditionCheck: check }]));
  },

  async 'a client token does a transaction once, and only the same one'(db) {
    const { TableName, key } = await setUp(db);
    const add = (n: number): TransactWriteItem[] => [
      {
        Update: {
          TableName,
          Key: key('n'),
          UpdateExpression: 'ADD n :n',
          ExpressionAttributeValues: { ':n': N(n) },
        },
      },
    ];
    const ClientRequestToken = db.name();
    await db.transact(add(1), { ClientRequestToken });
    await db.transact(add(1), { ClientRequestToken });
    expect(await db.get(TableName, key('n'))).toMatchObject({ n: N(1) });
    expect(await refusal(db.transact(add(2), { ClientRequestToken }))).toMatchObject({
      name: 'IdempotentParameterMismatchException',
    });
    await db.transact(add(1));
    expect(await db.get(TableName, key('n'))).toMatchObject({ n: N(2) });
    await invalid(db.transact(add(1), { ClientRequestToken: 'x'.repeat(37) }));
  },

  async 'a client token of a cancelled transaction is free'(db) {
    const { TableName, key } = await setUp(db);
    const ClientRequestToken = db.name();
    const items = [
      { ConditionCheck: { TableName, Key: key('a'), ConditionExpression: 'attribute_exists(pk)' } },
      { Put: { TableName, Item: key('b') } },
    ];
    await reasons(db.transact(items, { ClientRequestToken }));
    await db.put(TableName, key('a'));
    await db.transact(items, { ClientRequestToken });
    expect(await db.get(TableName, key('b'))).toBeDefined();
  },

  async 'items are read as one, in order, and missing ones are empty'(db) {
    const { TableName, pk, key } = await setUp(db);
    await db.put(TableName, { ...key('a'), n: N(1), m: N(2) });
    const read = (count: number) =>
      db.client.send(
        new TransactGetItemsCommand({
          TransactItems: [
            { Get: { TableName, Key: key('missing') } },
            { Get: { TableName, Key: key('a'), ProjectionExpression: 'n' } },
            ...Array.from({ length: count }, (_, i) => ({ Get: { TableName, Key: { pk, sk: S(`${i}`) } } })),
          ],
        }),
      );
    expect((await read(0)).Responses).toEqual([{}, { Item: { n: N(1) } }]);
    expect((await read(98)).Responses).toHaveLength(100);
    await invalid(read(99));
    const twice = { TransactItems: [{ Get: { TableName, Key: key('a') } }, { Get: { TableName, Key: key('a') } }] };
    await invalid(db.client.send(new TransactGetItemsCommand(twice)));
  },

  async 'transfers between accounts keep the sum, and no reader sees half of one'(db) {
    const { TableName, key } = await setUp(db);
    const accounts = ['0', '1', '2', '3'];
    for (const account of accounts) await db.put(TableName, { ...key(account), balance: N(25) });
    const move = (account: string, amount: number, floor: number): TransactWriteItem => ({
      Update: {
        TableName,
        Key: key(account),
        UpdateExpression: 'ADD balance :amount',
        ConditionExpression: 'balance >= :floor',
        ExpressionAttributeValues: { ':amount': N(amount), ':floor': N(floor) },
      },
    });
    const balances = async () => {
      const TransactItems = accounts.map((account) => ({ Get: { TableName, Key: key(account) } }));
      const { Responses } = await db.client.send(new TransactGetItemsCommand({ TransactItems }));
      return Responses!.map(({ Item }) => Number(Item!.balance!.N));
    };
    const conflict = ({ name }: Error) => {
      expect(name).toMatch(/^TransactionCanceledException$/);
    };
    const transfers = Array.from({ length: 120 }, async (_, i) => {
      const [from, to] = [accounts[i % 4]!, accounts[(i + 1 + (i % 3)) % 4]!];
      const amount = (i * 7) % 11;
      await db.transact([move(from, -amount, amount), move(to, amount, 0)]).catch(conflict);
    });
    const readers = Array.from({ length: 20 }, async () => {
      const seen = await balances().catch(conflict);
      if (seen) expect(seen.reduce((sum, balance) => sum + balance)).toBe(100);
    });
    await Promise.all([...transfers, ...readers]);
    const end = await balances();
    expect(end.reduce((sum, balance) => sum + balance)).toBe(100);
    expect(Math.min(...end)).toBeGreaterThanOrEqual(0);
  },
};

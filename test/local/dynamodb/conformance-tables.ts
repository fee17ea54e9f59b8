import {
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ListTablesCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import type { Cases } from './dynamodb-conformance';
import { definitions, invalid, keySchema, N, type Probe, refusal, S } from './probe';

function waiting({ client }: Probe) {
  return { client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };
}

function index(IndexName: string, ...keys: string[]) {
  return { IndexName, KeySchema: keySchema(...keys), Projection: { ProjectionType: 'ALL' as const } };
}

/** Waits until every index of a table can be used. */
async function indexesActive(db: Probe, TableName: string): Promise<void> {
  for (;;) {
    const { Table } = await db.client.send(new DescribeTableCommand({ TableName }));
    if ((Table!.GlobalSecondaryIndexes ?? []).every(({ IndexStatus }) => IndexStatus === 'ACTIVE')) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Adds an index by a string attribute and waits until it can be used. */
async function addIndex(db: Probe, TableName: string, attribute: string): Promise<void> {
  const AttributeDefinitions = definitions({ pk: 'S', sk: 'S', [attribute]: 'S' });
  const GlobalSecondaryIndexUpdates = [{ Create: index(`by-${attribute}`, attribute) }];
  await db.client.send(new UpdateTableCommand({ TableName, AttributeDefinitions, GlobalSecondaryIndexUpdates }));
  await indexesActive(db, TableName);
}

/** The sort keys that such an index has for a value. */
async function sortKeys(db: Probe, TableName: string, attribute: string, value: string) {
  const rest = { IndexName: `by-${attribute}`, ExpressionAttributeNames: { '#a': attribute } };
  const { Items } = await db.query(TableName, '#a = :v', { ':v': S(value) }, rest);
  return Items!.map(({ sk }) => sk!.S).sort();
}

export const TABLE_CASES: Cases = {
  async 'a table is described as it was created'(db) {
    const TableName = await db.newTable();
    await waitUntilTableExists(waiting(db), { TableName });
    const { Table } = await db.client.send(new DescribeTableCommand({ TableName }));
    expect(Table).toMatchObject({
      TableName,
      TableStatus: 'ACTIVE',
      KeySchema: keySchema('pk', 'sk'),
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      CreationDateTime: expect.any(Date),
      TableArn: expect.stringMatching(new RegExp(`^arn:aws:dynamodb:[^:]+:\\d+:table/${TableName}$`)),
    });
    const byName = (a: { IndexName?: string }, b: { IndexName?: string }) => (a.IndexName! < b.IndexName! ? -1 : 1);
    expect(Table!.GlobalSecondaryIndexes!.sort(byName)).toMatchObject([
      { IndexName: 'byKind', IndexStatus: 'ACTIVE', Projection: { NonKeyAttributes: ['title'] } },
      { IndexName: 'byOwner', IndexArn: `${Table!.TableArn}/index/byOwner`, KeySchema: keySchema('owner', 'at') },
    ]);
    expect(Table!.LocalSecondaryIndexes).toMatchObject([
      { IndexName: 'byRank', KeySchema: keySchema('pk', 'rank'), Projection: { ProjectionType: 'KEYS_ONLY' } },
    ]);
  },

  async 'tables are listed in pages'(db) {
    const created = [await db.newTable(), await db.newTable(), await db.newTable()];
    const names: string[] = [];
    let ExclusiveStartTableName: string | undefined;
    do {
      const page = await db.client.send(new ListTablesCommand({ Limit: 2, ExclusiveStartTableName }));
      expect(page.TableNames!.length).toBeLessThanOrEqual(2);
      names.push(...page.TableNames!);
      ExclusiveStartTableName = page.LastEvaluatedTableName;
    } while (ExclusiveStartTableName !== undefined);
    expect(names).toEqual(expect.arrayContaining(created));
    expect(new Set(names).size).toBe(names.length);
  },

  async 'a table that is there cannot be created, one that is not cannot be used'(db) {
    const TableName = await db.newTable();
    const again = { TableName, BillingMode: 'PAY_PER_REQUEST' } as const;
    expect(await refusal(db.newTable({ ...again }))).toMatchObject({ name: 'ResourceInUseException' });
    const requests = [
      () => db.get('absent-table', { pk: S('a') }),
      () => db.put('absent-table', { pk: S('a') }),
      () => db.query('absent-table', 'pk = :p', { ':p': S('a') }),
      () => db.scan('absent-table'),
      () => db.transact([{ Put: { TableName: 'absent-table', Item: { pk: S('a') } } }]),
      () => db.client.send(new DescribeTableCommand({ TableName: 'absent-table' })),
      () => db.client.send(new DeleteTableCommand({ TableName: 'absent-table' })),
    ];
    for (const request of requests)
      expect(await refusal(request())).toMatchObject({ name: 'ResourceNotFoundException' });
  },

  async 'definitions that do not fit together are refused'(db) {
    await invalid(db.newTable({ KeySchema: keySchema('pk', 'other') }));
    await invalid(db.newTable({ GlobalSecondaryIndexes: [index('byOther', 'other')] }));
    await invalid(db.newTable({ LocalSecondaryIndexes: [index('byOther', 'sk', 'pk')] }));
    await invalid(db.newTable({ AttributeDefinitions: definitions({ pk: 'S', sk: 'S', idle: 'S' }) }));
    const idle = definitions({ pk: 'S', sk: 'S', owner: 'S', idle: 'S' });
    await invalid(db.newTable({ AttributeDefinitions: idle, GlobalSecondaryIndexes: [index('byOwner', 'owner')] }));
    await invalid(db.newTable({ GlobalSecondaryIndexes: [index('twice', 'sk'), index('twice', 'pk')] }));
  },

  async 'a deleted table takes its items and index entries with it'(db) {
    const definition = {
      AttributeDefinitions: definitions({ pk: 'S', owner: 'S' }),
      KeySchema: keySchema('pk'),
      GlobalSecondaryIndexes: [index('byOwner', 'owner')],
    };
    const TableName = await db.newTable(definition);
    await db.put(TableName, { pk: S('a'), owner: S('o') });
    await db.client.send(new DeleteTableCommand({ TableName }));
    await waitUntilTableNotExists(waiting(db), { TableName });
    await db.newTable({ TableName, ...definition });
    await waitUntilTableExists(waiting(db), { TableName });
    expect(await db.get(TableName, { pk: S('a') })).toBeUndefined();
    expect((await db.scan(TableName, { IndexName: 'byOwner' })).Count).toBe(0);
  },

  async 'an index that is added holds the items from before and after, one that is deleted is gone'(db) {
    const TableName = await db.newTable({});
    await db.put(TableName, { pk: S('p'), sk: S('1'), state: S('open') });
    await db.put(TableName, { pk: S('p'), sk: S('2') });
    await addIndex(db, TableName, 'state');
    expect(await sortKeys(db, TableName, 'state', 'open')).toEqual(['1']);
    await db.put(TableName, { pk: S('p'), sk: S('2'), state: S('open') });
    await db.put(TableName, { pk: S('p'), sk: S('3'), state: S('open') });
    await db.delete(TableName, { pk: S('p'), sk: S('1') });
    expect(await sortKeys(db, TableName, 'state', 'open')).toEqual(['2', '3']);
    const GlobalSecondaryIndexUpdates = [{ Delete: { IndexName: 'by-state' } }];
    await db.client.send(new UpdateTableCommand({ TableName, GlobalSecondaryIndexUpdates }));
    await indexesActive(db, TableName);
    const { Table } = await db.client.send(new DescribeTableCommand({ TableName }));
    expect(Table!.GlobalSecondaryIndexes ?? []).toEqual([]);
    await invalid(sortKeys(db, TableName, 'state', 'open'));
    await db.put(TableName, { pk: S('p'), sk: S('3'), state: N(1) });
  },

  async 'an added index cannot give another type to a key that is there'(db) {
    const TableName = await db.newTable({});
    await db.put(TableName, { pk: S('p'), sk: S('1') });
    const AttributeDefinitions = definitions({ pk: 'N', sk: 'S', state: 'S' });
    const GlobalSecondaryIndexUpdates = [{ Create: index('by-state', 'state') }];
    const update = { TableName, AttributeDefinitions, GlobalSecondaryIndexUpdates };
    await db.client.send(new UpdateTableCommand(update)).catch(({ name }) => expect(name).toBe('ValidationException'));
    expect(await db.get(TableName, { pk: S('p'), sk: S('1') })).toBeDefined();
  },

  async 'an index that is added leaves out items whose value can be no key, until they are written again'(db) {
    const TableName = await db.newTable({});
    await db.put(TableName, { pk: S('p'), sk: S('1'), state: N(1) });
    await db.put(TableName, { pk: S('p'), sk: S('2'), state: S('') });
    await addIndex(db, TableName, 'state');
    expect((await db.scan(TableName, { IndexName: 'by-state' })).Items).toEqual([]);
    await invalid(db.update(TableName, { pk: S('p'), sk: S('1') }, 'SET a = :a', { ':a': N(1) }));
    await db.put(TableName, { pk: S('p'), sk: S('1'), state: S('open') });
    await db.delete(TableName, { pk: S('p'), sk: S('2') });
    expect(await sortKeys(db, TableName, 'state', 'open')).toEqual(['1']);
  },

  async 'expiry is set up, described and taken back'(db) {
    const TableName = await db.newTable({});
    const set = (AttributeName: string, Enabled: boolean) =>
      db.client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { AttributeName, Enabled } }));
    const described = async () =>
      (await db.client.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription!;
    expect(await described()).toEqual({ TimeToLiveStatus: 'DISABLED' });
    expect(await invalid(set('ttl', false))).toMatch(/already disabled/);
    await set('ttl', true);
    expect(await described()).toMatchObject({
      TimeToLiveStatus: expect.stringMatching(/^ENABL/),
      AttributeName: 'ttl',
    });
    expect(await invalid(set('ttl', true))).toMatch(/already enabled/);
    await invalid(set('other', true));
  },
};

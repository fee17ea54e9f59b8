import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ScanCommand,
  TransactGetItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { type Answer, type AwsCall, errorAnswer, type Interceptor } from '../../../local/aws-call';
import { DynamoDbServer } from '../../../local/dynamodb/dynamodb-server';
import { definitions, type Item, invalid, keySchema, N, type Probe, refusal, S, startingServers } from './probe';

const ARN = 'arn:aws:dynamodb:us-east-1:000000000000:table/';
const PAY = { BillingMode: 'PAY_PER_REQUEST' as const };

/** A table with a partition key and these indexes, each by an attribute of its name. */
function tableInput(TableName: string, ...indexes: string[]) {
  return {
    TableName,
    ...PAY,
    AttributeDefinitions: definitions(Object.fromEntries(['pk', ...indexes].map((name) => [name, 'S'] as const))),
    KeySchema: keySchema('pk'),
    ...(indexes.length > 0
      ? {
          GlobalSecondaryIndexes: indexes.map((name) => ({
            IndexName: name.padEnd(3, '-'),
            KeySchema: keySchema(name),
            Projection: { ProjectionType: 'ALL' as const },
          })),
        }
      : {}),
  };
}

const start = startingServers();

describe('an interceptor', () => {
  let intercept: Interceptor;
  let calls: AwsCall[];
  let db: Probe;
  let table: string;

  beforeEach(async () => {
    calls = [];
    intercept = (call, execute) => {
      calls.push(call);
      return execute();
    };
    ({ db } = await start({ intercept: (call, execute) => intercept(call, execute) }));
    table = await db.table();
    calls = [];
  });

  test('sees who does what to which tables and indexes', async () => {
    const key = { pk: S('a'), sk: S('s') };
    const other = await db.newTable({});
    await db.put(table, key);
    await db.query(table, 'kind = :k', { ':k': S('k') }, { IndexName: 'byKind' });
    await db.transact([{ Put: { TableName: table, Item: key } }, { Delete: { TableName: other, Key: key } }]);
    await db.client.send(new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName: table, Key: key } }] }));
    await db.client.send(
      new BatchGetItemCommand({ RequestItems: { [other]: { Keys: [key] }, [table]: { Keys: [key] } } }),
    );
    expect(calls.map(({ operation, resources }) => [operation, ...resources])).toEqual([
      ['CreateTable', ARN + other],
      ['PutItem', ARN + table],
      ['Query', `${ARN + table}/index/byKind`],
      ['TransactWriteItems', ARN + table, ARN + other],
      ['TransactGetItems', ARN + table],
      ['BatchGetItem', ARN + other, ARN + table],
    ]);
    expect(calls[1]).toMatchObject({
      service: 'dynamodb',
      accessKeyId: 'probe',
      input: { TableName: table, Item: key },
    });
  });

  test('may answer by itself', async () => {
    intercept = async () => errorAnswer(400, 'ThrottlingException', 'Slow down');
    expect(await refusal(db.put(table, { pk: S('a'), sk: S('s') }))).toMatchObject({ name: 'ThrottlingException' });
    intercept = (_call, execute) => execute();
    expect(await db.get(table, { pk: S('a'), sk: S('s') })).toBeUndefined();
  });

  test('may lose the answer of what was done', async () => {
    intercept = async (_call, execute) => {
      await execute();
      return 'dropped';
    };
    await refusal(db.put(table, { pk: S('a'), sk: S('s') }));
    intercept = (_call, execute) => execute();
    expect(await db.get(table, { pk: S('a'), sk: S('s') })).toBeDefined();
  });

  test('may do it twice', async () => {
    intercept = async (_call, execute) => {
      await execute();
      return execute();
    };
    const key = { pk: S('a'), sk: S('s') };
    await db.update(table, key, 'SET n = if_not_exists(n, :zero) + :one', { ':zero': N(0), ':one': N('1.0') });
    intercept = (_call, execute) => execute();
    expect(await db.get(table, key)).toMatchObject({ n: N(2) });
  });

  test('learns the units of every answer, of refusals too', async () => {
    let answer: Answer | undefined;
    intercept = async (_call, execute) => {
      answer = await execute();
      return answer;
    };
    const units = () => {
      if (answer === undefined || answer === 'dropped') throw new Error('no answer');
      const { 'x-consumed-read-units': read, 'x-consumed-write-units': write } = answer.headers;
      return [Number(read), Number(write)];
    };
    const key = { pk: S('a'), sk: S('s') };
    const body = (kilobytes: number) => S('x'.repeat(1024 * kilobytes - 100));
    const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
    await db.put(table, { ...key, kind: S('k'), title: S('t'), body: body(3) });
    expect(units()).toEqual([0, 4]);
    await db.get(table, key, { ConsistentRead: false });
    expect(units()).toEqual([0.5, 0]);
    // A write that is not done is charged for the larger of the item that is and the one that would be.
    await refusal(db.put(table, { ...key, kind: S('l') }, absent));
    expect(units()).toEqual([0, 3]);
    await refusal(db.put(table, { ...key, body: body(5) }, absent));
    expect(units()).toEqual([0, 5]);
    await refusal(db.update(table, key, 'SET more = :m', { ':m': body(2) }, absent));
    expect(units()).toEqual([0, 5]);
    await refusal(db.update(table, key, 'SET body = absent', undefined, absent));
    expect(units()).toEqual([0, 3]);
    await refusal(db.delete(table, { ...key, sk: S('t') }, { ConditionExpression: 'attribute_exists(pk)' }));
    expect(units()).toEqual([0, 1]);
    await refusal(
      db.transact([
        { Put: { TableName: table, Item: { ...key, sk: S('t'), kind: S('k') } } },
        { ConditionCheck: { TableName: table, Key: key, ...absent } },
      ]),
    );
    expect(units()).toEqual([0, 8]);
    await invalid(db.put(table, { pk: S('a') }));
    expect(units()).toEqual([0, 0]);
  });
});

describe('tables that a template describes', () => {
  let server: DynamoDbServer;
  let db: Probe;

  beforeEach(async () => {
    ({ server, db } = await start());
  });

  const scan = async (IndexName?: string) =>
    (await db.client.send(new ScanCommand({ TableName: 'things', IndexName }))).Items!.map(({ pk }) => pk!.S);

  test('are created once, and get and lose indexes with their entries', async () => {
    await server.createTable(tableInput('things', 'one'));
    await db.put('things', { pk: S('a'), one: S('1'), two: S('2') });
    await server.createTable(tableInput('things', 'one'));
    expect(await scan('one')).toEqual(['a']);
    await server.createTable(tableInput('things', 'two', 'one'));
    expect(await scan('two')).toEqual(['a']);
    await server.createTable(tableInput('things', 'two'));
    await invalid(scan('one'));
    expect(await scan()).toEqual(['a']);
    await db.delete('things', { pk: S('a') });
    await server.createTable(tableInput('things', 'two', 'one'));
    expect(await scan('one')).toEqual([]);
    expect(await scan('two')).toEqual([]);
  });

  test('fill an index anew whose key or projection is another', async () => {
    const input = tableInput('things', 'one');
    await server.createTable(input);
    await db.put('things', { pk: S('a'), one: S('1') });
    await db.put('things', { pk: S('b'), two: S('2') });
    const byTwo = { ...input.GlobalSecondaryIndexes![0]!, KeySchema: keySchema('two') };
    const AttributeDefinitions = definitions({ pk: 'S', two: 'S' });
    await server.createTable({ ...input, AttributeDefinitions, GlobalSecondaryIndexes: [byTwo] });
    expect(await scan('one')).toEqual(['b']);
    await db.put('things', { pk: S('c'), one: N(1) });
    const numbers = { ...input, AttributeDefinitions: definitions({ pk: 'S', one: 'N' }) };
    await server.createTable(numbers);
    expect(await scan('one')).toEqual(['c']);
  });

  test('are refused when the one that is there has another key', async () => {
    await server.createTable(tableInput('things'));
    const other = { ...tableInput('things'), AttributeDefinitions: definitions({ pk: 'N' }) };
    await expect(server.createTable(other)).rejects.toThrow('Table things exists with another key');
    const renamed = { ...other, AttributeDefinitions: definitions({ id: 'S' }), KeySchema: keySchema('id') };
    await expect(server.createTable(renamed)).rejects.toThrow('Table things exists with another key');
  });
});

test('what is not emulated is refused by its name', async () => {
  const { db, endpoint } = await start();
  const table = await db.table();
  const key = { pk: S('a'), sk: S('s') };
  expect(await invalid(db.get(table, key, { AttributesToGet: ['pk'] }))).toMatch(/legacy parameter AttributesToGet/);
  expect(await invalid(db.put(table, key, { Expected: { pk: { Exists: false } } }))).toMatch(/parameter Expected/);
  const RequestItems = { [table]: { Keys: [key], AttributesToGet: ['pk'] } };
  expect(await invalid(db.client.send(new BatchGetItemCommand({ RequestItems })))).toMatch(/AttributesToGet/);
  const post = async (target: string, body: string) => {
    const response = await fetch(endpoint, { method: 'POST', headers: { 'x-amz-target': target }, body });
    return ((await response.json()) as { __type: string }).__type;
  };
  expect(await post('DynamoDB_20120810.CreateBackup', '{}')).toBe('UnknownOperationException');
  expect(await post('DynamoDB_20120810.constructor', '{}')).toBe('UnknownOperationException');
  expect(await post('DynamoDB_20120810.GetItem', '[]')).toBe('SerializationException');
  expect(await post('DynamoDB_20120810.GetItem', '{"TableName": 1}')).toBe('SerializationException');
});

test('a client token is forgotten after ten minutes of service time', async () => {
  const { db, clock } = await start();
  const table = await db.table();
  const key = { pk: S('a'), sk: S('s') };
  const Update = {
    TableName: table,
    Key: key,
    UpdateExpression: 'ADD n :n',
    ExpressionAttributeValues: { ':n': N(1) },
  };
  const add = () => db.transact([{ Update }], { ClientRequestToken: 'token' });
  const pass = (minutes: number) => clock.advanceTo(clock.now() + minutes * 60_000);
  await add();
  pass(9);
  await add();
  expect(await db.get(table, key)).toMatchObject({ n: N(1) });
  pass(1);
  await add();
  expect(await db.get(table, key)).toMatchObject({ n: N(2) });
});

describe('a directory', () => {
  const parent = mkdtempSync(join(tmpdir(), 'dynamodb-'));

  afterAll(() => rmSync(parent, { recursive: true }));

  test('keeps tables, items, indexes, expiry and client tokens', async () => {
    const key = { pk: S('a'), sk: S('s') };
    const item: Item = { ...key, owner: S('o'), at: N('-1.5'), body: { B: Buffer.from([0, 255]) } };
    const dir = join(parent, 'kept');
    const first = await start({ dir });
    const table = await first.db.table();
    await first.server.setTimeToLive(table, 'ttl');
    const put = [{ Put: { TableName: table, Item: item } }];
    await first.db.transact(put, { ClientRequestToken: 'token' });
    const describe = { TableName: table };
    const { Table: before } = await first.db.client.send(new DescribeTableCommand(describe));
    await first.stop();

    const { db } = await start({ dir });
    expect((await db.client.send(new DescribeTableCommand(describe))).Table).toEqual(before);
    const { TimeToLiveDescription } = await db.client.send(new DescribeTimeToLiveCommand(describe));
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
    const { body, ...rest } = (await db.get(table, key))!;
    expect(rest).toEqual({ ...key, owner: S('o'), at: N('-1.5') });
    expect([...body!.B!]).toEqual([0, 255]);
    const names = { IndexName: 'byOwner', ExpressionAttributeNames: { '#o': 'owner' } };
    expect((await db.query(table, '#o = :o', { ':o': S('o') }, names)).Count).toBe(1);
    await db.delete(table, key);
    await db.transact(put, { ClientRequestToken: 'token' });
    expect(await db.get(table, key)).toBeUndefined();
  });

  test('belongs to one server at a time', async () => {
    const dir = join(parent, 'locked');
    const first = await start({ dir });
    const second = new DynamoDbServer({ clock: first.clock, dir });
    await expect(second.listen()).rejects.toThrow();
    await second.close();
    await first.stop();
    await start({ dir });
  });
});

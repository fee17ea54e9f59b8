import type { AwsCall } from '../../local/aws-call';
import { ServiceClock } from '../../local/clock';
import { DynamoDbServer } from '../../local/dynamodb/dynamodb-server';
import { dropAction, Service, synthesize } from './fixtures/app';
import { closeAll, run } from './fixtures/run';

let clock: ServiceClock;
let elsewhere: DynamoDbServer;
/** What arrives at the DynamoDB that runs elsewhere. */
let arrived: AwsCall[];
let dynamoDbEndpoint: string;

beforeEach(async () => {
  clock = new ServiceClock();
  arrived = [];
  elsewhere = new DynamoDbServer({
    clock,
    intercept: (call, execute) => {
      arrived.push(call);
      return execute();
    },
  });
  dynamoDbEndpoint = `http://127.0.0.1:${await elsewhere.listen()}`;
});

afterEach(async () => {
  await closeAll();
  await elsewhere.close();
  clock.stop();
});

const assembly = (mutate: (service: Service) => void = () => undefined) =>
  synthesize((stack) => mutate(new Service(stack, 'One')));

test('a DynamoDB elsewhere has the tables, and answers the functions, all by one access key', async () => {
  const calls: AwsCall[] = [];
  const local = await run(assembly(), {
    dynamoDbEndpoint,
    intercept: (call, execute) => {
      calls.push(call);
      return execute();
    },
  });
  expect(await local.call('/put', 'a')).toMatchObject({ ok: true });
  expect(await local.call('/get', 'a')).toMatchObject({ Item: { pk: { S: 'a' } } });
  expect(await local.call('/transact', 'b')).toMatchObject({ ok: true });
  const operations = ['PutItem', 'GetItem', 'TransactWriteItems'];
  expect(arrived.map(({ operation }) => operation)).toEqual(['CreateTable', ...operations]);
  expect(new Set(arrived.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['local']));
  const { arn } = local.service.resources['Test/One/Table/Resource']!;
  expect(calls.map(({ operation, resources }) => [operation, resources])).toEqual(
    operations.map((name) => [name, [arn]]),
  );
  expect(calls.every(({ accessKeyId }) => accessKeyId.startsWith('OneApi'))).toBe(true);
});

test('its refusals arrive as they are, and calls are held to the roles before it', async () => {
  const local = await run(
    assembly(({ api }) => dropAction(api, 'dynamodb:PutItem')),
    { dynamoDbEndpoint },
  );
  expect(await local.call('/put', 'a')).toMatchObject({ ok: false, name: 'AccessDeniedException' });
  expect(arrived.map(({ operation }) => operation)).toEqual(['CreateTable']);
  expect(await local.call('/get', '')).toMatchObject({ ok: false, name: 'ValidationException' });
});

test('tables that it has already are used', async () => {
  const first = await run(assembly(), { dynamoDbEndpoint });
  await first.call('/put', 'kept');
  await first.service.close();
  const second = await run(assembly(), { dynamoDbEndpoint });
  expect(await second.call('/get', 'kept')).toHaveProperty('Item');
});

test('when it does not answer, a start stops and a call fails', async () => {
  const local = await run(assembly(), { dynamoDbEndpoint });
  await elsewhere.close();
  expect(await local.call('/get', 'a')).toMatchObject({
    ok: false,
    name: 'ServiceUnavailable',
    message: expect.stringContaining(`${dynamoDbEndpoint} did not answer`),
  });
  await expect(run(assembly(), { dynamoDbEndpoint })).rejects.toThrow(
    /^OneTable\w+ \(AWS::DynamoDB::Table, Test\/One\/Table\/Resource\) is refused: /,
  );
});

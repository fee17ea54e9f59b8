import { CfnResource, type Stack } from 'aws-cdk-lib';
import type { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type CfnFunction, CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { AssemblyError } from '../../local/assembly/template';
import { dropAction, Service, type ServiceOptions, synthesize } from './fixtures/app';
import { closeAll, type Run, run } from './fixtures/run';

afterEach(closeAll);

/** Local mode with one service, changed before it is synthesized. */
function start(mutate: (service: Service, stack: Stack) => void, options: ServiceOptions = {}): Promise<Run> {
  return run(synthesize((stack) => mutate(new Service(stack, 'One', options), stack)));
}

const asItIs = () => undefined;
const send = ({ call }: Run, MessageBody: string) => call('/send', JSON.stringify({ MessageBody }));
const bodies = ({ events }: Run) => events('consumed').map(({ body }) => body);

describe('takes effect', () => {
  test('another name of the construct', async () => {
    const local = await run(synthesize((stack) => new Service(stack, 'Orders')));
    expect(await send(local, 'hello')).toMatchObject({ ok: true });
    await local.until(() => bodies(local).length === 1);
    expect(Object.keys(local.service.queues())).toEqual(['Test/Orders/Redrive/Resource', 'Test/Orders/Queue/Resource']);
  });

  test('the service twice: each has its own table, queue, secrets and functions', async () => {
    const local = await run(
      synthesize((stack) => {
        new Service(stack, 'One', { batchSize: 1 });
        new Service(stack, 'Two', { batchSize: 1 });
      }),
    );
    const doors = Object.values(local.service.urls);
    expect(doors).toHaveLength(2);
    const at = async (door: number, path: string, body = '') =>
      (await fetch(`${doors[door]}${path}`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'text/plain' },
      }).then((response) => response.json())) as Record<string, unknown>;
    await at(1, '/send', JSON.stringify({ MessageBody: 'of Two' }));
    await local.until(() => bodies(local).length === 1);
    const line = local.lines.find(({ text }) => text.includes('of Two'))!;
    expect(line.path).toBe('Test/Two/Consume/Resource');
    await at(0, '/put', 'key');
    expect(await at(0, '/get', 'key')).toHaveProperty('Item');
    expect(await at(1, '/get', 'key')).not.toHaveProperty('Item');
    const secret = async (door: number) => (await at(door, '/secret')).ARN;
    expect(await secret(0)).not.toBe(await secret(1));
  });

  test('a visibility of 7 seconds', async () => {
    const local = await start(asItIs, { visibilitySeconds: 7, consumeTimeoutSeconds: 7 });
    await send(local, 'fail');
    await local.until(() => bodies(local).length === 1);
    await local.service.advance(3_600_000);
    const [first, second] = local.events('consumed') as unknown as {
      at: number;
      attributes: { ApproximateFirstReceiveTimestamp: string };
    }[];
    const hidden = second!.at - Number(first!.attributes.ApproximateFirstReceiveTimestamp);
    expect(hidden).toBeGreaterThanOrEqual(7000);
    // The usual visibility is 30 seconds.
    expect(hidden).toBeLessThan(25_000);
  });

  test('a function without its event source is not fed', async () => {
    const local = await start(asItIs, { withEventSource: false });
    await send(local, 'nobody');
    await local.service.advance(3_600_000);
    expect(bodies(local)).toEqual([]);
    expect(local.service.queues()['Test/One/Queue/Resource']).toMatchObject({ visible: 1 });
  });

  test.each([
    ['sqs:SendMessage', '/send', '{"MessageBody":"x"}'],
    ['dynamodb:PutItem', '/put', 'x'],
    ['dynamodb:PutItem', '/transact', 'x'],
    ['dynamodb:GetItem', '/get', 'x'],
    ['secretsmanager:GetSecretValue', '/secret', ''],
  ])('without the permission %s the call of %s is refused, and the log says so', async (action, path, body) => {
    const local = await start(({ api }) => dropAction(api, action));
    const named = new RegExp(
      `^User: arn:aws:sts::000000000000:assumed-role/Test-OneApiServiceRole\\w+/Test-OneApi\\w+ is not authorized to perform: ${action} on resource: arn:aws:\\S+ because no identity-based policy allows the ${action} action$`,
    );
    expect(await local.call(path, body)).toMatchObject({
      ok: false,
      name: 'AccessDeniedException',
      message: expect.stringMatching(named),
    });
    // The real minute may end meanwhile, which is a tick.
    expect(local.lines.filter(({ path: of }) => !of.startsWith('Test/One/Tick'))).toEqual([
      {
        logicalId: expect.stringMatching(/^OneApi/),
        path: 'Test/One/Api/Resource',
        text: expect.stringMatching(named),
      },
    ]);
  });

  test('a queue that denies its use to a role refuses it', async () => {
    const local = await start(({ queue, api }) =>
      queue.addToResourcePolicy(
        new PolicyStatement({
          effect: Effect.DENY,
          principals: [api.grantPrincipal],
          actions: ['sqs:SendMessage'],
          resources: [queue.queueArn],
        }),
      ),
    );
    expect(await send(local, 'x')).toMatchObject({
      ok: false,
      message: expect.stringContaining('with an explicit deny in a resource-based policy'),
    });
  });
});

/** Overrides a property of the resource of a construct. */
function override(construct: { node: { defaultChild?: unknown } }, property: string, value: unknown): void {
  (construct.node.defaultChild as CfnResource).addPropertyOverride(property, value);
}

describe('stops the start', () => {
  test.each<[string, (service: Service, stack: Stack) => void, ServiceOptions, RegExp]>([
    [
      'a variable that is missing',
      asItIs,
      { withRequiredVariable: false },
      /^One(Api|Consume|Tick|Fill)\w+ \(AWS::Lambda::Function, Test\/One\/\w+\/Resource\) does not start: Error: environment variable REQUIRED is missing\.$/,
    ],
    [
      'a function that may send to its own source without RecursiveLoop',
      ({ queue, consumer }) => {
        queue.grantSendMessages(consumer);
        (consumer.node.defaultChild as CfnFunction).recursiveLoop = undefined;
      },
      {},
      /^OneConsume\w+ \(AWS::Lambda::Function, Test\/One\/Consume\/Resource\) may send to its own source OneQueue\w+ without RecursiveLoop Allow: Lambda ends such a chain\.$/,
    ],
    [
      'a visibility shorter than the timeout',
      asItIs,
      { visibilitySeconds: 9, consumeTimeoutSeconds: 10 },
      /^OneConsumeSqsEventSource\w+ \(AWS::Lambda::EventSourceMapping, \S+\) is refused by Lambda: the visibility timeout of OneQueue\w+ \(9 s\) is shorter than the timeout of OneConsume\w+ \(10 s\)\.$/,
    ],
    [
      'a role that may not poll the queue',
      ({ consumer }) => dropAction(consumer, 'sqs:DeleteMessage'),
      {},
      /^OneConsumeSqsEventSource\w+ \S+ \S+ needs a role that allows sqs:DeleteMessage on arn:aws:sqs:us-east-1:000000000000:Test-OneQueue\w+\.$/,
    ],
    [
      'a schedule that may not invoke its function',
      (service) => dropAction(service, 'lambda:InvokeFunction'),
      {},
      /^OneSchedule\w+ \S+ \S+ needs a role that allows lambda:InvokeFunction on \S+$/,
    ],
    [
      'a door that may not invoke its function',
      (service) => {
        const permissions = service.node.findAll().filter((child) => child instanceof CfnPermission);
        for (const permission of permissions) permission.node.scope!.node.tryRemoveChild(permission.node.id);
      },
      {},
      /^OneHttpApi\w+ \S+ \S+ needs an AWS::Lambda::Permission for API Gateway to invoke OneApi\w+\.$/,
    ],
    [
      'a type that is not known',
      (_service, stack) => new CfnResource(stack, 'Bus', { type: 'AWS::Events::EventBus' }),
      {},
      /^Bus \(AWS::Events::EventBus, Test\/Bus\) is of a type that local mode does not know; /,
    ],
    [
      'a property of a table that is not imitated',
      ({ table }) => {
        (table.node.defaultChild as CfnTable).streamSpecification = { streamViewType: 'KEYS_ONLY' };
      },
      {},
      /^OneTable\w+ \(AWS::DynamoDB::Table, Test\/One\/Table\/Resource\) has the property StreamSpecification, which local mode does not imitate\.$/,
    ],
    [
      'a property of a function that is not imitated',
      ({ api }) => override(api, 'Layers', ['arn:aws:lambda:us-east-1:1:layer:x:1']),
      {},
      /^OneApi\w+ \S+ \S+ has the property Layers, which local mode does not imitate\.$/,
    ],
    [
      'a handler that is not exported',
      ({ api }) => override(api, 'Handler', 'index.gone'),
      {},
      /^OneApi\w+ \S+ \S+ does not start: Error: \S+index\.mjs exports no function gone\.$/,
    ],
    [
      'a queue setting out of range',
      ({ queue }) => override(queue, 'DelaySeconds', 901),
      {},
      /^OneQueue\w+ \(AWS::SQS::Queue, Test\/One\/Queue\/Resource\) is refused: .*DelaySeconds/,
    ],
    [
      'a table key that is not defined',
      ({ table }) => override(table, 'KeySchema.0.AttributeName', 'other'),
      {},
      /^OneTable\w+ \(AWS::DynamoDB::Table, Test\/One\/Table\/Resource\) is refused: /,
    ],
    [
      'a schedule that is none',
      asItIs,
      { schedule: 'rate(1 week)' },
      /^OneSchedule\w+ \S+ \S+ has the expression rate\(1 week\) in the time zone UTC, which is not understood\.$/,
    ],
  ])('%s', async (_what, mutate, options, message) => {
    const error = await start(mutate, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AssemblyError);
    expect((error as Error).message).toMatch(message);
  });
});

import { RESOURCE_TYPES } from '../../../local/assembly/resource-types';
import { Stack } from '../../../local/assembly/stack';
import { AssemblyError, type Dictionary, type Template, type TemplateResource } from '../../../local/assembly/template';
import { ENDPOINTS } from '../fixtures/template';

type Resources = Readonly<Record<string, TemplateResource>>;

function stackOf(Resources: Resources, scope?: string, rest: Template = {}): Stack {
  return new Stack({ stackName: 'Shop', template: { ...rest, Resources }, assets: {} }, ENDPOINTS, scope);
}

function at(constructPath: string, Type: string, Properties: Dictionary = {}): TemplateResource {
  return { Type, Properties, Metadata: { 'aws:cdk:path': constructPath } };
}

test('an unknown type stops, naming the resource and what to do', () => {
  expect(() => stackOf({ Bus: at('Shop/Bus', 'AWS::Events::EventBus') })).toThrow(
    new AssemblyError(
      'Bus (AWS::Events::EventBus, Shop/Bus) is of a type that local mode does not know; run only the part without it (--path Stack/Construct).',
    ),
  );
});

const strict = Object.entries(RESOURCE_TYPES).filter(([, { heeds }]) => heeds !== undefined);

test.each(strict)('a property of %s that is not imitated stops, naming it', (Type) => {
  expect(() => stackOf({ Thing: at('Shop/Thing', Type, { Surprise: true }) })).toThrow(
    new AssemblyError(`Thing (${Type}, Shop/Thing) has the property Surprise, which local mode does not imitate.`),
  );
});

test.each(strict)('every known property of %s is accepted', (Type, { heeds = [], ignores = [] }) => {
  const properties = Object.fromEntries([...heeds, ...ignores].map((name) => [name, 'x']));
  expect(stackOf({ Thing: at('Shop/Thing', Type, properties) }).all()).toHaveLength(1);
  expect(heeds.filter((name) => ignores.includes(name))).toEqual([]);
});

test.each(Object.entries(RESOURCE_TYPES))('%s says what local mode does with it', (type, entry) => {
  expect(entry.about).toMatch(/^\S.*\S$/);
  if (entry.support === 'emulated' && !/Custom/.test(type)) expect(entry.heeds).toBeDefined();
  if (entry.nameProperty !== undefined && entry.heeds !== undefined) expect(entry.heeds).toContain(entry.nameProperty);
});

test('resources outside the scope are left out, whatever their type', () => {
  const stack = stackOf(
    {
      Inside: at('Shop/QStash/Queue/Resource', 'AWS::SQS::Queue'),
      Beside: at('Shop/QStashToo/Queue/Resource', 'AWS::SQS::Queue'),
      Outside: at('Shop/Bus', 'AWS::Events::EventBus'),
    },
    'Shop/QStash',
  );
  expect(stack.all().map(({ logicalId }) => logicalId)).toEqual(['Inside']);
});

test('resources whose condition does not hold are left out', () => {
  const stack = stackOf(
    {
      Yes: { Type: 'AWS::SQS::Queue', Condition: 'Same' },
      No: { Type: 'AWS::Events::EventBus', Condition: 'Other' },
    },
    undefined,
    { Conditions: { Same: { 'Fn::Equals': ['a', 'a'] }, Other: { 'Fn::Not': [{ Condition: 'Same' }] } } },
  );
  expect(stack.all().map(({ logicalId }) => logicalId)).toEqual(['Yes']);
});

test('resources come by type in the order of the template, custom ones apart', () => {
  const stack = stackOf({
    B: { Type: 'AWS::SQS::Queue' },
    Made: { Type: 'Custom::Made' },
    Emptied: { Type: 'Custom::S3AutoDeleteObjects' },
    Role: { Type: 'AWS::IAM::Role' },
    A: { Type: 'AWS::SQS::Queue' },
    Plain: { Type: 'AWS::CloudFormation::CustomResource' },
  });
  expect(stack.ofType('AWS::SQS::Queue', 'AWS::IAM::Role').map(({ logicalId }) => logicalId)).toEqual([
    'B',
    'Role',
    'A',
  ]);
  expect(stack.customResources().map(({ logicalId }) => logicalId)).toEqual(['Made', 'Plain']);
});

const arn = (service: string, resource: string) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;

test.each<[string, Dictionary, string, Dictionary]>([
  ['AWS::DynamoDB::Table', { TableName: 'table' }, 'table', { Arn: arn('dynamodb', 'table/table') }],
  ['AWS::DynamoDB::GlobalTable', {}, 'Shop-Thing', { Arn: arn('dynamodb', 'table/Shop-Thing') }],
  [
    'AWS::SQS::Queue',
    {},
    'http://127.0.0.1:1/000000000000/Shop-Thing',
    {
      Arn: arn('sqs', 'Shop-Thing'),
      QueueName: 'Shop-Thing',
      QueueUrl: 'http://127.0.0.1:1/000000000000/Shop-Thing',
    },
  ],
  [
    'AWS::SQS::Queue',
    { FifoQueue: true },
    'http://127.0.0.1:1/000000000000/Shop-Thing.fifo',
    {
      Arn: arn('sqs', 'Shop-Thing.fifo'),
      QueueName: 'Shop-Thing.fifo',
      QueueUrl: 'http://127.0.0.1:1/000000000000/Shop-Thing.fifo',
    },
  ],
  ['AWS::S3::Bucket', {}, 'shop-thing', { Arn: 'arn:aws:s3:::shop-thing' }],
  ['AWS::S3::Bucket', { BucketName: 'named' }, 'named', { Arn: 'arn:aws:s3:::named' }],
  ['AWS::Lambda::Function', {}, 'Shop-Thing', { Arn: arn('lambda', 'function:Shop-Thing') }],
  ['AWS::Lambda::Url', {}, 'http://127.0.0.1:2/Thing/', { FunctionUrl: 'http://127.0.0.1:2/Thing/' }],
  ['AWS::ApiGatewayV2::Api', {}, 'Thing', { ApiId: 'Thing', ApiEndpoint: 'http://127.0.0.1:2/Thing' }],
  [
    'AWS::IAM::Role',
    { RoleName: { 'Fn::Join': ['-', ['my', 'role']] } },
    'my-role',
    { Arn: 'arn:aws:iam::000000000000:role/my-role', RoleId: 'AROAThing' },
  ],
  ['AWS::IAM::ManagedPolicy', {}, 'arn:aws:iam::000000000000:policy/Shop-Thing', {}],
  ['AWS::Logs::LogGroup', {}, 'Shop-Thing', { Arn: arn('logs', 'log-group:Shop-Thing:*') }],
  ['AWS::CloudWatch::Alarm', {}, 'Shop-Thing', { Arn: arn('cloudwatch', 'alarm:Shop-Thing') }],
  ['AWS::Scheduler::Schedule', {}, 'Shop-Thing', { Arn: arn('scheduler', 'schedule/default/Shop-Thing') }],
  ['AWS::Scheduler::ScheduleGroup', {}, 'Shop-Thing', { Arn: arn('scheduler', 'schedule-group/Shop-Thing') }],
  ['AWS::SNS::Topic', {}, arn('sns', 'Shop-Thing'), { TopicArn: arn('sns', 'Shop-Thing'), TopicName: 'Shop-Thing' }],
  ['AWS::KMS::Key', {}, 'Thing', { Arn: arn('kms', 'key/Thing'), KeyId: 'Thing' }],
  ['AWS::EC2::SecurityGroup', {}, 'sg-Thing', { GroupId: 'sg-Thing', VpcId: 'vpc-local' }],
  ['AWS::EC2::Subnet', {}, 'Shop-Thing', {}],
])('%s %j is referred to', (Type, properties, ref, attributes) => {
  const stack = stackOf({ Thing: at('Shop/Thing', Type, properties) });
  const [thing] = stack.all();
  expect(stack.ref(thing!)).toBe(ref);
  expect(stack.attributes(thing!)).toEqual(attributes);
  expect(stack.arn(thing!)).toBe(attributes.Arn ?? ref);
});

test('a secret has an ARN with a tail that outlives restarts', () => {
  const arnOf = () => {
    const stack = stackOf({ Secret: at('Shop/Secret', 'AWS::SecretsManager::Secret') });
    return stack.ref(stack.all()[0]!);
  };
  expect(arnOf()).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:Shop-Secret-[0-9a-f]{6}$/);
  expect(arnOf()).toBe(arnOf());
});

test('names that are made up keep within what AWS allows, are told apart and always the same', () => {
  const bucketOf = (id: string) => {
    const stack = stackOf({ [id]: at(id, 'AWS::S3::Bucket') });
    return stack.ref(stack.all()[0]!);
  };
  const nameOf = (id: string, FifoQueue = false) => {
    const stack = stackOf({ [id]: at(id, 'AWS::SQS::Queue', { FifoQueue }) });
    return String(stack.attributes(stack.all()[0]!).QueueName);
  };
  const long = 'L'.repeat(70);
  expect(nameOf(long)).toHaveLength(64);
  expect(nameOf(long, true)).toMatch(/^[\w-]{59}\.fifo$/);
  expect(bucketOf(long)).toMatch(/^shop-l{49}-[0-9a-f]{8}$/);
  expect(nameOf(long)).toBe(nameOf(long));
  expect(nameOf(long)).not.toBe(nameOf(`${long}2`));
});

test('references between resources resolve, also to those outside the scope', () => {
  const stack = stackOf(
    {
      Inside: at('Shop/QStash/Queue', 'AWS::SQS::Queue', { KmsMasterKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } }),
      Key: at('Shop/Key', 'AWS::KMS::Key'),
    },
    'Shop/QStash',
  );
  expect(stack.all()[0]!.text('KmsMasterKeyId')).toBe('arn:aws:kms:us-east-1:000000000000:key/Key');
});

test('a resource is found by its name, ARN or address, of the types asked for', () => {
  const stack = stackOf({
    Queue: at('Shop/Queue', 'AWS::SQS::Queue', { QueueName: 'orders' }),
    Lambda: at('Shop/Lambda', 'AWS::Lambda::Function', { FunctionName: 'orders' }),
  });
  for (const reference of [
    'orders',
    'arn:aws:sqs:us-east-1:000000000000:orders',
    'http://127.0.0.1:1/000000000000/orders',
  ]) {
    expect(stack.find(reference, 'AWS::SQS::Queue')?.logicalId).toBe('Queue');
  }
  expect(stack.find('orders', 'AWS::Lambda::Function')?.logicalId).toBe('Lambda');
  expect(stack.find('nothing', 'AWS::SQS::Queue')).toBeUndefined();
});

test('what a custom resource answered is what references to it give', () => {
  const stack = stackOf({
    Made: at('Shop/Made', 'Custom::Made'),
    Queue: at('Shop/Queue', 'AWS::SQS::Queue', {
      QueueName: { 'Fn::GetAtt': ['Made', 'Name'] },
      DelaySeconds: { Ref: 'Made' },
    }),
  });
  stack.setCustomValues('Made', { ref: '5', attributes: { Name: 'chosen' } });
  const [queue] = stack.ofType('AWS::SQS::Queue');
  expect(stack.attributes(queue!).QueueName).toBe('chosen');
  expect(queue!.number('DelaySeconds')).toBe(5);
});

test('properties are read by their kind, and what is of another kind stops with the name', () => {
  const properties = { Text: 5, Number: '7', List: ['a'], Object: { a: 1 }, Wrong: 'x' };
  const [thing] = stackOf({ Thing: at('Shop/Thing', 'AWS::SNS::Topic', properties) }).all();
  expect(thing!.text('Text')).toBe('5');
  expect(thing!.requiredText('Text')).toBe('5');
  expect(thing!.number('Number')).toBe(7);
  expect(thing!.list('List')).toEqual(['a']);
  expect(thing!.dictionary('Object')).toEqual({ a: 1 });
  expect(thing!.text('None')).toBeUndefined();
  expect(thing!.number('None')).toBeUndefined();
  expect(thing!.list('None')).toEqual([]);
  expect(thing!.dictionary('None')).toEqual({});
  const named = 'Thing (AWS::SNS::Topic, Shop/Thing)';
  expect(() => thing!.requiredText('None')).toThrow(new AssemblyError(`${named} has no None.`));
  expect(() => thing!.number('Wrong')).toThrow(new AssemblyError(`${named} has a Wrong that is no number: "x".`));
  expect(() => thing!.list('Wrong')).toThrow(new AssemblyError(`${named} has a Wrong that is no list.`));
  expect(() => thing!.dictionary('Wrong')).toThrow(new AssemblyError(`${named} has a Wrong that is no object.`));
});

test('a resource without a construct path goes by its logical id', () => {
  expect(() => stackOf({ Bus: { Type: 'AWS::Events::EventBus' } })).toThrow('Bus (AWS::Events::EventBus, Bus) is of');
});

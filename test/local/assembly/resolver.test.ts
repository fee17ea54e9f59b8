import { Resolver, type ResourceValues } from '../../../local/assembly/resolver';
import { AssemblyError, type Template } from '../../../local/assembly/template';

const VALUES: Readonly<Record<string, ResourceValues>> = {
  Queue: { ref: 'http://sqs/queue', attributes: { Arn: 'arn:aws:sqs:::queue', 'Nested.Name': 'deep', Count: 3 } },
  Bare: { ref: 'bare' },
};

function resolver(template: Template = {}): Resolver {
  return new Resolver({ stackName: 'Shop', template, assets: {} }, (id) => VALUES[id]);
}

/** Resolves in a template whose resource `Here` is being read. */
function resolve(value: unknown, template?: Template): unknown {
  return resolver(template).resolve(value, 'Here');
}

const CONDITIONS: Template = {
  Parameters: { Stage: { Type: 'String', Default: 'prod' } },
  Conditions: {
    Prod: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] },
    Test: { 'Fn::Not': [{ Condition: 'Prod' }] },
    Both: { 'Fn::And': [{ Condition: 'Prod' }, { 'Fn::Equals': ['1', 1] }] },
    Neither: { 'Fn::Or': [{ Condition: 'Test' }, { 'Fn::Equals': ['a', 'b'] }] },
    Odd: { 'Fn::Contains': [['a'], 'a'] },
    Bad: 'Prod',
  },
};

test.each<[string, unknown]>([
  ['text', 'text'],
  ['a number', 5],
  ['false', false],
  ['null', null],
  ['a list', ['a', 1]],
  ['an object', { a: { b: 1 } }],
  ['an object with a key like a function among others', { Ref: 'Queue', other: 1 }],
  ['an object with one key that is no function', { ref: 'Queue' }],
])('%s stays as it is', (_what, value) => {
  const expected = typeof value === 'object' && value !== null && 'other' in value ? { ...value } : value;
  expect(resolve(value)).toEqual(expected);
});

test.each<[string, unknown, unknown]>([
  ['Ref of a resource', { Ref: 'Queue' }, 'http://sqs/queue'],
  ['Ref of the region', { Ref: 'AWS::Region' }, 'us-east-1'],
  ['Ref of the account', { Ref: 'AWS::AccountId' }, '000000000000'],
  ['Ref of the partition', { Ref: 'AWS::Partition' }, 'aws'],
  ['Ref of the suffix', { Ref: 'AWS::URLSuffix' }, 'amazonaws.com'],
  ['Ref of the stack name', { Ref: 'AWS::StackName' }, 'Shop'],
  ['Ref of the stack id', { Ref: 'AWS::StackId' }, 'arn:aws:cloudformation:us-east-1:000000000000:stack/Shop/local'],
  ['Ref of the notifications', { Ref: 'AWS::NotificationARNs' }, []],
  ['GetAtt as a list', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:::queue'],
  ['GetAtt as text', { 'Fn::GetAtt': 'Queue.Arn' }, 'arn:aws:sqs:::queue'],
  ['GetAtt with a dot in the attribute', { 'Fn::GetAtt': ['Queue', 'Nested.Name'] }, 'deep'],
  ['GetAtt of something that is no text', { 'Fn::GetAtt': ['Queue', 'Count'] }, 3],
  ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'Bare' }, 1]] }, 'a-bare-1'],
  ['Join of a function', { 'Fn::Join': ['|', { 'Fn::Split': [',', 'a,b'] }] }, 'a|b'],
  ['Split', { 'Fn::Split': ['/', { Ref: 'Queue' }] }, ['http:', '', 'sqs', 'queue']],
  ['Select', { 'Fn::Select': ['2', { 'Fn::Split': ['/', { Ref: 'Queue' }] }] }, 'sqs'],
  ['Select by number', { 'Fn::Select': [0, ['a', 'b']] }, 'a'],
  ['Base64', { 'Fn::Base64': { Ref: 'Bare' } }, 'YmFyZQ=='],
  ['Sub', { 'Fn::Sub': `\${Queue} \${Queue.Arn} \${AWS::Region}` }, 'http://sqs/queue arn:aws:sqs:::queue us-east-1'],
  ['Sub with variables', { 'Fn::Sub': [`\${Who}@\${Bare}`, { Who: { Ref: 'Bare' } }] }, 'bare@bare'],
  ['Sub with a literal', { 'Fn::Sub': `\${!Queue} \${ Bare }` }, `\${Queue} bare`],
  ['functions in an object', { a: [{ b: { Ref: 'Bare' } }] }, { a: [{ b: 'bare' }] }],
])('%s', (_what, value, expected) => {
  expect(resolve(value)).toEqual(expected);
});

test('NoValue removes what it stands for', () => {
  const none = { Ref: 'AWS::NoValue' };
  expect(resolve({ a: none, b: ['x', none], c: { d: none } })).toEqual({ b: ['x'], c: {} });
  expect(resolve(none)).toBeUndefined();
  expect(resolve({ 'Fn::Join': [',', ['x', none]] })).toBe('x');
});

test.each<[string, string, unknown]>([
  ['text', 'String', 'prod'],
  ['a number', 'Number', '7'],
])('a parameter of %s has its default', (_what, Type, expected) => {
  expect(resolve({ Ref: 'P' }, { Parameters: { P: { Type, Default: expected } } })).toBe(expected);
});

test.each(['CommaDelimitedList', 'List<Number>', 'List<AWS::EC2::Subnet::Id>'])(
  'a parameter of %s is a list',
  (Type) => {
    expect(resolve({ Ref: 'P' }, { Parameters: { P: { Type, Default: '1, 2' } } })).toEqual(['1', '2']);
  },
);

test('FindInMap reads a mapping by keys that may be functions', () => {
  const template = { Mappings: { Sizes: { 'us-east-1': { Small: 'tiny' } } } };
  expect(resolve({ 'Fn::FindInMap': ['Sizes', { Ref: 'AWS::Region' }, 'Small'] }, template)).toBe('tiny');
  expect(() => resolve({ 'Fn::FindInMap': ['Sizes', 'eu-west-1', 'Small'] }, template)).toThrow(
    new AssemblyError('Here: Fn::FindInMap finds nothing at Sizes.eu-west-1.Small.'),
  );
});

test.each([
  ['Prod', true],
  ['Test', false],
  ['Both', true],
  ['Neither', false],
])('the condition %s is %s', (name, expected) => {
  expect(resolver(CONDITIONS).condition(name, 'Here')).toBe(expected);
  expect(resolve({ 'Fn::If': [name, 'yes', 'no'] }, CONDITIONS)).toBe(expected ? 'yes' : 'no');
});

test('If leaves the branch unread that it does not take, and may remove a property', () => {
  const value = { a: { 'Fn::If': ['Test', { Ref: 'Missing' }, { Ref: 'AWS::NoValue' }] }, b: 1 };
  expect(resolve(value, CONDITIONS)).toEqual({ b: 1 });
});

test('condition functions are values too', () => {
  expect(resolve({ 'Fn::Not': [{ 'Fn::Equals': ['a', 'b'] }] })).toBe(true);
});

test.each<[string, unknown, string]>([
  ['an unknown function', { 'Fn::GetAZs': '' }, 'Here: local mode does not know the function Fn::GetAZs.'],
  ['an unknown list function', { 'Fn::Cidr': ['a', 1] }, 'Here: local mode does not know the function Fn::Cidr.'],
  ['a missing resource', { Ref: 'Missing' }, 'Here refers to Missing, which the template lacks.'],
  ['a missing resource in Sub', { 'Fn::Sub': `\${Missing}` }, 'Here refers to Missing, which the template lacks.'],
  [
    'a missing attribute',
    { 'Fn::GetAtt': ['Queue', 'Colour'] },
    'Here: local mode has no attribute Colour of Queue (AWS::SQS::Queue).',
  ],
  [
    'an attribute of a resource that has none',
    { 'Fn::GetAtt': ['Bare', 'Arn'] },
    'Here: local mode has no attribute Arn of Bare (undefined).',
  ],
  ['a missing condition', { 'Fn::If': ['Nope', 1, 2] }, 'Here: the template has no condition Nope.'],
  [
    'an unknown condition function',
    { 'Fn::If': ['Odd', 1, 2] },
    'Here: local mode does not know the condition function Fn::Contains.',
  ],
  ['a condition that is none', { 'Fn::If': ['Bad', 1, 2] }, 'Here: not a condition: "Prod".'],
  ['a place outside a list', { 'Fn::Select': [2, ['a']] }, 'Here: Fn::Select finds nothing at 2.'],
  ['a Join of no list', { 'Fn::Join': ['-', { Ref: 'Bare' }] }, 'Here: Fn::Join joins no list: "bare".'],
])('%s stops', (_what, value, message) => {
  const template = { ...CONDITIONS, Resources: { Queue: { Type: 'AWS::SQS::Queue' } } };
  expect(() => resolve(value, template)).toThrow(new AssemblyError(message));
});

test('a parameter without a default stops, and so does one whose value lies in a parameter store', () => {
  const Parameters = {
    Open: { Type: 'String' },
    Stored: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/bootstrap/version' },
  };
  expect(() => resolve({ Ref: 'Open' }, { Parameters })).toThrow(
    'Here: the parameter Open has no default, so local mode has no value for it.',
  );
  expect(() => resolve({ Ref: 'Stored' }, { Parameters })).toThrow(
    'Here: the parameter Stored lies in the parameter store of AWS, so local mode has no value for it.',
  );
});

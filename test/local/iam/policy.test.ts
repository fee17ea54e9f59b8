import { AssemblyError } from '../../../local/assembly/template';
import { evaluate, matches, readStatements } from '../../../local/iam/policy';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Orders';

/** What statements say about one action on the table. */
function verdict(statements: unknown, action = 'dynamodb:GetItem', resource = TABLE): string {
  return evaluate(readStatements({ Version: '2012-10-17', Statement: statements }, 'Policy'), action, resource);
}

const ALLOW = { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: TABLE };

test.each<[string, object | object[], string]>([
  ['nothing', [], 'not allowed'],
  ['one statement that is no list', ALLOW, 'allowed'],
  ['an action of several', [{ ...ALLOW, Action: ['dynamodb:PutItem', 'dynamodb:GetItem'] }], 'allowed'],
  ['an action in other letters', [{ ...ALLOW, Action: 'DynamoDB:getitem' }], 'allowed'],
  ['another action', [{ ...ALLOW, Action: 'dynamodb:PutItem' }], 'not allowed'],
  ['an action that only begins alike', [{ ...ALLOW, Action: 'dynamodb:Get' }], 'not allowed'],
  ['every action', [{ ...ALLOW, Action: '*' }], 'allowed'],
  ['every action of the service', [{ ...ALLOW, Action: 'dynamodb:*' }], 'allowed'],
  ['every action of another service', [{ ...ALLOW, Action: 'sqs:*' }], 'not allowed'],
  ['a pattern in the action', [{ ...ALLOW, Action: 'dynamodb:Get????' }], 'allowed'],
  ['too short a pattern', [{ ...ALLOW, Action: 'dynamodb:Get???' }], 'not allowed'],
  ['a resource of several', [{ ...ALLOW, Resource: ['arn:other', TABLE] }], 'allowed'],
  ['every resource', [{ ...ALLOW, Resource: '*' }], 'allowed'],
  ['a pattern in the resource', [{ ...ALLOW, Resource: 'arn:aws:dynamodb:*:*:table/Ord*' }], 'allowed'],
  ['a resource in other letters', [{ ...ALLOW, Resource: TABLE.toUpperCase() }], 'not allowed'],
  ['an index of the table alone', [{ ...ALLOW, Resource: `${TABLE}/index/*` }], 'not allowed'],
  ['no action', [{ ...ALLOW, Action: [] }], 'not allowed'],
  ['all actions but another', [{ Effect: 'Allow', NotAction: 'dynamodb:PutItem', Resource: '*' }], 'allowed'],
  ['all actions but this', [{ Effect: 'Allow', NotAction: ['dynamodb:Get*'], Resource: '*' }], 'not allowed'],
  ['all resources but another', [{ Effect: 'Allow', Action: '*', NotResource: 'arn:other' }], 'allowed'],
  ['all resources but this', [{ Effect: 'Allow', Action: '*', NotResource: [TABLE] }], 'not allowed'],
  ['a deny after the allow', [ALLOW, { ...ALLOW, Effect: 'Deny' }], 'denied'],
  ['a deny before the allow', [{ ...ALLOW, Effect: 'Deny', Action: '*' }, ALLOW], 'denied'],
  ['a deny of something else', [ALLOW, { ...ALLOW, Effect: 'Deny', Action: 'dynamodb:PutItem' }], 'allowed'],
  ['a deny of all but this', [ALLOW, { Effect: 'Deny', NotAction: 'dynamodb:GetItem', Resource: '*' }], 'allowed'],
  ['a deny of all but another', [ALLOW, { Effect: 'Deny', NotAction: 'dynamodb:PutItem', Resource: '*' }], 'denied'],
])('%s', (_what, statements, expected) => {
  expect(verdict(statements)).toBe(expected);
});

test.each<[string, object, string]>([
  ['encrypted traffic', { Bool: { 'aws:SecureTransport': 'true' } }, 'allowed'],
  ['unencrypted traffic', { Bool: { 'aws:SecureTransport': false } }, 'not allowed'],
  ['unencrypted traffic, if known', { BoolIfExists: { 'aws:SecureTransport': 'false' } }, 'not allowed'],
  ['this account', { StringEquals: { 'aws:SourceAccount': '000000000000' } }, 'allowed'],
  ['one of several accounts', { StringEquals: { 'aws:PrincipalAccount': ['1', '000000000000'] } }, 'allowed'],
  ['another account', { StringEquals: { 'aws:ResourceAccount': '123456789012' } }, 'not allowed'],
  ['not another account', { StringNotEquals: { 'aws:ResourceAccount': '123456789012' } }, 'allowed'],
  ['accounts alike', { StringLike: { 'aws:SourceAccount': '0000*' } }, 'allowed'],
  [
    'two conditions of which one fails',
    { Bool: { 'aws:SecureTransport': 'true' }, StringEquals: { 'aws:SourceAccount': '1' } },
    'not allowed',
  ],
])('a condition on %s', (_what, Condition, expected) => {
  expect(verdict({ ...ALLOW, Condition })).toBe(expected);
});

test.each<[object, string]>([
  [{ StringEquals: { 'aws:SourceVpce': 'vpce-1' } }, 'StringEquals aws:SourceVpce'],
  [{ IpAddress: { 'aws:SourceAccount': '10.0.0.0/8' } }, 'IpAddress aws:SourceAccount'],
])('the condition %j has no local answer and stops', (Condition, named) => {
  expect(() => verdict({ ...ALLOW, Condition })).toThrow(
    new AssemblyError(`Policy has the condition ${named}, which local mode cannot evaluate.`),
  );
});

test.each<[string, object]>([
  ['no effect', { Action: '*', Resource: '*' }],
  ['an effect in small letters', { ...ALLOW, Effect: 'deny' }],
  ['neither Action nor NotAction', { Effect: 'Allow', Resource: '*' }],
  ['neither Resource nor NotResource', { Effect: 'Allow', Action: '*' }],
])('a statement with %s stops, as IAM refuses it', (_what, statement) => {
  expect(() => verdict(statement)).toThrow(
    new AssemblyError('Policy has a statement that IAM refuses: it needs Effect (Allow or Deny), Action and Resource.'),
  );
});

test.each([
  ['a.c', 'abc', false],
  ['a*', 'a', true],
  ['*c', 'abc', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['a+(b)[c]{1}^$|\\', 'a+(b)[c]{1}^$|\\', true],
  ['a', 'ab', false],
  ['a*z', 'a\nz', true],
])('the pattern %j matches %j: %s', (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected);
});

import type { StackResource } from '../../../local/assembly/stack';
import { AssemblyError, type TemplateResource } from '../../../local/assembly/template';
import { Roles } from '../../../local/iam/roles';
import { stackOf } from '../fixtures/template';

const ROLE = 'arn:aws:iam::000000000000:role/Shop-Role';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:Shop-Queue';

const allow = (action: string) => ({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: action, Resource: '*' },
});
const actionsOf = (statements: readonly { actions: readonly string[] }[]) =>
  statements.flatMap(({ actions }) => actions);

function read(Resources: Record<string, TemplateResource>): { roles: Roles; user: StackResource } {
  const stack = stackOf({ User: { Type: 'AWS::Lambda::Function' }, ...Resources });
  return { roles: new Roles(stack), user: stack.ofType('AWS::Lambda::Function')[0]! };
}

test('a role has the statements of its inline, attached and managed policies', () => {
  const { roles, user } = read({
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        Policies: [{ PolicyName: 'inline', PolicyDocument: allow('a:Inline') }],
        ManagedPolicyArns: [
          { Ref: 'Managed' },
          'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole',
          'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
        ],
      },
    },
    Attached: {
      Type: 'AWS::IAM::Policy',
      Properties: { Roles: [{ Ref: 'Role' }], PolicyDocument: allow('a:Attached') },
    },
    Other: { Type: 'AWS::IAM::Policy', Properties: { Roles: ['Elsewhere'], PolicyDocument: allow('a:Other') } },
    Managed: { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: allow('a:Managed') } },
    Own: { Type: 'AWS::IAM::ManagedPolicy', Properties: { Roles: [{ Ref: 'Role' }], PolicyDocument: allow('a:Own') } },
  });
  expect(actionsOf(roles.statementsOf(ROLE, user)).sort()).toEqual(['a:Attached', 'a:Inline', 'a:Managed', 'a:Own']);
});

test('a role outside of what runs stops, naming who needs it', () => {
  const { roles, user } = read({});
  expect(() => roles.statementsOf('arn:aws:iam::000000000000:role/Gone', user)).toThrow(
    new AssemblyError(
      'User (AWS::Lambda::Function, User) has the role arn:aws:iam::000000000000:role/Gone, which is not in the part of the template that runs.',
    ),
  );
});

test('a managed policy whose statements are not in the template stops', () => {
  const { roles, user } = read({
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonSQSFullAccess'] },
    },
  });
  expect(() => roles.statementsOf(ROLE, user)).toThrow(
    new AssemblyError(
      'Role (AWS::IAM::Role, Role) has the managed policy arn:aws:iam::aws:policy/AmazonSQSFullAccess, whose statements local mode does not know.',
    ),
  );
});

test('a role that must be able to do something is held to it', () => {
  const { roles, user } = read({
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: { Policies: [{ PolicyName: 'inline', PolicyDocument: allow('sqs:ReceiveMessage') }] },
    },
  });
  roles.require(ROLE, user, ['sqs:ReceiveMessage'], QUEUE);
  expect(() =>
    roles.require(ROLE, user, ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], QUEUE),
  ).toThrow(
    new AssemblyError(
      `User (AWS::Lambda::Function, User) needs a role that allows sqs:DeleteMessage, sqs:GetQueueAttributes on ${QUEUE}.`,
    ),
  );
});

/** The actions that a queue policy with this principal says something about. */
function aboutRole(statement: object): string[] {
  const { roles } = read({
    Queue: { Type: 'AWS::SQS::Queue' },
    Policy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Queue' }],
        PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'sqs:*', Resource: '*', ...statement }] },
      },
    },
  });
  return actionsOf(roles.resourceStatements(ROLE).get(QUEUE)!);
}

test.each<[unknown, boolean]>([
  ['*', true],
  [{ AWS: '*' }, true],
  [{ AWS: ROLE }, true],
  [{ AWS: ['arn:other', ROLE] }, true],
  [{ AWS: '000000000000' }, true],
  [{ AWS: 'arn:aws:iam::000000000000:root' }, true],
  [{ AWS: 'arn:aws:iam::123456789012:root' }, false],
  [{ AWS: `${ROLE}2` }, false],
  [{ Service: 'sns.amazonaws.com' }, false],
])('a queue policy for %j concerns the role: %s', (Principal, expected) => {
  expect(aboutRole({ Principal })).toEqual(expected ? ['sqs:*'] : []);
});

test('a queue policy for all but some stops', () => {
  expect(() => aboutRole({ NotPrincipal: { AWS: ROLE } })).toThrow(
    new AssemblyError(
      'Policy (AWS::SQS::QueuePolicy, Policy) has a statement with NotPrincipal, which local mode does not evaluate.',
    ),
  );
});

test('policies of several queues, and several policies of one queue, are kept apart and together', () => {
  const policy = (queues: string[], action: string): TemplateResource => ({
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: queues.map((Ref) => ({ Ref })),
      PolicyDocument: { Statement: { Effect: 'Deny', Principal: '*', Action: action, Resource: '*' } },
    },
  });
  const { roles } = read({
    Queue: { Type: 'AWS::SQS::Queue' },
    Second: { Type: 'AWS::SQS::Queue' },
    One: policy(['Queue', 'Second'], 'sqs:A'),
    Two: policy(['Second'], 'sqs:B'),
  });
  const statements = roles.resourceStatements(ROLE);
  expect(actionsOf(statements.get(QUEUE)!)).toEqual(['sqs:A']);
  expect(actionsOf(statements.get(QUEUE.replace('Queue', 'Second'))!)).toEqual(['sqs:A', 'sqs:B']);
});

test('the policy of a bucket is found under its ARN', () => {
  const { roles } = read({
    Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'bodies' } },
    Policy: {
      Type: 'AWS::S3::BucketPolicy',
      Properties: {
        Bucket: { Ref: 'Bucket' },
        PolicyDocument: { Statement: { Effect: 'Deny', Principal: { AWS: '*' }, Action: 's3:*', Resource: '*' } },
      },
    },
  });
  expect(actionsOf(roles.resourceStatements(ROLE).get('arn:aws:s3:::bodies')!)).toEqual(['s3:*']);
});

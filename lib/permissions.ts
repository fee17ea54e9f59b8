import { Stack, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';

/** The functions, by the name of their asset. */
export type FunctionName = 'api' | 'deliver' | 'fail' | 'dispatch' | 'promote' | 'fill-secrets';

/** What a function acts upon; `source` is the queue whose hints it is given. */
export type ResourceName =
  | 'table'
  /** The bucket itself, its objects, and those that only the service deletes. */
  | 'bodiesBucket'
  | 'bodies'
  | 'heldBodies'
  | 'deliveries'
  | 'failures'
  | 'redrive'
  | 'wakes'
  | 'source'
  | 'tokenSecret'
  | 'signingKeySecret';

/** The actions that one function's own code calls, by resource. */
export type Permissions = Readonly<Partial<Record<ResourceName, readonly string[]>>>;

const SEND = ['sqs:SendMessage'];

/** S3 tells only who may list a bucket that an object is not there: anybody else is refused, as for a fault of ours. */
const TELL_MISSING = ['s3:ListBucket'];

const DELIVERY: Permissions = {
  table: [
    'dynamodb:BatchGetItem',
    'dynamodb:DeleteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
  ],
  bodiesBucket: TELL_MISSING,
  bodies: ['s3:GetObject'],
  deliveries: SEND,
  failures: SEND,
  wakes: SEND,
  source: ['sqs:ChangeMessageVisibility'],
  signingKeySecret: ['secretsmanager:GetSecretValue'],
};

/**
 * Every action that the code of a function calls, and nothing else. The items of a transaction need the
 * actions of their kinds: there is none for the transaction itself.
 */
export const PERMISSIONS: Readonly<Record<FunctionName, Permissions>> = {
  api: {
    table: [
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
    bodiesBucket: TELL_MISSING,
    bodies: ['s3:GetObject', 's3:PutObject'],
    deliveries: [...SEND, 'sqs:GetQueueAttributes'],
    failures: [...SEND, 'sqs:GetQueueAttributes'],
    wakes: SEND,
    tokenSecret: ['secretsmanager:GetSecretValue'],
    signingKeySecret: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
  },
  deliver: {
    ...DELIVERY,
    // The runs of schedules.
    table: [...DELIVERY.table!, 'dynamodb:BatchWriteItem'],
    bodies: ['s3:GetObject', 's3:PutObject'],
    heldBodies: ['s3:DeleteObject'],
  },
  fail: DELIVERY,
  dispatch: {
    table: [
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
    deliveries: SEND,
    failures: SEND,
    wakes: SEND,
    source: ['sqs:ChangeMessageVisibility'],
  },
  promote: {
    table: [
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:DeleteItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
    deliveries: SEND,
    failures: SEND,
    wakes: SEND,
    redrive: ['sqs:DeleteMessage', 'sqs:ReceiveMessage'],
  },
  'fill-secrets': {
    tokenSecret: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
    signingKeySecret: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
  },
};

/** What Lambda itself does with the role of a function that a queue feeds. */
export const EVENT_SOURCE_ACTIONS = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];

/** What Lambda itself does with the role of a function in a VPC. EC2 takes no narrower resource for them. */
export const NETWORK_INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** What SQS, DynamoDB, S3 and Secrets Manager do with a customer's key on behalf of the role that calls them. */
export const KEY_ACTIONS = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** Gives the role the permissions of a function; resources that it doesn't name need no ARN. */
export function grantPermissions(
  role: IRole,
  permissions: Permissions,
  arns: Readonly<Partial<Record<ResourceName, string>>>,
  encryptionKey: IKey | undefined,
): void {
  for (const [resource, actions] of Object.entries(permissions) as [ResourceName, readonly string[]][]) {
    const arn = arns[resource];
    if (arn === undefined) throw new Error(`no ARN for ${resource}`);
    role.addToPrincipalPolicy(new PolicyStatement({ actions: [...actions], resources: [arn] }));
    if (arn.endsWith('/*')) acknowledgeObjects(role, arn);
  }
  encryptionKey?.grant(role, ...KEY_ACTIONS);
}

/** The finding names the bucket by its logical id: `<QStashBodies0123ABCD.Arn>/*`. */
function acknowledgeObjects(role: IRole, arn: string): void {
  const { 'Fn::Join': join } = Stack.of(role).resolve(arn) as {
    readonly 'Fn::Join': readonly [string, readonly [{ readonly 'Fn::GetAtt': readonly [string, string] }, string]];
  };
  const [, [bucket, pattern]] = join;
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::<${bucket['Fn::GetAtt'].join('.')}>${pattern}]`,
    reason: 'Objects are named after the messages that they belong to, which nobody knows when the service is deployed',
  });
}

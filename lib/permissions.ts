import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';

/** The functions, by the name of their asset. */
export type FunctionName = 'api' | 'deliver' | 'fail' | 'promote' | 'fill-secrets';

/** What a function acts upon; `source` is the queue whose hints it is given. */
export type ResourceName =
  | 'table'
  | 'deliveries'
  | 'failures'
  | 'redrive'
  | 'source'
  | 'tokenSecret'
  | 'signingKeySecret';

/** The actions that one function's own code calls, by resource. */
export type Permissions = Readonly<Partial<Record<ResourceName, readonly string[]>>>;

const SEND = ['sqs:SendMessage'];

const DELIVERY: Permissions = {
  table: [
    'dynamodb:BatchGetItem',
    'dynamodb:DeleteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:UpdateItem',
  ],
  deliveries: SEND,
  failures: SEND,
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
    deliveries: SEND,
    failures: SEND,
    tokenSecret: ['secretsmanager:GetSecretValue'],
    signingKeySecret: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
  },
  deliver: DELIVERY,
  fail: DELIVERY,
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

/** What SQS, DynamoDB and Secrets Manager do with a customer's key on behalf of the role that calls them. */
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
  }
  encryptionKey?.grant(role, ...KEY_ACTIONS);
}

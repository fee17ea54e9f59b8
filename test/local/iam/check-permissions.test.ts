import type { Answer, AwsCall } from '../../../local/aws-call';
import { accessesOf, type Caller, checkPermissions } from '../../../local/iam/check-permissions';
import { readStatements } from '../../../local/iam/policy';
import { S3Error } from '../../../local/s3/s3-error';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Orders';
const OTHER = 'arn:aws:dynamodb:us-east-1:000000000000:table/Carts';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:queue';
const SECRET = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:token-abcdef';
const BUCKET = 'arn:aws:s3:::bucket';
const OBJECT = `${BUCKET}/hold/a`;
const FINE: Answer = { status: 200, headers: {}, body: Buffer.from('{}') };

function call(service: AwsCall['service'], operation: string, resources: string[], input: object = {}): AwsCall {
  return { service, operation, accessKeyId: 'Api.1', resources, input: input as Record<string, unknown> };
}

test.each<[AwsCall, string[]]>([
  [call('dynamodb', 'PutItem', [TABLE]), [`dynamodb:PutItem ${TABLE}`]],
  [call('dynamodb', 'Query', [`${TABLE}/index/due`]), [`dynamodb:Query ${TABLE}/index/due`]],
  [
    call('dynamodb', 'BatchGetItem', [TABLE, OTHER]),
    [`dynamodb:BatchGetItem ${TABLE}`, `dynamodb:BatchGetItem ${OTHER}`],
  ],
  [
    call('dynamodb', 'TransactWriteItems', [TABLE, OTHER], {
      TransactItems: [
        { Put: { TableName: 'Orders' } },
        { Update: { TableName: 'Carts' } },
        { Delete: { TableName: TABLE } },
        { ConditionCheck: { TableName: 'Orders' } },
      ],
    }),
    [
      `dynamodb:PutItem ${TABLE}`,
      `dynamodb:UpdateItem ${OTHER}`,
      `dynamodb:DeleteItem ${TABLE}`,
      `dynamodb:ConditionCheckItem ${TABLE}`,
    ],
  ],
  [
    call('dynamodb', 'TransactGetItems', [TABLE], { TransactItems: [{ Get: { TableName: 'Orders' } }] }),
    [`dynamodb:GetItem ${TABLE}`],
  ],
  [call('dynamodb', 'TransactWriteItems', [TABLE], { TransactItems: [null, { Odd: {} }, { Put: 'x' }] }), []],
  [call('sqs', 'SendMessage', [QUEUE]), [`sqs:SendMessage ${QUEUE}`]],
  [call('sqs', 'SendMessageBatch', [QUEUE]), [`sqs:SendMessage ${QUEUE}`]],
  [call('sqs', 'DeleteMessageBatch', [QUEUE]), [`sqs:DeleteMessage ${QUEUE}`]],
  [call('sqs', 'ChangeMessageVisibilityBatch', [QUEUE]), [`sqs:ChangeMessageVisibility ${QUEUE}`]],
  [call('sqs', 'ListQueues', []), ['sqs:ListQueues *']],
  [call('s3', 'PutObject', [OBJECT]), [`s3:PutObject ${OBJECT}`]],
  [call('s3', 'HeadObject', [OBJECT]), [`s3:GetObject ${OBJECT}`]],
  [call('secretsmanager', 'GetSecretValue', [SECRET]), [`secretsmanager:GetSecretValue ${SECRET}`]],
])('%j needs %j', (asked, expected) => {
  expect(accessesOf(asked).map(({ action, resource }) => `${action} ${resource}`)).toEqual(expected);
});

interface Policies {
  readonly role?: object[];
  readonly queue?: object[];
  readonly bucket?: object[];
}

/** What becomes of a call by a function with these policies: the answer, and what was logged. */
async function outcome(asked: AwsCall, { role = [], queue = [], bucket = [] }: Policies, found: Answer = FINE) {
  const caller: Caller = {
    functionName: 'Shop-Api',
    path: 'Shop/Api',
    logicalId: 'Api',
    roleName: 'ApiRole',
    identity: readStatements({ Statement: role }, 'Role'),
    resources: new Map([
      [QUEUE, readStatements({ Statement: queue }, 'QueuePolicy')],
      [BUCKET, readStatements({ Statement: bucket }, 'BucketPolicy')],
    ]),
  };
  const denied: string[] = [];
  const check = checkPermissions(
    (accessKeyId) => (accessKeyId === 'Api.1' ? caller : undefined),
    ({ logicalId }, message) => denied.push(`${logicalId}: ${message}`),
  );
  let executed = 0;
  const answer = await check(asked, async () => {
    executed++;
    return found;
  });
  return { answer, executed, denied };
}

const SEND = call('sqs', 'SendMessage', [QUEUE]);
const allow = (action: string, resource = QUEUE) => ({ Effect: 'Allow', Action: action, Resource: resource });
const deny = (action: string, resource?: string) => ({ ...allow(action, resource), Effect: 'Deny' });

test.each<[string, Policies]>([
  ['the role', { role: [allow('sqs:SendMessage')] }],
  ['the policy of the queue', { queue: [allow('sqs:SendMessage')] }],
])('a call that %s allows is carried out', async (_who, policies) => {
  expect(await outcome(SEND, policies)).toEqual({ answer: FINE, executed: 1, denied: [] });
});

test.each<[string, Policies, string]>([
  ['nobody allows', {}, 'because no identity-based policy allows the sqs:SendMessage action'],
  [
    'the role denies though the queue allows',
    { role: [deny('sqs:*')], queue: [allow('sqs:*')] },
    'with an explicit deny in an identity-based policy',
  ],
  [
    'the queue denies though the role allows',
    { role: [allow('sqs:*')], queue: [deny('sqs:*')] },
    'with an explicit deny in a resource-based policy',
  ],
])('a call that %s is refused as on AWS, and told in the log', async (_what, policies, reason) => {
  const { answer, executed, denied } = await outcome(SEND, policies);
  const message = `User: arn:aws:sts::000000000000:assumed-role/ApiRole/Shop-Api is not authorized to perform: sqs:SendMessage on resource: ${QUEUE} ${reason}`;
  expect(denied).toEqual([`Api: ${message}`]);
  expect(executed).toBe(0);
  expect(answer).toMatchObject({ status: 400, headers: { 'x-amzn-errortype': 'AccessDeniedException' } });
  const body = JSON.parse((answer as { body: Buffer }).body.toString()) as object;
  expect(body).toMatchObject({ __type: 'AccessDeniedException', message });
});

test('the policy of one queue says nothing about another', async () => {
  const { executed } = await outcome(call('sqs', 'SendMessage', [`${QUEUE}2`]), { queue: [allow('sqs:*', '*')] });
  expect(executed).toBe(0);
});

test('a call is refused when one of its resources is', async () => {
  const { executed, denied } = await outcome(call('dynamodb', 'BatchGetItem', [TABLE, OTHER]), {
    role: [allow('dynamodb:BatchGetItem', TABLE)],
  });
  expect(executed).toBe(0);
  expect(denied).toEqual([expect.stringContaining(`on resource: ${OTHER}`)]);
});

const GET = call('s3', 'GetObject', [OBJECT], { Bucket: 'bucket', Key: 'hold/a' });
const xml = (answer: Answer) => (answer as { body: Buffer }).body.toString();

test('the policy of a bucket counts for its objects, and a refusal is written as S3 writes it', async () => {
  expect(await outcome(GET, { bucket: [allow('s3:GetObject', `${BUCKET}/hold/*`)] })).toMatchObject({ executed: 1 });
  expect(await outcome(GET, { role: [allow('s3:*', '*')], bucket: [deny('s3:*', '*')] })).toMatchObject({
    executed: 0,
  });
  const { answer } = await outcome(GET, {});
  expect(answer).toMatchObject({ status: 403, headers: { 'content-type': 'application/xml' } });
  expect(xml(answer)).toMatch(
    /<Code>AccessDenied<\/Code><Message>User: arn:\S+ is not authorized to perform: s3:GetObject/,
  );
});

test('only who may list a bucket is told that an object is not there', async () => {
  const missing = new S3Error('NoSuchKey', 'The specified key does not exist.').answer();
  const get = allow('s3:GetObject', `${BUCKET}/*`);
  expect((await outcome(GET, { role: [get, allow('s3:ListBucket', BUCKET)] }, missing)).answer).toBe(missing);
  const { answer, denied } = await outcome(GET, { role: [get] }, missing);
  expect(answer).toMatchObject({ status: 403 });
  expect(denied).toEqual([
    expect.stringContaining(`is not authorized to perform: s3:ListBucket on resource: ${BUCKET} `),
  ]);
  const noBucket = new S3Error('NoSuchBucket', 'The specified bucket does not exist').answer();
  expect((await outcome(GET, { role: [get] }, noBucket)).answer).toBe(noBucket);
});

test('calls of no function are the own ones of the developer', async () => {
  const { executed } = await outcome({ ...SEND, accessKeyId: 'me' }, {});
  expect(executed).toBe(1);
});

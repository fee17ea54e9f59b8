import {
  EVENT_SOURCE_ACTIONS,
  KEY_ACTIONS,
  NETWORK_INTERFACE_ACTIONS,
  PERMISSIONS,
  type ResourceName,
} from '../../lib/permissions';
import { actionsOf, resourceOf, resourcesOf, type Statement, statementsOf, synthesize, VARIANTS } from './synthesize';

/** What the code of a function calls, by the logical id prefix of the function. */
const FUNCTIONS = {
  Api: PERMISSIONS.api,
  Deliver: PERMISSIONS.deliver,
  Fail: PERMISSIONS.fail,
  Dispatch: PERMISSIONS.dispatch,
  Promote: PERMISSIONS.promote,
  SecretsFill: PERMISSIONS['fill-secrets'],
};

/** What the platform does with the role: no call of ours proves these. */
const PLATFORM_ACTIONS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

const isWild = (text: unknown): boolean => JSON.stringify(text).includes('*');

function targetOf(statement: Statement): string {
  return JSON.stringify(statement.Resource).replace(/[0-9A-F]{8}"/, '"');
}

const LOGICAL: Readonly<Record<Exclude<ResourceName, 'source'>, string>> = {
  table: 'QStashTable',
  bodiesBucket: 'QStashBodies',
  bodies: 'QStashBodies/*',
  heldBodies: 'QStashBodies/hold/*',
  deliveries: 'QStashQueuesDeliveries',
  failures: 'QStashQueuesFailures',
  redrive: 'QStashQueuesRedrive',
  wakes: 'QStashQueuesWakes',
  tokenSecret: 'QStashSecretsTokenSecret',
  signingKeySecret: 'QStashSecretsSigningKeySecret',
};
const SOURCES: Readonly<Record<string, string>> = {
  Deliver: LOGICAL.deliveries,
  Fail: LOGICAL.failures,
  Dispatch: LOGICAL.wakes,
};

/** `action resource` of everything that a policy allows. */
function allowedBy(statements: readonly Statement[]): string[] {
  return statements.flatMap((statement) => {
    const [, target = '', below = ''] = /"(QStash\w+)"(?:.*"(\/[^"]*)")?/.exec(targetOf(statement)) ?? [];
    return actionsOf(statement).map((action) => `${action} ${target}${below}`);
  });
}

describe.each(Object.keys(VARIANTS))('%s', (variant) => {
  const { template } = synthesize(VARIANTS[variant]);
  const statements = statementsOf(template);

  test.each(Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[])('%s may do exactly what it must', (name) => {
    const own = statements.filter(({ policy }) => policy.startsWith(`QStash${name}RoleDefaultPolicy`));
    const ours = own.filter(({ statement }) => !actionsOf(statement).some((action) => /^(logs|ec2|kms):/.test(action)));
    const expected = Object.entries(FUNCTIONS[name]).flatMap(([resource, actions]) => {
      const target = resource === 'source' ? SOURCES[name] : LOGICAL[resource as keyof typeof LOGICAL];
      return actions.map((action) => `${action} ${target}`);
    });
    const source = SOURCES[name];
    if (source !== undefined) expected.push(...EVENT_SOURCE_ACTIONS.map((action) => `${action} ${source}`));
    expect(allowedBy(ours.map(({ statement }) => statement)).sort()).toEqual(expected.sort());
  });

  test('a role does nothing beyond that but for the platform', () => {
    const platform = statements
      .flatMap(({ statement }) => actionsOf(statement))
      .filter((action) => /^(logs|ec2|kms|lambda):/.test(action));
    const exempt = new Set([
      ...PLATFORM_ACTIONS,
      ...NETWORK_INTERFACE_ACTIONS,
      ...KEY_ACTIONS,
      'lambda:InvokeFunction',
    ]);
    expect(platform.filter((action) => !exempt.has(action))).toEqual([]);
  });

  test('no wildcard in what a role may do, but for objects, and for network interfaces in a VPC', () => {
    const isObject = ({ Resource }: Statement) => /"QStashBodies\w+".*"\/(hold\/)?\*"/.test(JSON.stringify(Resource));
    const wild = statements.filter(
      ({ statement }) => isWild(statement.Action) || (isWild(statement.Resource) && !isObject(statement)),
    );
    for (const { policy, statement } of wild) {
      // EC2 takes no narrower resource for these (and only these) actions.
      expect(policy).toMatch(/^QStash(Deliver|Fail)Role/);
      expect(statement.Action).toEqual(NETWORK_INTERFACE_ACTIONS);
    }
    expect(wild).toHaveLength(variant === 'vpc' || variant === 'everyProp' ? 2 : 0);
  });

  test('no wildcard in the policies of queues and the bucket, but to refuse plain HTTP', () => {
    const policies = ['AWS::SQS::QueuePolicy', 'AWS::S3::BucketPolicy'].flatMap((type) => resourcesOf(template, type));
    for (const [, { Properties }] of policies) {
      const { Statement: list } = Properties.PolicyDocument as { Statement: Statement[] };
      // With RemovalPolicy.DESTROY, CDK's own function empties the bucket that is removed.
      const ours = list.filter((statement) => !JSON.stringify(statement).includes('CustomS3AutoDeleteObjects'));
      for (const statement of ours) if (isWild(statement)) expect(statement.Effect).toBe('Deny');
    }
  });

  test('no managed policies and no policies in line', () => {
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::IAM::Role')) {
      if (!id.startsWith('QStash')) continue;
      expect(Properties.ManagedPolicyArns).toBeUndefined();
      expect(Properties.Policies).toBeUndefined();
    }
  });
});

test('only this account can have Scheduler use the role of the tick', () => {
  const { template } = synthesize();
  expect(resourceOf(template, 'AWS::IAM::Role', 'QStashTick').Properties.AssumeRolePolicyDocument).toMatchObject({
    Statement: [{ Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } }],
  });
});

test('api can be invoked by its own HTTP API only', () => {
  const { template } = synthesize();
  const permissions = resourcesOf(template, 'AWS::Lambda::Permission');
  expect(permissions).toHaveLength(1);
  expect(permissions[0]![1].Properties).toMatchObject({
    Principal: 'apigateway.amazonaws.com',
    SourceArn: {
      'Fn::Join': ['', expect.arrayContaining([{ Ref: expect.stringMatching(/^QStashFrontDoorHttpApi/) }])],
    },
  });
});

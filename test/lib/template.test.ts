import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { QStash } from '../../lib';
import { environmentOf, resourceOf, resourcesOf, synthesize, VARIANTS } from './synthesize';

const { template, stack, qstash } = synthesize();
const queue = (name: string) => resourceOf(template, 'AWS::SQS::Queue', `QStashQueues${name}`);
const idOf = (type: string, prefix: string) => resourcesOf(template, type).find(([id]) => id.startsWith(prefix))![0];

describe('table', () => {
  test('is on demand, expires by ttl, can be restored and survives the stack', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
    expect(JSON.stringify(template.toJSON())).not.toContain('GlobalSecondaryIndexes');
  });
});

describe('bucket of large bodies', () => {
  const bucket = resourceOf(template, 'AWS::S3::Bucket', 'QStashBodies');

  test('is closed to the public, encrypted, without versions, and survives the stack', () => {
    const { LifecycleConfiguration: _, ...properties } = bucket.Properties;
    expect(properties).toEqual({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    expect([bucket.DeletionPolicy, bucket.UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
  });

  test('refuses plain HTTP', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: idOf('AWS::S3::Bucket', 'QStashBodies') },
      PolicyDocument: Match.objectLike({
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      }),
    });
  });

  test('deletes by prefix what has an end that can be foreseen, and nothing that is held', () => {
    expect(bucket.Properties.LifecycleConfiguration).toEqual({
      Rules: [
        ...[8, 40, 400].map((days) => ({ ExpirationInDays: days, Prefix: `d${days}/`, Status: 'Enabled' })),
        { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
      ],
    });
  });
});

describe('queues', () => {
  test.each(['Deliveries', 'Failures'])('%s has the redrive queue behind it', (name) => {
    expect(queue(name).Properties).toMatchObject({
      MessageRetentionPeriod: 7 * 86_400,
      RedrivePolicy: {
        deadLetterTargetArn: { 'Fn::GetAtt': [idOf('AWS::SQS::Queue', 'QStashQueuesRedrive'), 'Arn'] },
        maxReceiveCount: 10,
      },
    });
  });

  test('the redrive queue keeps hints longest and feeds no function', () => {
    expect(queue('Redrive').Properties).toMatchObject({ MessageRetentionPeriod: 14 * 86_400 });
    expect(queue('Redrive').Properties.RedrivePolicy).toBeUndefined();
    const sources = resourcesOf(template, 'AWS::Lambda::EventSourceMapping').map(([, mapping]) =>
      JSON.stringify(mapping.Properties.EventSourceArn),
    );
    expect(sources).toHaveLength(3);
    expect(sources.join()).not.toContain('Redrive');
  });

  test('wakes are in order within a list, keep their own throughput, and go to no other queue', () => {
    expect(queue('Wakes').Properties).toEqual({
      FifoQueue: true,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      MessageRetentionPeriod: 14 * 86_400,
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 180,
    });
  });

  test('all are encrypted and refuse plain HTTP', () => {
    for (const [id, resource] of resourcesOf(template, 'AWS::SQS::Queue')) {
      expect(resource.Properties.SqsManagedSseEnabled).toBe(true);
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: id }],
        PolicyDocument: Match.objectLike({
          Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
        }),
      });
    }
  });
});

describe.each(Object.keys(VARIANTS))('functions that a queue feeds, %s', (variant) => {
  const varied = synthesize(VARIANTS[variant]).template;
  const mappings = resourcesOf(varied, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
  const byId = Object.fromEntries(resourcesOf(varied));

  test('are in no danger of being stopped as a loop', () => {
    expect(mappings).toHaveLength(3);
    for (const { FunctionName } of mappings) {
      const { Ref } = FunctionName as { Ref: string };
      expect(byId[Ref]!.Properties.RecursiveLoop).toBe('Allow');
    }
    expect(resourceOf(varied, 'AWS::Lambda::Function', 'QStashPromote').Properties.RecursiveLoop).toBe('Allow');
  });

  test('report each record apart, ten at a time, without waiting', () => {
    for (const mapping of mappings) {
      // Lambda knows no window for a FIFO queue.
      const window = JSON.stringify(mapping.EventSourceArn).includes('Wakes') ? undefined : 0;
      expect(mapping).toMatchObject({ BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] });
      expect(mapping.MaximumBatchingWindowInSeconds).toBe(window);
    }
  });

  test('end long before their records become visible again', () => {
    for (const { FunctionName, EventSourceArn } of mappings) {
      const { Timeout } = byId[(FunctionName as { Ref: string }).Ref]!.Properties as { Timeout: number };
      const [source] = (EventSourceArn as { 'Fn::GetAtt': string[] })['Fn::GetAtt'];
      expect(byId[source!]!.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout);
    }
  });
});

describe('functions', () => {
  const EVERY = [
    'DELIVERIES_QUEUE_URL',
    'DLQ_RETENTION_SECONDS',
    'EVENT_LOG',
    'FAILURES_QUEUE_URL',
    'MAX_TIMEOUT_SECONDS',
    'WAKES_QUEUE_URL',
  ];
  const SENDING = [
    ...EVERY,
    'ALLOWED_PRIVATE_DESTINATIONS',
    'BODIES_BUCKET',
    'LOG_RETENTION_SECONDS',
    'SERVICE',
    'SIGNING_KEY_SECRET_ARN',
    'TABLE_NAME',
  ];
  test.each([
    [
      'Api',
      [
        ...SENDING,
        'DEFAULT_RETRIES',
        'FRONT_DOOR',
        'MAX_DELAY_SECONDS',
        'MAX_MESSAGE_BYTES',
        'MAX_MESSAGES_PER_DAY',
        'MAX_QUEUES',
        'MAX_QUEUE_PARALLELISM',
        'MAX_CONCURRENCY',
        'MAX_SCHEDULES',
        'MAX_URL_GROUPS',
        'MAX_RETRIES',
        'TOKEN_GRACE_SECONDS',
        'TOKEN_SECRET_ARN',
      ],
    ],
    ['Deliver', SENDING],
    ['Fail', SENDING],
    ['Dispatch', [...EVERY, 'LOG_RETENTION_SECONDS', 'SERVICE', 'TABLE_NAME']],
    ['Promote', [...EVERY, 'LOG_RETENTION_SECONDS', 'REDRIVE_QUEUE_URL', 'SERVICE', 'TABLE_NAME']],
    ['SecretsFill', ['SIGNING_KEY_SECRET_ARN', 'TOKEN_SECRET_ARN']],
  ])('%s is given what it needs and nothing else', (name, names) => {
    expect(Object.keys(environmentOf(template, name)).sort()).toEqual([...names].sort());
  });

  test('have the documented defaults', () => {
    expect(environmentOf(template, 'Api')).toMatchObject({
      DLQ_RETENTION_SECONDS: '604800',
      LOG_RETENTION_SECONDS: '259200',
      DEFAULT_RETRIES: '3',
      MAX_RETRIES: '100',
      MAX_DELAY_SECONDS: '31536000',
      MAX_MESSAGE_BYTES: String(6 * 1024 * 1024),
      MAX_QUEUES: '100',
      MAX_QUEUE_PARALLELISM: '100',
      MAX_TIMEOUT_SECONDS: '880',
      ALLOWED_PRIVATE_DESTINATIONS: '[]',
      FRONT_DOOR: 'httpApi',
      EVENT_LOG: 'on',
      TOKEN_GRACE_SECONDS: '3600',
    });
    expect(resourceOf(template, 'AWS::Lambda::Function', 'QStashDeliver').Properties).toMatchObject({
      Timeout: 900,
      MemorySize: 512,
    });
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', { ScalingConfig: { MaximumConcurrency: 100 } });
  });

  test('run on the current Node.js and log in JSON to a group of their own', () => {
    const functions = resourcesOf(template, 'AWS::Lambda::Function');
    expect(functions).toHaveLength(6);
    const groups = functions.map(([, { Properties }]) => {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        LoggingConfig: { LogFormat: 'JSON', SystemLogLevel: 'WARN' },
      });
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined();
      expect(Properties.VpcConfig).toBeUndefined();
      return (Properties.LoggingConfig as { LogGroup: { Ref: string } }).LogGroup.Ref;
    });
    expect(new Set(groups).size).toBe(6);
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });
});

describe('tick', () => {
  test('invokes promote each minute and repeats nothing', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: Match.objectLike({
        Arn: { 'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'QStashPromote'), 'Arn'] },
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      }),
    });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { MaximumRetryAttempts: 0 });
  });
});

describe('secrets', () => {
  test('are empty in the template, survive the stack and are filled once', () => {
    const secrets = resourcesOf(template, 'AWS::SecretsManager::Secret');
    expect(secrets).toHaveLength(2);
    for (const [, secret] of secrets) {
      expect(Object.keys(secret.Properties)).toEqual(['Description']);
      expect(secret.DeletionPolicy).toBe('Retain');
    }
    template.hasResourceProperties('Custom::CdkQStashSecrets', {
      ServiceToken: { 'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'QStashSecretsFill'), 'Arn'] },
      Version: '1',
    });
  });
});

describe('front door', () => {
  test('leads every request to api, and its access log has no path', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: '$default' });
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationUri: { 'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'QStashApi'), 'Arn'] },
      PayloadFormatVersion: '2.0',
    });
    const stage = resourceOf(template, 'AWS::ApiGatewayV2::Stage', 'QStash').Properties;
    expect(stage.DefaultRouteSettings).toBeUndefined();
    const { Format } = stage.AccessLogSettings as { Format: string };
    expect(Object.values(JSON.parse(Format) as object).sort()).toEqual([
      '$context.requestId',
      '$context.responseLatency',
      '$context.routeKey',
      '$context.status',
    ]);
    expect(stack.resolve(qstash.url)).toEqual({
      'Fn::GetAtt': [idOf('AWS::ApiGatewayV2::Api', 'QStash'), 'ApiEndpoint'],
    });
  });
});

describe('alarms', () => {
  const runbook = readFileSync(path.join(__dirname, '../../docs/runbook.md'), 'utf8');
  const sections = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );

  test('name a section of the runbook that exists', () => {
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm');
    expect(alarms).toHaveLength(qstash.alarms.length);
    for (const [, { Properties }] of alarms) {
      const [, section] = /Runbook: docs\/runbook\.md#([a-z-]+)$/.exec(String(Properties.AlarmDescription)) ?? [];
      expect(sections).toContain(section);
    }
  });

  test('watch what loses or delays messages', () => {
    const watched = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
    expect(watched.sort()).toEqual(
      [
        'DeliveriesAge',
        'FailuresAge',
        'PromoterLag',
        'RedriveAge',
        'RedriveDepth',
        'Redriven',
        'ServerErrors',
        'WakesAge',
      ].map((name) => `QStashAlarms${name}`),
    );
  });

  test('a tick that stands still is alarming, a quiet queue is not', () => {
    const missing = Object.fromEntries(
      resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => [
        id.slice('QStashAlarms'.length, -8),
        Properties.TreatMissingData,
      ]),
    );
    expect(missing.PromoterLag).toBe('breaching');
    expect(missing.RedriveDepth).toBe('notBreaching');
  });

  test('notify nobody by default', () => {
    for (const [, { Properties }] of resourcesOf(template, 'AWS::CloudWatch::Alarm')) {
      expect(Properties.AlarmActions).toBeUndefined();
    }
  });
});

test('nothing has a name of its own, and the construct has no outputs', () => {
  const names = resourcesOf(template).flatMap(([id, { Properties }]) =>
    Object.keys(Properties ?? {})
      .filter((key) => /^(Name|(Table|Bucket|Queue|Function|Role|LogGroup|Alarm|Dashboard)Name)$/.test(key))
      .filter((key) => typeof (Properties[key] as unknown) === 'string')
      .map((key) => `${id.replace(/[0-9A-F]{8}$/, '')}.${key}=${String(Properties[key])}`),
  );
  // What an HTTP API must have; it need not be unique.
  expect(names).toEqual(['QStashFrontDoorHttpApi.Name=HttpApi']);
  expect(template.toJSON().Outputs).toBeUndefined();
});

test('the feature flags of a new app change nothing that matters', () => {
  const flags = readFileSync(require.resolve('aws-cdk-lib/recommended-feature-flags.json'), 'utf8');
  const flagged = new Stack(new App({ context: JSON.parse(flags) as Record<string, unknown> }), 'Test');
  new QStash(flagged, 'QStash');
  const properties = (of: Template) =>
    resourcesOf(of).filter(([, { Type }]) => !['AWS::IAM::Policy', 'AWS::Lambda::Permission'].includes(Type));
  expect(properties(Template.fromStack(flagged))).toEqual(properties(template));
});

test('two services fit into one stack and keep their metrics apart', () => {
  const app = new App();
  const both = new Stack(app, 'Both');
  const first = new QStash(both, 'First');
  const second = new QStash(both, 'Second');
  const merged = Template.fromStack(both);
  merged.resourceCountIs('AWS::DynamoDB::Table', 2);
  merged.resourceCountIs('AWS::Lambda::Function', 12);
  const services = resourcesOf(merged, 'AWS::Lambda::Function')
    .map(([, { Properties }]) => (Properties.Environment as { Variables: Record<string, string> }).Variables.SERVICE)
    .filter((service) => service !== undefined);
  expect(new Set(services).size).toBe(2);
  expect(first.metricPublished().dimensions).not.toEqual(second.metricPublished().dimensions);
});

test('the construct tree is part of the contract: a changed path replaces resources', () => {
  const paths = qstash.node
    .findAll()
    .filter((child) => child.node.id === 'Resource' || child.node.id === 'Default' || child.node.id === 'Schedule')
    .map((child) => child.node.path.slice('Test/QStash/'.length));
  expect(paths).toMatchInlineSnapshot(`
[
  "Table/Resource",
  "Bodies/Resource",
  "Bodies/Policy/Resource",
  "Queues/Redrive/Resource",
  "Queues/Redrive/Policy/Resource",
  "Queues/Deliveries/Resource",
  "Queues/Deliveries/Policy/Resource",
  "Queues/Failures/Resource",
  "Queues/Failures/Policy/Resource",
  "Queues/Wakes/Resource",
  "Queues/Wakes/Policy/Resource",
  "Secrets/TokenSecret/Resource",
  "Secrets/SigningKeySecret/Resource",
  "Secrets/Fill/Logs/Resource",
  "Secrets/Fill/Role/Resource",
  "Secrets/Fill/Role/DefaultPolicy/Resource",
  "Secrets/Fill/Function/Resource",
  "Secrets/Filled/Default",
  "Api/Logs/Resource",
  "Api/Role/Resource",
  "Api/Role/DefaultPolicy/Resource",
  "Api/Function/Resource",
  "FrontDoor/HttpApi/Resource",
  "FrontDoor/HttpApi/DefaultRoute/Api/Resource",
  "FrontDoor/HttpApi/DefaultRoute/Resource",
  "FrontDoor/AccessLog/Resource",
  "FrontDoor/Stage/Resource",
  "Deliver/Logs/Resource",
  "Deliver/Role/Resource",
  "Deliver/Role/DefaultPolicy/Resource",
  "Deliver/Function/Resource",
  "Deliver/Hints/Resource",
  "Fail/Logs/Resource",
  "Fail/Role/Resource",
  "Fail/Role/DefaultPolicy/Resource",
  "Fail/Function/Resource",
  "Fail/Hints/Resource",
  "Dispatch/Logs/Resource",
  "Dispatch/Role/Resource",
  "Dispatch/Role/DefaultPolicy/Resource",
  "Dispatch/Function/Resource",
  "Dispatch/Hints/Resource",
  "Promote/Logs/Resource",
  "Promote/Role/Resource",
  "Promote/Role/DefaultPolicy/Resource",
  "Promote/Function/Resource",
  "Promote/Function/EventInvokeConfig/Resource",
  "Tick/Role/Resource",
  "Tick/Role/DefaultPolicy/Resource",
  "Tick/Schedule",
  "Alarms/RedriveDepth/Resource",
  "Alarms/Redriven/Resource",
  "Alarms/DeliveriesAge/Resource",
  "Alarms/FailuresAge/Resource",
  "Alarms/WakesAge/Resource",
  "Alarms/RedriveAge/Resource",
  "Alarms/PromoterLag/Resource",
  "Alarms/ServerErrors/Resource",
]
`);
});

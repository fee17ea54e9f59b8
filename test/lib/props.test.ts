import { App, CfnOutput, CfnParameter, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { FrontDoor, QStash, type QStashProps } from '../../lib';
import { METRIC_NAMESPACE, Metric } from '../../lib/names';
import { createStack, environmentOf, resourceOf, resourcesOf, synthesize, VARIANTS, vpcProps } from './synthesize';

const { template: every } = synthesize(VARIANTS.everyProp);

function problemsOf(props: QStashProps): string {
  try {
    createStack(() => props);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('each prop has its effect', () => {
  test('on what api is told', () => {
    expect(environmentOf(every, 'Api')).toMatchObject({
      DLQ_RETENTION_SECONDS: String(30 * 86_400),
      LOG_RETENTION_SECONDS: String(14 * 86_400),
      DEFAULT_RETRIES: '5',
      MAX_RETRIES: '999',
      MAX_DELAY_SECONDS: String(90 * 86_400),
      MAX_MESSAGE_BYTES: '65536',
      MAX_QUEUES: '7',
      MAX_QUEUE_PARALLELISM: '8',
      MAX_TIMEOUT_SECONDS: '280',
      FRONT_DOOR: 'functionUrl',
      EVENT_LOG: 'off',
      TOKEN_GRACE_SECONDS: '600',
    });
  });

  test.each(['Api', 'Deliver', 'Fail'])('allowedPrivateDestinations reach %s as JSON', (name) => {
    expect(JSON.parse(String(environmentOf(every, name).ALLOWED_PRIVATE_DESTINATIONS))).toEqual([
      '10.0.0.0/8',
      '192.168.1.2/32:8080',
      'fd12:3456::/48:443',
    ]);
  });

  test('maxConcurrency on Dispatch', () => {
    expect(resourceOf(every, 'AWS::Lambda::EventSourceMapping', 'QStashDispatch').Properties.ScalingConfig).toEqual({
      MaximumConcurrency: 2,
    });
  });

  test.each(['Deliver', 'Fail'])('deliveryTimeout, deliveryMemory and maxConcurrency on %s', (name) => {
    expect(resourceOf(every, 'AWS::Lambda::Function', `QStash${name}`).Properties).toMatchObject({
      Timeout: 300,
      MemorySize: 1024,
    });
    expect(resourceOf(every, 'AWS::Lambda::EventSourceMapping', `QStash${name}`).Properties.ScalingConfig).toEqual({
      MaximumConcurrency: 2,
    });
  });

  test('removalPolicy on the table, the bucket and both secrets', () => {
    for (const type of ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret']) {
      for (const [, resource] of resourcesOf(every, type)) expect(resource.DeletionPolicy).toBe('Delete');
    }
  });

  test('removalPolicy DESTROY takes the objects with the bucket', () => {
    every.resourceCountIs('Custom::S3AutoDeleteObjects', 1);
    synthesize().template.resourceCountIs('Custom::S3AutoDeleteObjects', 0);
  });

  test('logRetention on every log group', () => {
    every.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 365 });
  });

  test('alarmActions on every alarm, both ways', () => {
    every.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [Match.anyValue()],
      OKActions: [Match.anyValue()],
    });
  });

  test('dashboard', () => {
    every.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    synthesize().template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });

  test('a lower maximum of retries lowers the default', () => {
    const { template } = synthesize(() => ({ maximumRetries: 1 }));
    expect(environmentOf(template, 'Api')).toMatchObject({ DEFAULT_RETRIES: '1', MAX_RETRIES: '1' });
  });
});

describe('vpc', () => {
  test('has only deliver and fail in it', () => {
    const { template } = synthesize(vpcProps);
    const inside = resourcesOf(template, 'AWS::Lambda::Function').filter(([, { Properties }]) => Properties.VpcConfig);
    expect(inside.map(([id]) => id.replace(/Function.*/, '')).sort()).toEqual(['QStashDeliver', 'QStashFail']);
  });

  test('uses the security groups that are given', () => {
    for (const name of ['Deliver', 'Fail']) {
      const { VpcConfig } = resourceOf(every, 'AWS::Lambda::Function', `QStash${name}`).Properties;
      expect(VpcConfig).toMatchObject({
        SecurityGroupIds: [{ 'Fn::GetAtt': [expect.stringMatching(/^Group/), 'GroupId'] }],
      });
    }
  });
});

describe('frontDoor: FrontDoor.functionUrl()', () => {
  const { template, stack, qstash } = synthesize(() => ({ frontDoor: FrontDoor.functionUrl() }));

  test('may be called by anybody: the handler checks the token', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'NONE' });
    // One without the other is answered with 403.
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      Principal: '*',
      InvokedViaFunctionUrl: true,
    });
  });

  test('replaces the HTTP API', () => {
    template.resourceCountIs('AWS::ApiGatewayV2::Api', 0);
    expect(environmentOf(template, 'Api').FRONT_DOOR).toBe('functionUrl');
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Url5xxCount' });
  });

  test('gives a url without a slash at its end', () => {
    expect(stack.resolve(qstash.url)).toEqual({
      'Fn::Join': ['', ['https://', { 'Fn::Select': [2, { 'Fn::Split': ['/', expect.anything()] }] }]],
    });
  });
});

describe('encryptionKey', () => {
  const { template } = synthesize((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
  const arn = { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] };

  test('encrypts the table, the bucket, the queues and the secrets', () => {
    expect(resourceOf(template, 'AWS::DynamoDB::Table', 'QStash').Properties).toMatchObject({
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: arn },
    });
    expect(resourceOf(template, 'AWS::S3::Bucket', 'QStash').Properties.BucketEncryption).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arn },
        },
      ],
    });
    for (const [, { Properties }] of resourcesOf(template, 'AWS::SQS::Queue')) {
      expect(Properties.KmsMasterKeyId).toEqual(arn);
    }
    for (const [, { Properties }] of resourcesOf(template, 'AWS::SecretsManager::Secret')) {
      expect(Properties.KmsKeyId).toEqual(arn);
    }
  });

  test('may be used by every function', () => {
    const policies = resourcesOf(template, 'AWS::IAM::Policy').filter(([id]) => !id.includes('Tick'));
    expect(policies).toHaveLength(6);
    for (const [, { Properties }] of policies) {
      const { Statement } = Properties.PolicyDocument as { Statement: object[] };
      expect(Statement).toContainEqual(
        expect.objectContaining({
          Action: expect.arrayContaining(['kms:Decrypt', 'kms:GenerateDataKey']),
          Resource: arn,
        }),
      );
    }
  });
});

describe('props that are wrong fail at synthesis', () => {
  test.each<[string, QStashProps, string]>([
    [
      'deadLetterRetention',
      { deadLetterRetention: Duration.seconds(59) },
      'between 60 seconds and 365 days, but 59 seconds was provided',
    ],
    [
      'eventLogRetention',
      { eventLogRetention: Duration.days(366) },
      'between 60 seconds and 365 days, but 31622400 seconds',
    ],
    ['defaultRetries', { defaultRetries: 1.5 }, 'a whole number between 0 and 999, but 1.5 was provided'],
    [
      'defaultRetries',
      { defaultRetries: 4, maximumRetries: 2 },
      'must not exceed maximumRetries (2), but 4 was provided',
    ],
    ['maximumRetries', { maximumRetries: 1000 }, 'between 0 and 999, but 1000 was provided'],
    ['maximumQueues', { maximumQueues: 10_001 }, 'between 1 and 10000, but 10001 was provided'],
    ['maximumQueueParallelism', { maximumQueueParallelism: 0 }, 'between 1 and 1000, but 0 was provided'],
    [
      'maximumDelay',
      { maximumDelay: Duration.millis(1500) },
      'whole seconds between 1 seconds and 365 days, but 1.5 seconds',
    ],
    [
      'maximumMessageSize',
      { maximumMessageSize: Size.mebibytes(7) },
      'between 1 KiB and 6 MiB, but 7 MiB was provided',
    ],
    [
      'deliveryMemory',
      { deliveryMemory: Size.mebibytes(64) },
      'between 128 MiB and 10240 MiB, but 64 MiB was provided',
    ],
    [
      'deliveryTimeout',
      { deliveryTimeout: Duration.seconds(901) },
      'between 60 seconds and 900 seconds, but 901 seconds',
    ],
    ['maxConcurrency', { maxConcurrency: 1 }, 'between 2 and 1000, but 1 was provided'],
    ['tokenGracePeriod', { tokenGracePeriod: Duration.days(8) }, 'between 0 seconds and 7 days, but 691200 seconds'],
    ['removalPolicy', { removalPolicy: RemovalPolicy.SNAPSHOT }, 'must not be SNAPSHOT'],
    ['vpcSubnets', { vpcSubnets: {} }, 'needs a vpc'],
    [
      'allowedPrivateDestinations',
      { allowedPrivateDestinations: ['10.0.0.0'] },
      '"10.0.0.0", which is not a CIDR block',
    ],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['10.0.0.0/33'] }, 'prefix is not between 0 and 32'],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['fd00::/129'] }, 'prefix is not between 0 and 128'],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['10.0.0.0/8:0'] }, 'port is not between 1 and 65535'],
    [
      'allowedPrivateDestinations',
      { allowedPrivateDestinations: ['10.0.0.0/8:65536'] },
      'port is not between 1 and 65535',
    ],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['internal.example'] }, 'not a CIDR block'],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['127.0.0.1/32'] }, 'never called'],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['169.254.169.254/32:80'] }, 'never called'],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['fe80::/10'] }, 'never called'],
    ['allowedPrivateDestinations', { allowedPrivateDestinations: ['fd00:ec2::254/128'] }, 'never called'],
  ])('%s', (name, props, text) => {
    const message = problemsOf(props);
    expect(message).toContain(`QStash 'Test/QStash' has 1 problem in its props:\n- ${name} `);
    expect(message).toContain(text);
    // What to do about it.
    expect(message.split(': ').length).toBeGreaterThanOrEqual(2);
  });

  test('securityGroups without a vpc', () => {
    const create = () =>
      createStack((stack) => ({ securityGroups: [new SecurityGroup(stack, 'Group', { vpc: new Vpc(stack, 'Vpc') })] }));
    expect(create).toThrow('securityGroups needs a vpc');
  });

  test('all at once, in one message', () => {
    const message = problemsOf({
      deadLetterRetention: Duration.seconds(0),
      eventLogRetention: Duration.seconds(0),
      defaultRetries: -1,
      maximumRetries: 1000,
      maximumDelay: Duration.seconds(0),
      maximumMessageSize: Size.mebibytes(7),
      maximumQueues: 0,
      maximumQueueParallelism: 1001,
      deliveryMemory: Size.mebibytes(1),
      deliveryTimeout: Duration.seconds(1),
      maxConcurrency: 1001,
      tokenGracePeriod: Duration.days(30),
      removalPolicy: RemovalPolicy.SNAPSHOT,
      vpcSubnets: {},
      allowedPrivateDestinations: ['a', 'b'],
    });
    expect(message).toContain('has 16 problems in its props:');
    expect(message.split('\n- ')).toHaveLength(17);
  });

  test('but not values that are known at deployment only', () => {
    const { template } = synthesize((stack) => {
      const given = new CfnParameter(stack, 'Given', { type: 'Number' });
      return {
        maximumRetries: given.valueAsNumber,
        defaultRetries: given.valueAsNumber,
        maxConcurrency: given.valueAsNumber,
        deadLetterRetention: Duration.seconds(given.valueAsNumber),
        deliveryMemory: Size.mebibytes(given.valueAsNumber),
        allowedPrivateDestinations: [new CfnParameter(stack, 'Block').valueAsString],
      };
    });
    expect(environmentOf(template, 'Api')).toMatchObject({
      MAX_RETRIES: { Ref: 'Given' },
      DEFAULT_RETRIES: { Ref: 'Given' },
      DLQ_RETENTION_SECONDS: { Ref: 'Given' },
      ALLOWED_PRIVATE_DESTINATIONS: { 'Fn::Join': ['', ['["', { Ref: 'Block' }, '"]']] },
    });
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      ScalingConfig: { MaximumConcurrency: { Ref: 'Given' } },
    });
  });

  test('and tokens that would have to be computed with are said to be so', () => {
    const { stack } = createStack();
    const token = new CfnParameter(stack, 'Given', { type: 'Number' }).valueAsNumber;
    const message = problemsOf({
      deadLetterRetention: Duration.days(token),
      deliveryTimeout: Duration.seconds(token),
      maximumMessageSize: Size.kibibytes(token),
    });
    expect(message).toContain('deadLetterRetention is a token in days, which cannot be converted');
    expect(message).toContain('deliveryTimeout must be known at synthesis');
    expect(message).toContain('maximumMessageSize must be known at synthesis');
  });
});

describe('use from other stacks', () => {
  const grantee = (stack: Stack) =>
    new Role(stack, 'Grantee', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });

  test('grants give one secret each', () => {
    const { stack, qstash } = createStack();
    const role = grantee(stack);
    qstash.grantReadToken(role);
    const text = () => JSON.stringify(resourceOf(Template.fromStack(stack), 'AWS::IAM::Policy', 'Grantee'));
    expect(text()).toContain('TokenSecret');
    expect(text()).not.toContain('SigningKeySecret');
  });

  test('whoever is given the token is created after it was filled in', () => {
    const { stack, qstash } = createStack();
    new CfnOutput(stack, 'Token', { value: qstash.tokenSecret.secretValueFromJson('token').unsafeUnwrap() });
    const value = JSON.stringify(Template.fromStack(stack).toJSON().Outputs.Token.Value);
    expect(value).toMatch(/resolve:secretsmanager:.*"QStashSecretsFilled\w+","TokenSecretArn".*:SecretString:token/);
  });

  test('an imported service grants and tells its address', () => {
    const stack = new Stack(new App(), 'Other');
    const imported = QStash.fromQStashAttributes(stack, 'QStash', {
      url: 'https://qstash.example.com',
      tokenSecret: Secret.fromSecretNameV2(stack, 'Token', 'token'),
      signingKeySecret: Secret.fromSecretNameV2(stack, 'SigningKey', 'signing-key'),
    });
    const role = grantee(stack);
    imported.grantReadToken(role);
    imported.grantReadSigningKeys(role);
    expect(imported.url).toBe('https://qstash.example.com');
    Template.fromStack(stack).resourceCountIs('AWS::IAM::Policy', 1);
  });
});

test('every metric of the functions can be read, with the one dimension', () => {
  const { qstash, template } = synthesize();
  const { SERVICE } = environmentOf(template, 'Api');
  const metrics = [
    qstash.metricPublished(),
    qstash.metricDelivered(),
    qstash.metricRetried(),
    qstash.metricFailed(),
    qstash.metricAttemptDuration(),
    qstash.metricPromoterLag(),
    qstash.metricSwept(),
    qstash.metricRedriven(),
  ];
  expect(metrics.map(({ metricName }) => metricName).sort()).toEqual(Object.values(Metric).sort());
  for (const metric of metrics) {
    expect(metric.namespace).toBe(METRIC_NAMESPACE);
    expect(metric.dimensions).toEqual({ Service: SERVICE });
  }
  expect(qstash.metricAttemptDuration({ statistic: 'p99' }).statistic).toBe('p99');
});

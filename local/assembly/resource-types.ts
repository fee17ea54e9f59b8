/**
 * What local mode does with the resources of a type: `emulated` resources work; `checked` ones shape what
 * works, and a contradiction stops the start or refuses the call; `inert` ones have no local effect.
 */
export type Support = 'emulated' | 'checked' | 'inert';

export interface ResourceType {
  readonly support: Support;
  /** One phrase for the table that the documentation prints. */
  readonly about: string;
  /** The property that holds the physical name, if the type has one. */
  readonly nameProperty?: string;
  /** Properties with a local effect. Where there is such a list, any property outside both stops the start. */
  readonly heeds?: readonly string[];
  /** Properties without a local effect. */
  readonly ignores?: readonly string[];
}

const NETWORK: ResourceType = { support: 'inert', about: 'functions use the network of this machine' };

/** Every resource type local mode knows. Any other stops the start, naming the resource. */
export const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::DynamoDB::Table': {
    support: 'emulated',
    about: 'keys, indexes, expiry',
    nameProperty: 'TableName',
    heeds: [
      'TableName',
      'AttributeDefinitions',
      'KeySchema',
      'BillingMode',
      'ProvisionedThroughput',
      'GlobalSecondaryIndexes',
      'LocalSecondaryIndexes',
      'TimeToLiveSpecification',
    ],
    ignores: [
      'PointInTimeRecoverySpecification',
      'SSESpecification',
      'DeletionProtectionEnabled',
      'Tags',
      'TableClass',
      'ContributorInsightsSpecification',
      'OnDemandThroughput',
      'WarmThroughput',
    ],
  },
  'AWS::DynamoDB::GlobalTable': {
    support: 'emulated',
    about: 'keys, indexes, expiry; one replica',
    nameProperty: 'TableName',
    heeds: [
      'TableName',
      'AttributeDefinitions',
      'KeySchema',
      'BillingMode',
      'GlobalSecondaryIndexes',
      'LocalSecondaryIndexes',
      'TimeToLiveSpecification',
    ],
    ignores: [
      'Replicas',
      'SSESpecification',
      'WriteProvisionedThroughputSettings',
      'WriteOnDemandThroughputSettings',
      'WarmThroughput',
    ],
  },
  'AWS::SQS::Queue': {
    support: 'emulated',
    about: 'delay, visibility, retention, redrive, FIFO',
    nameProperty: 'QueueName',
    heeds: [
      'QueueName',
      'DelaySeconds',
      'VisibilityTimeout',
      'MessageRetentionPeriod',
      'MaximumMessageSize',
      'ReceiveMessageWaitTimeSeconds',
      'RedrivePolicy',
      'RedriveAllowPolicy',
      'FifoQueue',
      'ContentBasedDeduplication',
      'DeduplicationScope',
      'FifoThroughputLimit',
    ],
    ignores: ['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled', 'Tags'],
  },
  'AWS::S3::Bucket': {
    support: 'emulated',
    about: 'objects, expiry by prefix and days; no versions',
    nameProperty: 'BucketName',
    heeds: ['BucketName', 'LifecycleConfiguration'],
    ignores: ['BucketEncryption', 'OwnershipControls', 'PublicAccessBlockConfiguration', 'Tags'],
  },
  'AWS::Lambda::Function': {
    support: 'emulated',
    about: 'code, handler, environment, timeout, role; Node.js only',
    nameProperty: 'FunctionName',
    heeds: [
      'FunctionName',
      'Code',
      'Handler',
      'Runtime',
      'Environment',
      'Timeout',
      'Role',
      'MemorySize',
      'ReservedConcurrentExecutions',
      'RecursiveLoop',
    ],
    ignores: [
      'Architectures',
      'Description',
      'LoggingConfig',
      'TracingConfig',
      'VpcConfig',
      'KmsKeyArn',
      'Tags',
      'EphemeralStorage',
      'RuntimeManagementConfig',
    ],
  },
  'AWS::Lambda::EventSourceMapping': {
    support: 'emulated',
    about: 'from queues: batch size and window, maximum concurrency, partial failures',
    heeds: [
      'EventSourceArn',
      'FunctionName',
      'BatchSize',
      'MaximumBatchingWindowInSeconds',
      'FunctionResponseTypes',
      'ScalingConfig',
      'Enabled',
    ],
    ignores: ['Tags', 'MetricsConfig'],
  },
  'AWS::Lambda::Url': {
    support: 'emulated',
    about: 'front door with paths as sent; no authorization of its own',
    heeds: ['AuthType', 'TargetFunctionArn', 'InvokeMode'],
  },
  'AWS::ApiGatewayV2::Api': {
    support: 'emulated',
    about: 'front door with decoded paths; HTTP protocol',
    nameProperty: 'Name',
    heeds: ['Name', 'ProtocolType'],
    ignores: ['Description', 'Tags', 'DisableExecuteApiEndpoint', 'IpAddressType'],
  },
  'AWS::ApiGatewayV2::Integration': {
    support: 'emulated',
    about: 'Lambda proxy, payload 2.0, timeout',
    heeds: ['ApiId', 'IntegrationType', 'IntegrationUri', 'PayloadFormatVersion', 'TimeoutInMillis'],
    ignores: ['Description', 'IntegrationMethod'],
  },
  'AWS::ApiGatewayV2::Route': {
    support: 'emulated',
    about: 'the `$default` route',
    heeds: ['ApiId', 'RouteKey', 'Target', 'AuthorizationType'],
  },
  'AWS::ApiGatewayV2::Stage': {
    support: 'emulated',
    about: 'the `$default` stage, without its throttling',
    nameProperty: 'StageName',
    heeds: ['ApiId', 'StageName'],
    ignores: ['AutoDeploy', 'AccessLogSettings', 'DefaultRouteSettings', 'RouteSettings', 'Tags', 'Description'],
  },
  'AWS::Scheduler::Schedule': {
    support: 'emulated',
    about: '`rate()`, `cron()` and `at()` with a Lambda target, fired at the start of the minute',
    nameProperty: 'Name',
    heeds: ['Name', 'ScheduleExpression', 'ScheduleExpressionTimezone', 'State', 'Target'],
    ignores: ['FlexibleTimeWindow', 'Description', 'GroupName', 'KmsKeyArn'],
  },
  'AWS::SecretsManager::Secret': {
    support: 'emulated',
    about: 'value and versions, no rotation',
    nameProperty: 'Name',
    heeds: ['Name', 'SecretString', 'GenerateSecretString'],
    ignores: ['Description', 'KmsKeyId', 'Tags', 'ReplicaRegions'],
  },
  'Custom::*': { support: 'emulated', about: 'invoked once at each start, with a Create event' },
  'Custom::S3AutoDeleteObjects': {
    support: 'inert',
    about: 'nothing is deleted with a local stack; its function is not started',
  },
  'AWS::CloudFormation::CustomResource': {
    support: 'emulated',
    about: 'invoked once at each start, with a Create event',
  },
  'AWS::IAM::Role': {
    support: 'checked',
    about: 'every emulated call is held to it; no boundaries',
    nameProperty: 'RoleName',
    heeds: ['RoleName', 'Policies', 'ManagedPolicyArns'],
    ignores: ['AssumeRolePolicyDocument', 'Description', 'MaxSessionDuration', 'Path', 'PermissionsBoundary', 'Tags'],
  },
  'AWS::IAM::Policy': {
    support: 'checked',
    about: 'every emulated call is held to it',
    nameProperty: 'PolicyName',
    heeds: ['PolicyName', 'PolicyDocument', 'Roles'],
    ignores: ['Groups', 'Users'],
  },
  'AWS::IAM::ManagedPolicy': {
    support: 'checked',
    about: 'every emulated call is held to it',
    nameProperty: 'ManagedPolicyName',
    heeds: ['ManagedPolicyName', 'PolicyDocument', 'Roles'],
    ignores: ['Groups', 'Users', 'Description', 'Path'],
  },
  'AWS::SQS::QueuePolicy': { support: 'checked', about: 'counts beside the role of the caller' },
  'AWS::S3::BucketPolicy': { support: 'checked', about: 'counts beside the role of the caller' },
  'AWS::Lambda::Permission': { support: 'checked', about: 'a front door needs one for its function' },
  'AWS::Logs::LogGroup': { support: 'inert', about: 'logs go to the terminal', nameProperty: 'LogGroupName' },
  'AWS::Logs::MetricFilter': { support: 'inert', about: 'no metrics locally' },
  'AWS::Logs::ResourcePolicy': { support: 'inert', about: 'logs go to the terminal' },
  'AWS::CloudWatch::Alarm': { support: 'inert', about: 'no metrics locally', nameProperty: 'AlarmName' },
  'AWS::CloudWatch::CompositeAlarm': { support: 'inert', about: 'no metrics locally', nameProperty: 'AlarmName' },
  'AWS::CloudWatch::Dashboard': { support: 'inert', about: 'no metrics locally', nameProperty: 'DashboardName' },
  'AWS::Lambda::EventInvokeConfig': { support: 'inert', about: 'concerns asynchronous invocations' },
  'AWS::Scheduler::ScheduleGroup': { support: 'inert', about: 'only a name', nameProperty: 'Name' },
  'AWS::SecretsManager::ResourcePolicy': { support: 'inert', about: 'access from other accounts' },
  'AWS::SNS::Topic': { support: 'inert', about: 'alarms have no one to tell', nameProperty: 'TopicName' },
  'AWS::SNS::Subscription': { support: 'inert', about: 'alarms have no one to tell' },
  'AWS::SNS::TopicPolicy': { support: 'inert', about: 'alarms have no one to tell' },
  'AWS::KMS::Key': { support: 'inert', about: 'nothing is encrypted at rest locally' },
  'AWS::KMS::Alias': { support: 'inert', about: 'nothing is encrypted at rest locally', nameProperty: 'AliasName' },
  'AWS::EC2::VPC': NETWORK,
  'AWS::EC2::Subnet': NETWORK,
  'AWS::EC2::SecurityGroup': NETWORK,
  'AWS::EC2::SecurityGroupEgress': NETWORK,
  'AWS::EC2::SecurityGroupIngress': NETWORK,
  'AWS::EC2::InternetGateway': NETWORK,
  'AWS::EC2::VPCGatewayAttachment': NETWORK,
  'AWS::EC2::RouteTable': NETWORK,
  'AWS::EC2::SubnetRouteTableAssociation': NETWORK,
  'AWS::EC2::Route': NETWORK,
  'AWS::EC2::EIP': NETWORK,
  'AWS::EC2::NatGateway': NETWORK,
  'AWS::EC2::VPCEndpoint': NETWORK,
  'AWS::CDK::Metadata': { support: 'inert', about: 'what CDK counts' },
};

/** The entry of {@link RESOURCE_TYPES} for a type, or undefined when local mode does not know it. */
export function resourceType(type: string): ResourceType | undefined {
  return RESOURCE_TYPES[type] ?? (type.startsWith('Custom::') ? RESOURCE_TYPES['Custom::*'] : undefined);
}

import { App, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { FrontDoor, QStash, type QStashProps } from '../../lib';

/** A stack with one service; `propsOf` may create what the props refer to in it. */
export function createStack(propsOf: (stack: Stack) => QStashProps = () => ({})) {
  const app = new App();
  const stack = new Stack(app, 'Test');
  const qstash = new QStash(stack, 'QStash', propsOf(stack));
  return { app, stack, qstash };
}

export function synthesize(propsOf?: (stack: Stack) => QStashProps) {
  const created = createStack(propsOf);
  return { ...created, template: Template.fromStack(created.stack) };
}

export function vpcProps(stack: Stack): QStashProps {
  return { vpc: new Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1 }) };
}

function everyProp(stack: Stack): QStashProps {
  const { vpc } = vpcProps(stack);
  return {
    deadLetterRetention: Duration.days(30),
    eventLog: false,
    eventLogRetention: Duration.days(14),
    defaultRetries: 5,
    maximumRetries: 999,
    maximumDelay: Duration.days(90),
    maximumMessageSize: Size.kibibytes(64),
    maximumQueues: 7,
    maximumQueueParallelism: 8,
    deliveryMemory: Size.mebibytes(1024),
    deliveryTimeout: Duration.minutes(5),
    maxConcurrency: 2,
    removalPolicy: RemovalPolicy.DESTROY,
    logRetention: RetentionDays.ONE_YEAR,
    vpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    securityGroups: [new SecurityGroup(stack, 'Group', { vpc: vpc! })],
    allowedPrivateDestinations: ['10.0.0.0/8', '192.168.1.2/32:8080', 'fd12:3456::/48:443'],
    frontDoor: FrontDoor.functionUrl(),
    tokenGracePeriod: Duration.minutes(10),
    encryptionKey: new Key(stack, 'Key'),
    alarmActions: [new SnsAction(new Topic(stack, 'Topic'))],
    dashboard: true,
  };
}

/** Each way in which the template differs, by a name for the tests that go over all of them. */
export const VARIANTS: Readonly<Record<string, (stack: Stack) => QStashProps>> = {
  default: () => ({}),
  functionUrl: () => ({ frontDoor: FrontDoor.functionUrl() }),
  encryptionKey: (stack) => ({ encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) }),
  vpc: vpcProps,
  everyProp,
};

export type Resource = { readonly Type: string; readonly Properties: Record<string, unknown> } & Record<
  string,
  unknown
>;

export function resourcesOf(template: Template, type?: string): [string, Resource][] {
  const all = Object.entries(template.toJSON().Resources as Record<string, Resource>);
  return type === undefined ? all : all.filter(([, resource]) => resource.Type === type);
}

/** The one resource of a type whose logical id begins so. */
export function resourceOf(template: Template, type: string, idPrefix: string): Resource {
  const found = resourcesOf(template, type).filter(([id]) => id.startsWith(idPrefix));
  if (found.length !== 1) throw new Error(`${found.length} resources of ${type} begin with ${idPrefix}`);
  return found[0]![1];
}

/** Environment of the function in that child of the service. */
export function environmentOf(template: Template, path: string): Record<string, unknown> {
  const { Environment } = resourceOf(template, 'AWS::Lambda::Function', `QStash${path}Function`).Properties as {
    Environment: { Variables: Record<string, unknown> };
  };
  return Environment.Variables;
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

/** All statements of the policies that are attached to roles, with the logical id of their policy. */
export function statementsOf(template: Template): { policy: string; statement: Statement }[] {
  return resourcesOf(template, 'AWS::IAM::Policy').flatMap(([policy, resource]) =>
    (resource.Properties.PolicyDocument as { Statement: Statement[] }).Statement.map((statement) => ({
      policy,
      statement,
    })),
  );
}

export function actionsOf(statement: Statement): string[] {
  return [statement.Action].flat();
}

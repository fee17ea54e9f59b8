import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  EventSourceMapping,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { functionCode } from './function-code';
import type { Env } from './names';
import { EVENT_SOURCE_ACTIONS, type FunctionName, NETWORK_INTERFACE_ACTIONS } from './permissions';

/** Environment variables, by the names that the functions read. */
export type Environment = Readonly<Partial<Record<keyof typeof Env, string>>>;

/** Where a function runs that has to reach private destinations. */
export interface Network {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  readonly securityGroups?: ISecurityGroup[];
}

export interface ServiceFunctionProps {
  /** Name of the asset, also what the function is called in its description. */
  readonly name: FunctionName;
  readonly description: string;
  readonly environment: Environment;
  readonly timeout: Duration;
  readonly memorySize: number;
  readonly logRetention: RetentionDays;
  readonly network?: Network;
  /** The function takes part in a chain of messages that Lambda would take for an endless loop. */
  readonly partOfLoop?: boolean;
  /** Attempts after the first of an asynchronous invocation. */
  readonly retryAttempts?: number;
}

/** One function with a role and a log group of its own. The role has no permission but to write the log. */
export class ServiceFunction extends Construct {
  public readonly function: LambdaFunction;
  public readonly role: Role;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What the function ${props.name} may do`,
    });
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    if (props.network !== undefined) this.allowNetworkInterfaces();
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: functionCode(props.name),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      role: this.role,
      environment: { ...props.environment },
      timeout: props.timeout,
      memorySize: props.memorySize,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      ...props.network,
      recursiveLoop: props.partOfLoop ? RecursiveLoop.ALLOW : undefined,
      retryAttempts: props.retryAttempts,
    });
  }

  /** Feeds the function from a queue, in batches of ten of which each record succeeds or fails alone. */
  public consume(queue: IQueue, maxConcurrency: number): void {
    this.role.addToPrincipalPolicy(new PolicyStatement({ actions: EVENT_SOURCE_ACTIONS, resources: [queue.queueArn] }));
    new EventSourceMapping(this, 'Hints', {
      target: this.function,
      eventSourceArn: queue.queueArn,
      batchSize: 10,
      // Lambda has no window for FIFO queues.
      maxBatchingWindow: queue.fifo ? undefined : Duration.seconds(0),
      reportBatchItemFailures: true,
      maxConcurrency,
    });
  }

  private allowNetworkInterfaces(): void {
    this.role.addToPrincipalPolicy(new PolicyStatement({ actions: NETWORK_INTERFACE_ACTIONS, resources: ['*'] }));
    Validations.of(this.role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Lambda creates network interfaces with this role, and EC2 takes no narrower resource for that',
    });
  }
}

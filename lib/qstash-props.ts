import type { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { FrontDoor } from './front-door';

/** Settings of a `QStash`. All are optional: without any, a complete service is deployed. */
export interface QStashProps {
  /**
   * How long dead letters stay in the dead letter queue before they expire. Between 1 minute and 365 days.
   *
   * @default Duration.days(7)
   */
  readonly deadLetterRetention?: Duration;

  /**
   * Whether every state change of a message is kept for `/v2/events` and `/v2/logs`.
   *
   * Without it, both answer 404, and late attempts write less to the table. Messages, their states and the
   * dead letter queue do not depend on it.
   *
   * @default true
   */
  readonly eventLog?: boolean;

  /**
   * How long the event log, and with it a message that has ended, can be read. Between 1 minute and 365 days.
   *
   * @default Duration.days(3)
   */
  readonly eventLogRetention?: Duration;

  /**
   * Retries of a message whose publisher sends no `Upstash-Retries`. From 0 to `maximumRetries`.
   *
   * The n-th retry waits min(86400, e^(2.5 n)) seconds by default: about 12 s, 2.5 min, 30 min, 6 h, 24 h.
   *
   * @default 3
   */
  readonly defaultRetries?: number;

  /**
   * The most retries that a publisher may ask for; a publish that asks for more is refused. From 0 to 999.
   *
   * @default 100
   */
  readonly maximumRetries?: number;

  /**
   * The longest delay that a publisher may ask for; a publish that asks for more is refused. Between 1 second
   * and 365 days.
   *
   * @default Duration.days(365)
   */
  readonly maximumDelay?: Duration;

  /**
   * The largest message body; a larger one is refused with 413. Between 1 KiB and 6 MiB.
   *
   * The front door sets the limit otherwise: Lambda takes 6 MiB for a whole request in JSON. That is about 6 MB of
   * text, of which quotes, backslashes and line breaks count twice, and 4.5 MB of anything else, which comes as
   * base64. Bodies over 8 KiB are kept in `bodiesBucket`.
   *
   * @default Size.mebibytes(6)
   */
  readonly maximumMessageSize?: Size;

  /**
   * The most messages that may be published in one day (UTC); what is beyond is refused with 429, whose headers
   * `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` the clients read. From 1 to 1000000000. Retries
   * and callbacks do not count, nor do the runs of schedules.
   *
   * A limit costs one more write for each publish or batch, and at some 1000 of them in a second all of one
   * DynamoDB partition.
   *
   * @default - no limit
   */
  readonly maximumMessagesPerDay?: number;

  /**
   * The most URL groups that there may be; one more is refused with 412. From 1 to 10000.
   *
   * @default 100
   */
  readonly maximumUrlGroups?: number;

  /**
   * The most queues that there may be; one more is refused with 412, also when a message is the first one for it.
   * From 1 to 10000.
   *
   * @default 100
   */
  readonly maximumQueues?: number;

  /**
   * The most messages that one queue may deliver at once; a higher parallelism is refused with 412. From 1 to 1000.
   *
   * @default 100
   */
  readonly maximumQueueParallelism?: number;

  /**
   * The most schedules there may be; who creates another one is refused with 412, and can still replace those that
   * are there. From 1 to 10000. Schedules that are created at the same moment may exceed it.
   *
   * Each minute all of them are read: 1000 cost about 0.15 dollars a month.
   *
   * @default 1000
   */
  readonly maximumSchedules?: number;

  /**
   * Memory of the functions that call destinations. Between 128 MiB and 10240 MiB. More memory is also more
   * CPU, and a price per millisecond that rises with it.
   *
   * Ten attempts are made at a time, each with its body in memory. The default has room for the largest bodies, and
   * for the callbacks that report them.
   *
   * @default Size.mebibytes(512)
   */
  readonly deliveryMemory?: Size;

  /**
   * How long one batch of deliveries may take. Between 60 and 900 seconds.
   *
   * The longest attempt, which is also the default of `Upstash-Timeout`, is 20 seconds less: they are kept for
   * recording outcomes. WARNING: Lambda bills the time a slow destination takes to answer. Lower this, or send
   * `Upstash-Timeout`, where destinations hang rather than fail. There is no lane of its own for slow
   * destinations: give them a second `QStash`.
   *
   * @default Duration.seconds(900)
   */
  readonly deliveryTimeout?: Duration;

  /**
   * The most concurrent executions of `deliver`, and of `fail` and `dispatch` beside it. From 2 to 1000. Each
   * execution of the first two calls up to ten destinations at a time.
   *
   * It limits how fast the queues are read and reserves nothing: the functions share the concurrency of the
   * account with all others.
   *
   * @default 100
   */
  readonly maxConcurrency?: number;

  /**
   * What happens to the table, the bucket of large bodies and the two secrets when they are removed from the
   * stack. They go together: without its keys, nobody could check what the table still holds. Queues and logs are
   * always deleted.
   *
   * `RemovalPolicy.DESTROY` deletes the objects of the bucket too: for that, CDK adds a function to the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * How long CloudWatch keeps the logs of the functions and the access log of the front door.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * The VPC that `deliver` and `fail` run in, to reach private destinations. No other function is in it.
   *
   * Its subnets must have a route to SQS, DynamoDB, S3 and Secrets Manager (a NAT gateway or VPC endpoints), and a
   * NAT gateway for destinations on the internet. Nothing can check this at synth: without the route, no
   * message is delivered, and the alarm on the age of the oldest message tells.
   *
   * @default - the functions run outside of any VPC
   */
  readonly vpc?: IVpc;

  /**
   * The subnets of `vpc` to use.
   *
   * @default - the private subnets with egress; those that the VPC offers instead, if it has none
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * The security groups of `deliver` and `fail` in `vpc`. Their outbound rules must allow the destinations.
   *
   * @default - a new security group for each of the two, with all outbound traffic allowed
   */
  readonly securityGroups?: ISecurityGroup[];

  /**
   * Private addresses that may be called: CIDR blocks with an optional port, such as `10.1.0.0/16`,
   * `10.1.2.3/32:8080` or `fd12:3456::/48:443`.
   *
   * All addresses but public ones are refused unless they are listed here. Loopback, link-local and metadata
   * addresses are refused whatever is listed.
   *
   * @default - none: only public addresses are called
   */
  readonly allowedPrivateDestinations?: string[];

  /**
   * How the service is reached over HTTP.
   *
   * @default FrontDoor.httpApi()
   */
  readonly frontDoor?: FrontDoor;

  /**
   * How long a token is still accepted after it was replaced. Between 0 and 7 days.
   *
   * @default Duration.hours(1)
   */
  readonly tokenGracePeriod?: Duration;

  /**
   * The key that encrypts the table, the bucket, the queues and the secrets. An imported key needs a key policy that lets
   * the roles of this account use it.
   *
   * @default - keys that AWS owns and charges nothing for
   */
  readonly encryptionKey?: IKey;

  /**
   * What to do when an alarm goes off, and when it ends, such as to notify an SNS topic.
   *
   * @default - the alarms change state and notify nobody
   */
  readonly alarmActions?: IAlarmAction[];

  /**
   * Whether to create a CloudWatch dashboard (3 dollars a month beyond the first three of an account).
   *
   * @default false
   */
  readonly dashboard?: boolean;
}

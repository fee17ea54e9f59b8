import { Duration, Names, Stack } from 'aws-cdk-lib';
import {
  Metric as CloudWatchMetric,
  type Dashboard,
  type IAlarm,
  type MetricOptions,
} from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, type ITable, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { Alarms } from './alarms';
import { createBodiesBucket } from './bodies';
import { createDashboard } from './dashboard';
import { FrontDoor } from './front-door';
import { ImportedQStash } from './imported-qstash';
import { HELD_BODIES, METRIC_DIMENSION, METRIC_NAMESPACE, Metric, TableKey } from './names';
import { grantPermissions, PERMISSIONS } from './permissions';
import type { QStashProps } from './qstash-props';
import type { IQStash, QStashAttributes } from './qstash-reference';
import { Queues } from './queues';
import { Secrets } from './secrets';
import { type Environment, ServiceFunction } from './service-function';
import { numberText, RECORDING_SECONDS, secondsText, settingsOf } from './settings';
import { Tick } from './tick';

/**
 * A QStash-compatible message delivery service: publish over HTTP, durable delivery with retries, a dead
 * letter queue to browse and retry, failure callbacks.
 *
 * Give the Upstash SDKs `url` as `QSTASH_URL` and the `token` of `tokenSecret` as `QSTASH_TOKEN`.
 */
export class QStash extends Construct implements IQStash {
  /** Refers to a service of another stack or app, to publish to it and to check what it delivers. */
  public static fromQStashAttributes(scope: Construct, id: string, attributes: QStashAttributes): IQStash {
    return new ImportedQStash(scope, id, attributes);
  }

  /** What `QSTASH_URL` must be, without a slash at the end. */
  public readonly url: string;
  /** The secret that holds `token`, ready to be used as `QSTASH_TOKEN`, and `readOnlyToken`. */
  public readonly tokenSecret: ISecret;
  /** The secret that holds the signing keys of deliveries, `current` and `next`, with their `version`. */
  public readonly signingKeySecret: ISecret;
  /** Holds every message, its state, the event log and the dead letter queue. */
  public readonly table: ITable;
  /** Holds the bodies over 8 KiB of the messages in `table`. The service deletes them when their messages expire. */
  public readonly bodiesBucket: IBucket;
  /** Hints at the messages to deliver. The table is the truth: a hint lost is sent again. */
  public readonly deliveriesQueue: IQueue;
  /** Hints at the failure callbacks to deliver. */
  public readonly failuresQueue: IQueue;
  /** Where SQS moves the hints of both queues that a function could not deal with ten times. */
  public readonly redriveQueue: IQueue;
  /** Reasons to look at what waits in queues and flow controls. */
  public readonly wakesQueue: IQueue;
  /** Answers every HTTP request. */
  public readonly apiFunction: IFunction;
  /** Calls the destinations. */
  public readonly deliverFunction: IFunction;
  /** Calls the failure callbacks. */
  public readonly failFunction: IFunction;
  /** Lets those through that wait in queues and flow controls, as far as the limits allow. */
  public readonly dispatchFunction: IFunction;
  /** Moves what is due from the table to the queues each minute, and empties the redrive queue. */
  public readonly promoteFunction: IFunction;
  /** What somebody should be woken for. Each description names its section in docs/runbook.md. */
  public readonly alarms: IAlarm[];
  /** The dashboard, if `dashboard` asked for one. */
  public readonly dashboard?: Dashboard;

  /** Value of the metrics' one dimension, `Service`. */
  private readonly service: string;

  constructor(scope: Construct, id: string, props: QStashProps = {}) {
    super(scope, id);
    const settings = settingsOf(this.node.path, props);
    this.service = Names.uniqueResourceName(this, { maxLength: 128, separator: '-' });
    const { deliveryTimeout } = settings;
    const { encryptionKey } = props;
    const logRetention = props.logRetention ?? RetentionDays.ONE_MONTH;

    // Not TableV2, which refuses a customer's key where the region is known at deployment only.
    const table = new Table(this, 'Table', {
      partitionKey: { name: TableKey.PARTITION, type: AttributeType.STRING },
      sortKey: { name: TableKey.SORT, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: TableKey.TTL,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      encryption: encryptionKey ? TableEncryption.CUSTOMER_MANAGED : undefined,
      encryptionKey,
      removalPolicy: settings.removalPolicy,
    });
    const bodies = createBodiesBucket(this, { removalPolicy: settings.removalPolicy, encryptionKey });
    const dispatchTimeout = Duration.seconds(30);
    const queues = new Queues(this, 'Queues', { deliveryTimeout, dispatchTimeout, encryptionKey });
    const secrets = new Secrets(this, 'Secrets', {
      removalPolicy: settings.removalPolicy,
      logRetention,
      encryptionKey,
    });
    this.table = table;
    this.bodiesBucket = bodies;
    this.deliveriesQueue = queues.deliveries;
    this.failuresQueue = queues.failures;
    this.redriveQueue = queues.redrive;
    this.wakesQueue = queues.wakes;
    this.tokenSecret = secrets.filledToken;
    this.signingKeySecret = secrets.filledSigningKey;

    const arns = {
      table: table.tableArn,
      bodiesBucket: bodies.bucketArn,
      bodies: bodies.arnForObjects('*'),
      heldBodies: bodies.arnForObjects(`${HELD_BODIES}*`),
      deliveries: queues.deliveries.queueArn,
      failures: queues.failures.queueArn,
      redrive: queues.redrive.queueArn,
      wakes: queues.wakes.queueArn,
      tokenSecret: secrets.token.secretArn,
      signingKeySecret: secrets.signingKey.secretArn,
    };
    const shared: Environment = {
      TABLE_NAME: table.tableName,
      DELIVERIES_QUEUE_URL: queues.deliveries.queueUrl,
      FAILURES_QUEUE_URL: queues.failures.queueUrl,
      WAKES_QUEUE_URL: queues.wakes.queueUrl,
      SERVICE: this.service,
      DLQ_RETENTION_SECONDS: secondsText(settings.deadLetterRetention),
      LOG_RETENTION_SECONDS: secondsText(settings.eventLogRetention),
      EVENT_LOG: props.eventLog === false ? 'off' : 'on',
      MAX_TIMEOUT_SECONDS: numberText(deliveryTimeout.toSeconds() - RECORDING_SECONDS),
    };
    const sending: Environment = {
      ...shared,
      BODIES_BUCKET: bodies.bucketName,
      SIGNING_KEY_SECRET_ARN: secrets.signingKey.secretArn,
      ALLOWED_PRIVATE_DESTINATIONS: Stack.of(this).toJsonString(settings.allowedPrivateDestinations),
    };

    const api = new ServiceFunction(this, 'Api', {
      name: 'api',
      description: 'Answers the HTTP API of QStash',
      environment: {
        ...sending,
        TOKEN_SECRET_ARN: secrets.token.secretArn,
        MAX_MESSAGE_BYTES: numberText(settings.maximumMessageSize.toBytes()),
        DEFAULT_RETRIES: numberText(settings.defaultRetries),
        MAX_RETRIES: numberText(settings.maximumRetries),
        MAX_DELAY_SECONDS: secondsText(settings.maximumDelay),
        MAX_MESSAGES_PER_DAY:
          props.maximumMessagesPerDay === undefined ? 'unlimited' : numberText(props.maximumMessagesPerDay),
        MAX_URL_GROUPS: numberText(settings.maximumUrlGroups),
        MAX_QUEUES: numberText(settings.maximumQueues),
        MAX_QUEUE_PARALLELISM: numberText(settings.maximumQueueParallelism),
        MAX_CONCURRENCY: numberText(settings.maxConcurrency),
        MAX_SCHEDULES: numberText(settings.maximumSchedules),
        TOKEN_GRACE_SECONDS: secondsText(settings.tokenGracePeriod),
      },
      // An HTTP API waits 30 seconds: the function should end first, with an answer of its own.
      timeout: Duration.seconds(29),
      memorySize: 512,
      logRetention,
    });
    grantPermissions(api.role, PERMISSIONS.api, arns, encryptionKey);
    this.apiFunction = api.function;

    const frontDoor = (props.frontDoor ?? FrontDoor.httpApi()).bind(new Construct(this, 'FrontDoor'), {
      handler: api.function,
      logRetention,
    });
    api.function.addEnvironment('FRONT_DOOR', frontDoor.decodesPaths ? 'httpApi' : 'functionUrl');
    this.url = frontDoor.url;

    const network = props.vpc && {
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroups: props.securityGroups,
    };
    const delivery = (functionId: string, name: 'deliver' | 'fail', description: string, source: IQueue) => {
      const created = new ServiceFunction(this, functionId, {
        name,
        description,
        environment: sending,
        timeout: deliveryTimeout,
        memorySize: settings.deliveryMemory.toMebibytes(),
        logRetention,
        network,
        partOfLoop: true,
      });
      grantPermissions(created.role, PERMISSIONS[name], { ...arns, source: source.queueArn }, encryptionKey);
      created.consume(source, settings.maxConcurrency);
      return created.function;
    };
    this.deliverFunction = delivery('Deliver', 'deliver', 'Calls the destinations of QStash', queues.deliveries);
    this.failFunction = delivery('Fail', 'fail', 'Calls the failure callbacks of QStash', queues.failures);

    const dispatch = new ServiceFunction(this, 'Dispatch', {
      name: 'dispatch',
      description: 'Lets through what waits in queues and flow controls of QStash',
      environment: shared,
      timeout: dispatchTimeout,
      memorySize: 512,
      logRetention,
      partOfLoop: true,
    });
    grantPermissions(dispatch.role, PERMISSIONS.dispatch, { ...arns, source: queues.wakes.queueArn }, encryptionKey);
    dispatch.consume(queues.wakes, settings.maxConcurrency);
    this.dispatchFunction = dispatch.function;

    const promote = new ServiceFunction(this, 'Promote', {
      name: 'promote',
      description: 'Moves due messages of QStash to their queues each minute',
      environment: { ...shared, REDRIVE_QUEUE_URL: queues.redrive.queueUrl },
      timeout: Duration.minutes(1),
      memorySize: 512,
      logRetention,
      partOfLoop: true,
      retryAttempts: 0,
    });
    grantPermissions(promote.role, PERMISSIONS.promote, arns, encryptionKey);
    this.promoteFunction = promote.function;
    new Tick(this, 'Tick', { target: promote.function });

    this.alarms = new Alarms(this, 'Alarms', {
      deliveriesQueue: queues.deliveries,
      failuresQueue: queues.failures,
      redriveQueue: queues.redrive,
      wakesQueue: queues.wakes,
      deliveryTimeout,
      redriven: this.metricRedriven(),
      promoterLag: this.metricPromoterLag({ period: Duration.minutes(1) }),
      serverErrors: frontDoor.serverErrors,
      actions: props.alarmActions ?? [],
    }).all;
    if (props.dashboard) {
      this.dashboard = createDashboard(this, {
        alarms: this.alarms,
        outcomes: [this.metricPublished(), this.metricDelivered(), this.metricRetried(), this.metricFailed()],
        attemptDuration: this.metricAttemptDuration(),
        promoterLag: this.metricPromoterLag(),
        queues: [queues.deliveries, queues.failures, queues.redrive, queues.wakes],
        serverErrors: frontDoor.serverErrors,
      });
    }
  }

  /**
   * Lets the grantee read the tokens. This is full access to the service: with the token one may publish,
   * read, cancel and delete any message, read the signing keys and rotate them.
   */
  public grantReadToken(grantee: IGrantable): Grant {
    return this.tokenSecret.grantRead(grantee);
  }

  /**
   * Lets the grantee read the keys that sign deliveries, which a receiver needs to check them. Who has the
   * keys can also forge deliveries.
   */
  public grantReadSigningKeys(grantee: IGrantable): Grant {
    return this.signingKeySecret.grantRead(grantee);
  }

  /** A metric of this service by its name. The statistic is the sum unless the options say otherwise. */
  public metric(metricName: string, options?: MetricOptions): CloudWatchMetric {
    return new CloudWatchMetric({
      statistic: 'Sum',
      ...options,
      namespace: METRIC_NAMESPACE,
      metricName,
      dimensionsMap: { [METRIC_DIMENSION]: this.service },
    }).attachTo(this);
  }

  /** Messages accepted. Sum over 5 minutes. */
  public metricPublished(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.PUBLISHED, options);
  }

  /** Messages delivered. Sum over 5 minutes. */
  public metricDelivered(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.DELIVERED, options);
  }

  /** Attempts that failed and will be repeated. Sum over 5 minutes. */
  public metricRetried(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.RETRIED, options);
  }

  /** Messages that became dead letters. Sum over 5 minutes. */
  public metricFailed(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.FAILED, options);
  }

  /** Milliseconds that attempts took at their destinations. Average over 5 minutes. */
  public metricAttemptDuration(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.ATTEMPT_DURATION, { statistic: 'Average', ...options });
  }

  /** Seconds by which the oldest due message waits beyond its time. Maximum over 5 minutes. */
  public metricPromoterLag(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.PROMOTER_LAG, { statistic: 'Maximum', ...options });
  }

  /** Messages whose hint had to be sent again. Sum over 5 minutes. */
  public metricSwept(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.SWEPT, options);
  }

  /** Hints taken from the redrive queue. Sum over 5 minutes. */
  public metricRedriven(options?: MetricOptions): CloudWatchMetric {
    return this.metric(Metric.REDRIVEN, options);
  }
}

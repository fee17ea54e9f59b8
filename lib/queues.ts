import { Duration, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  type DeadLetterQueue,
  DeduplicationScope,
  FifoThroughputLimit,
  type IQueue,
  Queue,
  QueueEncryption,
} from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface QueuesProps {
  /** Timeout of the functions that the two source queues feed. */
  readonly deliveryTimeout: Duration;
  /** Timeout of the function that the wakes feed. */
  readonly dispatchTimeout: Duration;
  readonly encryptionKey?: IKey;
}

/**
 * The hints that something is to be looked at: one queue for messages, one for failure callbacks, so that
 * neither holds up the other, and behind both one for the hints that crashed their function. Beside them the
 * wakes of what waits for slots.
 */
export class Queues extends Construct {
  public readonly deliveries: IQueue;
  public readonly failures: IQueue;
  public readonly redrive: IQueue;
  /**
   * Reasons to look at what waits for a slot of a queue or a flow control; those of one list one after the other.
   */
  public readonly wakes: IQueue;

  constructor(scope: Construct, id: string, props: QueuesProps) {
    super(scope, id);
    const security = {
      enforceSSL: true,
      encryption: props.encryptionKey ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
      encryptionMasterKey: props.encryptionKey,
    };
    const redrive = new Queue(this, 'Redrive', {
      ...security,
      retentionPeriod: Duration.days(14),
      // Longer than the tick that empties it may take.
      visibilityTimeout: Duration.minutes(5),
    });
    const deadLetterQueue: DeadLetterQueue = { queue: redrive, maxReceiveCount: 10 };
    const source = {
      ...security,
      deadLetterQueue,
      // Shorter than that of the redrive queue, where a hint keeps the age it comes with.
      retentionPeriod: Duration.days(7),
      visibilityTimeout: Duration.seconds(6 * props.deliveryTimeout.toSeconds()),
    };
    this.redrive = redrive;
    this.deliveries = new Queue(this, 'Deliveries', source);
    this.failures = new Queue(this, 'Failures', source);
    const wakes = new Queue(this, 'Wakes', {
      ...security,
      fifo: true,
      // Thousands of lists side by side: ids count within a list, and each list has its own throughput.
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      retentionPeriod: Duration.days(14),
      visibilityTimeout: Duration.seconds(6 * props.dispatchTimeout.toSeconds()),
    });
    Validations.of(wakes).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'A wake that fails must be tried again before any other of its list, and is worth nothing anywhere else',
    });
    this.wakes = wakes;
  }
}

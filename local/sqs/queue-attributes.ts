import { invalidValue, SqsError } from './sqs-error';

/** Queue attributes as on the wire: all values are strings. */
export type QueueAttributes = Readonly<Record<string, string>>;

/** Where messages go that were received too often. */
export interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  /** Receives after which the next one moves the message away, 1 to 1000. */
  readonly maxReceiveCount: number;
}

/** Which queues may name a queue as their dead letter queue. */
export interface RedriveAllowPolicy {
  readonly redrivePermission: 'allowAll' | 'denyAll' | 'byQueue';
  readonly sourceQueueArns?: readonly string[];
}

type Check = (value: string) => boolean;

const integer = (min: number, max: number): Check => {
  return (value) => /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max;
};
const oneOf = (...values: string[]): Check => {
  return (value) => values.includes(value);
};
const isJson: Check = (value) => {
  try {
    return typeof JSON.parse(value) === 'object';
  } catch {
    return false;
  }
};

function parse(value: string): Record<string, unknown> {
  return (JSON.parse(value) ?? {}) as Record<string, unknown>;
}

const isRedrivePolicy: Check = (value) => {
  if (!isJson(value)) return false;
  const { deadLetterTargetArn, maxReceiveCount } = parse(value);
  return typeof deadLetterTargetArn === 'string' && integer(1, 1000)(String(maxReceiveCount));
};

const isRedriveAllowPolicy: Check = (value) => {
  if (!isJson(value)) return false;
  const { redrivePermission, sourceQueueArns } = parse(value);
  if (redrivePermission === 'allowAll' || redrivePermission === 'denyAll') return sourceQueueArns === undefined;
  return (
    redrivePermission === 'byQueue' &&
    Array.isArray(sourceQueueArns) &&
    sourceQueueArns.length >= 1 &&
    sourceQueueArns.length <= 10
  );
};

const CHECKS: Readonly<Record<string, Check>> = {
  DelaySeconds: integer(0, 900),
  MaximumMessageSize: integer(1024, 1_048_576),
  MessageRetentionPeriod: integer(60, 1_209_600),
  ReceiveMessageWaitTimeSeconds: integer(0, 20),
  VisibilityTimeout: integer(0, 43_200),
  Policy: isJson,
  RedrivePolicy: isRedrivePolicy,
  RedriveAllowPolicy: isRedriveAllowPolicy,
  KmsMasterKeyId: () => true,
  KmsDataKeyReusePeriodSeconds: integer(60, 86_400),
  SqsManagedSseEnabled: oneOf('true', 'false'),
};

const FIFO_CHECKS: Readonly<Record<string, Check>> = {
  ContentBasedDeduplication: oneOf('true', 'false'),
  DeduplicationScope: oneOf('queue', 'messageGroup'),
  FifoThroughputLimit: oneOf('perQueue', 'perMessageGroupId'),
};

/** These are removed by setting them to an empty string. */
const REMOVABLE = ['Policy', 'RedrivePolicy', 'RedriveAllowPolicy', 'KmsMasterKeyId'];

/** What a queue has that says nothing of itself. */
export const DEFAULT_ATTRIBUTES: QueueAttributes = {
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
  VisibilityTimeout: '30',
};

const DEFAULT_FIFO_ATTRIBUTES: QueueAttributes = {
  ...DEFAULT_ATTRIBUTES,
  ContentBasedDeduplication: 'false',
  DeduplicationScope: 'queue',
  FifoQueue: 'true',
  FifoThroughputLimit: 'perQueue',
};

/** Every name that GetQueueAttributes knows. */
export const ATTRIBUTE_NAMES: readonly string[] = [
  ...Object.keys(CHECKS),
  ...Object.keys(FIFO_CHECKS),
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
  'CreatedTimestamp',
  'FifoQueue',
  'LastModifiedTimestamp',
  'QueueArn',
];

/** Checks the attributes of a CreateQueue and adds the defaults. */
export function newQueueAttributes(name: string, input: QueueAttributes): QueueAttributes {
  const { FifoQueue, ...rest } = input;
  const fifo = name.endsWith('.fifo');
  if (FifoQueue !== undefined && FifoQueue !== 'true') throw unknownAttribute('FifoQueue');
  if (fifo !== (FifoQueue === 'true')) {
    throw invalidValue('QueueName', name, 'The name of a FIFO queue, and of no other, ends with .fifo.');
  }
  return changedAttributes(fifo ? DEFAULT_FIFO_ATTRIBUTES : DEFAULT_ATTRIBUTES, rest);
}

/** Checks the attributes of a SetQueueAttributes and returns those that the queue has from then on. */
export function changedAttributes(before: QueueAttributes, input: QueueAttributes): QueueAttributes {
  const after: Record<string, string> = { ...before };
  const fifo = before.FifoQueue === 'true';
  for (const [name, value] of Object.entries(input)) {
    if (name === 'FifoQueue' && fifo && value === 'true') continue;
    const check = CHECKS[name] ?? (fifo ? FIFO_CHECKS[name] : undefined);
    if (!check) throw unknownAttribute(name);
    if (value === '' && REMOVABLE.includes(name)) {
      delete after[name];
    } else {
      if (typeof value !== 'string' || !check(value)) {
        throw new SqsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
      }
      after[name] = value;
    }
  }
  if (after.FifoThroughputLimit === 'perMessageGroupId' && after.DeduplicationScope !== 'messageGroup') {
    throw new SqsError('InvalidAttributeValue', 'perMessageGroupId needs the DeduplicationScope messageGroup.');
  }
  return after;
}

/** The refusal of an attribute name that this kind of queue does not have. */
export function unknownAttribute(name: string): SqsError {
  return new SqsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

/** The redrive policy of a queue, or undefined when it has none. */
export function redrivePolicyOf(attributes: QueueAttributes): RedrivePolicy | undefined {
  if (!attributes.RedrivePolicy) return undefined;
  const { deadLetterTargetArn, maxReceiveCount } = parse(attributes.RedrivePolicy);
  return { deadLetterTargetArn: String(deadLetterTargetArn), maxReceiveCount: Number(maxReceiveCount) };
}

/** Who may use a queue as dead letter queue; every queue of the account unless it says otherwise. */
export function redriveAllowPolicyOf(attributes: QueueAttributes): RedriveAllowPolicy {
  if (!attributes.RedriveAllowPolicy) return { redrivePermission: 'allowAll' };
  return JSON.parse(attributes.RedriveAllowPolicy) as RedriveAllowPolicy;
}

import type { Stack, StackResource } from '../assembly/stack';
import type { SqsServer } from '../sqs/sqs-server';

const ATTRIBUTES = [
  'DelaySeconds',
  'VisibilityTimeout',
  'MessageRetentionPeriod',
  'MaximumMessageSize',
  'ReceiveMessageWaitTimeSeconds',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
];

/** Creates the queues of the template, or gives the ones that a data directory kept their attributes. */
export function createQueues(stack: Stack, sqs: SqsServer): void {
  // A redrive policy names a queue, which has to be there first.
  const targetsFirst = stack.ofType('AWS::SQS::Queue').sort((a, b) => Number(hasRedrive(a)) - Number(hasRedrive(b)));
  for (const queue of targetsFirst) {
    try {
      sqs.ensureQueue(queueNameOf(stack, queue), attributesOf(queue));
    } catch (error) {
      queue.stop(`is refused: ${(error as Error).message}`);
    }
  }
}

/** The physical name of a queue. */
export function queueNameOf(stack: Stack, queue: StackResource): string {
  return String(stack.attributes(queue).QueueName);
}

function hasRedrive(queue: StackResource): boolean {
  return queue.properties.RedrivePolicy !== undefined;
}

function attributesOf(queue: StackResource): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const name of ATTRIBUTES) {
    const value = queue.text(name);
    // A standard queue has no attribute FifoQueue, not even a false one.
    if (value !== undefined && !(name === 'FifoQueue' && value === 'false')) attributes[name] = value;
  }
  if (hasRedrive(queue)) attributes.RedrivePolicy = JSON.stringify(queue.dictionary('RedrivePolicy'));
  return attributes;
}

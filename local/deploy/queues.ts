import type { Stack, StackResource } from '../assembly/stack';
import { isDictionary } from '../assembly/template';
import { newQueueAttributes, type QueueAttributes } from '../sqs/queue-attributes';
import type { SqsServer } from '../sqs/sqs-server';

const ATTRIBUTES = [
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
];

/** Creates the queues of the template, or gives the ones that a data directory kept their attributes. */
export function createQueues(stack: Stack, sqs: SqsServer): void {
  const created = new Set<StackResource>();
  const create = (queue: StackResource) => {
    if (created.has(queue)) return;
    created.add(queue);
    // A redrive policy names a queue, which has to be there first.
    const target = stack.find(String(queue.dictionary('RedrivePolicy').deadLetterTargetArn), 'AWS::SQS::Queue');
    if (target !== undefined) create(target);
    try {
      const name = queueNameOf(stack, queue);
      sqs.ensureQueue(name, attributesOf(name, queue));
    } catch (error) {
      queue.stop(`is refused: ${(error as Error).message}`);
    }
  };
  for (const queue of stack.ofType('AWS::SQS::Queue')) create(queue);
}

/** The physical name of a queue. */
export function queueNameOf(stack: Stack, queue: StackResource): string {
  return String(stack.attributes(queue).QueueName);
}

/** All attributes, so that one which the template drops goes back to its default, or goes. */
function attributesOf(name: string, queue: StackResource): QueueAttributes {
  const given: Record<string, string> = {};
  for (const attribute of ATTRIBUTES) {
    const value = queue.properties[attribute];
    if (value !== undefined) given[attribute] = isDictionary(value) ? JSON.stringify(value) : String(value);
  }
  // A standard queue has no attribute FifoQueue, not even a false one.
  if (given.FifoQueue === 'false') delete given.FifoQueue;
  return { RedrivePolicy: '', RedriveAllowPolicy: '', ...newQueueAttributes(name, given) };
}

import type { Queue } from './queue';
import { queueName } from './queue';
import { type RedrivePolicy, redriveAllowPolicyOf } from './queue-attributes';
import type { Queues } from './queues';
import { invalidValue } from './sqs-error';

/**
 * Refuses a redrive policy whose target is missing, is of the other kind, does not allow this source, or
 * leads back to it (two queues that are each other's dead letter queue would move a message for ever).
 */
export function checkRedrive(queues: Queues, name: string, policy: RedrivePolicy): void {
  const refuse = (reason: string): never => {
    throw invalidValue('RedrivePolicy', JSON.stringify(policy), reason);
  };
  const { deadLetterTargetArn } = policy;
  if (!queues.has(deadLetterTargetArn)) refuse('Dead letter target does not exist.');
  const target = queues.queue(deadLetterTargetArn);
  if (target.arn !== deadLetterTargetArn) refuse('Dead letter target is not an ARN of this account and region.');
  if (target.fifo !== name.endsWith('.fifo')) {
    refuse('Dead-letter queue must be same type of queue as the source.');
  }
  for (let next: Queue | undefined = target; next; next = deadLetterQueueOf(queues, next)) {
    if (next.name === name) refuse('The dead letter queue leads back to its source.');
  }
  const { redrivePermission, sourceQueueArns = [] } = redriveAllowPolicyOf(target.attributes);
  const allowed = sourceQueueArns.some((arn) => queueName(arn) === name);
  if (redrivePermission === 'denyAll' || (redrivePermission === 'byQueue' && !allowed)) {
    refuse("The dead letter queue's RedriveAllowPolicy does not allow this source.");
  }
}

function deadLetterQueueOf(queues: Queues, queue: Queue): Queue | undefined {
  const arn = queue.redrivePolicy?.deadLetterTargetArn;
  return arn !== undefined && queues.has(arn) ? queues.queue(arn) : undefined;
}

/** The queues whose dead letter queue this is, by name. */
export function deadLetterSources(queues: Queues, target: Queue): Queue[] {
  return queues.list().filter(({ redrivePolicy }) => redrivePolicy?.deadLetterTargetArn === target.arn);
}

import type { Stack, StackResource } from '../assembly/stack';
import type { QueueSourceOptions } from '../events/queue-source';
import { evaluate } from '../iam/policy';
import type { Roles } from '../iam/roles';

/** A mapping of the template: which function it feeds, and how. */
export interface MappingDefinition {
  readonly functionId: string;
  readonly options: QueueSourceOptions;
}

const POLLING_ACTIONS = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

/**
 * Reads the event source mappings. Stops when one cannot work on AWS: a role that may not poll, a visibility
 * timeout shorter than the function's timeout, or a function that sends to its own source while Lambda would
 * stop the chain as a loop.
 */
export function readMappings(stack: Stack, roles: Roles): MappingDefinition[] {
  return stack
    .ofType('AWS::Lambda::EventSourceMapping')
    .filter((mapping) => mapping.text('Enabled') !== 'false')
    .map((mapping) => readMapping(stack, roles, mapping));
}

function readMapping(stack: Stack, roles: Roles, mapping: StackResource): MappingDefinition {
  const queueArn = mapping.requiredText('EventSourceArn');
  const queue = stack.find(queueArn, 'AWS::SQS::Queue');
  if (queue === undefined) return mapping.stop(`has the source ${queueArn}, which is no queue of the template`);
  const target = stack.find(mapping.requiredText('FunctionName'), 'AWS::Lambda::Function');
  if (target === undefined) return mapping.stop('feeds a function that the template lacks');
  const roleArn = target.requiredText('Role');
  roles.require(roleArn, mapping, POLLING_ACTIONS, queueArn);
  const timeout = target.number('Timeout') ?? 3;
  const visibility = queue.number('VisibilityTimeout') ?? 30;
  if (visibility < timeout) {
    mapping.stop(
      `is refused by Lambda: the visibility timeout of ${queue.logicalId} (${visibility} s) is shorter than the timeout of ${target.logicalId} (${timeout} s)`,
    );
  }
  const sends = evaluate(roles.statementsOf(roleArn, target), 'sqs:SendMessage', queueArn) === 'allowed';
  if (sends && target.text('RecursiveLoop') !== 'Allow') {
    target.stop(`may send to its own source ${queue.logicalId} without RecursiveLoop Allow: Lambda ends such a chain`);
  }
  const scaling = mapping.dictionary('ScalingConfig').MaximumConcurrency;
  return {
    functionId: target.logicalId,
    options: {
      queueName: String(stack.attributes(queue).QueueName),
      queueArn,
      batchSize: batchSize(mapping),
      windowMs: (mapping.number('MaximumBatchingWindowInSeconds') ?? 0) * 1000,
      maxConcurrency: scaling === undefined ? Number.POSITIVE_INFINITY : Number(scaling),
      partialFailures: mapping.list('FunctionResponseTypes').includes('ReportBatchItemFailures'),
    },
  };
}

function batchSize(mapping: StackResource): number {
  const size = mapping.number('BatchSize') ?? 10;
  if (size > 10 && (mapping.number('MaximumBatchingWindowInSeconds') ?? 0) < 1) {
    mapping.stop('has a BatchSize above 10, for which Lambda asks a batching window of at least 1 s');
  }
  return size;
}

/** The concurrency that the event sources of a function ask for; undefined without a limit. */
export function concurrencyOf(mappings: readonly MappingDefinition[], functionId: string): number | undefined {
  const own = mappings.filter((mapping) => mapping.functionId === functionId);
  const sum = own.reduce((total, { options }) => total + options.maxConcurrency, 0);
  return own.length > 0 && Number.isFinite(sum) ? sum : undefined;
}

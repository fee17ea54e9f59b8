import type { MoveTasks } from './move-tasks';
import type { Queue } from './queue';
import { ATTRIBUTE_NAMES, changedAttributes, newQueueAttributes, unknownAttribute } from './queue-attributes';
import type { Queues } from './queues';
import { deadLetterSources } from './redrive';
import { type Input, optionalInteger, optionalString, requiredString, stringList, stringMap } from './request';
import { invalidValue, SqsError } from './sqs-error';

/** What the operations on queues need. */
export interface QueueContext {
  readonly queues: Queues;
  readonly moves: MoveTasks;
  /** URL of a queue as this client reaches it. */
  url(queue: Queue): string;
}

/** Carries out one operation. */
export type QueueOperation = (context: QueueContext, input: Input) => object;

const MAX_LISTED = 1000;
const MAX_TAGS = 50;

function target({ queues }: QueueContext, input: Input): Queue {
  return queues.queue(requiredString(input, 'QueueUrl'));
}

/** Every attribute of a queue, counts and times included. */
export function allAttributes(queue: Queue): Record<string, string> {
  const { counts } = queue;
  return {
    ...queue.attributes,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1000)),
    QueueArn: queue.arn,
  };
}

/** Creates a queue, or returns the one of this name if it has these attributes. */
export function createQueue(queues: Queues, name: string, given: Input, tags: Readonly<Record<string, string>>): Queue {
  const attributes = stringMap({ given }, 'given');
  if (!/^[\w-]{1,75}\.fifo$|^[\w-]{1,80}$/.test(name)) {
    throw invalidValue(
      'QueueName',
      name,
      'Can only include alphanumeric characters, hyphens, or underscores, 1 to 80.',
    );
  }
  const complete = newQueueAttributes(name, attributes);
  if (!queues.has(name)) return queues.create(name, complete, checkTags(tags));
  const queue = queues.queue(name);
  for (const attribute of Object.keys(attributes)) {
    if (queue.attributes[attribute] !== complete[attribute]) {
      throw new SqsError(
        'QueueNameExists',
        `A queue already exists with the same name and a different value for attribute ${attribute}.`,
      );
    }
  }
  return queue;
}

function checkTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (Object.keys(tags).length > MAX_TAGS) {
    throw new SqsError('InvalidParameterValueException', `A queue can have at most ${MAX_TAGS} tags.`);
  }
  return tags;
}

/** One page of a list that is sorted by name, continued after the name in the token. */
function page(context: QueueContext, list: readonly Queue[], input: Input): { urls: string[]; NextToken?: string } {
  const max = optionalInteger(input, 'MaxResults', 1, MAX_LISTED);
  const after = Buffer.from(optionalString(input, 'NextToken') ?? '', 'base64').toString();
  const rest = list.filter(({ name }) => name > after);
  const shown = rest.slice(0, max ?? MAX_LISTED);
  const last = shown.at(-1);
  const urls = shown.map((queue) => context.url(queue));
  if (max === undefined || !last || shown.length === rest.length) return { urls };
  return { urls, NextToken: Buffer.from(last.name).toString('base64') };
}

/** The operations on queues by name. */
export const QUEUE_OPERATIONS: Readonly<Record<string, QueueOperation>> = {
  CreateQueue(context, input) {
    const tags = stringMap(input, 'tags');
    const attributes = stringMap(input, 'Attributes');
    const queue = createQueue(context.queues, requiredString(input, 'QueueName'), attributes, tags);
    return { QueueUrl: context.url(queue) };
  },

  GetQueueUrl(context, input) {
    return { QueueUrl: context.url(context.queues.queue(requiredString(input, 'QueueName'))) };
  },

  ListQueues(context, input) {
    const prefix = optionalString(input, 'QueueNamePrefix') ?? '';
    const list = context.queues.list().filter(({ name }) => name.startsWith(prefix));
    const { urls, NextToken } = page(context, list, input);
    return { QueueUrls: urls.length > 0 ? urls : undefined, NextToken };
  },

  DeleteQueue(context, input) {
    context.queues.deleteQueue(target(context, input));
    return {};
  },

  GetQueueAttributes(context, input) {
    const queue = target(context, input);
    const names = stringList(input, 'AttributeNames');
    for (const name of names) if (name !== 'All' && !ATTRIBUTE_NAMES.includes(name)) throw unknownAttribute(name);
    const wanted = Object.entries(allAttributes(queue)).filter(
      ([name]) => names.includes('All') || names.includes(name),
    );
    return wanted.length > 0 ? { Attributes: Object.fromEntries(wanted) } : {};
  },

  SetQueueAttributes(context, input) {
    const queue = target(context, input);
    context.queues.configure(queue, changedAttributes(queue.attributes, stringMap(input, 'Attributes')));
    return {};
  },

  ListDeadLetterSourceQueues(context, input) {
    const { urls, NextToken } = page(context, deadLetterSources(context.queues, target(context, input)), input);
    return { queueUrls: urls, NextToken };
  },

  TagQueue(context, input) {
    const queue = target(context, input);
    context.queues.configure(queue, queue.attributes, checkTags({ ...queue.tags, ...stringMap(input, 'Tags') }));
    return {};
  },

  UntagQueue(context, input) {
    const queue = target(context, input);
    const removed = stringList(input, 'TagKeys');
    const left = Object.entries(queue.tags).filter(([key]) => !removed.includes(key));
    context.queues.configure(queue, queue.attributes, Object.fromEntries(left));
    return {};
  },

  ListQueueTags(context, input) {
    const { tags } = target(context, input);
    return Object.keys(tags).length > 0 ? { Tags: tags } : {};
  },

  StartMessageMoveTask(context, input) {
    const source = requiredString(input, 'SourceArn');
    const perSecond = optionalInteger(input, 'MaxNumberOfMessagesPerSecond', 1, 500);
    return { TaskHandle: context.moves.start(source, optionalString(input, 'DestinationArn'), perSecond) };
  },

  CancelMessageMoveTask(context, input) {
    return { ApproximateNumberOfMessagesMoved: context.moves.cancel(requiredString(input, 'TaskHandle')) };
  },

  ListMessageMoveTasks(context, input) {
    const max = optionalInteger(input, 'MaxResults', 1, 10) ?? 1;
    return { Results: context.moves.list(requiredString(input, 'SourceArn'), max) };
  },
};

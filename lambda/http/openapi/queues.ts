import { destination, PUBLISH_ANSWERS, QUERY_TOO } from './messages';
import { operation, type Paths } from './operation';
import { ENQUEUE_HEADERS, inPath } from './parameters';
import { flag, list, named, object, type Schema, text, time, whole } from './schema';

const NAME = text('Letters, digits, `.`, `_` and `-`', { pattern: '^[A-Za-z0-9._-]{1,256}$' });

export const QUEUE_SCHEMAS = {
  Queue: object({
    name: NAME,
    createdAt: time('Creation'),
    updatedAt: time('Last change'),
    parallelism: whole('Messages delivered at once, at most', { minimum: 1 }),
    lag: whole('Messages that have not ended'),
    paused: flag('Whether deliveries are held back'),
  }),
} satisfies Record<string, Schema>;

const tag = 'Queues';
const queueName = inPath('queueName', 'Name of a queue', 'my-queue');

export const QUEUE_PATHS: Paths = {
  '/v2/enqueue/{queueName}/{destination}': {
    post: operation('write', {
      id: 'enqueue',
      tag,
      summary: 'Publish a message through a queue',
      description: `Delivers the body when what was enqueued before it has ended. Creates the queue if there is none. ${QUERY_TOO}`,
      parameters: [queueName, destination, ...ENQUEUE_HEADERS],
      body: 'anything',
      answers: PUBLISH_ANSWERS,
      refusals: [400, 404, 412, 413, 429],
    }),
  },
  '/v2/queues': {
    get: operation('read', {
      id: 'listQueues',
      tag,
      summary: 'List queues',
      answers: { 200: list(named('Queue')) },
    }),
    post: operation('write', {
      id: 'upsertQueue',
      tag,
      summary: 'Create or change a queue',
      body: object(
        { queueName: NAME },
        {
          parallelism: whole('Messages delivered at once, at most', { minimum: 1, default: 1 }),
          paused: flag('Whether deliveries are held back'),
        },
      ),
      answers: { 200: object({}) },
      refusals: [400, 412],
    }),
  },
  '/v2/queues/{queueName}': {
    get: operation('read', {
      id: 'getQueue',
      tag,
      summary: 'Get a queue',
      parameters: [queueName],
      answers: { 200: named('Queue') },
      refusals: [400, 404],
    }),
    delete: operation('write', {
      id: 'deleteQueue',
      tag,
      summary: 'Delete a queue',
      description: 'Also if there is none. Cancels what waits in it.',
      parameters: [queueName],
      answers: { 200: object({}) },
      refusals: [400, 503],
    }),
  },
  '/v2/queues/{queueName}/pause': {
    post: operation('write', {
      id: 'pauseQueue',
      tag,
      summary: 'Hold back the deliveries of a queue',
      description: 'Creates the queue if there is none.',
      parameters: [queueName],
      answers: { 200: object({}) },
      refusals: [400, 412],
    }),
  },
  '/v2/queues/{queueName}/resume': {
    post: operation('write', {
      id: 'resumeQueue',
      tag,
      summary: 'Let a queue deliver again',
      parameters: [queueName],
      answers: { 200: object({}) },
      refusals: [400],
    }),
  },
};

import { requireNumber } from '../config';
import { changeQueue, makeQueue, type QueueChange } from '../queue/change-queue';
import { deleteQueue } from '../queue/delete-queue';
import { getQueue, listQueues } from '../queue/find-queues';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { enqueued, readQueueName, refuseDelay, refuseTooManyQueues } from './enqueue';
import { badRequest, HttpError, notFound, overLimit } from './http-error';
import { readObject } from './json-body';
import { searchLimit } from './page';
import { printable } from './printable';
import { answerPublish, publishAll } from './publish-routes';
import { destinationOf, readPublish } from './read-publish';
import type { Route } from './router';

/** An HTTP API waits 30 seconds for its function. */
const DELETE_MS = 20_000;

async function enqueue(request: ApiRequest, queue: string, rest: string): Promise<ApiResponse> {
  const name = readQueueName(queue);
  const { headers, query, body, now } = request;
  const read = await readPublish({ destination: destinationOf(rest, request), headers, query, body }, request);
  refuseDelay(read.contents, now);
  return answerPublish(read, await publishAll(await enqueued(name, read.contents, now), request));
}

/** Changes a queue, which is made if it is not there. */
async function upsert({ body, now }: ApiRequest): Promise<ApiResponse> {
  const { queueName, parallelism, paused } = readObject(body);
  if (typeof queueName !== 'string') throw badRequest('invalid queueName: it is not text');
  const change = { parallelism: readParallelism(parallelism), paused: readPaused(paused) };
  return set(readQueueName(queueName), change, now);
}

async function set(name: string, change: QueueChange, now: number): Promise<ApiResponse> {
  while (!(await changeQueue(name, change, now))) {
    await refuseTooManyQueues();
    await makeQueue(name, now);
  }
  return ok({});
}

function readParallelism(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw badRequest(`invalid parallelism: ${printable(JSON.stringify(value))} is not a whole number from 1`);
  }
  const maximum = requireNumber('MAX_QUEUE_PARALLELISM');
  if ((value as number) <= maximum) return value as number;
  throw overLimit(`invalid parallelism: ${value as number}, a queue of this service has ${maximum} at most`);
}

function readPaused(value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  throw badRequest('invalid paused: it is neither true nor false');
}

async function get(text: string): Promise<ApiResponse> {
  const name = readQueueName(text);
  const queue = await getQueue(name);
  if (queue === undefined) throw notFound(`queue not found: ${printable(name)}`);
  return ok(queue);
}

async function remove(text: string): Promise<ApiResponse> {
  const name = readQueueName(text);
  if (await deleteQueue(name, searchLimit(DELETE_MS))) return ok({});
  throw new HttpError(
    503,
    `the queue is paused, and too many messages wait in ${printable(name)} to cancel them in one request: repeat it, and it goes on`,
  );
}

export const QUEUE_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v2/enqueue/:queueName/*',
    access: 'write',
    answer: (request, { queueName = '', rest = '' }) => enqueue(request, queueName, rest),
  },
  { method: 'POST', path: '/v2/queues', access: 'write', answer: upsert },
  { method: 'GET', path: '/v2/queues', access: 'read', answer: async () => ok(await listQueues()) },
  { method: 'GET', path: '/v2/queues/:name', access: 'read', answer: (_request, { name = '' }) => get(name) },
  { method: 'DELETE', path: '/v2/queues/:name', access: 'write', answer: (_request, { name = '' }) => remove(name) },
  {
    method: 'POST',
    path: '/v2/queues/:name/pause',
    access: 'write',
    // Also of a queue that is not there yet: what is told to be paused delivers nothing.
    answer: ({ now }, { name = '' }) => set(readQueueName(name), { paused: true }, now),
  },
  {
    method: 'POST',
    path: '/v2/queues/:name/resume',
    access: 'write',
    answer: async ({ now }, { name = '' }) => {
      await changeQueue(readQueueName(name), { paused: false }, now);
      return ok({});
    },
  },
];

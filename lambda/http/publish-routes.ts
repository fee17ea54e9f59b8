import { messagesPerDay } from '../config';
import { logFault } from '../logs/write-line';
import type { Published } from '../publish/accept-message';
import { countMessages } from '../publish/count-messages';
import { type NewMessage, publishMessages } from '../publish/publish-messages';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { enqueued } from './enqueue';
import { HttpError } from './http-error';
import { type BatchItem, readBatch } from './read-batch';
import { destinationOf, type ReadPublish, readPublish } from './read-publish';
import type { Route } from './router';

async function publish(request: ApiRequest, rest: string): Promise<ApiResponse> {
  const { headers, query, body } = request;
  const read = await readPublish({ destination: destinationOf(rest, request), headers, query, body }, request);
  return answerPublish(read, await publishAll(read.contents, request));
}

/** Publishes what was read and checked, unless it is more than the day's quota leaves: that is a 429. */
export async function publishAll(
  contents: readonly NewMessage[],
  { now }: ApiRequest,
): Promise<readonly (Published | Error)[]> {
  const limit = messagesPerDay();
  const exceeded = limit === undefined ? undefined : await countMessages(contents.length, limit, now);
  if (exceeded === undefined) return publishMessages(contents, now);
  const { remaining, resetAt } = exceeded;
  throw new HttpError(429, `quota exceeded: ${remaining} of the ${limit} messages of this day (UTC) are left`, {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetAt / 1000),
  });
}

/** The answer to a publish: an object for a URL, a list for a group. When nothing could be accepted, an error. */
export function answerPublish({ isGroup }: ReadPublish, results: readonly (Published | Error)[]): ApiResponse {
  const [first] = results;
  if (first instanceof Error && results.every((result) => result instanceof Error)) throw first;
  if (isGroup) return ok(results.map(shown));
  return { status: (first as Published).deduplicated ? 202 : 200, body: first };
}

/** What could not be accepted must not fail what was. */
function shown(result: Published | Error): object {
  if (!(result instanceof Error)) return result;
  logFault('publish', result);
  return { error: 'internal error; this message may not have been accepted' };
}

async function publishBatch(request: ApiRequest): Promise<ApiResponse> {
  const items = await readBatch(request);
  const results = await publishAll(await contentsOf(items, request.now), request);
  let next = 0;
  const answers = items.map((item) => {
    const own = results.slice(next, next + item.contents.length).map(shown);
    next += item.contents.length;
    return item.isGroup ? own : own[0];
  });
  return ok(answers);
}

/** The messages of all items in their order; those of one queue with their places in it. */
async function contentsOf(items: readonly BatchItem[], now: number): Promise<NewMessage[]> {
  const queues = new Set(items.flatMap(({ queueName }) => queueName ?? []));
  const placed = new Map<NewMessage, NewMessage>();
  for (const queueName of queues) {
    const own = items.filter((item) => item.queueName === queueName).flatMap(({ contents }) => contents);
    const withPlaces = await enqueued(queueName, own, now);
    for (const [index, content] of own.entries()) placed.set(content, withPlaces[index]!);
  }
  return items.flatMap(({ contents }) => contents.map((content) => placed.get(content) ?? content));
}

export const PUBLISH_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v2/publish/*',
    access: 'write',
    answer: (request, { rest = '' }) => publish(request, rest),
  },
  { method: 'POST', path: '/v2/batch', access: 'write', answer: publishBatch },
];

import { getUrlGroup } from '../url-group/find-url-groups';
import type { ApiRequest } from './api-request';
import { readDestination } from './destination';
import { readQueueName, refuseDelay } from './enqueue';
import { badRequest, HttpError } from './http-error';
import { isObject, readJson } from './json-body';
import { printable } from './printable';
import { type AskedPublish, type FindGroup, type ReadPublish, readPublish } from './read-publish';

/** Messages that one request makes at most, those for the endpoints of groups counted: what 30 seconds are enough for. */
const MAX_MESSAGES = 1_000;

const FIELDS: ReadonlySet<string> = new Set(['destination', 'headers', 'body', 'queue']);

/** One item of a batch: what it makes, and the queue it asks for. */
export interface BatchItem extends ReadPublish {
  readonly queueName?: string;
}

/**
 * Reads and checks every item of a batch (QStash docs, "Batch"): a JSON array of `destination`, and optional
 * `headers`, `body` and `queue`. The first item that is malformed refuses the whole request, and says which it is.
 */
export async function readBatch(request: ApiRequest): Promise<readonly BatchItem[]> {
  const list = readJson(request.body);
  if (!Array.isArray(list)) throw badRequest('invalid body: it is not a JSON array of messages');
  if (list.length > MAX_MESSAGES) throw tooMany(list.length);
  const items: BatchItem[] = [];
  let messages = 0;
  const groups = new Map<string, ReturnType<FindGroup>>();
  const findGroup: FindGroup = (name) => {
    const found = groups.get(name) ?? getUrlGroup(name);
    groups.set(name, found);
    return found;
  };
  for (const [index, value] of list.entries()) {
    const item = await readItem(value, request, findGroup).catch((error: unknown) => {
      if (!(error instanceof HttpError)) throw error;
      throw new HttpError(error.status, `message ${index}: ${error.message}`, error.headers);
    });
    messages += item.contents.length;
    if (messages > MAX_MESSAGES) throw tooMany(messages);
    items.push(item);
  }
  return items;
}

async function readItem(value: unknown, request: ApiRequest, findGroup: FindGroup): Promise<BatchItem> {
  if (!isObject(value)) throw badRequest('it is not a JSON object');
  for (const name of Object.keys(value)) {
    if (!FIELDS.has(name)) throw badRequest(`unknown field ${printable(name)}: known are ${[...FIELDS].join(', ')}`);
  }
  const { destination, body, queue } = value;
  if (typeof destination !== 'string') throw badRequest('invalid destination: it is not text');
  if (body !== undefined && body !== null && typeof body !== 'string') {
    throw badRequest('invalid body: it is neither text nor null');
  }
  const asked: AskedPublish = {
    destination: readDestination(destination, '', 'functionUrl'),
    headers: readHeaders(value.headers),
    query: new URLSearchParams(),
    body: Buffer.from(body ?? ''),
  };
  const read = await readPublish(asked, request, findGroup);
  if (queue === undefined || queue === null) return read;
  if (typeof queue !== 'string') throw badRequest('invalid queue: it is neither text nor null');
  refuseDelay(read.contents, request.now);
  return { ...read, queueName: readQueueName(queue) };
}

/** Under lower-case names; of two that differ in case the last counts. */
function readHeaders(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw badRequest('invalid headers: they are not a JSON object');
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text === 'string') return [name.toLowerCase(), text];
      throw badRequest(`invalid header ${printable(name)}: its value is not text`);
    }),
  );
}

function tooMany(count: number): HttpError {
  return new HttpError(413, `too many messages: ${count}, at most ${MAX_MESSAGES} are accepted in one request`);
}

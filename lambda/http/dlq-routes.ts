import type { DeadLetter } from '../dlq/dead-letter-item';
import { deleteDeadLetter } from '../dlq/delete-dead-letter';
import { type DeadLetterPage, type DeadLetterQuery, findDeadLetters } from '../dlq/find-dead-letters';
import { getDeadLetter, getDeadLetters, loadDetails } from '../dlq/load-dead-letters';
import { type Overrides, retryDeadLetter } from '../dlq/retry-dead-letter';
import { dlqPlaceOf } from '../message/message-id';
import { LISTED_BODY_BYTES } from '../message/shown-header';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { badRequest, notFound } from './http-error';
import { deadLetterJson } from './message-json';
import { fitBody, fitPage, MAX_ANSWER_BYTES, searchLimit } from './page';
import { printable } from './printable';
import { parseOverrides } from './publish-options';
import { publishInput } from './read-publish';
import { refuseOwn } from './refuse-own';
import type { Route } from './router';
import { invalid, MESSAGE_FILTER, type Parameters, type ParameterTable, readQuery, readSelection } from './selection';

const DLQ_PARAMETERS: ParameterTable = {
  dlqIds: 'many',
  messageId: 'one',
  responseStatus: 'many',
  ...MESSAGE_FILTER,
  source: 'one',
  order: 'one',
  count: 'one',
  cursor: 'one',
};
/** QStash's default and limit of one page. */
const MAX_COUNT = 100;
/** Dead letters acted on at a time. */
const AT_A_TIME = 10;

const missing = (dlqId: string) => notFound(`dead letter not found: ${printable(dlqId)}`);

/** The dead letters that a request names or describes. */
async function select(selection: Parameters, now: number): Promise<DeadLetterPage> {
  const dlqIds = selection.many('dlqIds');
  const query = readDlqQuery(selection);
  if (dlqIds !== undefined) return { deadLetters: (await getDeadLetters(dlqIds, now)).slice(0, query.count) };
  // Runs of workflows come with a later version: there are none.
  if (selection.one('source') === 'workflow') return { deadLetters: [] };
  return findDeadLetters(query, now, searchLimit());
}

function readDlqQuery(selection: Parameters): DeadLetterQuery {
  const cursor = selection.one('cursor');
  if (cursor !== undefined && dlqPlaceOf(cursor) === undefined)
    throw invalid('cursor', cursor, 'is not one of this list');
  const order = selection.one('order') ?? 'earliestFirst';
  if (order !== 'earliestFirst' && order !== 'latestFirst') {
    throw invalid('order', order, 'is not earliestFirst or latestFirst');
  }
  const source = selection.one('source') ?? 'qstash';
  if (source !== 'qstash' && source !== 'workflow') throw invalid('source', source, 'is not qstash or workflow');
  const responseStatus = selection.many('responseStatus')?.map((text) => {
    if (/^\d{1,3}$/.test(text)) return Number(text);
    throw invalid('responseStatus', text, 'is not a status');
  });
  return {
    filter: { ...selection.messageFilter(), ...(responseStatus === undefined ? {} : { responseStatus }) },
    count: selection.count(MAX_COUNT) ?? MAX_COUNT,
    latestFirst: order === 'latestFirst',
    ...(cursor === undefined ? {} : { cursor }),
  };
}

async function list(request: ApiRequest): Promise<ApiResponse> {
  const { deadLetters, cursor } = await select(readQuery(request, DLQ_PARAMETERS), request.now);
  const details = await loadDetails(deadLetters, LISTED_BODY_BYTES);
  const page = fitPage(
    details,
    cursor,
    (entry) => deadLetterJson(entry, true),
    (entry) => entry.deadLetter.dlqId,
  );
  return ok({ messages: page.entries, ...page.cursor });
}

async function get({ now }: ApiRequest, dlqId: string): Promise<ApiResponse> {
  const deadLetter = await getDeadLetter(dlqId, now);
  const [details] = deadLetter === undefined ? [] : await loadDetails([deadLetter], MAX_ANSWER_BYTES);
  if (details === undefined) throw missing(dlqId);
  return ok(fitBody(details.body, (body) => deadLetterJson({ ...details, body }, false)));
}

async function deleteOne({ now }: ApiRequest, dlqId: string): Promise<ApiResponse> {
  const exists = (await getDeadLetter(dlqId, now)) !== undefined;
  if (!exists || !(await deleteDeadLetter(dlqId))) throw missing(dlqId);
  return ok({ deleted: 1 });
}

async function deleteMany(request: ApiRequest): Promise<ApiResponse> {
  const selection = readSelection(request, DLQ_PARAMETERS);
  refuseEmptyId(request, selection, 'deletes');
  const { deadLetters, cursor } = await select(selection, request.now);
  const deleted = await inGroups(deadLetters, ({ dlqId }) => deleteDeadLetter(dlqId));
  return ok({ deleted: deleted.filter(Boolean).length, ...(cursor === undefined ? {} : { cursor }) });
}

async function retryOne(request: ApiRequest, dlqId: string): Promise<ApiResponse> {
  const overrides = await readOverrides(request);
  const deadLetter = await getDeadLetter(dlqId, request.now);
  const published = deadLetter && (await retryDeadLetter(deadLetter, overrides, request.now));
  if (published === undefined) throw missing(dlqId);
  return { status: 201, body: published };
}

async function retryMany(request: ApiRequest): Promise<ApiResponse> {
  const selection = readSelection(request, DLQ_PARAMETERS);
  refuseEmptyId(request, selection, 'retries');
  const overrides = await readOverrides(request);
  const { deadLetters, cursor } = await select(selection, request.now);
  const dlqIds = selection.many('dlqIds');
  if (dlqIds !== undefined && deadLetters.length === 0) throw missing(dlqIds.join(', '));
  const retried = await inGroups(deadLetters, (deadLetter) => retryDeadLetter(deadLetter, overrides, request.now));
  const responses = retried.filter((published) => published !== undefined);
  return { status: 201, body: { responses, ...(cursor === undefined ? {} : { cursor }) } };
}

/** What the request's publish headers change; its own Content-Type is of a body that it does not have. */
async function readOverrides(request: ApiRequest): Promise<Overrides> {
  const { 'content-type': _, ...headers } = request.headers;
  const {
    deduplicationId: _id,
    contentBasedDeduplication: _content,
    ...overrides
  } = parseOverrides(publishInput({ ...request, headers, query: new URLSearchParams() }));
  await refuseOwn(overrides, request);
  return overrides;
}

/** The collection's path with a slash is what is left of a dead letter's path when its id is empty. */
function refuseEmptyId({ path }: ApiRequest, selection: Parameters, verb: string): void {
  if (selection.isEmpty && path.endsWith('/')) {
    throw badRequest(`no dead letter is named: the path without a slash at its end ${verb} all`);
  }
}

async function inGroups<T>(
  deadLetters: readonly DeadLetter[],
  act: (deadLetter: DeadLetter) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < deadLetters.length; start += AT_A_TIME) {
    results.push(...(await Promise.all(deadLetters.slice(start, start + AT_A_TIME).map(act))));
  }
  return results;
}

export const DLQ_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v2/dlq', access: 'read', answer: list },
  { method: 'DELETE', path: '/v2/dlq', access: 'write', answer: deleteMany },
  { method: 'POST', path: '/v2/dlq/retry', access: 'write', answer: retryMany },
  {
    method: 'POST',
    path: '/v2/dlq/retry/:dlqId',
    access: 'write',
    answer: (request, { dlqId = '' }) => retryOne(request, dlqId),
  },
  { method: 'GET', path: '/v2/dlq/:dlqId', access: 'read', answer: (request, { dlqId = '' }) => get(request, dlqId) },
  {
    method: 'DELETE',
    path: '/v2/dlq/:dlqId',
    access: 'write',
    answer: (request, { dlqId = '' }) => deleteOne(request, dlqId),
  },
];

import { eventLogOn } from '../config';
import { findEvents } from '../logs/find-events';
import { cursorOf, LOG_STATES, type LogState, parseCursor } from '../logs/log-event';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { notFound } from './http-error';
import { logJson } from './message-json';
import { fitPage, type Page, searchLimit } from './page';
import type { Route } from './router';
import { invalid, MESSAGE_FILTER, type Parameters, type ParameterTable, readQuery } from './selection';

const LOG_PARAMETERS: ParameterTable = {
  messageId: 'many',
  messageIds: 'many',
  state: 'many',
  ...MESSAGE_FILTER,
  host: 'many',
  path: 'many',
  order: 'one',
  source: 'one',
  count: 'one',
  cursor: 'one',
};
const DEFAULT_COUNT = 100;
const MAX_COUNT = 1_000;

async function list(request: ApiRequest, copies: number): Promise<Page> {
  if (!eventLogOn()) throw notFound('there is no event log: the service is deployed with eventLog: false');
  const parameters = readQuery(request, LOG_PARAMETERS);
  const cursor = parameters.one('cursor');
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  if (cursor !== undefined && after === undefined) throw invalid('cursor', cursor, 'is not one of this list');
  const messageId = parameters.many('messageIds') ?? parameters.many('messageId');
  const page = await findEvents(
    {
      filter: { ...parameters.messageFilter(), ...(messageId === undefined ? {} : { messageId }) },
      states: readStates(parameters),
      count: parameters.count(MAX_COUNT) ?? DEFAULT_COUNT,
      ...(after === undefined ? {} : { after }),
    },
    request.now,
    searchLimit(),
  );
  return fitPage(page.events, page.cursor, logJson, ({ event }) => cursorOf(event), copies);
}

/** `IN_PROGRESS` stands for every state between the first attempt and the last; `CANCELLED` is how docs spell it. */
function readStates(parameters: Parameters): LogState[] | undefined {
  return parameters.many('state')?.flatMap((text): LogState[] => {
    if (text === 'IN_PROGRESS') return ['ACTIVE', 'RETRY', 'ERROR'];
    const state = LOG_STATES.find((known) => known === (text === 'CANCELLED' ? 'CANCELED' : text));
    if (state === undefined) throw invalid('state', text, `is not one of ${LOG_STATES.join(', ')}, IN_PROGRESS`);
    return [state];
  });
}

async function events(request: ApiRequest): Promise<ApiResponse> {
  const { entries, cursor } = await list(request, 1);
  return ok({ events: entries, ...cursor });
}

/** The same under the name that the API's description gives it, and under that of the SDKs. */
async function logs(request: ApiRequest): Promise<ApiResponse> {
  const { entries, cursor } = await list(request, 2);
  return ok({ logs: entries, events: entries, ...cursor });
}

export const LOG_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v2/events', access: 'read', answer: events },
  { method: 'GET', path: '/v2/logs', access: 'read', answer: logs },
];

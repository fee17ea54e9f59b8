import { loadShownBody } from '../callback/load-body';
import { serviceNow } from '../clock';
import { retention } from '../config';
import { endedAt, loadRow, loadRows } from '../store/message-rows';
import { cancelMessage } from '../wait/cancel-message';
import { type CancelCursor, cancelAll, cancelMessages } from '../wait/cancel-messages';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { badRequest, notFound } from './http-error';
import { messageJson } from './message-json';
import { fitBody, MAX_ANSWER_BYTES, searchLimit } from './page';
import { printable } from './printable';
import type { Route } from './router';
import { invalid, MESSAGE_FILTER, type ParameterTable, readSelection } from './selection';

const CANCEL_PARAMETERS: ParameterTable = {
  messageIds: 'many',
  ...MESSAGE_FILTER,
  host: 'many',
  path: 'many',
  count: 'one',
  cursor: 'one',
};
/** QStash's limit for one request. */
const MAX_CANCELLED = 500;
/** An HTTP API waits 30 seconds for its function. */
const CANCEL_MS = 20_000;

const missing = (messageId: string) => notFound(`message not found: ${printable(messageId)}`);

async function getMessage({ now }: ApiRequest, messageId: string): Promise<ApiResponse> {
  const row = await loadRow(messageId);
  const ended = row && endedAt(row);
  if (row === undefined || (ended !== undefined && ended < now - retention().logMs)) throw missing(messageId);
  const body = await loadShownBody(row.message, MAX_ANSWER_BYTES);
  return ok(fitBody(body, (part) => messageJson(row.message, part)));
}

async function cancelOne(messageId: string): Promise<ApiResponse> {
  const row = await loadRow(messageId);
  const outcome = row && (await cancelMessage(row, serviceNow()));
  if (outcome === undefined || outcome === 'ended') throw missing(messageId);
  return ok({ cancelled: outcome === 'before' ? 0 : 1 });
}

async function cancelMany(request: ApiRequest): Promise<ApiResponse> {
  const { now } = request;
  const selection = readSelection(request, CANCEL_PARAMETERS);
  const count = selection.count(MAX_CANCELLED) ?? Number.POSITIVE_INFINITY;
  const messageIds = selection.many('messageIds');
  if (messageIds !== undefined) {
    const rows = await loadRows(messageIds);
    return ok({ cancelled: await cancelAll([...rows.values()].slice(0, count)) });
  }
  // The collection's path with a slash is what is left of a message's path when its id is empty.
  if (selection.isEmpty && request.path.endsWith('/')) {
    throw badRequest('no message is named: DELETE /v2/messages without a slash cancels all');
  }
  const { cancelled, cursor } = await cancelMessages(
    selection.messageFilter(),
    count,
    now,
    searchLimit(CANCEL_MS),
    readCursor(selection.one('cursor')),
  );
  return ok({ cancelled, ...(cursor === undefined ? {} : { cursor: `${cursor.among}-${cursor.token}` }) });
}

/** QStash has no cursor here: without one, the same request again begins anew, and finds less. */
function readCursor(text: string | undefined): CancelCursor | undefined {
  if (text === undefined) return undefined;
  const [, among, token] = /^(recent|marked)-([0-9A-Z]{10,40})$/.exec(text) ?? [];
  if (among === undefined || token === undefined) throw invalid('cursor', text, 'is not one of this route');
  return { among: among as CancelCursor['among'], token };
}

export const MESSAGE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v2/messages/:messageId',
    access: 'read',
    answer: (request, { messageId = '' }) => getMessage(request, messageId),
  },
  {
    method: 'DELETE',
    path: '/v2/messages/:messageId',
    access: 'write',
    answer: (_request, { messageId = '' }) => cancelOne(messageId),
  },
  { method: 'DELETE', path: '/v2/messages', access: 'write', answer: cancelMany },
];

import { LOG_STATES } from '../../logs/log-event';
import { HEADER_MAP, MESSAGE, ORIGIN, SETTINGS, SETTINGS_TOGETHER } from './messages';
import { operation, type Part, type Paths } from './operation';
import { count, cursor, FILTER, HOST_AND_PATH, ids, inQuery, states } from './parameters';
import { list, named, object, type Schema, text, time, together, whole } from './schema';

const { notBefore: _, createdAt: _created, ...MESSAGE_OF_EVENT } = MESSAGE;

export const LOG_SCHEMAS = {
  LogEntry: object(
    {
      time: time('When it happened'),
      state: { type: 'string', enum: LOG_STATES },
      ...MESSAGE_OF_EVENT,
      body: text('Body, base64, the first 8 KiB'),
    },
    {
      ...ORIGIN,
      error: text('Why the attempt failed'),
      responseStatus: whole('Status of the response, 0 for none'),
      responseHeader: HEADER_MAP,
      responseHeaders: HEADER_MAP,
      responseBody: text('Base64, the first 8 KiB'),
      nextDeliveryTime: time('When the next attempt is due'),
      timeout: whole('Longest attempt, milliseconds'),
      ...SETTINGS,
      callbackHeaders: HEADER_MAP,
      failureCallbackHeaders: HEADER_MAP,
      retryDelayExpr: text('The same as `retryDelayExpression`'),
    },
    {
      dependentRequired: { ...SETTINGS_TOGETHER, ...together('retryDelayExpression', 'retryDelayExpr') },
      if: { properties: { state: { const: 'ERROR' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ['error', 'responseStatus', 'responseHeader', 'responseHeaders', 'responseBody'] },
    },
  ),
} satisfies Record<string, Schema>;

const ENTRIES = list(named('LogEntry'), 'Newest first');
const parameters = [
  ids('messageId', 'messages', 'msg_0123456789'),
  ids('messageIds', 'messages', 'msg_0123456789'),
  states([...LOG_STATES, 'CANCELLED', 'IN_PROGRESS']),
  ...FILTER,
  ...HOST_AND_PATH,
  inQuery('order', text('Accepted, and without effect'), 'latestFirst'),
  inQuery('source', text('Accepted, and without effect'), 'qstash'),
  count(1000, '100'),
  cursor('1760000000000--3'),
];

const listing = (id: string, summary: string, entries: Readonly<Record<string, Schema>>): Part =>
  operation('read', {
    id,
    tag: 'Logs',
    summary,
    description: 'What happened to messages. Several values of one filter: one of them. Several filters: all of them.',
    parameters,
    answers: { 200: object(entries, { cursor: text('Where to go on: there may be more') }) },
    // 404: the service keeps no log.
    refusals: [400, 404],
  });

export const LOG_PATHS: Paths = {
  '/v2/events': { get: listing('listEvents', 'List events', { events: ENTRIES }) },
  '/v2/logs': { get: listing('listLogs', 'List events, under two names', { logs: ENTRIES, events: ENTRIES }) },
};

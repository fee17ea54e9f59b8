import { bytes, HEADER_MAP, MESSAGE, MESSAGE_SOMETIMES, SETTINGS_TOGETHER } from './messages';
import { operation, type Paths } from './operation';
import { count, cursor, FILTER, ids, inPath, inQuery, RETRY_HEADERS, selectionOf, statuses } from './parameters';
import { list, named, object, type Schema, text, time, whole } from './schema';

const DEAD_LETTER = {
  dlqId: text('Id of the dead letter'),
  ...MESSAGE,
  responseStatus: whole('Status of the last response, 0 for none'),
  responseHeader: HEADER_MAP,
  failedAt: time('End of the last attempt'),
  retried: whole('Retries that were made'),
  reason: { type: 'string', enum: ['exhausted', 'nonRetryable', 'internal'] },
} satisfies Record<string, Schema>;

const cursorAnswer = { cursor: text('Where to go on: there may be more') };

export const DLQ_SCHEMAS = {
  DeadLetter: object(
    DEAD_LETTER,
    {
      ...MESSAGE_SOMETIMES,
      ...bytes('responseBody', 'Body of the last response'),
    },
    { dependentRequired: SETTINGS_TOGETHER },
  ),
} satisfies Record<string, Schema>;

const tag = 'Dead letter queue';
const dlqId = inPath('dlqId', 'Id of a dead letter', '1760000000000-0');
const SELECTION = [
  ids('dlqIds', 'dead letters; filters do not count beside them', '1760000000000-0'),
  inQuery('messageId', text('Id of the message'), 'msg_0123456789'),
  statuses,
  ...FILTER,
  inQuery(
    'source',
    { type: 'string', enum: ['qstash', 'workflow'], description: 'What the message was for' },
    'qstash',
  ),
  inQuery('order', { type: 'string', enum: ['earliestFirst', 'latestFirst'], default: 'earliestFirst' }, 'latestFirst'),
  count(100, '100'),
  cursor('1760000000000-0'),
];
const SELECTED =
  'Those of the ids, or those that fit all filters, or all; so many at a time. The parameters may be a JSON object in the body.';

export const DLQ_PATHS: Paths = {
  '/v2/dlq': {
    get: operation('read', {
      id: 'listDeadLetters',
      tag,
      summary: 'List dead letters',
      parameters: SELECTION,
      answers: { 200: object({ messages: list(named('DeadLetter')) }, cursorAnswer) },
      refusals: [400],
    }),
    delete: operation('write', {
      id: 'deleteDeadLetters',
      tag,
      summary: 'Delete dead letters',
      description: SELECTED,
      parameters: SELECTION,
      body: selectionOf(SELECTION),
      bodyIsOptional: true,
      answers: { 200: object({ deleted: whole('How many') }, cursorAnswer) },
      refusals: [400],
    }),
  },
  '/v2/dlq/retry': {
    post: operation('write', {
      id: 'retryDeadLetters',
      tag,
      summary: 'Publish dead letters anew',
      description: `${SELECTED} Headers of a publish change what is published.`,
      parameters: [...SELECTION, ...RETRY_HEADERS],
      body: selectionOf(SELECTION),
      bodyIsOptional: true,
      answers: { 201: object({ responses: list(named('Published')) }, cursorAnswer) },
      refusals: [400, 404, 412],
    }),
  },
  '/v2/dlq/retry/{dlqId}': {
    post: operation('write', {
      id: 'retryDeadLetter',
      tag,
      summary: 'Publish a dead letter anew',
      description: 'Under a new id. Headers of a publish change what is published.',
      parameters: [dlqId, ...RETRY_HEADERS],
      answers: { 201: named('Published') },
      refusals: [400, 404, 412],
    }),
  },
  '/v2/dlq/{dlqId}': {
    get: operation('read', {
      id: 'getDeadLetter',
      tag,
      summary: 'Get a dead letter',
      parameters: [dlqId],
      answers: { 200: named('DeadLetter') },
      refusals: [404],
    }),
    delete: operation('write', {
      id: 'deleteDeadLetter',
      tag,
      summary: 'Delete a dead letter',
      parameters: [dlqId],
      answers: { 200: object({ deleted: { const: 1 } }) },
      refusals: [404],
    }),
  },
};

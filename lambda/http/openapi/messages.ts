import { operation, type Paths } from './operation';
import { count, cursor, FILTER, HOST_AND_PATH, ids, inPath, PUBLISH_HEADERS, selectionOf } from './parameters';
import { list, named, object, type Schema, text, time, together, url, whole } from './schema';

export const METHOD: Schema = { type: 'string', enum: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] };

export const HEADER_MAP: Schema = {
  type: 'object',
  description: 'Values by canonical name.',
  additionalProperties: list({ type: 'string' }),
};

/** What messages, dead letters, log entries and schedules say of how they are delivered. */
export const SETTINGS = {
  callback: url('Called after each attempt'),
  failureCallback: url('Called when the message has failed'),
  callerIP: text('Address of the publisher'),
  callerIp: text('The same, as some clients spell it'),
  label: text('First label'),
  labels: list({ type: 'string' }),
  flowControlKey: text('Whose limits its deliveries keep to'),
  parallelism: whole('Attempts under way at once, at most'),
  rate: whole('Attempts begun in one period, at most'),
  period: { type: 'number', description: 'Seconds' },
  retryDelayExpression: text('As published'),
} satisfies Record<string, Schema>;

export const SETTINGS_TOGETHER = {
  ...together('callerIP', 'callerIp'),
  ...together('label', 'labels'),
  ...together('flowControlKey', 'period'),
};

/** Through what a message came to be. */
export const ORIGIN = {
  topicName: text('URL group'),
  endpointName: text('Endpoint of the URL group'),
  queueName: text('Queue'),
  scheduleId: text('Schedule'),
} satisfies Record<string, Schema>;

/** Bytes as text where they are UTF-8, else as base64; neither for no bytes. */
export const bytes = (name: string, what: string) => ({
  [name]: text(`${what}, if it is UTF-8`),
  [`${name}Base64`]: text(`${what}, if it is not`),
  [`${name}Truncated`]: { const: true, description: 'Only its beginning: lists show 8 KiB, answers have 6 MB' },
});

export const MESSAGE = {
  messageId: text('Id'),
  url: url('Destination'),
  method: METHOD,
  header: HEADER_MAP,
  maxRetries: whole('Retries after the first attempt'),
  notBefore: time('Earliest delivery'),
  createdAt: time('Acceptance'),
} satisfies Record<string, Schema>;

export const MESSAGE_SOMETIMES = {
  ...ORIGIN,
  ...bytes('body', 'Body'),
  ...SETTINGS,
  callbackHeader: HEADER_MAP,
  failureCallbackHeader: HEADER_MAP,
  timeout: { type: 'number', description: 'Longest attempt, seconds' },
} satisfies Record<string, Schema>;

const PUBLISHED = { messageId: text('Id, that of the first for a duplicate'), url: url('Destination') };
const REFUSED = object({ error: text('Why this message may not have been accepted, though others were') });

export const MESSAGE_SCHEMAS = {
  Message: object(MESSAGE, MESSAGE_SOMETIMES, { dependentRequired: SETTINGS_TOGETHER }),
  Published: object(PUBLISHED, { deduplicated: { const: true, description: 'Accepted before' } }),
  PublishedToGroup: list({ anyOf: [named('Published'), REFUSED] }, 'One for each endpoint, in their order'),
  PublishAnswer: { anyOf: [named('Published'), named('PublishedToGroup')] },
  Batch: list(
    object(
      { destination: text('URL, or name of a URL group') },
      {
        headers: {
          type: ['object', 'null'],
          description: 'Headers of a publish, `Content-Type` too',
          additionalProperties: { type: 'string' },
        },
        body: { type: ['string', 'null'] },
        queue: { type: ['string', 'null'], description: 'Queue that the message is enqueued in' },
      },
    ),
  ),
} satisfies Record<string, Schema>;

const tag = 'Messages';
export const QUERY_TOO =
  'Each `Upstash-*` header may be a query parameter of the same name in lower case. `Upstash-Forward-*` headers are ' +
  'delivered without that prefix. The rest of the query belongs to the destination.';

export const destination = inPath(
  'destination',
  'URL as it is, with `https://` and not encoded, or name of a URL group. Everything to the end of the path.',
  'https://example.com/hook',
);
const messageId = inPath('messageId', 'Id of a message', 'msg_0123456789');
const CANCELED = [
  ids('messageIds', 'messages; filters do not count beside them', 'msg_0123456789'),
  ...FILTER,
  ...HOST_AND_PATH,
  count(500, 'all'),
  cursor('recent-0123456789'),
];
export const PUBLISH_ANSWERS = { 200: named('PublishAnswer'), 202: named('Published') };

export const MESSAGE_PATHS: Paths = {
  '/v2/publish/{destination}': {
    post: operation('write', {
      id: 'publish',
      tag,
      summary: 'Publish a message',
      description: `Delivers the body to the destination. ${QUERY_TOO}`,
      parameters: [destination, ...PUBLISH_HEADERS],
      body: 'anything',
      answers: PUBLISH_ANSWERS,
      refusals: [400, 404, 412, 413, 429],
    }),
  },
  '/v2/batch': {
    post: operation('write', {
      id: 'batch',
      tag,
      summary: 'Publish many messages',
      description: 'Nothing is published if one of the messages is malformed.',
      body: named('Batch'),
      answers: {
        200: list({ anyOf: [named('Published'), REFUSED, named('PublishedToGroup')] }, 'In the order of the messages'),
      },
      refusals: [400, 404, 412, 413, 429],
    }),
  },
  '/v2/messages/{messageId}': {
    get: operation('read', {
      id: 'getMessage',
      tag,
      summary: 'Get a message',
      parameters: [messageId],
      answers: { 200: named('Message') },
      refusals: [404],
    }),
    delete: operation('write', {
      id: 'cancelMessage',
      tag,
      summary: 'Cancel a message',
      description: 'Takes effect at once: no attempt begins after the answer.',
      parameters: [messageId],
      answers: { 200: object({ cancelled: { enum: [0, 1], description: '0: it was canceled before' } }) },
      refusals: [404],
    }),
  },
  '/v2/messages': {
    delete: operation('write', {
      id: 'cancelMessages',
      tag,
      summary: 'Cancel messages',
      description:
        'Those of the ids, or those that fit all filters, or all. The parameters may be a JSON object in the body.',
      parameters: CANCELED,
      body: selectionOf(CANCELED),
      bodyIsOptional: true,
      answers: { 200: object({ cancelled: whole('How many') }, { cursor: text('Where to go on: there may be more') }) },
      refusals: [400],
    }),
  },
};

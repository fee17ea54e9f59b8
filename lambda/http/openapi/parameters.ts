import type { Part } from './operation';
import { list, object, type Schema, text, time, whole } from './schema';

const nameOf = (part: Part): string => part.name as string;

export const inPath = (name: string, description: string, example: string): Part => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string' },
  example,
});

export const inQuery = (name: string, { description, ...schema }: Schema, example: unknown): Part => ({
  name,
  in: 'query',
  description,
  schema,
  example,
});

/** A parameter that may be given several times, or with commas. */
const many = (name: string, description: string, example: string | number): Part => {
  const items = { type: typeof example === 'number' ? 'integer' : 'string' };
  return inQuery(name, list(items, `${description}; one of several values fits.`), [example]);
};

/** What every filter of messages has. */
export const FILTER: readonly Part[] = [
  many('url', 'Destination, whole', 'https://example.com/hook'),
  many('label', 'One of the labels', 'invoice'),
  many('topicName', 'URL group', 'my-group'),
  many('queueName', 'Queue', 'my-queue'),
  many('scheduleId', 'Schedule', 'my-schedule'),
  many('callerIp', 'Address of the publisher', '192.0.2.1'),
  many('callerIP', 'The same as `callerIp`', '192.0.2.1'),
  many('flowControlKey', 'Flow-control key', 'my-key'),
  inQuery('fromDate', time('Not before this time'), 1_760_000_000_000),
  inQuery('toDate', time('Not after this time'), 1_760_000_000_000),
];

export const HOST_AND_PATH: readonly Part[] = [
  many('host', 'Host of the destination', 'example.com'),
  many('path', 'Path of the destination, whole', '/hook'),
];

export const ids = (name: string, what: string, example: string): Part => many(name, `Ids of ${what}`, example);
export const statuses = many('responseStatus', 'Status of the last response, 0 for none', 500);
export const states = (known: readonly string[]): Part =>
  inQuery('state', list({ type: 'string', enum: known }, 'One of these states'), [known[0]]);

export const count = (maximum: number, standard: string): Part =>
  inQuery(
    'count',
    whole(`How many at most: ${standard} if absent. More than ${maximum} is taken for ${maximum}.`, { minimum: 1 }),
    10,
  );

/** `example` is a cursor in the form of its list. */
export const cursor = (example: string): Part =>
  inQuery('cursor', text('That of the answer before. The page without one is the last.'), example);

/** The same parameters as a JSON object: a list, one value, or null for none. */
export const selectionOf = (parameters: readonly Part[]): Schema =>
  object(
    {},
    Object.fromEntries(
      parameters.map((part) => {
        const schema = part.schema as Schema;
        return [
          nameOf(part),
          { anyOf: [schema, ...(schema.type === 'array' ? [schema.items] : []), { type: 'null' }] },
        ];
      }),
    ),
  );

export const header = (name: string, { description, ...schema }: Schema, example: string | number | boolean): Part => ({
  name,
  in: 'header',
  description,
  schema,
  example,
});

const duration = (description: string): Schema =>
  text(`${description}: parts of number and unit (s, m, h, d), or seconds.`);
const retryDelay = (description: string): Schema =>
  text(
    `${description}, an expression that gives milliseconds: numbers, \`retried\` (0 before the first retry), + - * / %, ` +
      'parentheses, pow exp sqrt abs floor ceil round min max.',
  );
const method = (description: string): Schema => ({
  type: 'string',
  enum: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  default: 'POST',
  description,
});
const flowControlKey = text('Whose limits the deliveries of this message keep to. Needs a value.', { maxLength: 512 });
const flowControlValue = text(
  'parallelism=N, rate=N or both; period=D, a second if absent and a week at most. They become the limits of the key.',
);
const redactFields = text('What answers show as a hash: body, header (all), header[Name], by commas.');

/** What a message and its callbacks have in common, by what stands before it. */
const delivery = (prefix: string, what: string): Part[] => [
  header(`${prefix}-Method`, method(`Method ${what} is called with.`), 'PUT'),
  header(`${prefix}-Retries`, whole(`Retries of ${what}. A limit of the service applies.`), 2),
  header(`${prefix}-Retry-Delay`, retryDelay(`Time between retries of ${what}`), '1000 * (1 + retried)'),
  header(`${prefix}-Timeout`, duration(`How long one attempt at ${what} may take`), '30s'),
  header(`${prefix}-Flow-Control-Key`, flowControlKey, 'my-key'),
  header(`${prefix}-Flow-Control-Value`, flowControlValue, 'parallelism=3, rate=10, period=1m'),
  header(`${prefix}-Redact-Fields`, redactFields, 'body, header[Authorization]'),
];

const callback = (prefix: string, when: string): Part[] => [
  header(
    prefix,
    text(
      `URL that is called ${when}. \`${prefix}-Forward-*\` are its headers. It may have callbacks itself, under ` +
        `\`${prefix}-Callback\` and \`${prefix}-Failure-Callback\`.`,
      { format: 'uri' },
    ),
    'https://example.com/callback',
  ),
  ...delivery(prefix, 'the callback'),
  header(`${prefix}-Delay`, duration('How long the callback waits'), '10s'),
];

export const DELIVERY: readonly Part[] = [
  ...delivery('Upstash', 'the destination'),
  ...callback('Upstash-Callback', 'after each attempt, with its outcome'),
  ...callback('Upstash-Failure-Callback', 'once, when the message has failed'),
  header('Upstash-Label', text('Labels to filter by, with commas between them.'), 'invoice, urgent'),
  header(
    'Upstash-Header-Forward',
    {
      type: 'boolean',
      default: false,
      description: 'Whether all headers of the request are delivered, not only `Upstash-Forward-*`.',
    },
    true,
  ),
];

export const DELAY = header('Upstash-Delay', duration('How long the message waits'), '1h30m');
const DEDUPLICATION: readonly Part[] = [
  header(
    'Upstash-Deduplication-Id',
    text('A message with the id of one of the last ten minutes is not accepted again.', { maxLength: 1024 }),
    'order-7',
  ),
  header(
    'Upstash-Content-Based-Deduplication',
    {
      type: 'boolean',
      default: false,
      description: 'Whether the id is made from destination, body, Content-Type and forwarded headers.',
    },
    true,
  ),
];

const PUBLISH: readonly Part[] = [
  ...DELIVERY,
  ...DEDUPLICATION,
  DELAY,
  header('Upstash-Not-Before', whole('Earliest delivery, unix seconds. Comes before a delay.'), 1_760_000_000),
];

/** Components by the names that the parameters have. */
export const components = (parts: readonly Part[]): Readonly<Record<string, Part>> =>
  Object.fromEntries(parts.map((part) => [nameOf(part), part]));

export const HEADERS = components(PUBLISH);

export const referred = (parts: readonly Part[]): Part[] =>
  parts.map((part) => ({ $ref: `#/components/parameters/${nameOf(part)}` }));

export const PUBLISH_HEADERS = referred(PUBLISH);
/** What is enqueued has its turn and no time of its own. */
export const ENQUEUE_HEADERS = referred([...DELIVERY, ...DEDUPLICATION]);
/** What a retry from the dead letter queue may change. */
export const RETRY_HEADERS = referred(PUBLISH.filter((part) => !DEDUPLICATION.includes(part)));

import type { Access } from '../router';
import { object, type Schema, text } from './schema';

/** An operation, a parameter or a response of OpenAPI. */
export type Part = Readonly<Record<string, unknown>>;

/** Operations by path and lower-case method. */
export type Paths = Readonly<Record<string, Readonly<Record<string, Part>>>>;

const REFUSALS = {
  400: ['BadRequest', 'Malformed. The text names the field and says what it may be.'],
  401: ['Unauthorized', 'No token, or one that is not valid.'],
  403: ['Forbidden', 'A read-only token, where the other one is needed.'],
  404: ['NotFound', 'What the request names does not exist.'],
  409: ['Conflict', 'Not now. The text says when.'],
  412: ['OverLimit', 'Well-formed, but beyond a limit of this service. The text names it.'],
  413: ['TooLarge', 'The message, or the number of messages, is beyond the limit.'],
  429: [
    'OverQuota',
    'The quota of the day is used up. `RateLimit-Reset` says in unix seconds when the next one begins.',
  ],
  503: ['Unfinished', 'Carried out in part. Repeat it, and it goes on.'],
} as const;
type Refusal = keyof typeof REFUSALS;

const ERROR = { $ref: '#/components/schemas/Error' };
const FRONT_DOOR_ERROR = { $ref: '#/components/schemas/FrontDoorError' };

export const ERROR_SCHEMAS = {
  Error: object({ error: text('What is wrong, and what to do.') }),
  FrontDoorError: object({ message: text('What API Gateway or Lambda has to say.') }),
};

const json = (description: string, schema: Schema): Part => ({
  description,
  content: { 'application/json': { schema } },
});

export const ERROR_RESPONSES = {
  ...Object.fromEntries(
    Object.entries(REFUSALS).map(([status, [name, description]]) => [
      name,
      // Too large for the front door, or too slow: then it says so.
      json(description, ['413', '503'].includes(status) ? { anyOf: [ERROR, FRONT_DOOR_ERROR] } : ERROR),
    ]),
  ),
  Fault: json('A fault of the service, or of the function that answers.', { anyOf: [ERROR, FRONT_DOOR_ERROR] }),
  FrontDoor: json('What never reached the service, such as headers that are too large.', FRONT_DOOR_ERROR),
};

/** What a request sends as JSON, or `anything`. */
type Body = Schema | 'anything';

interface Described {
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Part[];
  readonly body?: Body;
  /** Whether a request may do without its body. */
  readonly bodyIsOptional?: true;
  /** Schema of the answer by status. */
  readonly answers: Readonly<Record<number, Schema>>;
  /** Refusals beyond those that the access implies. */
  readonly refusals?: readonly Refusal[];
}

const ANSWERS: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Published anew.',
  202: 'A duplicate: accepted before, and not again.',
};

/** One operation; `access` as its route has it. */
export function operation(access: Access, described: Described): Part {
  const { id, tag, summary, description, parameters, body, bodyIsOptional, answers, refusals = [] } = described;
  const implied: readonly Refusal[] = access === 'anyone' ? [] : access === 'read' ? [401] : [401, 403];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(access === 'anyone' ? { security: [] } : {}),
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: requestBody(body, bodyIsOptional) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [status, json(ANSWERS[status]!, schema)]),
      ),
      ...Object.fromEntries([...implied, ...refusals].map((status) => [status, response(REFUSALS[status][0])])),
      500: response('Fault'),
      default: response('FrontDoor'),
    },
  };
}

const response = (name: string): Part => ({ $ref: `#/components/responses/${name}` });

function requestBody(body: Body, isOptional = false): Part {
  if (body === 'anything') return { content: { '*/*': {} } };
  return { required: !isOptional, content: { 'application/json': { schema: body } } };
}

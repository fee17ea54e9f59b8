import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { openApiDocument } from '../../lambda/http/openapi/document';
import { gatewayPath } from '../../local/http/gateway-path';

/** An answer of the service, and what was asked. */
export interface Exchange {
  readonly method: string;
  /** With its query, as sent. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null | undefined;
  readonly text: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly example: string | number | boolean | readonly (string | number)[];
}

/** An operation of the description. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  /** Such as `/v2/messages/{messageId}`. */
  readonly template: string;
  readonly parameters: readonly Parameter[];
  /** Statuses that are described one by one. */
  readonly statuses: readonly number[];
}

interface Reference {
  readonly $ref: string;
}
interface DescribedOperation {
  readonly operationId: string;
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly responses: Readonly<Record<string, object>>;
}

/** The description, as far as it is walked through here. */
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
}

/** What answers are held to: schemas of what the service sends, by a description of the API. */
export class Contract {
  readonly operations: readonly Operation[];
  private readonly patterns: readonly (readonly [RegExp, Operation])[];
  private readonly ajv = new Ajv({ allErrors: true });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(private readonly description: object) {
    addFormats(this.ajv);
    // The whole is no schema, but schemas within it refer to each other.
    this.ajv.addVocabulary(Object.keys(description));
    this.ajv.addSchema(description, 'openapi', false, false);
    this.operations = Object.entries((description as Description).paths).flatMap(([template, item]) =>
      Object.entries(item).map(([method, { operationId, parameters = [], responses }]) => ({
        id: operationId,
        method: method.toUpperCase(),
        template,
        parameters: parameters.map((parameter) => this.resolve<Parameter>(parameter)),
        statuses: Object.keys(responses)
          .filter((status) => status !== 'default')
          .map(Number),
      })),
    );
    // A destination is everything to the end of the path: what is more exact comes first.
    this.patterns = this.operations
      .map((operation) => [patternOf(operation.template), operation] as const)
      .sort(([a], [b]) => Number(a.source.includes('.*')) - Number(b.source.includes('.*')));
  }

  /** The operation that a request is for. */
  find({ method, path }: Pick<Exchange, 'method' | 'path'>): Operation | undefined {
    const [sent = ''] = path.split('?', 1);
    // A Function URL hands over the path as it was sent.
    const seen = process.env.E2E_ASSEMBLY === undefined ? gatewayPath(sent) : sent;
    const fits = ([pattern, operation]: readonly [RegExp, Operation]) =>
      operation.method === method && pattern.test(seen.slice(Math.max(0, seen.indexOf('/v2/'))));
    return this.patterns.find(fits)?.[1];
  }

  /** What an answer has that the description lacks, or the other way round; undefined if it is as described. */
  problem(exchange: Exchange): string | undefined {
    const { method, path, status, contentType, text } = exchange;
    const problem = (reason: string) =>
      `${method} ${path} was answered with ${status} ${text.slice(0, 2000)}: ${reason}`;
    if (method === 'HEAD') return undefined;
    if (contentType !== 'application/json') return problem(`Content-Type ${contentType}`);
    const place = this.placeOf(exchange);
    if (place === undefined) return problem('the description has no such answer');
    const validate = this.validator(place);
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return problem('it is not JSON');
    }
    return validate(body) ? undefined : problem(this.ajv.errorsText(validate.errors, { dataVar: 'body' }));
  }

  /** Where the answer's schema stands. What no operation is for is refused by the service or its front door. */
  private placeOf(exchange: Exchange): string | undefined {
    const { status, text } = exchange;
    const operation = this.find(exchange);
    if (operation === undefined) {
      if ([401, 403, 404, 405].includes(status)) return '#/components/schemas/Error';
      return text.startsWith('{"message":') ? '#/components/schemas/FrontDoorError' : undefined;
    }
    const responses = `#/paths/${escaped(operation.template)}/${operation.method.toLowerCase()}/responses`;
    const key = operation.statuses.includes(status) ? String(status) : 'default';
    const reference = this.at<Reference>(`${responses}/${key}`).$ref;
    return `${reference ?? `${responses}/${key}`}/content/application~1json/schema`;
  }

  private validator(place: string): ValidateFunction {
    let validator = this.validators.get(place);
    if (validator === undefined) {
      validator = this.ajv.compile({ $ref: `openapi${place}` });
      this.validators.set(place, validator);
    }
    return validator;
  }

  private resolve<T extends object>(part: T | Reference): T {
    return '$ref' in part ? this.at<T>(part.$ref) : part;
  }

  private at<T>(pointer: string): T {
    const keys = pointer.split('/').slice(1);
    // biome-ignore lint/suspicious/noExplicitAny: any JSON
    return keys.reduce<any>((part, key) => part[key.replaceAll('~1', '/')], this.description) as T;
  }
}

function escaped(template: string): string {
  return template.replaceAll('/', '~1');
}

function patternOf(template: string): RegExp {
  const source = template
    .replace(/[.]/g, '\\$&')
    .replace('{destination}', '.*')
    .replace('{flowControlKey}', '.+')
    .replace(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${source}/?$`, 's');
}

/** The description that the service gives of itself. */
export const CONTRACT = new Contract(openApiDocument('http://127.0.0.1'));

/** Throws if an answer is not as described. Paths outside of `/v2/` are local mode's own. */
export function expectAsDescribed(exchange: Exchange): void {
  if (!exchange.path.includes('/v2/')) return;
  const problem = CONTRACT.problem(exchange);
  if (problem !== undefined) throw new Error(problem);
}

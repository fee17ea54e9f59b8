import type { MessageFilter } from '../message/message-filter';
import type { ApiRequest } from './api-request';
import { badRequest } from './http-error';
import { readObject } from './json-body';
import { printable } from './printable';

/** DynamoDB compares an attribute with at most 100 values (DynamoDB quotas, operands of IN). */
const MAX_VALUES = 100;
/** And takes 4 KB of expression. */
const MAX_VALUES_IN_ALL = 500;
/** 1973 in milliseconds: what is smaller was meant in seconds. */
const EARLIEST_DATE = 100_000_000_000;

/** Parameters that are accepted everywhere and mean nothing here: the token, and what the console sends. */
const IGNORED: ReadonlySet<string> = new Set(['qstash_token', 'trimbody', 'groupby', 'api']);

/** How often a parameter may have a value. */
export type Arity = 'one' | 'many';

/** The parameters of a route, by name as documented. */
export type ParameterTable = Readonly<Record<string, Arity>>;

/** The parameters of every filter of messages. */
export const MESSAGE_FILTER: ParameterTable = {
  url: 'many',
  label: 'many',
  topicName: 'many',
  queueName: 'many',
  scheduleId: 'many',
  callerIp: 'many',
  callerIP: 'many',
  flowControlKey: 'many',
  fromDate: 'one',
  toDate: 'one',
};

/** What a request selects with: texts by parameter, all of them known to the route. */
export class Parameters {
  constructor(private readonly values: ReadonlyMap<string, readonly string[]>) {}

  /** Whether the request selects anything, and not everything. */
  get isEmpty(): boolean {
    return [...this.values.keys()].every((name) => PAGING.has(name));
  }

  many(name: string): readonly string[] | undefined {
    return this.values.get(name);
  }

  one(name: string): string | undefined {
    return this.values.get(name)?.[0];
  }

  /** A whole number from 1; more than `most` is taken for `most`. */
  count(most: number): number | undefined {
    const text = this.one('count');
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text) || Number(text) < 1) throw invalid('count', text, 'is not a whole number from 1');
    return Math.min(most, Number(text));
  }

  /** A time in milliseconds. */
  date(name: 'fromDate' | 'toDate'): number | undefined {
    const text = this.one(name);
    if (text === undefined) return undefined;
    const time = Number(text);
    if (!/^\d{1,13}$/.test(text) || (time > 0 && time < EARLIEST_DATE)) {
      throw invalid(name, text, 'is not a unix time in milliseconds');
    }
    return time;
  }

  /** The part of the selection that every filter of messages has. */
  messageFilter(): MessageFilter {
    const callerIp = [...(this.many('callerIp') ?? []), ...(this.many('callerIP') ?? [])];
    const filter: MessageFilter = {
      ...this.given(
        'messageId',
        'url',
        'host',
        'path',
        'label',
        'topicName',
        'queueName',
        'scheduleId',
        'flowControlKey',
      ),
      ...(callerIp.length === 0 ? {} : { callerIp }),
      fromDate: this.date('fromDate'),
      toDate: this.date('toDate'),
    };
    if ((filter.fromDate ?? 0) > (filter.toDate ?? Number.POSITIVE_INFINITY)) {
      throw badRequest('invalid fromDate: it is later than toDate');
    }
    return filter;
  }

  private given<K extends string>(...names: K[]): { [name in K]?: readonly string[] } {
    return Object.fromEntries(
      names.flatMap((name) => {
        const values = this.many(name);
        return values === undefined ? [] : [[name, values]];
      }),
    ) as { [name in K]?: readonly string[] };
  }
}

const PAGING: ReadonlySet<string> = new Set(['count', 'cursor', 'order']);

/** Reads the query parameters of a request; see {@link readParameters}. */
export function readQuery(request: ApiRequest, table: ParameterTable): Parameters {
  return readParameters([...request.query], table);
}

/**
 * Reads a selection from the query or, where that selects nothing, from a JSON body with the same names, as
 * the Python client sends it.
 */
export function readSelection(request: ApiRequest, table: ParameterTable): Parameters {
  const query = readQuery(request, table);
  if (!query.isEmpty || request.body.length === 0) return query;
  const pairs = Object.entries(readObject(request.body)).flatMap(([name, value]): [string, string][] => {
    if (value === null) return [];
    const values = Array.isArray(value) ? value : [value];
    if (values.length === 0) throw badRequest(`invalid ${printable(name)}: an empty list selects nothing`);
    return values.map((entry) => {
      if (typeof entry === 'string' || typeof entry === 'number') return [name, String(entry)];
      throw badRequest(`invalid ${printable(name)}: neither text nor a number`);
    });
  });
  if (pairs.length === 0) throw badRequest('invalid body: it selects nothing; to select everything, send no body');
  return readParameters([...pairs, ...request.query], table);
}

/**
 * A parameter given several times, or as a list with commas, has several values. A name that the table lacks
 * is a 400, as a misspelt filter would select everything; so is an empty value.
 */
function readParameters(pairs: readonly (readonly [string, string])[], table: ParameterTable): Parameters {
  const values = new Map<string, string[]>();
  for (const [name, text] of pairs) {
    if (IGNORED.has(name.toLowerCase())) continue;
    const arity = Object.hasOwn(table, name) ? table[name] : undefined;
    if (arity === undefined) throw badRequest(`unknown parameter ${printable(name)}: known are ${known(table)}`);
    const parts = arity === 'many' ? splitList(name, text) : [text];
    if (parts.length === 0 || parts.includes('')) throw badRequest(`invalid ${printable(name)}: it has no value`);
    const all = [...(values.get(name) ?? []), ...parts];
    if (arity === 'one' && all.length > 1) throw badRequest(`invalid ${printable(name)}: it is given more than once`);
    if (all.length > MAX_VALUES) throw badRequest(`invalid ${printable(name)}: more than ${MAX_VALUES} values`);
    values.set(name, all);
  }
  if ([...values.values()].flat().length > MAX_VALUES_IN_ALL) {
    throw badRequest(`invalid filter: more than ${MAX_VALUES_IN_ALL} values in all`);
  }
  return new Parameters(values);
}

/** URLs and paths may hold commas: there a list goes on only where the next one begins. */
const BETWEEN_VALUES: Readonly<Record<string, RegExp>> = { url: /,(?=https?:\/\/)/, path: /,(?=\/)/ };

function splitList(name: string, text: string): string[] {
  return text.split(BETWEEN_VALUES[name] ?? ',').map((part) => part.trim());
}

function known(table: ParameterTable): string {
  return Object.keys(table).join(', ');
}

export function invalid(name: string, text: string, reason: string) {
  return badRequest(`invalid ${name}: "${printable(text)}" ${reason}`);
}

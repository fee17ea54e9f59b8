import { badRequest } from './http-error';

/** What a request's body says in JSON; undefined for anything else. */
export function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON object from a request's body; a 400 for anything else. */
export function readObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  const value = readJson(body);
  if (isObject(value)) return value;
  throw badRequest('invalid body: it is not a JSON object');
}

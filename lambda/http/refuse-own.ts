import { apiTokens } from '../keys/api-tokens';
import type { CallbackOptions, HeaderMap } from '../message/message';
import type { ApiRequest } from './api-request';
import { DESTINATION } from './destination';
import { badRequest } from './http-error';

/** What of a message or callback is sent somewhere. */
interface Carrier {
  readonly url?: string;
  readonly header?: HeaderMap;
  readonly labels?: readonly string[];
  readonly callback?: CallbackOptions;
  readonly failureCallback?: CallbackOptions;
}

/**
 * Refuses with 400 a message that would carry a token of this service: stored, it could be read back with a
 * lesser token, and whoever it is sent to could use it. And one that would call this service itself, by the
 * name that it was called by.
 */
export async function refuseOwn(message: Carrier, { host }: Pick<ApiRequest, 'host'>): Promise<void> {
  const { full, readOnly } = await apiTokens();
  const tokens = [...full, ...readOnly];
  for (const { field, text, isUrl } of carriedTexts(message, 'Upstash-')) {
    if (isUrl && new URL(text).host === host) {
      throw badRequest(`invalid ${field}: endpoint is not allowed: an address of the service itself`);
    }
    if (tokens.some((token) => text.includes(token) || decoded(text).includes(token))) {
      throw badRequest(`invalid ${field}: it carries a token of this service, which is never stored or sent on`);
    }
  }
}

interface Carried {
  /** Where it stands in the request, for error texts. */
  readonly field: string;
  readonly text: string;
  readonly isUrl: boolean;
}

function* carriedTexts(carrier: Carrier, prefix: string): Generator<Carried> {
  const { url, header = {}, labels = [], callback, failureCallback } = carrier;
  if (url !== undefined) {
    yield { field: prefix === 'Upstash-' ? DESTINATION : prefix.slice(0, -1), text: url, isUrl: true };
  }
  for (const [name, values] of Object.entries(header)) {
    const field = name === 'Content-Type' ? name : `${prefix}Forward-${name}`;
    for (const text of values) yield { field, text, isUrl: false };
  }
  for (const text of labels) yield { field: `${prefix}Label`, text, isUrl: false };
  if (callback !== undefined) yield* carriedTexts(callback, `${prefix}Callback-`);
  if (failureCallback !== undefined) yield* carriedTexts(failureCallback, `${prefix}Failure-Callback-`);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

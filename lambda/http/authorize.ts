import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiTokens } from '../keys/api-tokens';
import type { ApiRequest } from './api-request';
import { HttpError } from './http-error';
import type { Access } from './router';

/**
 * Lets a request in that shows a token with the access a route asks for, as `Authorization: Bearer` or, where
 * a webhook's sender sets no headers, as `qstash_token` in the query; one valid token is enough. Throws a 401
 * for none, a 403 for a read-only token where it does not suffice.
 */
export function authorize(request: Pick<ApiRequest, 'headers' | 'query'>, access: Access, tokens: ApiTokens): void {
  if (access === 'anyone') return;
  const shown = shownTokens(request);
  if (shown.some((token) => isOneOf(token, tokens.full))) return;
  if (shown.some((token) => isOneOf(token, tokens.readOnly))) {
    if (access === 'read') return;
    throw new HttpError(403, 'forbidden: a read-only token may not do this');
  }
  const reason = shown.length === 0 ? 'no token: send Authorization: Bearer <QSTASH_TOKEN>' : 'invalid token';
  throw new HttpError(401, `unauthorized: ${reason}`, { 'www-authenticate': 'Bearer' });
}

function shownTokens({ headers, query }: Pick<ApiRequest, 'headers' | 'query'>): string[] {
  const bearer = /^bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  return [...(bearer === undefined ? [] : [bearer]), ...query.getAll('qstash_token')];
}

/** Compares hashes, each in constant time, so that no answer's time tells how much of a token was right. */
function isOneOf(token: string, valid: readonly string[]): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const shown = digest(token);
  return valid.map((text) => timingSafeEqual(shown, digest(text))).includes(true);
}

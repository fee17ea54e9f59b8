import { rotateSigningKeys } from '../keys/rotate-signing-keys';
import { loadSigningKeys } from '../keys/signing-keys';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { badRequest, HttpError } from './http-error';
import { printable } from './printable';
import type { Route } from './router';

const MINUTE_MS = 60_000;

async function get(): Promise<ApiResponse> {
  const { current, next } = await loadSigningKeys();
  return ok({ current, next });
}

async function rotate({ query, now }: ApiRequest): Promise<ApiResponse> {
  const force = query.get('force') ?? 'false';
  if (force !== 'true' && force !== 'false')
    throw badRequest(`invalid force: "${printable(force)}" is not true or false`);
  const rotation = await rotateSigningKeys(now, force === 'true');
  if (rotation.rotated) return ok({ current: rotation.keys.current, next: rotation.keys.next });
  throw new HttpError(
    409,
    `the keys were rotated ${Math.floor(rotation.ago / MINUTE_MS)} minutes ago: a second rotation locks out every receiver that ` +
      `still has the keys from before the first. Wait ${Math.ceil(rotation.wait / MINUTE_MS)} minutes, or rotate with ?force=true ` +
      'once all receivers have the present keys',
  );
}

/** Whoever has the keys can forge deliveries: a token that may only read does not get them. */
export const KEY_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v2/keys', access: 'write', answer: get },
  { method: 'POST', path: '/v2/keys/rotate', access: 'write', answer: rotate },
];

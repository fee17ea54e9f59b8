import { requireEnv, requireNumber } from '../config';
import { AddressPolicy } from '../deliver/address-policy';
import { apiTokens } from '../keys/api-tokens';
import type { CallbackOptions, HeaderMap } from '../message/message';
import { publishMessage } from '../publish/publish-message';
import type { ApiRequest } from './api-request';
import type { ApiResponse } from './api-response';
import { DESTINATION, readDestination, validateUrl } from './destination';
import { badRequest, HttpError } from './http-error';
import type { PublishInput, PublishOptions, PublishOverrides } from './publish-options';
import { parsePublishOptions } from './publish-options';
import type { Route } from './router';

const policy = AddressPolicy.fromEnv(process.env);

/** What a request says of a message, with what this service allows. */
export function publishInput({ headers, query, now }: ApiRequest): PublishInput {
  const limits = {
    defaultRetries: requireNumber('DEFAULT_RETRIES'),
    maxRetries: requireNumber('MAX_RETRIES'),
    maxDelaySeconds: requireNumber('MAX_DELAY_SECONDS'),
    maxTimeoutSeconds: requireNumber('MAX_TIMEOUT_SECONDS'),
  };
  return { headers, query, limits, now, policy };
}

async function publish(request: ApiRequest, destination: string): Promise<ApiResponse> {
  const maximum = requireNumber('MAX_MESSAGE_BYTES');
  if (request.body.length > maximum) {
    throw new HttpError(413, `message too large: ${request.body.length} bytes, at most ${maximum} are accepted`);
  }
  const frontDoor = requireEnv('FRONT_DOOR') === 'functionUrl' ? 'functionUrl' : 'httpApi';
  const url = validateUrl(readDestination(destination, request.rawQuery, frontDoor), DESTINATION, policy);
  const options: PublishOptions = parsePublishOptions(publishInput(request));
  await refuseOwnTokens({ url, ...options });
  const { deduplicationId, contentBasedDeduplication, ...settings } = options;
  const published = await publishMessage(
    { ...settings, url, body: request.body, ...(request.callerIp === undefined ? {} : { callerIp: request.callerIp }) },
    { deduplicationId, contentBasedDeduplication },
    request.now,
  );
  return { status: published.deduplicated ? 202 : 200, body: published };
}

/**
 * Refuses a message that would carry a token of this service to its destination: stored, it could be read
 * back with a lesser token, and whoever it is sent to could use it.
 */
export async function refuseOwnTokens(message: PublishOverrides & { readonly url?: string }): Promise<void> {
  const { full, readOnly } = await apiTokens();
  const tokens = [...full, ...readOnly];
  for (const [field, value] of carriedTexts(message, 'Upstash-')) {
    if (tokens.some((token) => value.includes(token) || decoded(value).includes(token))) {
      throw badRequest(`invalid ${field}: it carries a token of this service, which is never stored or sent on`);
    }
  }
}

interface Carrier {
  readonly url?: string;
  readonly header?: HeaderMap;
  readonly callback?: CallbackOptions;
  readonly failureCallback?: CallbackOptions;
}

function* carriedTexts(carrier: Carrier, prefix: string): Generator<readonly [field: string, value: string]> {
  if (carrier.url !== undefined) yield [prefix === 'Upstash-' ? DESTINATION : prefix.slice(0, -1), carrier.url];
  for (const [name, values] of Object.entries(carrier.header ?? {})) {
    for (const value of values) yield [`${prefix}Forward-${name}`, value];
  }
  if (carrier.callback !== undefined) yield* carriedTexts(carrier.callback, `${prefix}Callback-`);
  if (carrier.failureCallback !== undefined) yield* carriedTexts(carrier.failureCallback, `${prefix}Failure-Callback-`);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

export const PUBLISH_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v2/publish/*',
    access: 'write',
    answer: (request, { rest = '' }) => publish(request, rest),
  },
];

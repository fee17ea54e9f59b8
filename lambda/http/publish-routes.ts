import { requireEnv, requireNumber } from '../config';
import { AddressPolicy } from '../deliver/address-policy';
import { publishMessage } from '../publish/publish-message';
import type { ApiRequest } from './api-request';
import type { ApiResponse } from './api-response';
import { DESTINATION, readDestination, validateUrl } from './destination';
import { HttpError } from './http-error';
import { type PublishInput, type PublishOptions, parsePublishOptions } from './publish-options';
import { refuseOwn } from './refuse-own';
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
  await refuseOwn({ url, ...options }, request);
  const { deduplicationId, contentBasedDeduplication, ...settings } = options;
  const published = await publishMessage(
    { ...settings, url, body: request.body, ...(request.callerIp === undefined ? {} : { callerIp: request.callerIp }) },
    { deduplicationId, contentBasedDeduplication },
    request.now,
  );
  return { status: published.deduplicated ? 202 : 200, body: published };
}

export const PUBLISH_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v2/publish/*',
    access: 'write',
    answer: (request, { rest = '' }) => publish(request, rest),
  },
];

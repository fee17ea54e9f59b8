import { requireEnv, requireNumber } from '../config';
import { AddressPolicy } from '../deliver/address-policy';
import { fanOut } from '../publish/fan-out';
import type { NewMessage } from '../publish/publish-messages';
import { getUrlGroup } from '../url-group/find-url-groups';
import type { UrlGroup } from '../url-group/url-group';
import type { ApiRequest } from './api-request';
import { DESTINATION, groupNameOf, readDestination, validateUrl } from './destination';
import { HttpError, notFound } from './http-error';
import { printable } from './printable';
import { type PublishInput, type PublishOptions, parsePublishOptions } from './publish-options';
import { refuseOwn } from './refuse-own';

const policy = AddressPolicy.fromEnv(process.env);

/** What a request says of a message, with what this service allows. */
export function publishInput({ headers, query, now }: Pick<ApiRequest, 'headers' | 'query' | 'now'>): PublishInput {
  const limits = {
    defaultRetries: requireNumber('DEFAULT_RETRIES'),
    maxRetries: requireNumber('MAX_RETRIES'),
    maxDelaySeconds: requireNumber('MAX_DELAY_SECONDS'),
    maxTimeoutSeconds: requireNumber('MAX_TIMEOUT_SECONDS'),
  };
  return { headers, query, limits, now, policy };
}

/** The URL or the name of a URL group that a path ends in, with the destination's own query. */
export function destinationOf(rest: string, request: ApiRequest): string {
  const frontDoor = requireEnv('FRONT_DOOR') === 'functionUrl' ? 'functionUrl' : 'httpApi';
  return readDestination(rest, request.rawQuery, frontDoor);
}

/** A URL that is called or a URL group. */
export type Destination = { readonly url: string } | { readonly group: UrlGroup };

/** Finds a URL group by name. */
export type FindGroup = (name: string) => Promise<UrlGroup | undefined>;

/** Reads what is to be called. A group that does not exist is a 404, anything that is no URL a 400. */
export async function readTarget(text: string, findGroup: FindGroup = getUrlGroup): Promise<Destination> {
  const name = groupNameOf(text);
  if (name === undefined) return { url: validateUrl(text, DESTINATION, policy) };
  const group = await findGroup(name);
  if (group === undefined) throw notFound(`url group not found: ${printable(name)}`);
  return { group };
}

/** The settings of a publish, a group's own where the request has none. */
export async function readOptions(
  request: Pick<ApiRequest, 'headers' | 'query' | 'now' | 'host'>,
  destination: Destination,
): Promise<PublishOptions> {
  const defaults = 'group' in destination ? destination.group.headers : undefined;
  const options = parsePublishOptions({ ...publishInput(request), defaults });
  await refuseOwn({ ...('url' in destination ? { url: destination.url } : {}), ...options }, request);
  return options;
}

/** One publish, as a request or an item of a batch asks for it. */
export interface AskedPublish extends Pick<ApiRequest, 'headers' | 'query' | 'body'> {
  /** URL or name of a URL group. */
  readonly destination: string;
}

/** The messages that a publish makes. */
export interface ReadPublish {
  readonly contents: readonly NewMessage[];
  /** Whether it is to a URL group, whose answer is a list. */
  readonly isGroup: boolean;
}

/** Reads and checks one publish. Refuses what is malformed with 400, and what is beyond a limit with 412 or 413. */
export async function readPublish(
  asked: AskedPublish,
  request: ApiRequest,
  findGroup?: FindGroup,
): Promise<ReadPublish> {
  const maximum = requireNumber('MAX_MESSAGE_BYTES');
  if (asked.body.length > maximum) {
    throw new HttpError(413, `message too large: ${asked.body.length} bytes, at most ${maximum} are accepted`);
  }
  const destination = await readTarget(asked.destination, findGroup);
  const options = await readOptions({ ...request, headers: asked.headers, query: asked.query }, destination);
  const { deduplicationId, contentBasedDeduplication, ...settings } = options;
  const content = {
    ...settings,
    body: asked.body,
    deduplication: { deduplicationId, contentBasedDeduplication },
    ...(request.callerIp === undefined ? {} : { callerIp: request.callerIp }),
  };
  if ('group' in destination) return { contents: fanOut(content, destination.group), isGroup: true };
  return { contents: [{ ...content, url: destination.url }], isGroup: false };
}

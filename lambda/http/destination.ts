import { type AddressPolicy, portOf } from '../deliver/address-policy';
import { badRequest } from './http-error';

/** Name of a destination in error texts, as QStash words them. */
export const DESTINATION = 'destination url';

const MAX_URL_LENGTH = 2_048;
const NAME = /^[A-Za-z0-9._-]{1,256}$/;

/** Whether a text may name a URL group, a queue or a schedule (QStash docs: letters, digits, `.`, `_`, `-`). */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** The URL group that a destination names; undefined when it can only be a URL. */
export function groupNameOf(destination: string): string | undefined {
  const name = destination.split('?', 1)[0]!;
  return isName(name) ? name : undefined;
}

/**
 * The destination of `/v2/publish/<destination>`: the path's rest, repaired, with the request's own query
 * less `qstash_token` and `upstash-*` settings, whose order and encoding stay.
 *
 * `https:/x` (proxies fold `//`) and `https%3A%2F%2Fx` count as `https://x`. An HTTP API hands over the
 * path decoded, so what a URL can't hold is encoded again; what it decoded from `%2F` or `%3F` stays lost.
 * A Function URL hands over the path as sent, and it is left so.
 */
export function readDestination(raw: string, rawQuery: string, frontDoor: 'httpApi' | 'functionUrl'): string {
  const text = /^https?%3a/i.test(raw) ? decodeWhole(raw) : raw;
  const unfolded = text.replace(/^(https?):\/(?!\/)/i, '$1://');
  const path = frontDoor === 'httpApi' ? encodeAgain(unfolded) : unfolded;
  const query = withoutSettings(rawQuery);
  if (query === '') return path;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

/**
 * Checks a URL that is to be called and writes it as it will be called: canonical scheme and host, no
 * fragment. `field` names it in error texts. Refused with 400: other schemes than http and https, user and
 * password, backslashes, control characters and spaces before the path, an empty host, port 0, more than
 * 2048 characters, and what `policy` denies.
 */
export function validateUrl(text: string, field: string, policy: AddressPolicy): string {
  const refuse = (reason: string) => badRequest(`invalid ${field}: ${reason}`);
  if (text.length > MAX_URL_LENGTH) throw refuse(`longer than ${MAX_URL_LENGTH} characters`);
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined) throw refuse('endpoint has invalid scheme, add http:// or https://');
  // The URL parser removes tabs and line ends and reads `\` as `/`: then two readers see two hosts.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\x00-\x1f\x7f]/.test(text)) throw refuse('endpoint holds control characters');
  if (/[\\\s]/.test(authority)) throw refuse('endpoint has an invalid host');
  if (authority.includes('@')) throw refuse('endpoint must not hold a user name or password');
  if (authority === '' || authority.startsWith(':')) throw refuse('endpoint has no host');
  if (!URL.canParse(text)) throw refuse('endpoint has an invalid host or port');
  const url = new URL(text);
  url.hash = '';
  if (!isHost(url.hostname)) throw refuse('endpoint has an invalid host');
  const denial = policy.deniesHost(url.hostname, portOf(url));
  if (denial !== undefined) throw refuse(`endpoint is not allowed: ${denial}`);
  if (url.href.length > MAX_URL_LENGTH) throw refuse(`longer than ${MAX_URL_LENGTH} characters`);
  return url.href;
}

/** An IPv6 literal, or labels that DNS can hold (the underscore is no host name's by the book, but in use). */
function isHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return true;
  const labels = hostname.replace(/\.$/, '');
  return labels.length <= 253 && labels.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
}

function decodeWhole(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw badRequest(`invalid ${DESTINATION}: malformed percent encoding`);
  }
}

/** Encodes in a decoded path what a URL can't hold; a `%` with two hex digits after it is taken as encoding. */
function encodeAgain(text: string): string {
  const [origin = ''] = /^https?:\/\/[^/?#]*/i.exec(text) ?? [];
  const path = text.slice(origin.length);
  // No `i` flag: with `u` it would count ſ as an s and the Kelvin sign as a k, and leave both as they are.
  return origin + path.replace(/%(?![0-9A-Fa-f]{2})|[^\w\-.~!$&'()*+,;=:@/?%]/gu, percentEncode);
}

function percentEncode(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function withoutSettings(rawQuery: string): string {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '' && !isSetting(pair))
    .join('&');
}

function isSetting(pair: string): boolean {
  const [name = ''] = new URLSearchParams(pair).keys();
  const lower = name.toLowerCase();
  return lower === 'qstash_token' || lower.startsWith('upstash-');
}

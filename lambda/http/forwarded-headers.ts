import { canonicalName, isConnectionHeader } from '../message/header-map';
import type { HeaderMap } from '../message/message';
import { badRequest, overLimit } from './http-error';
import { printable } from './printable';

/** Forwarded headers of one message or callback: how many, and how many characters of names and values. */
const MAX_FORWARDED_HEADERS = 100;
const MAX_FORWARDED_CHARACTERS = 16_384;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What an HTTP/1.1 field value may hold: tab, visible ASCII and Latin-1. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that metadata services of clouds ask for; no webhook needs them, a forged request does. */
const METADATA_HEADERS: ReadonlySet<string> = new Set([
  'metadata',
  'metadata-flavor',
  'metadata-token',
  'x-aliyun-ecs-metadata-token',
  'x-google-metadata-request',
  'x-identity-header',
]);

/**
 * Whether a publisher's `Upstash-Forward-<name>` is delivered. Dropped in silence: connection and framing
 * headers, QStash's own `Upstash-*`, headers of cloud metadata services, and `Content-Type`, which a message
 * takes from its own `Content-Type`.
 */
function isForwarded(name: string): boolean {
  const lower = name.toLowerCase();
  return !(
    isConnectionHeader(lower) ||
    METADATA_HEADERS.has(lower) ||
    lower.startsWith('x-aws-ec2-metadata-') ||
    lower.startsWith('upstash-') ||
    lower === 'content-type'
  );
}

/** Headers that say how a request came to the service, not what it says. */
const INFRASTRUCTURE = /^(?:x-amzn-.*|x-amz-.*|x-forwarded-.*|forwarded|via|cdn-loop|authorization)$/;

/**
 * Adds every header of a request as one to forward, as `Upstash-Header-Forward` asks for; what the publisher
 * forwards by name counts before it. Left out are the headers of the way here: those of the connection, the
 * service's own, those of gateways, and `Authorization`, which carried the service's token.
 */
export function addIncoming(
  settings: Map<string, string>,
  headers: Readonly<Record<string, string | undefined>>,
): void {
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (value === undefined || !isForwarded(lower) || INFRASTRUCTURE.test(lower)) continue;
    if (!settings.has(`forward-${lower}`)) settings.set(`forward-${lower}`, value);
  }
}

/** One header's value as it will be delivered, or a 400 naming `field` when no HTTP client may send it. */
function readHeaderValue(value: string, field: string): string {
  const trimmed = value.replace(/^[ \t]+|[ \t]+$/g, '');
  if (FIELD_VALUE.test(trimmed)) return trimmed;
  throw badRequest(
    `invalid ${printable(field)}: a header value holds only Latin-1 characters and no control characters`,
  );
}

/**
 * Takes the headers to deliver out of a request's settings: those under `forward-`, prefix stripped, and
 * `content-type`. `settings` has lower-case names; `prefix` is how the publisher wrote what stands before
 * them (`Upstash-`, `Upstash-Callback-`), for error texts.
 * A malformed name or value is a 400, more than {@link MAX_FORWARDED_HEADERS} or
 * {@link MAX_FORWARDED_CHARACTERS} a 412.
 */
export function readForwarded(settings: ReadonlyMap<string, string>, prefix: string): HeaderMap {
  const forwarded = new Map<string, string[]>();
  let characters = 0;
  for (const [setting, text] of settings) {
    const isContentType = setting === 'content-type';
    if (!isContentType && !setting.startsWith('forward-')) continue;
    const name = isContentType ? setting : setting.slice('forward-'.length);
    const field = isContentType ? 'Content-Type' : canonicalName(`${prefix}${setting}`);
    if (!TOKEN.test(name)) throw badRequest(`invalid ${printable(field)}: not a header name`);
    if (!isContentType && !isForwarded(name)) continue;
    const value = readHeaderValue(text, field);
    if (isContentType && value === '') continue;
    forwarded.set(canonicalName(name), [value]);
    characters += name.length + value.length;
  }
  if (forwarded.size > MAX_FORWARDED_HEADERS) {
    throw overLimit(`too many ${prefix}Forward-* headers: at most ${MAX_FORWARDED_HEADERS} are delivered`);
  }
  if (characters > MAX_FORWARDED_CHARACTERS) {
    throw overLimit(`${prefix}Forward-* headers are too long: at most ${MAX_FORWARDED_CHARACTERS} characters in all`);
  }
  // Own properties, whatever the names: an assignment to `__proto__` would be none.
  return Object.fromEntries(forwarded);
}

import type { AddressPolicy } from '../deliver/address-policy';
import { canonicalName } from '../message/header-map';
import type { CallbackOptions, FlowControl, HeaderMap, Method, Redaction } from '../message/message';
import { METHODS } from '../message/message';
import { parseRetryDelay, RetryDelayError } from '../retry/retry-delay';
import { validateUrl } from './destination';
import { parseDuration } from './duration';
import { parseFlowControlValue, readFlowControlKey } from './flow-control-value';
import { addIncoming, readForwarded } from './forwarded-headers';
import { badRequest, overLimit } from './http-error';
import { printable } from './printable';
import { parseRedaction } from './redaction';

/** What one service allows. */
export interface PublishLimits {
  /** Retries of a message that names none. */
  readonly defaultRetries: number;
  readonly maxRetries: number;
  readonly maxDelaySeconds: number;
  readonly maxTimeoutSeconds: number;
}

export interface PublishInput {
  /** Of the request or of a batch item, under lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** `upstash-*` settings count here too; a header of the same name wins. */
  readonly query: URLSearchParams;
  /** Default headers of the URL group, under lower-case names: what neither headers nor query say. */
  readonly defaults?: Readonly<Record<string, string>>;
  readonly limits: PublishLimits;
  /** Service time in milliseconds. */
  readonly now: number;
  readonly policy: AddressPolicy;
}

/** What a publish asks for. */
export interface PublishOptions {
  /** Default: POST. */
  readonly method: Method;
  /** What is delivered: forwarded headers, prefix stripped, and `Content-Type`; canonical names. */
  readonly header: HeaderMap;
  /** Earliest start of the first attempt in milliseconds; `now` when at once. */
  readonly notBefore: number;
  readonly maxRetries: number;
  readonly retryDelayExpression?: string;
  /** Seconds one attempt may take; absent: the longest the service allows. */
  readonly timeout?: number;
  readonly callback?: CallbackOptions;
  readonly failureCallback?: CallbackOptions;
  readonly deduplicationId?: string;
  /** Default: false. An id beside it wins. */
  readonly contentBasedDeduplication: boolean;
  readonly labels?: string[];
  readonly flowControl?: FlowControl;
  readonly redact?: Redaction;
}

/** What a request sets of {@link PublishOptions}; what it leaves out is absent, also as a key. */
export type PublishOverrides = { readonly [K in keyof PublishOptions]?: PublishOptions[K] };

const MAX_CALLBACK_DEPTH = 2;
const MAX_DEDUPLICATION_ID_LENGTH = 1_024;
const MAX_LABELS = 32;
const MAX_LABEL_LENGTH = 256;

/** Settings of schedules alone: refused elsewhere, because ignoring them would do something else than asked. */
const OF_SCHEDULES = /^(?:queue-name|cron|schedule-id)$/;

/** Settings of one message or callback by lower-case name, and what stands before the names in error texts. */
interface Settings {
  readonly values: ReadonlyMap<string, string>;
  readonly prefix: string;
}

/**
 * Reads the settings of a publish: every `Upstash-*` header and query parameter, `Upstash-Forward-*` and
 * `Content-Type`. Wrong grammar is a 400, a value beyond a limit a 412; both name the header. Features
 * of schedules alone are a 400; unknown `Upstash-*` and `Upstash-Telemetry-*` are ignored.
 */
export function parsePublishOptions(input: PublishInput): PublishOptions {
  const set = parseOverrides(input);
  return {
    ...set,
    method: set.method ?? 'POST',
    header: set.header ?? {},
    notBefore: set.notBefore ?? input.now,
    maxRetries: set.maxRetries ?? input.limits.defaultRetries,
    contentBasedDeduplication: set.contentBasedDeduplication ?? false,
  };
}

/** Reads the same settings without their defaults, for requests that change a stored message. */
export function parseOverrides(input: PublishInput): PublishOverrides {
  const settings = readSettings(input);
  refuseOfSchedules(settings);
  const header = readForwarded(settings.values, settings.prefix);
  return defined({
    method: readMethod(settings),
    header: Object.keys(header).length === 0 ? undefined : header,
    notBefore: readNotBefore(settings, input),
    maxRetries: readRetries(settings, input.limits),
    retryDelayExpression: readRetryDelay(settings),
    timeout: readTimeout(settings, input.limits),
    callback: readCallback(settings, 'callback', input, 1),
    failureCallback: readCallback(settings, 'failure-callback', input, 1),
    deduplicationId: readDeduplicationId(settings),
    contentBasedDeduplication: readBoolean(settings, 'content-based-deduplication'),
    labels: readLabels(settings),
    flowControl: readFlowControl(settings),
    redact: readRedaction(settings),
  });
}

/** The settings of a request: what its headers say counts before its query, and that before the defaults. */
function readSettings({ headers, query, defaults = {} }: PublishInput): Settings {
  const values = new Map<string, string>();
  const add = (name: string, value: string | undefined) => {
    if (!name.startsWith('upstash-') || name.startsWith('upstash-telemetry-') || value === undefined) return;
    const setting = name.slice('upstash-'.length);
    // `Upstash-Content-Type` is no setting; the plain header below is.
    if (setting !== 'content-type' && !values.has(setting)) values.set(setting, value.trim());
  };
  for (const [name, value] of Object.entries(headers)) add(name.toLowerCase(), value);
  for (const [name, value] of query) add(name.toLowerCase(), value);
  for (const [name, value] of Object.entries(defaults)) add(name.toLowerCase(), value);
  const settings = { values, prefix: 'Upstash-' };
  if (readBoolean(settings, 'header-forward') === true) addIncoming(values, headers);
  const contentType = Object.hasOwn(headers, 'content-type') ? headers['content-type'] : defaults['content-type'];
  if (contentType !== undefined) values.set('content-type', contentType);
  return settings;
}

function field({ prefix }: Settings, name: string): string {
  return `${prefix}${canonicalName(name)}`;
}

function refuseOfSchedules(settings: Settings): void {
  for (const name of settings.values.keys()) {
    if (OF_SCHEDULES.test(name))
      throw badRequest(`invalid ${printable(field(settings, name))}: only schedules have it`);
  }
}

function readMethod(settings: Settings): Method | undefined {
  const text = settings.values.get('method');
  if (text === undefined) return undefined;
  const method = METHODS.find((known) => known === text);
  if (method !== undefined) return method;
  throw badRequest(`invalid ${field(settings, 'method')}: "${printable(text)}" is not one of ${METHODS.join(', ')}`);
}

function readNotBefore(settings: Settings, { now, limits }: PublishInput): number | undefined {
  const text = settings.values.get('not-before');
  if (text === undefined) {
    const delay = readDelay(settings, limits);
    return delay === undefined ? undefined : now + Math.round(delay * 1000);
  }
  const name = field(settings, 'not-before');
  if (!/^\d{1,16}$/.test(text)) throw badRequest(`invalid ${name}: "${printable(text)}" is not a unix time in seconds`);
  const at = Number(text) * 1000;
  if (at - now > limits.maxDelaySeconds * 1000) {
    throw overLimit(`invalid ${name}: more than ${limits.maxDelaySeconds} seconds ahead (it counts in seconds)`);
  }
  return Math.max(now, at);
}

function readDelay(settings: Settings, limits: PublishLimits): number | undefined {
  return readDuration(settings, 'delay', limits.maxDelaySeconds);
}

function readTimeout(settings: Settings, limits: PublishLimits): number | undefined {
  const timeout = readDuration(settings, 'timeout', limits.maxTimeoutSeconds);
  if (timeout === 0) throw badRequest(`invalid ${field(settings, 'timeout')}: must be longer than 0 seconds`);
  return timeout;
}

function readDuration(settings: Settings, setting: string, maxSeconds: number): number | undefined {
  const text = settings.values.get(setting);
  if (text === undefined) return undefined;
  const name = field(settings, setting);
  const seconds = parseDuration(text, name);
  if (seconds > maxSeconds) throw overLimit(`invalid ${name}: the longest allowed is ${maxSeconds} seconds`);
  return seconds;
}

function readRetries(settings: Settings, limits: PublishLimits): number | undefined {
  const text = settings.values.get('retries');
  if (text === undefined) return undefined;
  const name = field(settings, 'retries');
  if (!/^\d{1,16}$/.test(text))
    throw badRequest(`invalid ${name}: "${printable(text)}" is not a whole number of 0 or more`);
  const retries = Number(text);
  if (retries > limits.maxRetries) throw overLimit(`invalid ${name}: the most allowed is ${limits.maxRetries}`);
  return retries;
}

function readRetryDelay(settings: Settings): string | undefined {
  const text = settings.values.get('retry-delay');
  if (text === undefined) return undefined;
  try {
    parseRetryDelay(text);
    return text;
  } catch (error) {
    if (!(error instanceof RetryDelayError)) throw error;
    throw badRequest(`invalid ${field(settings, 'retry-delay')}: ${printable(error.message)}`);
  }
}

function readDeduplicationId(settings: Settings): string | undefined {
  const text = settings.values.get('deduplication-id');
  if (text === undefined) return undefined;
  const name = field(settings, 'deduplication-id');
  if (text === '' || !isPlain(text)) throw badRequest(`invalid ${name}: must be text without control characters`);
  if (text.length > MAX_DEDUPLICATION_ID_LENGTH) {
    throw overLimit(`invalid ${name}: longer than ${MAX_DEDUPLICATION_ID_LENGTH} characters`);
  }
  return text;
}

function readBoolean(settings: Settings, setting: string): boolean | undefined {
  const text = settings.values.get(setting);
  if (text === undefined) return undefined;
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower === 'true';
  throw badRequest(`invalid ${field(settings, setting)}: "${printable(text)}" is not true or false`);
}

function readLabels(settings: Settings): string[] | undefined {
  const text = settings.values.get('label');
  if (text === undefined) return undefined;
  const name = field(settings, 'label');
  const labels = [...new Set(text.split(',').map((label) => label.trim()))].filter((label) => label !== '');
  if (!isPlain(text)) throw badRequest(`invalid ${name}: must be text without control characters`);
  if (labels.length > MAX_LABELS) throw overLimit(`invalid ${name}: more than ${MAX_LABELS} labels`);
  if (labels.some((label) => label.length > MAX_LABEL_LENGTH)) {
    throw overLimit(`invalid ${name}: a label is longer than ${MAX_LABEL_LENGTH} characters`);
  }
  return labels.length === 0 ? undefined : labels;
}

function readFlowControl(settings: Settings): FlowControl | undefined {
  const key = settings.values.get('flow-control-key');
  const value = settings.values.get('flow-control-value');
  if (key === undefined && value === undefined) return undefined;
  const keyField = field(settings, 'flow-control-key');
  const valueField = field(settings, 'flow-control-value');
  if (key === undefined) throw badRequest(`invalid ${valueField}: needs ${keyField}`);
  if (value === undefined) throw badRequest(`invalid ${keyField}: needs ${valueField}`);
  return { key: readFlowControlKey(key, keyField), ...parseFlowControlValue(value, valueField) };
}

function readRedaction(settings: Settings): Redaction | undefined {
  const text = settings.values.get('redact-fields');
  return text === undefined ? undefined : parseRedaction(text, field(settings, 'redact-fields'));
}

function isPlain(text: string): boolean {
  return !/\p{Cc}|\p{Cs}/u.test(text);
}

/** Settings of a callback: all that begins with its name is a publish setting of the callback's message. */
function within(settings: Settings, name: string): Settings {
  const values = new Map<string, string>();
  for (const [setting, value] of settings.values) {
    if (setting.startsWith(`${name}-`)) values.set(setting.slice(name.length + 1), value);
  }
  return { values, prefix: `${settings.prefix}${canonicalName(name)}-` };
}

const CALLBACK_SETTING =
  /^(?:method|timeout|retries|retry-delay|delay|content-type|flow-control-.*|redact-fields|forward-.*|(?:failure-)?callback(?:-.*)?)$/;

function readCallback(
  settings: Settings,
  name: 'callback' | 'failure-callback',
  input: PublishInput,
  depth: number,
): CallbackOptions | undefined {
  const text = settings.values.get(name);
  const own = within(settings, name);
  refuseOfSchedules(own);
  const stray = [...own.values.keys()].find((setting) => CALLBACK_SETTING.test(setting));
  const urlField = field(settings, name);
  if (text === undefined) {
    if (stray === undefined) return undefined;
    throw badRequest(`invalid ${printable(field(own, stray))}: needs ${urlField} with a URL`);
  }
  if (depth > MAX_CALLBACK_DEPTH) {
    throw badRequest(`invalid ${printable(urlField)}: callbacks nest at most ${MAX_CALLBACK_DEPTH} deep`);
  }
  return {
    url: validateUrl(text, urlField, input.policy),
    method: readMethod(own) ?? 'POST',
    header: readForwarded(own.values, own.prefix),
    ...defined({
      retries: readRetries(own, input.limits),
      retryDelayExpression: readRetryDelay(own),
      timeout: readTimeout(own, input.limits),
      delay: readDelay(own, input.limits),
      flowControl: readFlowControl(own),
      redact: readRedaction(own),
      callback: readCallback(own, 'callback', input, depth + 1),
      failureCallback: readCallback(own, 'failure-callback', input, depth + 1),
    }),
  };
}

/** The same object without its undefined properties. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

import { createHash } from 'node:crypto';

/** Crockford's base 32: sorts as it counts, and has no letters that look like digits. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARS = 10;
const TAIL_CHARS = 16;
/** The digit after `msg_` names the key layout, so that a later layout can live beside this one. */
const PREFIX = 'msg_1';
const PATTERN = new RegExp(`^${PREFIX}([${ALPHABET}]{${TIME_CHARS}})([${ALPHABET}])[${ALPHABET}]{${TAIL_CHARS}}$`);

/**
 * Partitions that messages of one day spread over: some 2 000 messages a second at four write units each
 * (a DynamoDB partition takes 1 000 write units a second). Ids carry their shard, so it can change later.
 */
export const SHARDS = 8;

/** The shards by number. */
export const ALL_SHARDS: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Where a message id points: its time of acceptance and its partition. */
export interface MessagePlace {
  /** The id without its prefix; sorts by time. */
  readonly token: string;
  readonly time: number;
  readonly shard: number;
}

/** Ten characters that sort as the time does. */
export function encodeTime(ms: number): string {
  let rest = ms;
  let text = '';
  for (let i = 0; i < TIME_CHARS; i++) {
    text = ALPHABET[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The inverse of {@link encodeTime}; reads the first ten characters. */
export function decodeTime(text: string): number {
  let ms = 0;
  for (const char of text.slice(0, TIME_CHARS)) ms = ms * 32 + ALPHABET.indexOf(char);
  return ms;
}

function tokenOf(time: number, entropy: Uint8Array): string {
  let tail = '';
  for (let i = 1; i <= TAIL_CHARS; i++) tail += ALPHABET[entropy[i]! % 32];
  return encodeTime(time) + ALPHABET[entropy[0]! % SHARDS]! + tail;
}

function hash(parts: readonly (string | number)[]): Buffer {
  return createHash('sha256').update(parts.join('\n')).digest();
}

/**
 * An id that follows from what it is derived from: doing the same step twice names the same message.
 * `time` must be a stored time, never the clock.
 */
export function derivedMessageId(time: number, ...parts: (string | number)[]): string {
  return PREFIX + tokenOf(time, hash(parts));
}

/** Undefined for text that is no message id. */
export function placeOf(messageId: string): MessagePlace | undefined {
  const match = PATTERN.exec(messageId);
  if (match === null) return undefined;
  const shard = ALPHABET.indexOf(match[2]!);
  return { token: messageId.slice(PREFIX.length), time: decodeTime(match[1]!), shard };
}

/** {@link placeOf} for an id that this service made. */
export function mustPlace(messageId: string): MessagePlace {
  const place = placeOf(messageId);
  if (place === undefined) throw new Error(`not a message id: ${messageId.slice(0, 64)}`);
  return place;
}

/** The message id that a token of {@link MessagePlace} belongs to. */
export function messageIdOf(token: string): string {
  return PREFIX + token;
}

/** A time-ordered token for something that happened to a message later, in the message's shard. */
export function eventToken(messageId: string, at: number, ...parts: (string | number)[]): string {
  const entropy = hash([messageId, ...parts]);
  entropy[0] = mustPlace(messageId).shard;
  return tokenOf(at, entropy);
}

/** `<ms of the failing outcome>-<53 bits>`: sorts by time, and says its own shard. */
export function dlqIdOf(messageId: string, failedAt: number): string {
  const bits = hash([messageId, 'dlq']).readBigUInt64BE() & ((1n << 53n) - 1n);
  return `${failedAt}-${bits}`;
}

/** Time and shard of a dead letter; undefined for text that is no dead letter id. */
export function dlqPlaceOf(dlqId: string): { readonly time: number; readonly shard: number } | undefined {
  const match = /^(\d{13})-(\d{1,16})$/.exec(dlqId);
  if (match === null) return undefined;
  return { time: Number(match[1]), shard: Number(BigInt(match[2]!) % BigInt(SHARDS)) };
}

import { type BodyPart, LISTED_BODY_BYTES } from '../message/shown-header';
import { HttpError } from './http-error';

/** Lambda's limit of an answer (Lambda quotas): 6 MB with the JSON around the body and its escapes, for which there is room. */
export const MAX_ANSWER_BYTES = 6_290_000;
const MAX_PAGE_BYTES = 5_500_000;
/** How long a list may search before it answers with what it has and a cursor, milliseconds. */
const SEARCH_MS = 8_000;

/** Says after {@link SEARCH_MS} that it is enough. */
export function searchLimit(milliseconds = SEARCH_MS): () => boolean {
  const end = performance.now() + milliseconds;
  return () => performance.now() > end;
}

export interface Page {
  readonly entries: readonly object[];
  /** As it goes into the answer: absent, not empty, on the last page. */
  readonly cursor: { readonly cursor?: string };
}

/**
 * Ends a page where an answer with `copies` of it would become too large; its cursor is then that of the last
 * entry in it.
 */
export function fitPage<T>(
  found: readonly T[],
  cursor: string | undefined,
  toJson: (entry: T) => object,
  cursorOf: (entry: T) => string,
  copies = 1,
): Page {
  const entries: object[] = [];
  let bytes = 0;
  for (const [index, entry] of found.entries()) {
    const json = toJson(entry);
    bytes += copies * bytesOf(json);
    if (bytes > MAX_PAGE_BYTES && index > 0) return { entries, cursor: { cursor: cursorOf(found[index - 1]!) } };
    entries.push(json);
  }
  return { entries, cursor: cursor === undefined ? {} : { cursor } };
}

/** A list that has no pages: if it would become too large, the bodies in it are cut shorter than lists show them. */
export function fitList<T>(found: readonly T[], toJson: (entry: T, maxBodyBytes: number) => object): object[] {
  for (let maxBodyBytes = LISTED_BODY_BYTES; ; maxBodyBytes = Math.floor(maxBodyBytes / 2)) {
    const entries: object[] = [];
    for (let bytes = 0; entries.length < found.length; ) {
      const json = toJson(found[entries.length]!, maxBodyBytes);
      bytes += bytesOf(json);
      if (bytes > MAX_ANSWER_BYTES) break;
      entries.push(json);
    }
    if (entries.length === found.length) return entries;
    if (maxBodyBytes === 0) throw new HttpError(413, 'the list is too large for one answer: ask for its entries by id');
  }
}

/**
 * The answer that `toJson` makes of a body, of which the end is left out if the answer would become too large. Up to
 * a hundredth more of the body might have fit: how much a byte takes differs from place to place.
 */
export function fitBody(body: BodyPart, toJson: (body: BodyPart) => object): object {
  const whole = toJson(body);
  if (bytesOf(whole) <= MAX_ANSWER_BYTES) return whole;
  const cutAt = (length: number) => toJson({ bytes: body.bytes.subarray(0, length), isCut: true });
  let [fits, exceeds] = [0, body.bytes.length];
  while (exceeds - fits > body.bytes.length / 100) {
    const middle = Math.floor((fits + exceeds) / 2);
    if (bytesOf(cutAt(middle)) <= MAX_ANSWER_BYTES) fits = middle;
    else exceeds = middle;
  }
  return cutAt(fits);
}

/** An answer is JSON in the JSON of what a function returns. */
function bytesOf(json: object): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(json)));
}

/** Lambda's limit of an answer is 6 MB (Lambda quotas), the JSON around the body and its escapes included. */
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
    bytes += copies * Buffer.byteLength(JSON.stringify(JSON.stringify(json)));
    if (bytes > MAX_PAGE_BYTES && index > 0) return { entries, cursor: { cursor: cursorOf(found[index - 1]!) } };
    entries.push(json);
  }
  return { entries, cursor: cursor === undefined ? {} : { cursor } };
}

const SHOWN_LENGTH = 64;

/** What an error text may show of a caller's value: at most 64 characters, or `length`, printable ASCII only. */
export function printable(text: string, length = SHOWN_LENGTH): string {
  const cut = text.slice(0, length);
  return cut.replace(/[^\x20-\x7e]/g, '?');
}

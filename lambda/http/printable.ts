const SHOWN_LENGTH = 64;

/** What an error text may show of a caller's value: at most 64 characters, printable ASCII only. */
export function printable(text: string): string {
  const cut = text.slice(0, SHOWN_LENGTH);
  return cut.replace(/[^\x20-\x7e]/g, '?');
}

import { canonicalName } from '../message/header-map';
import type { Redaction } from '../message/message';
import { badRequest, overLimit } from './http-error';
import { printable } from './printable';

const MAX_HEADERS = 100;

/** Reads what is to be shown as a hash: `body`, `header`, `header[Name]`, by commas; `headers` means the same. */
export function parseRedaction(text: string, field: string): Redaction {
  let body = false;
  let all = false;
  const names = new Set<string>();
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const named = /^headers?\[([!#$%&'*+.^_`|~0-9A-Za-z-]+)\]$/i.exec(part);
    if (named !== null) names.add(canonicalName(named[1]!));
    else if (/^body$/i.test(part)) body = true;
    else if (/^headers?$/i.test(part)) all = true;
    else throw badRequest(`invalid ${field}: "${printable(part)}" is not one of body, header, header[Name]`);
  }
  if (names.size > MAX_HEADERS) throw overLimit(`invalid ${field}: more than ${MAX_HEADERS} headers`);
  return {
    ...(body ? { body } : {}),
    ...(all ? { header: true } : names.size > 0 ? { header: [...names] } : {}),
  };
}

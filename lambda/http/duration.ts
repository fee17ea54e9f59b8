import { badRequest } from './http-error';
import { printable } from './printable';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** Longer texts are no durations that anybody writes. */
const MAX_LENGTH = 64;

/**
 * Reads a duration as QStash writes it, in seconds: parts of number and unit (`s`, `m`, `h`, `d`), each unit
 * once, summed (`1d10h30m`, `1.5s`); a bare number is seconds. Fractions are kept.
 * Anything else is a 400 that names `field`.
 */
export function parseDuration(text: string, field: string): number {
  const value = text.trim();
  if (value.length <= MAX_LENGTH) {
    if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
    if (/^(\d+(\.\d+)?[smhd])+$/.test(value)) {
      const parts = [...value.matchAll(/([\d.]+)([smhd])/g)];
      const units = new Set(parts.map((part) => part[2]));
      if (units.size === parts.length) {
        return parts.reduce((sum, part) => sum + Number(part[1]) * SECONDS[part[2]!]!, 0);
      }
    }
  }
  throw badRequest(`invalid ${field}: "${printable(text)}" is not a duration, such as 30s, 1h30m or 1d`);
}

import fc from 'fast-check';
import { sortable } from '../../../local/dynamodb/keys';
import { add, compareNumbers } from '../../../local/dynamodb/number';

/** Integers times a power of ten, in plain notation. */
const number = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: -100, max: 100 }))
  .map(([coefficient, exponent]) => plain(coefficient, exponent));

function plain(coefficient: bigint, exponent: number): string {
  const sign = coefficient < 0n ? '-' : '';
  const digits = String(coefficient < 0n ? -coefficient : coefficient);
  if (exponent >= 0 || coefficient === 0n) return coefficient === 0n ? '0' : sign + digits + '0'.repeat(exponent);
  const padded = digits.padStart(1 - exponent, '0');
  const fraction = padded.slice(exponent).replace(/0+$/, '');
  return sign + padded.slice(0, exponent) + (fraction === '' ? '' : `.${fraction}`);
}

/** A number scaled to an integer that holds all its digits. */
function scaled(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole! + fraction.padEnd(120, '0'));
}

const sign = (value: bigint | number) => (value > 0 ? 1 : value < 0 ? -1 : 0);
const textOrder = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

test('numbers compare by value', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      expect(sign(compareNumbers(a, b))).toBe(sign(scaled(a) - scaled(b)));
    }),
  );
});

test('keys sort as their numbers do', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [x, y] = [a, b].map((N) => sortable({ N }));
      expect(textOrder(`${x}/`, `${y}/`)).toBe(sign(scaled(a) - scaled(b)));
    }),
  );
});

test('keys sort as their strings do in UTF-8, and one before those that begin with it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      const [x, y] = [a, b].map((S) => sortable({ S }));
      expect(textOrder(`${x}/`, `${y}/`)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('sums and differences are exact, in plain notation', () => {
  const small = fc
    .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: -9, max: 9 }))
    .map(([coefficient, exponent]) => plain(coefficient, exponent));
  fc.assert(
    fc.property(small, small, (a, b) => {
      const [sum, difference] = [add(a, b), add(a, b, -1)];
      expect(scaled(sum)).toBe(scaled(a) + scaled(b));
      expect(scaled(difference)).toBe(scaled(a) - scaled(b));
      for (const result of [sum, difference]) expect(result).toMatch(/^(0|-?(0\.\d*[1-9]|[1-9]\d*(\.\d*[1-9])?))$/);
    }),
  );
});

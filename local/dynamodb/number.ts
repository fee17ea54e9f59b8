import { invalid } from './dynamodb-error';

/** A number as coefficient / 10^scale. */
interface Decimal {
  readonly coefficient: bigint;
  readonly scale: number;
}

const MAX_DIGITS = 38;
const MAX_EXPONENT = 125;
const MIN_EXPONENT = -130;

function parse(number: string): Decimal {
  const [whole, fraction = ''] = number.split('.') as [string, string?];
  return { coefficient: BigInt(whole + fraction), scale: fraction.length };
}

function aligned(left: string, right: string): { a: bigint; b: bigint; scale: number } {
  const [x, y] = [parse(left), parse(right)];
  const scale = Math.max(x.scale, y.scale);
  const raised = ({ coefficient, scale: own }: Decimal) => coefficient * 10n ** BigInt(scale - own);
  return { a: raised(x), b: raised(y), scale };
}

/** Sign of left - right. Numbers are in the plain notation that items hold: no exponent, no idle zeros. */
export function compareNumbers(left: string, right: string): number {
  const { a, b } = aligned(left, right);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The exact sum, or with `sign` -1 the difference. Refuses a result that an item can't hold. */
export function add(left: string, right: string, sign: 1 | -1 = 1): string {
  const { a, b, scale } = aligned(left, right);
  const sum = sign === 1 ? a + b : a - b;
  const digits = (sum < 0n ? -sum : sum).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const result = `${sum < 0n ? '-' : ''}${whole}${fraction && `.${fraction}`}`;
  const exponent = exponentOf(result);
  if (exponent > MAX_EXPONENT || exponent < MIN_EXPONENT) {
    const [flow, than] = exponent < 0 ? ['underflow', 'smaller'] : ['overflow', 'larger'];
    throw invalid(`Number ${flow}. Attempting to store a number with magnitude ${than} than supported range`);
  }
  if (significantDigits(result).length > MAX_DIGITS)
    throw invalid(`Attempting to store more than ${MAX_DIGITS} significant digits in a Number: ${result}`);
  return result;
}

/** Power of ten of the first significant digit; 0 for zero. */
function exponentOf(number: string): number {
  const [whole, fraction = ''] = number.replace('-', '').split('.') as [string, string?];
  return whole !== '0' || fraction === '' ? whole.length - 1 : -1 - /^0*/.exec(fraction)![0].length;
}

/** Digits without sign, point, leading and trailing zeros. */
export function significantDigits(number: string): string {
  return number.replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');
}

/**
 * Text that sorts as the number does, also before a longer one that begins with it, provided that what follows
 * it sorts before digits. Sign, exponent and digits; those of negative numbers are complemented and closed by a
 * letter.
 */
export function sortableNumber(number: string): string {
  const digits = significantDigits(number);
  if (digits === '') return '1';
  const shifted = exponentOf(number) - MIN_EXPONENT;
  if (!number.startsWith('-')) return `2${hex(shifted)}${digits}`;
  return `0${hex(255 - shifted)}${digits.replace(/\d/g, (digit) => String(9 - Number(digit)))}g`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

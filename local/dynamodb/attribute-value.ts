import { compareNumbers, significantDigits } from './number';

/** An attribute value as it travels: exactly one member is set, binary is base64. */
export interface AttributeValue {
  readonly S?: string;
  readonly N?: string;
  readonly B?: string;
  readonly BOOL?: boolean;
  readonly NULL?: boolean;
  readonly SS?: readonly string[];
  readonly NS?: readonly string[];
  readonly BS?: readonly string[];
  readonly L?: readonly AttributeValue[];
  readonly M?: AttributeMap;
}

/** An item, a key or the content of a map attribute. */
export interface AttributeMap {
  readonly [attributeName: string]: AttributeValue;
}

/** Name of the type of a value. */
export type AttributeType = keyof AttributeValue;

/** The type of a value, such as `S`. */
export function typeOf(value: AttributeValue): AttributeType {
  return Object.keys(value)[0] as AttributeType;
}

/**
 * Bytes of an item by the rules that AWS publishes: names and strings in UTF-8, binary unencoded,
 * one byte per two significant digits of a number and one more, 3 bytes for a list or map and one for
 * each of its elements. The 100 bytes of storage overhead are not part of it: no request is charged them.
 */
export function itemSize(item: AttributeMap): number {
  let size = 0;
  for (const name in item) size += Buffer.byteLength(name) + valueSize(item[name]!);
  return size;
}

function valueSize(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.B !== undefined) return binarySize(value.B);
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + itemSize(value.M);
  if (value.L !== undefined) return 3 + sum(value.L, (element) => 1 + valueSize(element));
  if (value.SS !== undefined) return sum(value.SS, (text) => Buffer.byteLength(text));
  if (value.NS !== undefined) return sum(value.NS, numberSize);
  if (value.BS !== undefined) return sum(value.BS, binarySize);
  return 1;
}

function sum<T>(values: readonly T[], size: (value: T) => number): number {
  let total = 0;
  for (const value of values) total += size(value);
  return total;
}

function numberSize(number: string): number {
  return 1 + Math.ceil(significantDigits(number).length / 2) + (number.startsWith('-') ? 1 : 0);
}

function binarySize(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}

/** Whether two values are equal as conditions see it: sets without order, lists and maps deeply. */
export function equal(left: AttributeValue | undefined, right: AttributeValue | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  const type = typeOf(left);
  if (right[type] === undefined) return false;
  if (type === 'L') {
    const [a, b] = [left.L!, right.L!];
    return a.length === b.length && a.every((element, i) => equal(element, b[i]));
  }
  if (type === 'M') {
    const [a, b] = [left.M!, right.M!];
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every((name) => equal(a[name], b[name]));
  }
  if (type === 'SS' || type === 'NS' || type === 'BS') {
    const [a, b] = [left[type]!, right[type]!];
    return a.length === b.length && a.every((element) => b.includes(element));
  }
  return left[type] === right[type];
}

/** Sign of left - right by number, UTF-8 bytes or bytes; NaN for values that have no order between them. */
export function compare(left: AttributeValue | undefined, right: AttributeValue | undefined): number {
  if (left?.S !== undefined && right?.S !== undefined) return Buffer.compare(Buffer.from(left.S), Buffer.from(right.S));
  if (left?.N !== undefined && right?.N !== undefined) return compareNumbers(left.N, right.N);
  if (left?.B !== undefined && right?.B !== undefined) return Buffer.compare(bytes(left.B), bytes(right.B));
  return Number.NaN;
}

/** Binary unencoded. */
export function bytes(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

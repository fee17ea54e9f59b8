import db from 'dynalite/db/index.js';
import { type AttributeMap, type AttributeValue, equal } from './attribute-value';

/** Whether an item fulfils a parsed condition or filter expression. */
export function matches(item: AttributeMap, expression: db.Expression): boolean {
  const { type, args } = expression;
  if (type === 'and') return args.every((arg) => matches(item, arg as db.Expression));
  if (type === 'or') return args.some((arg) => matches(item, arg as db.Expression));
  if (type === 'not') return !matches(item, args[0] as db.Expression);
  const [left, ...right] = args.map((arg) => valueOf(arg, item));
  // dynalite compares lists and maps by identity, and finds nothing IN when the value is false or ''.
  switch (type === 'function' ? expression.name : type) {
    case '=':
      return equal(left, right[0]);
    case '<>':
      return !equal(left, right[0]);
    case 'in':
      return right.some((value) => equal(left, value));
    case 'attribute_type':
      return left != null && Object.keys(left)[0] === right[0]?.S;
    case 'contains':
      if (left?.L !== undefined) return left.L.some((element) => equal(element, right[0]));
  }
  return db.compare(type === 'function' ? expression.name! : type, left, right) === true;
}

function valueOf(operand: db.Operand, item: AttributeMap): AttributeValue | null | undefined {
  if (Array.isArray(operand)) return db.mapPath(operand, item);
  if (!('type' in operand)) return operand as AttributeValue;
  const value = valueOf((operand as db.Expression).args[0]!, item);
  const size = value == null ? undefined : sizeOf(value);
  return size === undefined ? undefined : { N: String(size) };
}

function sizeOf(value: AttributeValue): number | undefined {
  if (value.B !== undefined) return Buffer.byteLength(value.B, 'base64');
  if (value.M !== undefined) return Object.keys(value.M).length;
  return (value.S ?? value.SS ?? value.NS ?? value.BS ?? value.L)?.length;
}

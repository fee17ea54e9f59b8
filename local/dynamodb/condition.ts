import { type AttributeMap, type AttributeValue, bytes, compare, equal, typeOf } from './attribute-value';
import { isOperation, isPath, type Operand, type Operation, valueAt } from './expression';

/** Whether an item fulfils a condition, filter or key condition. */
export function matches(item: AttributeMap, { type, name, args }: Operation): boolean {
  if (type === 'and') return args.every((arg) => matches(item, arg as Operation));
  if (type === 'or') return args.some((arg) => matches(item, arg as Operation));
  if (type === 'not') return !matches(item, args[0] as Operation);
  const [left, ...others] = args.map((arg) => resolved(arg, item));
  const [right, upper] = others;
  switch (name ?? type) {
    case '=':
      return equal(left, right);
    case '<>':
      return !equal(left, right);
    case '<':
      return compare(left, right) < 0;
    case '<=':
      return compare(left, right) <= 0;
    case '>':
      return compare(left, right) > 0;
    case '>=':
      return compare(left, right) >= 0;
    case 'between':
      return compare(left, right) >= 0 && compare(left, upper) <= 0;
    case 'in':
      return others.some((value) => equal(left, value));
    case 'attribute_exists':
      return left !== undefined;
    case 'attribute_not_exists':
      return left === undefined;
    case 'attribute_type':
      return left !== undefined && typeOf(left) === right?.S;
    case 'begins_with':
      return beginsWith(left, right);
    case 'contains':
      return left !== undefined && right !== undefined && contains(left, right);
    default:
      throw new Error(`condition with unknown operator ${name ?? type}`);
  }
}

function resolved(operand: Operand, item: AttributeMap): AttributeValue | undefined {
  if (isPath(operand)) return valueAt(item, operand);
  if (!isOperation(operand)) return operand;
  // The one function that gives a value is size.
  const value = resolved(operand.args[0]!, item);
  const size = value && sizeOf(value);
  return size === undefined ? undefined : { N: String(size) };
}

function sizeOf(value: AttributeValue): number | undefined {
  if (value.B !== undefined) return bytes(value.B).length;
  if (value.M !== undefined) return Object.keys(value.M).length;
  return (value.S ?? value.SS ?? value.NS ?? value.BS ?? value.L)?.length;
}

function beginsWith(value: AttributeValue | undefined, prefix: AttributeValue | undefined): boolean {
  if (value?.S !== undefined && prefix?.S !== undefined) return value.S.startsWith(prefix.S);
  if (value?.B === undefined || prefix?.B === undefined) return false;
  const start = bytes(prefix.B);
  return bytes(value.B).subarray(0, start.length).equals(start);
}

function contains(value: AttributeValue, part: AttributeValue): boolean {
  if (value.L !== undefined) return value.L.some((element) => equal(element, part));
  if (part.S !== undefined) return value.S?.includes(part.S) ?? value.SS?.includes(part.S) ?? false;
  if (part.N !== undefined) return value.NS?.includes(part.N) ?? false;
  if (part.B === undefined) return false;
  return value.B === undefined ? (value.BS?.includes(part.B) ?? false) : bytes(value.B).includes(bytes(part.B));
}

import { isDeepStrictEqual } from 'node:util';
import { type AttributeMap, type AttributeValue, typeOf } from './attribute-value';
import { invalid } from './dynamodb-error';

/** Where a value stands in an item: attribute name, then map keys and list indexes. */
export type Path = readonly [string, ...(string | number)[]];

/** What an operator or function works on. A literal value has no `type`, which operators have. */
export type Operand = Path | Operation | AttributeValue;

/** An operator or function of a parsed expression. */
export interface Operation {
  /** Such as `and`, `<=`, `between`, or `function`. */
  readonly type: string;
  /** Name of the function. */
  readonly name?: string;
  readonly args: readonly Operand[];
}

/** One assignment of an update expression. */
export interface Section {
  readonly type: 'set' | 'remove' | 'add' | 'delete';
  readonly path: Path;
  /** Absent for `remove`; a literal value for `add` and `delete`. */
  readonly val?: Operand;
}

const ORDERING = ['<', '<=', '>', '>=', 'between'];
const ORDERED_TYPES = ['S', 'N', 'B'];

/** The value at a path, or undefined where there is none. */
export function valueAt(item: AttributeMap, path: readonly (string | number)[]): AttributeValue | undefined {
  let value: AttributeValue | undefined = { M: item };
  for (const step of path) {
    if (typeof step === 'number') value = value.L?.[step];
    else value = value.M !== undefined && Object.hasOwn(value.M, step) ? value.M[step] : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

/** Whether an operand is a path. */
export function isPath(operand: Operand): operand is Path {
  return Array.isArray(operand);
}

/** Whether an operand is an operator or function. */
export function isOperation(operand: Operand): operand is Operation {
  return 'type' in operand;
}

/** Refuses an order of literals that have none, and a first operand that comes again. */
export function checkOperands({ type, args }: Operation): void {
  const [first, ...others] = args;
  if (isPath(first!) && others.some((arg) => isDeepStrictEqual(arg, first)))
    throw invalid(
      'Invalid condition: The first operand must be distinct from the remaining operands for this operator or ' +
        `function; operator: ${type.toUpperCase()}, first operand: [${first.join(', ')}]`,
    );
  for (const arg of args) {
    if (isPath(arg)) continue;
    if (isOperation(arg)) checkOperands(arg);
    else if (ORDERING.includes(type) && !ORDERED_TYPES.includes(typeOf(arg)))
      throw invalid(
        'Invalid condition: Incorrect operand type for operator or function; ' +
          `operator or function: ${type}, operand type: ${typeOf(arg)}`,
      );
  }
}

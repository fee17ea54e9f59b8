import { type AttributeMap, type AttributeValue, typeOf } from './attribute-value';
import { invalid } from './dynamodb-error';
import { isOperation, isPath, type Operand, type Section, valueAt } from './expression';
import { add } from './number';

/** A map or list that belongs to the new item alone. */
interface Container {
  M?: Record<string, AttributeValue>;
  L?: (AttributeValue | undefined)[];
}

const WRONG_TYPE = 'An operand in the update expression has an incorrect data type';
const WRONG_PATH = 'The document path provided in the update expression is invalid for update';
const NO_ATTRIBUTE = 'The provided expression refers to an attribute that does not exist in the item';

/**
 * The item that an update expression makes of another; every operand and every list index means the item
 * as it was before. Throws `ValidationException` when the expression does not suit the item.
 */
export function updated(item: AttributeMap, sections: readonly Section[]): AttributeMap {
  const root: Container = { M: { ...item } };
  const own = new Set<unknown>();
  for (const { type, path, val } of sections) {
    const container = containerAt(root, path, own);
    const step = path[path.length - 1]!;
    const before = valueAt(item, path);
    const after = type === 'remove' ? undefined : changed(type, before, resolved(val!, item));
    if (typeof step === 'string' && container?.M !== undefined) {
      if (after === undefined) delete container.M[step];
      else container.M[step] = after;
    } else if (typeof step === 'number' && container?.L !== undefined) {
      // Gaps stay until the end, so that the indexes of other sections keep their meaning.
      if (after !== undefined || step < container.L.length) container.L[step] = after;
    } else throw invalid(WRONG_PATH);
  }
  for (const container of own as Set<Container>) {
    if (container.L !== undefined) container.L = container.L.filter((element) => element !== undefined);
  }
  return root.M!;
}

/** The container around a path, made own with all around it; undefined when there is none. */
function containerAt(root: Container, path: Section['path'], own: Set<unknown>): Container | undefined {
  let container: Container | undefined = root;
  for (const step of path.slice(0, -1)) {
    const children = (typeof step === 'number' ? container.L : container.M) as Record<string, Container> | undefined;
    let child: Container | undefined =
      children !== undefined && Object.hasOwn(children, step) ? children[step] : undefined;
    if (child?.L === undefined && child?.M === undefined) return undefined;
    if (!own.has(child)) {
      child = child.L === undefined ? { M: { ...child.M } } : { L: [...child.L] };
      own.add(child);
      children![step] = child;
    }
    container = child;
  }
  return container;
}

function changed(
  type: 'set' | 'add' | 'delete',
  before: AttributeValue | undefined,
  value: AttributeValue,
): AttributeValue | undefined {
  if (type === 'set') return value;
  if (before !== undefined && typeOf(before) !== typeOf(value)) throw invalid(WRONG_TYPE);
  if (value.N !== undefined) return { N: add(before?.N ?? '0', value.N) };
  const set = typeOf(value) as 'SS' | 'NS' | 'BS';
  const [old, given] = [before?.[set] ?? [], value[set]!];
  if (type === 'add') return { [set]: [...old, ...given.filter((element) => !old.includes(element))] };
  const left = old.filter((element) => !given.includes(element));
  return left.length === 0 ? undefined : { [set]: left };
}

function resolved(operand: Operand, item: AttributeMap): AttributeValue {
  if (isPath(operand)) {
    const value = valueAt(item, operand);
    if (value === undefined) throw invalid(NO_ATTRIBUTE);
    return value;
  }
  if (!isOperation(operand)) return operand;
  const { type, name, args } = operand;
  if (name === 'if_not_exists') return valueAt(item, args[0] as Section['path']) ?? resolved(args[1]!, item);
  const [left, right] = args.map((arg) => resolved(arg, item)) as [AttributeValue, AttributeValue];
  if (name === 'list_append') {
    if (left.L === undefined || right.L === undefined) throw invalid(WRONG_TYPE);
    return { L: [...left.L, ...right.L] };
  }
  if (left.N === undefined || right.N === undefined) throw invalid(WRONG_TYPE);
  return { N: add(left.N, right.N, type === 'add' ? 1 : -1) };
}

import type { AttributeMap, AttributeValue } from './attribute-value';
import { type Path, valueAt } from './expression';

type Steps = readonly (string | number)[];

/** What an item holds at these paths; whole when there are none. Elements of lists close ranks. */
export function project(item: AttributeMap, paths: readonly Path[] | undefined): AttributeMap {
  return paths === undefined ? item : (picked({ M: item }, paths)?.M ?? {});
}

function picked(value: AttributeValue, paths: readonly Steps[]): AttributeValue | undefined {
  if (paths.some((path) => path.length === 0)) return value;
  const heads = [...new Set(paths.map((path) => path[0]!))];
  const parts = heads.flatMap((head) => {
    const child = valueAt({ value }, ['value', head]);
    const tails = paths.filter((path) => path[0] === head).map((path) => path.slice(1));
    const part = child && picked(child, tails);
    return part === undefined ? [] : [[head, part] as const];
  });
  if (parts.length === 0) return undefined;
  if (value.M !== undefined) return { M: Object.fromEntries(parts) };
  return { L: parts.sort(([a], [b]) => Number(a) - Number(b)).map(([, part]) => part) };
}

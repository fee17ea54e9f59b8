import type { FlowLimits } from '../message/flow-limits';
import type { WaitList } from '../message/wait-list';
import { limitsKey } from '../store/keys';
import { getItem } from '../store/read-items';
import { countList, decodeLimits, listNames } from '../store/wait-lists';

/** Keys that are read at once. */
const SIDE_BY_SIDE = 16;

/** A flow-control key as it stands. */
export interface FlowKey {
  readonly key: string;
  readonly limits: FlowLimits;
  /** Attempts that have begun, or are about to. */
  readonly slots: number;
  readonly waiting: number;
}

/** Undefined for a key that nobody has used yet, or for long. */
export async function getFlowKey(key: string, now: number): Promise<FlowKey | undefined> {
  const list: WaitList = { kind: 'flow', name: key };
  const item = await getItem(limitsKey(list));
  const row = item && decodeLimits(item);
  if (row === undefined || (row.expiresAt ?? now + 1) <= now) return undefined;
  return { key, limits: row.limits, ...(await countList(list)) };
}

/** The first `most` keys, in their order, that have a text in them. */
export async function listFlowKeys(search: string, most: number, now: number): Promise<FlowKey[]> {
  const keys = (await listNames('flow')).filter((key) => key.includes(search));
  const found: FlowKey[] = [];
  for (let start = 0; start < keys.length && found.length < most; start += SIDE_BY_SIDE) {
    const some = keys.slice(start, start + SIDE_BY_SIDE).map((key) => getFlowKey(key, now));
    found.push(...(await Promise.all(some)).filter((key) => key !== undefined));
  }
  return found.slice(0, most);
}

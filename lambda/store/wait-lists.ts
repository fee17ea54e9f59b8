import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import type { ListView } from '../message/dispatch-plan';
import type { FlowLimits } from '../message/flow-limits';
import type { Lane } from '../message/message';
import type { Slot, Waiting, WaitList } from '../message/wait-list';
import { dynamodb } from './aws';
import {
  directoryPartition,
  type Item,
  LIMITS_SORT,
  listPartition,
  N,
  S,
  SLOT_PREFIX,
  slotKey,
  WAITING_PREFIX,
  waitingKey,
} from './keys';
import { expiryOf } from './message-items';
import { queryPartition } from './read-items';

/** Items of a first page: a list with few slots is read at once. */
const FIRST_PAGE = 20;
const PAGE = 200;
/** Sorts behind every name. */
const LAST_NAME = '\u{10ffff}';

export function encodeWaiting(list: WaitList, waiting: Waiting): Item {
  return { ...waitingKey(list, waiting.order), ...holder(waiting) };
}

export function encodeSlot(list: WaitList, slot: Slot): Item {
  const until: Item = slot.until === undefined ? {} : { u: N(slot.until) };
  return { ...slotKey(list, slot.order), ...holder(slot), g: N(slot.at), ...until };
}

function holder({ messageId, attempt, due, lane, flowKey }: Waiting): Item {
  return {
    m: S(messageId),
    n: N(attempt),
    due: N(due),
    lane: S(lane),
    ...(flowKey === undefined ? {} : { flow: S(flowKey) }),
  };
}

function decodeWaiting(item: Item): Waiting {
  return {
    order: item.sk!.S!.slice(item.sk!.S!.indexOf('#') + 1),
    messageId: item.m!.S!,
    attempt: Number(item.n!.N),
    due: Number(item.due!.N),
    lane: item.lane!.S as Lane,
    ...(item.flow === undefined ? {} : { flowKey: item.flow.S! }),
  };
}

function decodeSlot(item: Item): Slot {
  const until = item.u === undefined ? {} : { until: Number(item.u.N) };
  return { ...decodeWaiting(item), at: Number(item.g!.N), ...until };
}

/** The limits of a list as they are stored. */
export interface StoredLimits {
  readonly limits: FlowLimits;
  /** Counts the changes but for what a dispatcher counts, so that none is made over another. */
  readonly version: number;
  /** When they are forgotten unless they are used again, milliseconds; undefined when they are kept. */
  readonly expiresAt: number | undefined;
}

export function decodeLimits(item: Item): StoredLimits {
  const optional = (name: string, value = item[name]) => (value === undefined ? {} : { [name]: Number(value.N) });
  const { start, count } = item;
  const limits: FlowLimits = {
    paused: item.paused?.BOOL === true,
    period: Number(item.period?.N ?? 1),
    ...optional('parallelism'),
    ...optional('rate'),
    ...optional('wakeAt'),
    ...(start === undefined ? {} : { window: { start: Number(start.N), count: Number(count!.N) } }),
    isPinnedParallelism: item.pinnedParallelism?.BOOL === true,
    isPinnedRate: item.pinnedRate?.BOOL === true,
  };
  return { limits, version: Number(item.v?.N ?? 0), expiresAt: expiryOf(item) };
}

/** The attributes of limits, by their names. */
export function encodeLimits(limits: FlowLimits): Item {
  const { parallelism, rate, wakeAt, window } = limits;
  const optional = (name: string, value: number | undefined) => (value === undefined ? {} : { [name]: N(value) });
  return {
    paused: { BOOL: limits.paused },
    period: N(limits.period),
    ...optional('parallelism', parallelism),
    ...optional('rate', rate),
    ...optional('wakeAt', wakeAt),
    ...optional('start', window?.start),
    ...optional('count', window?.count),
    pinnedParallelism: { BOOL: limits.isPinnedParallelism },
    pinnedRate: { BOOL: limits.isPinnedRate },
  };
}

/** A list as it is now. */
export interface ReadList extends Omit<ListView, 'limits'> {
  /** Undefined when it has none. */
  readonly row: StoredLimits | undefined;
}

/**
 * Reads limits, slots and the head of a list, strongly consistent: of those that wait at least as many as `needed`
 * says of what was read before them.
 */
export async function readList(
  list: WaitList,
  needed: (row: StoredLimits | undefined, slots: number) => number,
): Promise<ReadList> {
  const slots: Slot[] = [];
  const waiting: Waiting[] = [];
  let row: StoredLimits | undefined;
  let limit = FIRST_PAGE;
  for (let after: string | undefined; ; limit = PAGE) {
    const page = await queryPartition({
      partition: listPartition(list),
      from: LIMITS_SORT,
      to: `${WAITING_PREFIX}~`,
      after,
      limit,
    });
    for (const item of page.items) {
      const sort = item.sk!.S!;
      if (sort === LIMITS_SORT) row = decodeLimits(item);
      else if (sort.startsWith(SLOT_PREFIX)) slots.push(decodeSlot(item));
      else waiting.push(decodeWaiting(item));
    }
    after = page.lastSort;
    const isEnough = after?.startsWith(WAITING_PREFIX) && waiting.length >= needed(row, slots.length);
    if (after === undefined || isEnough) return { row, slots, waiting };
  }
}

/** Whether anybody waits in a list. */
export async function anybodyWaits(list: WaitList): Promise<boolean> {
  const range = { partition: listPartition(list), from: WAITING_PREFIX, to: `${WAITING_PREFIX}~` };
  const { items } = await queryPartition({ ...range, limit: 1, attributes: ['sk'] });
  return items.length > 0;
}

/** Names of all lists of a kind, in their order. */
export async function listNames(kind: WaitList['kind']): Promise<string[]> {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = await queryPartition({ partition: directoryPartition(kind), from: ' ', to: LAST_NAME, after });
    names.push(...page.items.map(({ sk }) => sk!.S!));
    after = page.lastSort;
  } while (after !== undefined);
  return names;
}

/** How many hold a slot of a list, and how many wait. */
export async function countList(list: WaitList): Promise<{ readonly slots: number; readonly waiting: number }> {
  const [slots, waiting] = await Promise.all([SLOT_PREFIX, WAITING_PREFIX].map((prefix) => count(list, prefix)));
  return { slots: slots!, waiting: waiting! };
}

async function count(list: WaitList, prefix: string): Promise<number> {
  let sum = 0;
  let ExclusiveStartKey: Item | undefined;
  do {
    const { Count = 0, LastEvaluatedKey } = await dynamodb.send(
      new QueryCommand({
        TableName: requireEnv('TABLE_NAME'),
        ConsistentRead: true,
        Select: 'COUNT',
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': S(listPartition(list)), ':prefix': S(prefix) },
        ExclusiveStartKey,
      }),
    );
    sum += Count;
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return sum;
}

import { settle } from '../deliver/settle';
import { logEvent } from '../logs/write-line';
import { ALL_SHARDS, encodeTime } from '../message/message-id';
import { isTerminal } from '../message/message-state';
import { isGated, nextList, waitingIn } from '../message/wait-list';
import { dayPartition, daysBetween, type Item, openKey, STATE_SUFFIX, slotKey, waitingKey } from '../store/keys';
import { loadRow, type MessageRow, rowsOf } from '../store/message-rows';
import { getItems, type PartitionRange, queryPartition } from '../store/read-items';
import { deleteItem, putItem } from '../store/write-items';
import { sendWake } from './wake';

/** A message whose hint is not seen by now has none: SQS holds a hint for 15 minutes at most. */
export const SWEEP_AFTER_MS = 17 * 60_000;
export interface Sweep {
  /** Messages accepted before this have been looked at. */
  readonly sweptTo: number;
  /** Messages whose hint was sent again. */
  readonly swept: number;
  /** When a tick has something to sweep again; undefined when nothing was accepted since. */
  readonly nextWorkAt: number | undefined;
}

/**
 * Looks once at every message that was accepted 17 minutes ago, by the time in its id, and settles those that
 * nobody has ever looked at: their publisher, or the deliverer that made a callback, died between writing
 * the message and sending its hint.
 */
export async function sweepOrphans(sweptTo: number, now: number, isOver: () => boolean): Promise<Sweep> {
  const end = now - SWEEP_AFTER_MS;
  let from = sweptTo;
  let swept = 0;
  while (from < end && !isOver()) {
    const to = Math.min(end, nextDay(from));
    const shards = await Promise.all(ALL_SHARDS.map((shard) => sweepShard(shard, { from, to }, now, isOver)));
    for (const shard of shards) swept += shard.swept;
    from = Math.min(...shards.map((shard) => shard.sweptTo));
  }
  const waiting = from < end || (await anythingSince(from, now));
  return { sweptTo: from, swept, nextWorkAt: waiting ? now : undefined };
}

/** Sweeps one shard's part of one day, as far as there is time. */
async function sweepShard(
  shard: number,
  { from, to }: { readonly from: number; readonly to: number },
  now: number,
  isOver: () => boolean,
): Promise<{ readonly swept: number; readonly sweptTo: number }> {
  // Ids with the time `to` belong to what is swept next.
  const range = { partition: dayPartition(from, shard), from: encodeTime(from), to: encodeTime(to) };
  let swept = 0;
  for await (const row of rowsIn(range)) {
    if (isOver()) return { swept, sweptTo: row.message.createdAt };
    if (isGated(row.message) && !isTerminal(row.state)) await markWaiting(row.message.messageId);
    if (row.state.state !== undefined || row.message.notBefore > now) continue;
    if (await isInList(row)) continue;
    await settle(row, now);
    logEvent('swept', { messageId: row.message.messageId });
    swept++;
  }
  return { swept, sweptTo: to };
}

/** Whether a message has entered the list that it must pass, which is looked at then: its publisher may not have seen to that. */
async function isInList({ message }: MessageRow): Promise<boolean> {
  const list = nextList(message, 0, undefined);
  if (list === undefined) return false;
  const { order } = waitingIn(list, message, 0, message.notBefore);
  if ((await getItems([waitingKey(list, order), slotKey(list, order)])).length === 0) return false;
  await sendWake({ list });
  return true;
}

/** Nobody knows for how long one is open that must wait for slots: it has its mark from here on. */
async function markWaiting(messageId: string): Promise<void> {
  await putItem(openKey(messageId));
  // It may have ended since it was read, and taken no mark away because there was none.
  const row = await loadRow(messageId);
  if (row === undefined || isTerminal(row.state)) await deleteItem(openKey(messageId));
}

/** A message and its state item are neighbours, but may be on two pages. */
async function* rowsIn(range: PartitionRange): AsyncGenerator<MessageRow> {
  let items: Item[] = [];
  let after: string | undefined;
  do {
    const page = await queryPartition({ ...range, after, consistent: false, attributes: ROW_ATTRIBUTES });
    after = page.lastSort;
    items.push(...page.items);
    const last = items.at(-1);
    const open = after !== undefined && last !== undefined && !last.sk!.S!.endsWith(STATE_SUFFIX) ? [last] : [];
    yield* rowsOf(items.slice(0, items.length - open.length)).values();
    items = open;
  } while (after !== undefined);
}

/** All but bodies. */
const ROW_ATTRIBUTES = ['pk', 'sk', 'd', 'st', 'ttl'];

async function anythingSince(from: number, now: number): Promise<boolean> {
  const partitions = daysBetween(from, now).flatMap((day) => ALL_SHARDS.map((shard) => dayPartition(day, shard)));
  const range = { from: encodeTime(from), to: encodeTime(now + 1), limit: 1, consistent: false, attributes: ['sk'] };
  const pages = await Promise.all(partitions.map((partition) => queryPartition({ ...range, partition })));
  return pages.some(({ items }) => items.length > 0);
}

function nextDay(time: number): number {
  return daysBetween(time, time)[0]! + 86_400_000;
}

import type { MessageFilter } from '../message/message-filter';
import { matchesMessage, matchesTime } from '../message/message-filter';
import { ALL_SHARDS, encodeTime, messageIdOf } from '../message/message-id';
import { isTerminal } from '../message/message-state';
import { dayPartition, daysBetween, type Item, openPartition, STATE_SUFFIX } from '../store/keys';
import { MergedScan } from '../store/merge-partitions';
import { loadRows, type MessageRow, rowsOf } from '../store/message-rows';
import { cancelMessage } from './cancel-message';
import { LONGEST_WITHOUT_MARK_MS } from './schedule-attempt';

export interface Cancellations {
  /** Messages that this request has canceled, or whose attempt under way it has asked to be the last. */
  readonly cancelled: number;
  /** Whether it ended before all were seen: the same request again goes on. */
  readonly more: boolean;
}

/**
 * Cancels the messages that a filter means, `count` at most. Open messages are found by the time in their id
 * for a day, and then by the mark that all have which are still open by then.
 */
export async function cancelMessages(
  filter: MessageFilter,
  count: number,
  now: number,
  isOver: () => boolean,
): Promise<Cancellations> {
  const total = { cancelled: 0, more: false };
  for (const source of [recentRows(now, isOver), markedRows(isOver)]) {
    for await (const rows of source) {
      if (rows === 'more') {
        total.more = true;
        continue;
      }
      const meant = rows.filter(
        ({ message, state }) =>
          !isTerminal(state) && matchesMessage(filter, message) && matchesTime(filter, message.createdAt),
      );
      const left = count - total.cancelled;
      total.cancelled += await cancelAll(meant.slice(0, left), now);
      if (total.cancelled >= count) return { ...total, more: true };
    }
  }
  return total;
}

/** Cancels messages side by side, and counts those that this has really canceled. */
export async function cancelAll(rows: readonly MessageRow[], now: number): Promise<number> {
  const outcomes = await Promise.all(rows.map((row) => cancelMessage(row, now)));
  return outcomes.filter((outcome) => outcome === 'canceled' || outcome === 'requested').length;
}

const GROUP = 50;
/** All but bodies and responses. */
const ATTRIBUTES = ['pk', 'sk', 'd', 'ttl', 'st', 'n', 'due', 'until'];

/** Messages accepted within the last day, oldest first, in groups. */
async function* recentRows(now: number, isOver: () => boolean): AsyncGenerator<MessageRow[] | 'more'> {
  const from = now - LONGEST_WITHOUT_MARK_MS;
  for (const day of daysBetween(from, now)) {
    const partitions = ALL_SHARDS.map((shard) => dayPartition(day, shard));
    const scan = new MergedScan(partitions, { from: encodeTime(from), to: '~', attributes: ATTRIBUTES, isOver });
    let items: Item[] = [];
    for (let item = await scan.next(); item !== undefined; item = await scan.next()) {
      // A message's state item comes right behind it.
      if (items.length >= GROUP && !item.sk!.S!.endsWith(STATE_SUFFIX)) {
        yield [...rowsOf(items).values()];
        items = [];
      }
      items.push(item);
    }
    yield [...rowsOf(items).values()];
    if (scan.scannedTo !== undefined || isOver()) {
      yield 'more';
      return;
    }
  }
}

async function* markedRows(isOver: () => boolean): AsyncGenerator<MessageRow[] | 'more'> {
  const scan = new MergedScan(ALL_SHARDS.map(openPartition), { from: '0', to: '~', isOver });
  let ids: string[] = [];
  for (let item = await scan.next(); item !== undefined; item = await scan.next()) {
    ids.push(messageIdOf(item.sk!.S!));
    if (ids.length < GROUP) continue;
    yield [...(await loadRows(ids)).values()];
    ids = [];
  }
  yield [...(await loadRows(ids)).values()];
  if (scan.scannedTo !== undefined) yield 'more';
}

import { serviceNow } from '../clock';
import { type MessageFilter, matchesMessage, matchesTime } from '../message/message-filter';
import { ALL_SHARDS, decodeTime, encodeTime, messageIdOf, mustPlace } from '../message/message-id';
import { isTerminal } from '../message/message-state';
import { dayPartition, daysBetween, type Item, openPartition, STATE_SUFFIX } from '../store/keys';
import { MergedScan } from '../store/merge-partitions';
import { loadRows, type MessageRow, rowsOf } from '../store/message-rows';
import { cancelMessage } from './cancel-message';
import { LONGEST_WITHOUT_MARK_MS } from './schedule-attempt';

/** Where a search for open messages is: among those of the last day, or among the marked ones; and at which. */
export interface CancelCursor {
  readonly among: 'recent' | 'marked';
  /** Token of a message; the search goes on with it. */
  readonly token: string;
}

export interface Cancellations {
  /** Messages that this request has canceled, or whose attempt under way it has asked to be the last. */
  readonly cancelled: number;
  /** Present when it ended before all were seen. */
  readonly cursor?: CancelCursor;
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
  cursor: CancelCursor = { among: 'recent', token: encodeTime(now - LONGEST_WITHOUT_MARK_MS) },
): Promise<Cancellations> {
  let cancelled = 0;
  const searches = cursor.among === 'recent' ? (['recent', 'marked'] as const) : (['marked'] as const);
  for (const among of searches) {
    const from = among === cursor.among ? cursor.token : '0';
    const groups = among === 'recent' ? recentRows(from, now, isOver) : markedRows(from, isOver);
    for await (const group of groups) {
      if (typeof group === 'string') return { cancelled, cursor: { among, token: group } };
      const meant = group
        .filter(
          ({ message, state }) =>
            !isTerminal(state) && matchesMessage(filter, message) && matchesTime(filter, message.createdAt),
        )
        .slice(0, count - cancelled);
      cancelled += await cancelAll(meant);
      if (cancelled >= count) return { cancelled, cursor: { among, token: tokenOf(meant.at(-1)!) } };
    }
  }
  return { cancelled };
}

/** Cancels messages side by side, and counts those that this has really canceled. */
export async function cancelAll(rows: readonly MessageRow[]): Promise<number> {
  const outcomes = await Promise.all(rows.map((row) => cancelMessage(row, serviceNow())));
  return outcomes.filter((outcome) => outcome === 'canceled' || outcome === 'requested').length;
}

const tokenOf = ({ message }: MessageRow) => mustPlace(message.messageId).token;

const GROUP = 50;
/** All but bodies and responses. */
const ATTRIBUTES = ['pk', 'sk', 'd', 'ttl', 'st', 'n', 'due', 'until'];

/** Messages accepted since a token's time, oldest first, in groups; last the token where the search stopped early. */
async function* recentRows(from: string, now: number, isOver: () => boolean): AsyncGenerator<MessageRow[] | string> {
  // Older ones have a mark, whatever a cursor says.
  for (const day of daysBetween(Math.max(decodeTime(from), now - LONGEST_WITHOUT_MARK_MS), now)) {
    const partitions = ALL_SHARDS.map((shard) => dayPartition(day, shard));
    const scan = new MergedScan(partitions, { from, to: '~', attributes: ATTRIBUTES, isOver });
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
    if (scan.scannedTo !== undefined) {
      yield scan.scannedTo.split('#', 1)[0]!;
      return;
    }
  }
}

/** The same of the messages that have a mark. */
async function* markedRows(from: string, isOver: () => boolean): AsyncGenerator<MessageRow[] | string> {
  const scan = new MergedScan(ALL_SHARDS.map(openPartition), { from, to: '~', isOver });
  let ids: string[] = [];
  for (let item = await scan.next(); item !== undefined; item = await scan.next()) {
    ids.push(messageIdOf(item.sk!.S!));
    if (ids.length < GROUP) continue;
    yield [...(await loadRows(ids)).values()];
    ids = [];
  }
  yield [...(await loadRows(ids)).values()];
  if (scan.scannedTo !== undefined) yield scan.scannedTo;
}

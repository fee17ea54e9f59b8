import { serviceNow } from '../clock';
import type { Message } from '../message/message';
import { placeOf } from '../message/message-id';
import { type AttemptRecord, isTerminal, type MessageState } from '../message/message-state';
import { attemptKey, type Item, messageKey, STATE_SUFFIX, stateKey } from './keys';
import { decodeAttempt, decodeMessage, decodeState, expiryOf } from './message-items';
import { getItem, getItems } from './read-items';

/** A message with what the table says about where it stands. */
export interface MessageRow {
  readonly message: Message;
  readonly state: MessageState;
  /** When the message's item expires, milliseconds; undefined while nobody can foresee when the message ends. */
  readonly expiresAt: number | undefined;
}

/** The rows of those ids that exist, by message id. */
export async function loadRows(messageIds: readonly string[]): Promise<Map<string, MessageRow>> {
  const known = messageIds.filter((messageId) => placeOf(messageId) !== undefined);
  return rowsOf(await getItems(known.flatMap((messageId) => [messageKey(messageId), stateKey(messageId)])));
}

export async function loadRow(messageId: string): Promise<MessageRow | undefined> {
  return (await loadRows([messageId])).get(messageId);
}

/**
 * Pairs message items with the state items among them. An expired message counts as gone before DynamoDB
 * has deleted it: its state item, which says that it has ended, may be deleted first.
 */
export function rowsOf(items: readonly Item[]): Map<string, MessageRow> {
  const bySort = new Map(items.map((item) => [item.sk!.S!, item]));
  const rows = new Map<string, MessageRow>();
  const now = serviceNow();
  for (const [sort, item] of bySort) {
    const expiresAt = expiryOf(item);
    if (sort.includes('#') || (expiresAt !== undefined && expiresAt <= now)) continue;
    const message = decodeMessage(item);
    rows.set(message.messageId, { message, state: decodeState(bySort.get(sort + STATE_SUFFIX)), expiresAt });
  }
  return rows;
}

/** When a message ended, milliseconds; undefined while it is open. */
export function endedAt({ message, state }: MessageRow): number | undefined {
  if (!isTerminal(state)) return undefined;
  return state.canceledAt ?? state.ends.at(-1) ?? message.createdAt;
}

/** The record of an ended attempt, wherever it is kept; undefined once it has expired. */
export async function loadAttempt(
  messageId: string,
  state: MessageState,
  attempt: number,
): Promise<AttemptRecord | undefined> {
  if (attempt === 0 && state.first !== undefined) return state.first;
  const ended = state.ends[attempt];
  if (ended === undefined) return undefined;
  const item = await getItem(attemptKey(messageId, attempt, ended));
  return item && decodeAttempt(item).record;
}

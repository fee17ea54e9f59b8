import { loadShownBody } from '../callback/load-body';
import { retention } from '../config';
import type { Message } from '../message/message';
import { type MessageFilter, matchesMessage, matchesTime } from '../message/message-filter';
import { ALL_SHARDS, decodeTime, encodeTime, messageIdOf, placeOf } from '../message/message-id';
import { EARLY_EVENT_MS } from '../message/message-state';
import { type BodyPart, LISTED_BODY_BYTES, partOf } from '../message/shown-header';
import {
  ATTEMPT_SUFFIX,
  attemptKey,
  BEGIN_SUFFIX,
  CANCEL_SUFFIX,
  dayPartition,
  daysBetween,
  type Item,
  STATE_SUFFIX,
} from '../store/keys';
import { MergedScan } from '../store/merge-partitions';
import { decodeAttempt, decodeMessage, decodeState, expiryOf } from '../store/message-items';
import { loadAttempt, loadRows } from '../store/message-rows';
import { getItems } from '../store/read-items';
import {
  activeEvent,
  allEvents,
  attemptEvents,
  cancelEvents,
  compareEvents,
  createdEvent,
  cursorBefore,
  cursorOf,
  earlyEvents,
  type LogEvent,
  type LogState,
} from './log-event';

/** Which events are meant; the dates are those of the events. */
export interface EventQuery {
  readonly filter: MessageFilter;
  readonly states?: readonly LogState[];
  readonly count: number;
  /** Events that compare as greater than this are meant. */
  readonly after?: LogEvent;
}

/** An event with the message that it happened to. */
interface EventOfMessage {
  readonly event: LogEvent;
  readonly message: Message;
}

/** The same with the message's body as the log shows it: a callback's, which is made for its delivery, is empty. */
export interface FoundEvent extends EventOfMessage {
  readonly body: BodyPart;
}

export interface EventPage {
  readonly events: readonly FoundEvent[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

/** Lists events, newest first, until the page is full or `isOver` says that the search has lasted long enough. */
export async function findEvents(query: EventQuery, now: number, isOver: () => boolean): Promise<EventPage> {
  const oldest = now - retention().logMs;
  const isMeant = (event: LogEvent) =>
    event.time >= oldest &&
    (query.after === undefined || compareEvents(event, query.after) > 0) &&
    (query.states === undefined || query.states.includes(event.state)) &&
    matchesTime(query.filter, event.time);
  if (query.filter.messageId !== undefined) return eventsOfMessages(query, isMeant);
  const found: EventOfMessage[] = [];
  for await (const step of eventGroups(query, Math.max(oldest, query.filter.fromDate ?? 0), now, isMeant, isOver)) {
    if (typeof step === 'string') return { events: await complete(found), cursor: step };
    found.push(...step);
    if (found.length > query.count) break;
  }
  return page(found, query.count);
}

async function page(found: readonly EventOfMessage[], count: number): Promise<EventPage> {
  const events = await complete(found.slice(0, count));
  return { events, ...(found.length > count ? { cursor: cursorOf(events.at(-1)!.event) } : {}) };
}

async function eventsOfMessages(query: EventQuery, isMeant: (event: LogEvent) => boolean): Promise<EventPage> {
  const rows = await loadRows(query.filter.messageId!);
  const found: EventOfMessage[] = [];
  for (const { message, state } of rows.values()) {
    if (!matchesMessage(query.filter, message)) continue;
    const records = await Promise.all(state.ends.map((_, attempt) => loadAttempt(message.messageId, state, attempt)));
    const events = allEvents(
      message,
      state,
      records.filter((record) => record !== undefined),
    );
    found.push(...events.filter(isMeant).map((event) => ({ event, message })));
  }
  return page(
    found.sort((a, b) => compareEvents(a.event, b.event)),
    query.count,
  );
}

const GROUP = 200;
/** All but bodies, which are read for what is found. */
const ATTRIBUTES = ['pk', 'sk', 'd', 'ttl', 'm', 's0', 'r0', 'cr', 'ca', 'st', 'start', 'ends'];

/** What was come upon of a message: its state item first, as that lies behind it. */
interface Seen {
  readonly message?: Message;
  readonly ends: readonly number[];
}

/**
 * Yields the events that are meant in groups, newest first; last a cursor, if the search is over before all
 * were seen. Items lie at most ten seconds before or behind the time of the events that they tell of, so an
 * event's place is certain once the scan is ten seconds below it.
 */
async function* eventGroups(
  query: EventQuery,
  oldest: number,
  now: number,
  isMeant: (event: LogEvent) => boolean,
  isOver: () => boolean,
): AsyncGenerator<EventOfMessage[] | string> {
  const begin = Math.min(query.filter.toDate ?? now, query.after?.time ?? now, now);
  const newest = begin + EARLY_EVENT_MS;
  const bounds = { from: encodeTime(Math.max(0, oldest - EARLY_EVENT_MS)), to: `${encodeTime(newest)}~` };
  const seen = new Map<string, Seen>();
  let pending: LogEvent[] = [];
  let items = 0;
  let scannedTo = newest;
  // It gets below where it began, however little time there is: the next search begins at another place.
  const isEnough = () => isOver() && scannedTo + EARLY_EVENT_MS < begin;
  const take = async (before: number): Promise<EventOfMessage[]> => {
    pending.sort(compareEvents);
    const certain = pending.findIndex((event) => event.time <= before);
    const taken = certain < 0 ? pending : pending.slice(0, certain);
    pending = pending.slice(taken.length);
    return withMessages(taken, seen, query.filter);
  };
  for (const day of daysBetween(oldest - EARLY_EVENT_MS, newest).reverse()) {
    const partitions = ALL_SHARDS.map((shard) => dayPartition(day, shard));
    const scan = new MergedScan(partitions, {
      ...bounds,
      newestFirst: true,
      attributes: ATTRIBUTES,
      limit: GROUP,
      isOver: isEnough,
    });
    for (let item = await scan.next(); item !== undefined; item = await scan.next()) {
      pending.push(...eventsOf(item, now, seen).filter(isMeant));
      scannedTo = decodeTime(item.sk!.S!);
      if (++items % GROUP === 0) yield take(scannedTo + EARLY_EVENT_MS);
    }
    if (scan.scannedTo !== undefined) {
      const certain = decodeTime(scan.scannedTo) + EARLY_EVENT_MS;
      yield take(certain);
      yield cursorBefore(certain);
      return;
    }
  }
  yield take(0);
}

/** The events that an item tells of; `seen` keeps the messages come upon. */
function eventsOf(item: Item, now: number, seen: Map<string, Seen>): LogEvent[] {
  const sort = item.sk!.S!;
  if ((expiryOf(item) ?? now + 1) <= now) return [];
  const at = sort.indexOf('#');
  if (at < 0) {
    const message = decodeMessage(item);
    seen.set(message.messageId, { message, ends: seen.get(message.messageId)?.ends ?? [] });
    return [createdEvent(message)];
  }
  const suffix = sort.slice(at);
  const time = decodeTime(sort);
  if (suffix === STATE_SUFFIX) {
    const message = { messageId: messageIdOf(sort.slice(0, at)), createdAt: time };
    const state = decodeState(item);
    seen.set(message.messageId, { ends: state.ends });
    return earlyEvents(message, state);
  }
  const messageId = item.m?.S ?? '';
  const createdAt = placeOf(messageId)?.time ?? 0;
  switch (suffix) {
    case ATTEMPT_SUFFIX:
      return attemptEvents({ messageId, createdAt }, decodeAttempt(item).record);
    case BEGIN_SUFFIX:
      return [activeEvent({ messageId }, time)];
    case CANCEL_SUFFIX:
      return item.st?.S === 'CANCELED'
        ? cancelEvents({ messageId }, [], [time])
        : cancelEvents({ messageId }, [time], []);
    default:
      return [];
  }
}

/**
 * Adds the messages that are meant. Leaves out attempts that their message does not name: whoever made them died
 * before the outcome counted, and the attempt was made again.
 */
async function withMessages(
  events: readonly LogEvent[],
  seen: Map<string, Seen>,
  filter: MessageFilter,
): Promise<EventOfMessage[]> {
  const ids = [...new Set(events.map(({ messageId }) => messageId))];
  const missing = ids.filter((messageId) => seen.get(messageId)?.message === undefined);
  for (const [messageId, { message, state }] of await loadRows(missing)) {
    seen.set(messageId, { message, ends: state.ends });
  }
  const found = events.flatMap((event) => {
    const { message, ends = [] } = seen.get(event.messageId) ?? {};
    const counts = event.record === undefined || ends[event.record.attempt] === event.record.endedAt;
    return message !== undefined && counts && matchesMessage(filter, message) ? [{ event, message }] : [];
  });
  if (seen.size > 10 * GROUP) {
    for (const [messageId, { message }] of seen) if (message !== undefined) seen.delete(messageId);
  }
  return found;
}

/** Reads the bodies of what was found, which the search leaves out. */
async function complete(found: readonly EventOfMessage[]): Promise<FoundEvent[]> {
  const rows = await loadRows([...new Set(found.map(({ message }) => message.messageId))]);
  const bodies = new Map(
    await Promise.all(
      [...rows].map(async ([messageId, { message }]) => [messageId, await loggedBody(message)] as const),
    ),
  );
  const errors = found.filter(({ event }) => event.state === 'ERROR' && event.record !== undefined);
  const keys = errors.map(({ event: { messageId, record } }) =>
    attemptKey(messageId, record!.attempt, record!.endedAt),
  );
  const records = new Map((await getItems(keys)).map((item) => [item.sk!.S!, decodeAttempt(item).record]));
  return found.map(({ event, message }) => {
    const { record } = event;
    const whole = record && records.get(attemptKey(event.messageId, record.attempt, record.endedAt).sk!.S!);
    return {
      event: whole === undefined ? event : { ...event, record: whole },
      message: rows.get(message.messageId)?.message ?? message,
      body: bodies.get(message.messageId) ?? partOf(message.body),
    };
  });
}

async function loggedBody(message: Message): Promise<BodyPart> {
  return message.source === undefined ? loadShownBody(message, LISTED_BODY_BYTES) : partOf(message.body);
}

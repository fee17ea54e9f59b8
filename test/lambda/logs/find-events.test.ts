import fc from 'fast-check';
import { type EventQuery, findEvents } from '../../../lambda/logs/find-events';
import { allEvents, compareEvents, LOG_STATES, type LogEvent, parseCursor } from '../../../lambda/logs/log-event';
import type { Message } from '../../../lambda/message/message';
import { type MessageFilter, matchesMessage, matchesTime } from '../../../lambda/message/message-filter';
import { derivedMessageId, mustPlace } from '../../../lambda/message/message-id';
import { type MessageState, NO_STATE } from '../../../lambda/message/message-state';
import { type Item, N, S, stateKey } from '../../../lambda/store/keys';
import {
  encodeAttempt,
  encodeBegin,
  encodeCancel,
  encodeInlineAttempt,
  encodeMessage,
} from '../../../lambda/store/message-items';
import { newMessage } from '../messages';
import { putItems, useStandIns } from '../stand-ins';
import { type Life, lives } from './lives';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const never = (): boolean => false;
const always = (): boolean => true;

useStandIns();

/** The state item as the writes of a message's life leave it. */
function stateItem(messageId: string, state: MessageState): Item {
  const number = (name: string, value: number | undefined) => (value === undefined ? {} : { [name]: N(value) });
  return {
    ...stateKey(messageId),
    ...(state.state === undefined ? {} : { st: S(state.state) }),
    n: N(state.attempt),
    ends: { L: state.ends.map(N) },
    ...number('start', state.startedAt),
    ...number('s0', state.firstStartedAt),
    ...number('cr', state.cancelRequestedAt),
    ...number('ca', state.canceledAt),
    ...(state.first === undefined ? {} : { r0: S(encodeInlineAttempt(state.first)) }),
  };
}

/** Everything that the table has of a life. */
function itemsOf(message: Message, { state, records, begins, cancel }: Life): Item[] {
  const { messageId } = message;
  const expiresAt = Date.now() + 7 * DAY;
  return [
    encodeMessage(message, undefined),
    ...(state === NO_STATE ? [] : [stateItem(messageId, state)]),
    ...records.filter((record) => record !== state.first).map((record) => encodeAttempt(messageId, record, expiresAt)),
    ...begins.map(({ attempt, startedAt }) => encodeBegin(messageId, attempt, startedAt, expiresAt)),
    ...(cancel === undefined ? [] : [encodeCancel(messageId, cancel.at, cancel.state, expiresAt)]),
  ];
}

interface Told {
  readonly message: Message;
  readonly events: readonly LogEvent[];
}

const URLS = ['https://example.com/a', 'https://example.com/b', 'https://example.org/a'];

/** Gives lives to messages in three shards and puts them into the table. */
async function tell(drawn: readonly Life[]): Promise<Told[]> {
  const told = drawn
    .filter((life) => mustPlace(life.message.messageId).shard < 3)
    .map((life, index) => {
      const message = newMessage(life.message.createdAt, {
        messageId: life.message.messageId,
        url: URLS[index % URLS.length]!,
        body: Buffer.from(`body ${index}`),
        ...(index % 4 === 0 ? { labels: ['red', 'blue'].slice(index % 2) } : {}),
        ...(index % 5 === 0 ? { callerIp: `192.0.2.${index % 2}` } : {}),
      });
      return { message, life };
    });
  await putItems(told.flatMap(({ message, life }) => itemsOf(message, life)));
  return told.map(({ message, life }) => ({ message, events: allEvents(message, life.state, life.records) }));
}

const keyOf = ({ messageId, time, state }: LogEvent) => `${time} ${messageId} ${state}`;

/** The events that a query means, said without the table. */
function meant(all: readonly Told[], { filter, states }: Pick<EventQuery, 'filter' | 'states'>, now: number): string[] {
  return all
    .filter(({ message }) => matchesMessage(filter, message))
    .flatMap(({ events }) => events)
    .filter(
      ({ time, state }) => time >= now - 3 * DAY && matchesTime(filter, time) && (states?.includes(state) ?? true),
    )
    .sort(compareEvents)
    .map(keyOf);
}

/** Everything a query finds from page to page. `between` runs after every page. */
async function findAll(
  query: Omit<EventQuery, 'after'>,
  now: number,
  isOver: () => boolean,
  between: () => Promise<unknown> = async () => {},
) {
  const found: string[] = [];
  let after: LogEvent | undefined;
  let pages = 0;
  for (;;) {
    const page = await findEvents({ ...query, ...(after === undefined ? {} : { after }) }, now, isOver);
    expect(page.events.length).toBeLessThanOrEqual(query.count);
    found.push(...page.events.map(({ event }) => keyOf(event)));
    pages++;
    if (page.cursor === undefined) return { found, pages };
    const cursor = parseCursor(page.cursor)!;
    // A search that goes on is never where it was before.
    if (after !== undefined) expect(compareEvents(cursor, after)).toBeGreaterThan(0);
    after = cursor;
    await between();
  }
}

const isDone = { crashes: false, underWay: false };

test('every filter finds what it means, newest first, page by page', async () => {
  const now = Date.now();
  // Close together, over days, and older than the log remembers.
  const createdAt = fc.oneof(
    fc.nat(60_000).map((ms) => now - HOUR - ms),
    fc.nat(80 * HOUR).map((ms) => now - HOUR - ms),
  );
  const all = await tell(fc.sample(lives({ ...isDone, createdAt }), 250));
  const times = all.flatMap(({ events }) => events.map(({ time }) => time));
  const dates = fc.tuple(fc.constantFrom(...times), fc.integer({ min: -1, max: 1 })).map(([time, off]) => time + off);
  const some = <T>(...values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
  const filters: fc.Arbitrary<MessageFilter> = fc.record(
    {
      url: some(...URLS, 'https://example.net/'),
      host: some('example.com', 'example.org'),
      path: some('/a', '/b', '/c'),
      label: some('red', 'blue', 'green'),
      callerIp: some('192.0.2.0', '192.0.2.1'),
      fromDate: dates,
      toDate: dates,
    },
    { requiredKeys: [] },
  );
  const states = fc.option(some(...LOG_STATES), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.constant({}), filters),
      states,
      fc.integer({ min: 20, max: 200 }),
      fc.infiniteStream(fc.boolean()),
      async (filter, only, count, stops) => {
        const query = { filter, count, ...(only === undefined ? {} : { states: only }) };
        const { found } = await findAll(query, now, () => stops.next().value!);
        expect(found).toEqual(meant(all, query, now));
      },
    ),
    { numRuns: 40 },
  );
  await fc.assert(
    fc.asyncProperty(dates, fc.nat(30_000), async (fromDate, span) => {
      const query = { filter: { fromDate, toDate: fromDate + span }, count: 1_000 };
      expect((await findAll(query, now, never)).found).toEqual(meant(all, query, now));
    }),
  );
  // The same by the ids of the messages.
  const messageId = all.slice(0, 20).map(({ message }) => message.messageId);
  const query = { filter: { messageId }, count: 7 };
  expect((await findAll(query, now, never)).found).toEqual(meant(all, query, now));
});

test('what happens between pages changes no page', async () => {
  const now = Date.now();
  const createdAt = fc.nat(10 * 60_000).map((ms) => now - HOUR - ms);
  const all = await tell(fc.sample(lives({ ...isDone, createdAt }), 120));
  const later = fc.nat(60_000).map((ms) => now + 1 + ms);
  const arrive = () => tell(fc.sample(lives({ ...isDone, createdAt: later }), 5));
  const { found, pages } = await findAll({ filter: {}, count: 50 }, now, never, arrive);
  expect(found).toEqual(meant(all, { filter: {} }, now));
  expect(pages).toBeGreaterThan(3);
});

test('a search that may never last gets on, however many messages there are within ten seconds', async () => {
  const now = Date.now();
  const ended = { ...NO_STATE, state: 'DELIVERED' as const };
  const drawn = Array.from({ length: 4_000 }, (_, index): Life => {
    const createdAt = now - HOUR - index * 2;
    const endedAt = createdAt + 2 + ((index * 7) % 9_000);
    const record = {
      attempt: 0,
      startedAt: createdAt + 1,
      endedAt,
      status: 200,
      header: {},
      body: new Uint8Array(),
    };
    const first = { ...record, outcome: 'delivered' as const };
    return {
      message: { messageId: derivedMessageId(createdAt, index), createdAt },
      state: { ...ended, startedAt: createdAt + 1, firstStartedAt: createdAt + 1, ends: [endedAt], first },
      records: [first],
      begins: [],
      died: [],
      untold: false,
      items: () => [],
    };
  });
  const all = await tell(drawn);
  expect(all.length).toBeGreaterThan(1_200);
  const { found } = await findAll({ filter: {}, count: 1_000 }, now, always);
  expect(found).toEqual(meant(all, { filter: {} }, now));
}, 120_000);

test.each<[string, (now: number) => Pick<EventQuery, 'filter' | 'after'>]>([
  ['dates to come', (now) => ({ filter: { fromDate: now + 60_000 } })],
  ['dates of long ago', (now) => ({ filter: { toDate: now - 10 * DAY } })],
  ['dates before all', () => ({ filter: { toDate: 0 } })],
  ['a cursor of long ago', () => ({ filter: {}, after: parseCursor('1--')! })],
  ['a cursor just before what is remembered', (now) => ({ filter: {}, after: parseCursor(`${now - 3 * DAY - 1}--`)! })],
])('%s find nothing', async (_what, query) => {
  const now = Date.now();
  await tell(fc.sample(lives({ ...isDone, createdAt: fc.constant(now - HOUR) }), 3));
  expect(await findEvents({ ...query(now), count: 10 }, now, never)).toEqual({ events: [] });
});

test('what was found is whole: bodies of messages and of responses', async () => {
  const now = Date.now();
  const message = newMessage(now - HOUR, { body: Buffer.from('request') });
  const { messageId } = message;
  const endedAt = now - HOUR + 20_000;
  const record = {
    attempt: 0,
    startedAt: endedAt - 5,
    endedAt,
    status: 500,
    header: {},
    body: Buffer.from('response'),
    outcome: 'failed' as const,
  };
  const state = {
    ...NO_STATE,
    state: 'FAILED' as const,
    startedAt: endedAt - 5,
    firstStartedAt: endedAt - 5,
    ends: [endedAt],
  };
  await putItems([
    encodeMessage(message, undefined),
    stateItem(messageId, state),
    encodeAttempt(messageId, record, now + DAY),
  ]);
  const { events } = await findEvents({ filter: {}, count: 10 }, now, never);
  expect(events.map(({ event }) => event.state)).toEqual(['FAILED', 'ERROR', 'ACTIVE', 'CREATED']);
  for (const { message: found } of events) expect(Buffer.from(found.body).toString()).toBe('request');
  expect(Buffer.from(events[1]!.event.record!.body).toString()).toBe('response');
});

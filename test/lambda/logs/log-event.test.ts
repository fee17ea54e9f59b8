import fc from 'fast-check';
import {
  activeEvent,
  allEvents,
  compareEvents,
  cursorBefore,
  cursorOf,
  LOG_STATES,
  type LogEvent,
  parseCursor,
} from '../../../lambda/logs/log-event';
import { derivedMessageId } from '../../../lambda/message/message-id';
import { isEarly, NO_STATE } from '../../../lambda/message/message-state';
import { eventsOfItems, type Life, lives } from './lives';

const NOW = 1_780_000_000_000;

const bySort = (events: readonly LogEvent[]) => [...events].sort(compareEvents);
const eventsOf = ({ message, state, records }: Life) => allEvents(message, state, records);
const key = ({ messageId, time, state }: LogEvent) => `${messageId} ${time} ${state}`;

test('the items of a message tell what its state and attempts tell, and nothing twice', () => {
  fc.assert(
    fc.property(lives({ crashes: false, underWay: false }), (life) => {
      expect(bySort(eventsOfItems(life))).toEqual(bySort(eventsOf(life)));
      expect(new Set(eventsOf(life).map(key)).size).toBe(eventsOf(life).length);
    }),
    { numRuns: 3_000 },
  );
});

test('an attempt under way is told by the items once it lasts', () => {
  fc.assert(
    fc.property(lives({ crashes: false, underWay: true }), (life) => {
      const told = eventsOfItems(life).map(key);
      const all = eventsOf(life).filter(
        ({ state, time }) => !(state === 'ACTIVE' && time === life.state.startedAt && life.untold),
      );
      expect(new Set(told).size).toBe(told.length);
      expect(told.sort()).toEqual(all.map(key).sort());
    }),
    { numRuns: 3_000 },
  );
});

test('where makers died, state and items differ at most in what they know of their begins', () => {
  fc.assert(
    fc.property(lives({ crashes: true, underWay: false }), (life) => {
      const told = eventsOfItems(life).map(key);
      const all = eventsOf(life).map(key);
      expect(new Set(told).size).toBe(told.length);
      expect(new Set(all).size).toBe(all.length);
      const dead = new Set(life.died.map((time) => key(activeEvent(life.message, time))));
      const others = (events: readonly string[]) => events.filter((event) => !dead.has(event)).sort();
      expect(others(told)).toEqual(others(all));
    }),
    { numRuns: 3_000 },
  );
});

test('a begin is not forgotten because its maker died and the message was canceled', () => {
  const message = { messageId: derivedMessageId(NOW, 'a'), createdAt: NOW };
  const state = { ...NO_STATE, state: 'CANCELED' as const, firstStartedAt: NOW + 1, startedAt: NOW + 31_001 };
  const begins = allEvents(message, { ...state, canceledAt: NOW + 99_000 }, []).filter(
    (event) => event.state === 'ACTIVE',
  );
  expect(new Set(begins.map(({ time }) => time))).toEqual(new Set([NOW + 1, NOW + 31_001]));
});

test('a life begins once, and ends once and last', () => {
  fc.assert(
    fc.property(lives({ crashes: true, underWay: false }), (life) => {
      const states = bySort(eventsOf(life)).map(({ state }) => state);
      expect(states.at(-1)).toBe('CREATED');
      expect(states.filter((state) => state === 'CREATED')).toHaveLength(1);
      const ends = states.filter((state) => ['DELIVERED', 'FAILED', 'CANCELED'].includes(state));
      expect(ends).toEqual(['DELIVERED', 'FAILED', 'CANCELED'].includes(life.state.state ?? '') ? [states[0]] : []);
    }),
    { numRuns: 1_000 },
  );
});

test('an item lies at most ten seconds from the time of what it tells', () => {
  fc.assert(
    fc.property(lives({ crashes: true, underWay: true }), (life) => {
      for (const { at, events } of life.items()) {
        for (const { time } of events) {
          expect(time >= at ? isEarly({ createdAt: at }, time) : isEarly({ createdAt: time }, at)).toBe(true);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

describe('order and cursors', () => {
  const events: fc.Arbitrary<LogEvent> = fc.record({
    time: fc.nat(3).map((after) => NOW + after),
    messageId: fc.nat(3).map((seed) => derivedMessageId(NOW, seed)),
    state: fc.constantFrom(...LOG_STATES),
  });

  test('newest first, and of one message at one moment the later state first', () => {
    fc.assert(
      fc.property(events, events, events, (a, b, c) => {
        expect(Math.sign(compareEvents(a, b))).toBe(-Math.sign(compareEvents(b, a)) + 0);
        if (compareEvents(a, b) <= 0 && compareEvents(b, c) <= 0) expect(compareEvents(a, c)).toBeLessThanOrEqual(0);
        expect(compareEvents(a, b) === 0).toBe(key(a) === key(b));
        if (a.time > b.time) expect(compareEvents(a, b)).toBeLessThan(0);
        const later = LOG_STATES.indexOf(a.state) > LOG_STATES.indexOf(b.state);
        if (a.time === b.time && a.messageId === b.messageId && later) expect(compareEvents(a, b)).toBeLessThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a cursor divides the events as the event does that it is of', () => {
    fc.assert(
      fc.property(events, events, (end, other) => {
        const cursor = parseCursor(cursorOf(end))!;
        expect(cursor).toEqual(end);
        expect(Math.sign(compareEvents(other, cursor))).toBe(Math.sign(compareEvents(other, end)));
      }),
    );
  });

  test('a cursor before a moment comes behind all later events and before the rest', () => {
    fc.assert(
      fc.property(events, (event) => {
        expect(compareEvents(event, parseCursor(cursorBefore(event.time))!)).toBeGreaterThan(0);
        expect(compareEvents(event, parseCursor(cursorBefore(event.time - 1))!)).toBeLessThan(0);
      }),
    );
  });

  test.each(['', '-', '--', '1', '1-', 'x--', '1--8', '1--9', '1--10', '1-a b-1', '-1--', '1.5--', '1--1 ', '1--\n'])(
    '%j is no cursor',
    (text) => {
      expect(parseCursor(text)).toBeUndefined();
    },
  );
});

import fc from 'fast-check';
import { type Limits, neededWaiting, planDispatch, windowAt } from '../../../lambda/message/dispatch-plan';
import type { Slot, Waiting } from '../../../lambda/message/wait-list';

const T = 1_780_000_000_000;
const entry = (order: number): Waiting => ({
  order: String(order).padStart(4, '0'),
  messageId: `m${order}`,
  attempt: 0,
  due: T,
  lane: 'deliveries',
});
const slot = (order: number): Slot => ({ ...entry(order), at: T });
const many = <E>(count: number, from: number, make: (order: number) => E): E[] =>
  Array.from({ length: count }, (_, index) => make(from + index));

/** Limits, slots that others hold, how many wait; who is served, and when the rate lets more through. */
test.each<[string, Partial<Limits>, number, number, number, number | undefined]>([
  ['nobody waits', { parallelism: 2 }, 0, 0, 0, undefined],
  ['all fit', { parallelism: 2 }, 0, 2, 2, undefined],
  ['more wait than slots', { parallelism: 2 }, 0, 3, 2, undefined],
  ['some slots are held', { parallelism: 3 }, 2, 3, 1, undefined],
  ['all slots are held', { parallelism: 3 }, 3, 3, 0, undefined],
  ['the parallelism was lowered', { parallelism: 1 }, 3, 3, 0, undefined],
  ['it is paused', { parallelism: 3, paused: true }, 0, 3, 0, undefined],
  ['only a rate', { rate: 2 }, 9, 2, 2, undefined],
  ['more than the rate', { rate: 2 }, 9, 3, 2, 10_000],
  ['the window has begun', { rate: 2, window: { start: T - 4_000, count: 1 } }, 0, 3, 1, 6_000],
  ['the window is used up', { rate: 2, window: { start: T - 4_000, count: 2 } }, 0, 3, 0, 6_000],
  ['the rate was lowered', { rate: 2, window: { start: T - 4_000, count: 9 } }, 0, 1, 0, 6_000],
  ['used up, nobody waits', { rate: 2, window: { start: T - 4_000, count: 2 } }, 0, 0, 0, undefined],
  ['the window is nearly over', { rate: 2, window: { start: T - 8_001, count: 0 } }, 0, 1, 0, 1_999],
  ['the window is not nearly over', { rate: 2, window: { start: T - 8_000, count: 0 } }, 0, 1, 1, undefined],
  ['the window has just ended', { rate: 2, window: { start: T - 10_000, count: 2 } }, 0, 3, 2, 10_000],
  ['a window begins when it is needed', { rate: 2, window: { start: T - 20_000, count: 2 } }, 0, 3, 2, 10_000],
  ['parallelism stops first, in a new window', { rate: 5, parallelism: 2 }, 1, 3, 1, 10_000],
  ['parallelism stops first', { rate: 5, parallelism: 2, window: { start: T, count: 1 } }, 1, 3, 1, undefined],
  ['rate stops before the parallelism', { rate: 1, parallelism: 5 }, 1, 3, 1, 10_000],
  ['both stop', { rate: 2, parallelism: 2, window: { start: T, count: 1 } }, 1, 3, 1, undefined],
  ['paused in a window', { rate: 2, paused: true }, 0, 3, 0, undefined],
])('%s', (_what, limits, held, waits, served, nextIn) => {
  const view = {
    limits: { paused: false, period: 10, ...limits },
    slots: many(held, 1_000, slot),
    waiting: many(waits, 2_000, entry),
  };
  const plan = planDispatch(view, T);
  expect(plan.granted.map(({ order }) => order)).toEqual(view.waiting.slice(0, served).map(({ order }) => order));
  expect(plan.nextAt).toBe(nextIn === undefined ? undefined : T + nextIn);
  expect(plan.again).toEqual([]);
});

test('what is granted must begin a while before the window ends, and is counted in it', () => {
  const window = { start: T - 4_000, count: 1 };
  const view = { limits: { paused: false, rate: 5, period: 10, window }, slots: [], waiting: many(2, 0, entry) };
  expect(planDispatch(view, T)).toEqual({
    again: [],
    granted: view.waiting,
    until: T + 5_000,
    window: { start: T - 4_000, count: 3 },
  });
  const short = { ...view, limits: { paused: false, rate: 5, period: 1 } };
  expect(planDispatch(short, T)).toMatchObject({ until: T + 900, window: { start: T, count: 2 } });
  const long = { ...view, limits: { paused: false, rate: 5, period: 604_800 } };
  expect(planDispatch(long, T)).toMatchObject({ until: T + 604_799_000 });
});

test('without a rate nothing is counted and nothing has an end', () => {
  const view = { limits: { paused: false, parallelism: 5, period: 1 }, slots: [], waiting: [entry(0)] };
  expect(planDispatch(view, T)).toEqual({ again: [], granted: [entry(0)] });
});

test.each([false, true])('who waits and has a slot is hinted at again and takes no other (paused: %s)', (paused) => {
  const view = {
    limits: { paused, parallelism: 3, period: 1 },
    slots: [slot(1), slot(2)],
    waiting: [entry(1), entry(3), entry(4)],
  };
  const { again, granted } = planDispatch(view, T);
  expect(again).toEqual([slot(1)]);
  expect(granted).toEqual(paused ? [] : [entry(3)]);
});

const limitsOf = fc.record(
  {
    paused: fc.boolean(),
    parallelism: fc.integer({ min: 1, max: 6 }),
    rate: fc.integer({ min: 1, max: 6 }),
    period: fc.constantFrom(1, 10, 60),
    window: fc.record({ start: fc.integer({ min: T - 130_000, max: T + 100 }), count: fc.nat(7) }),
    wakeAt: fc.integer({ min: T - 70_000, max: T + 70_000 }),
  },
  { requiredKeys: ['paused', 'period'] },
);

test('no plan exceeds a limit, skips anybody, or leaves what could be served', () => {
  fc.assert(
    fc.property(limitsOf, fc.nat(7), fc.nat(9), (limits, held, waits) => {
      const slots = many(held, 1_000, slot);
      const waiting = many(waits, 2_000, entry);
      const plan = planDispatch({ limits, slots, waiting }, T);
      const { granted, window } = plan;
      expect(granted).toEqual(waiting.slice(0, granted.length));
      if (granted.length > 0) {
        expect(limits.paused).toBe(false);
        expect(held + granted.length).toBeLessThanOrEqual(limits.parallelism ?? Number.POSITIVE_INFINITY);
        expect(window?.count ?? 0).toBeLessThanOrEqual(limits.rate ?? 0);
      }
      if (granted.length === waits || limits.paused) return;
      // Somebody is left: a slot will be given back, or the rate lets more through later.
      const isFull = limits.parallelism !== undefined && held + granted.length >= limits.parallelism;
      expect(isFull || plan.nextAt! > T).toBe(true);
    }),
  );
});

test('seeing more of those that wait than are needed changes nothing', () => {
  fc.assert(
    fc.property(limitsOf, fc.nat(7), fc.nat(20), (limits, held, waits) => {
      const slots = many(held, 1_000, slot);
      const waiting = many(waits, 2_000, entry);
      const enough = waiting.slice(0, neededWaiting(limits, held, T));
      expect(planDispatch({ limits, slots, waiting: enough }, T)).toEqual(planDispatch({ limits, slots, waiting }, T));
    }),
  );
});

test('windows are disjoint, and let no interval have twice the rate and more', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(2_500), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(1, 2),
      (gaps, rate, period) => {
        const starts: { readonly at: number; readonly until: number }[] = [];
        const windows = new Map<number, number>();
        let limits: Limits = { paused: false, rate, period };
        let now = T;
        for (const gap of gaps) {
          now += gap;
          const plan = planDispatch({ limits, slots: [], waiting: many(3, 0, entry) }, now);
          if (plan.window === undefined) continue;
          windows.set(plan.window.start, plan.window.count);
          for (const _ of plan.granted) starts.push({ at: now, until: plan.until! });
          limits = { ...limits, window: plan.window };
        }
        const begins = [...windows.keys()];
        for (const [index, begin] of begins.entries()) {
          expect(windows.get(begin)).toBeLessThanOrEqual(rate);
          if (index > 0) expect(begin - begins[index - 1]!).toBeGreaterThanOrEqual(period * 1000);
        }
        // Each as late as it may be: what an interval of one period can hold at most.
        for (const times of [starts.map(({ at }) => at), starts.map(({ until }) => until - 1)]) {
          for (const from of times) {
            const within = times.filter((time) => time >= from && time < from + period * 1000);
            expect(within.length).toBeLessThanOrEqual(2 * rate);
          }
        }
      },
    ),
  );
});

test.each<[string, number | undefined, number, number]>([
  ['none so far', undefined, T, T],
  ['begun this moment', T, T, T],
  ['in it', T - 999, T, T - 999],
  ['of a clock that is ahead', T + 50, T, T + 50],
  ['right behind it', T - 1_000, T, T],
  ['a little behind it', T - 1_500, T, T],
])('the window of a time: %s', (_what, start, now, expected) => {
  const window = start === undefined ? {} : { window: { start, count: 1 } };
  expect(windowAt({ period: 1, ...window }, now).start).toBe(expected);
});

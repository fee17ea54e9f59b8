import type { Slot, Waiting } from './wait-list';

/** A period of a rate limit: disjoint from all others of its list. */
export interface RateWindow {
  /** Milliseconds. */
  readonly start: number;
  /** Attempts that were granted to begin in it. */
  readonly count: number;
}

/** What a list lets through, and what it has let through. */
export interface Limits {
  readonly paused: boolean;
  /** Slots at once; absent: any number. */
  readonly parallelism?: number;
  /** Grants in one period; absent: any number. */
  readonly rate?: number;
  /** Seconds. */
  readonly period: number;
  /** The latest window; absent until a rate was needed first. */
  readonly window?: RateWindow;
  /** For when the latest wake was set that waits for the end of a window, milliseconds. */
  readonly wakeAt?: number;
}

/** A list as a dispatcher finds it. */
export interface ListView {
  readonly limits: Limits;
  /** All of them. */
  readonly slots: readonly Slot[];
  /** The first that wait, in their order: not fewer than could be granted, unless there are no more. */
  readonly waiting: readonly Waiting[];
}

/** What a dispatcher is to do with a list. */
export interface DispatchPlan {
  /** Slots whose holders wait all the same, because they have entered twice or their hint was never sent. */
  readonly again: readonly Slot[];
  /** Who is given a slot, in their order. */
  readonly granted: readonly Waiting[];
  /** Those that are granted must begin before this, milliseconds; absent where no rate is limited. */
  readonly until?: number;
  /** To be stored before anything is granted; absent when nothing is to be stored. */
  readonly window?: RateWindow;
  /**
   * When the rate lets more through of those that wait, milliseconds; absent when the rate is not what stops them, and
   * will not be in the window that begins now.
   */
  readonly nextAt?: number;
}

/** The last part of a window in which nobody begins: a request that is sent in a window shall arrive in it. */
const GUARD_SHARE = 0.1;
const MAX_GUARD_MS = 1_000;

/**
 * Decides who of those that wait is served: no more than there are slots, and, with a rate, than may begin in the
 * window of the time `now`. A window begins when it is needed, after the one before has ended.
 */
export function planDispatch({ limits, slots, waiting }: ListView, now: number): DispatchPlan {
  const holders = new Map(slots.map((slot) => [slot.order, slot]));
  const again = waiting.flatMap(({ order }) => holders.get(order) ?? []);
  if (limits.paused) return { again, granted: [] };
  const others = waiting.filter(({ order }) => !holders.has(order));
  const free = freeSlots(limits, slots.length);
  if (limits.rate === undefined) return { again, granted: others.slice(0, free) };
  const window = windowAt(limits, now);
  const left = startsLeft(limits, now);
  const granted = others.slice(0, Math.min(free, left));
  const isRateAlone = free > granted.length;
  // Timers count in whole seconds: one that is set when the window begins comes right after its end.
  const isNew = window.count === 0 && granted.length > 0;
  return {
    again,
    granted,
    ...(granted.length === 0
      ? {}
      : {
          until: endOf(limits, window) - guardMs(limits),
          window: { ...window, count: window.count + granted.length },
        }),
    ...(others.length > granted.length && (isRateAlone || isNew) ? { nextAt: endOf(limits, window) } : {}),
  };
}

/** How many of those that wait a plan needs to see, to serve all that can be and to know whether more are left. */
export function neededWaiting(limits: Limits, slots: number, now: number): number {
  if (limits.paused) return 0;
  const free = freeSlots(limits, slots);
  return free === 0 ? 0 : Math.min(free, startsLeft(limits, now)) + 1;
}

/** Grants that are left to the window of the time `now`: those of a window that is nearly over come too late. */
function startsLeft(limits: Limits, now: number): number {
  if (limits.rate === undefined) return Number.POSITIVE_INFINITY;
  const window = windowAt(limits, now);
  // What is granted also needs time to get to where it begins.
  if (endOf(limits, window) - now < 2 * guardMs(limits)) return 0;
  return Math.max(0, limits.rate - window.count);
}

function freeSlots({ parallelism }: Limits, slots: number): number {
  return parallelism === undefined ? Number.POSITIVE_INFINITY : Math.max(0, parallelism - slots);
}

/** The window of the time `now`: the stored one, or a new one that begins now. */
export function windowAt({ window, period }: Pick<Limits, 'window' | 'period'>, now: number): RateWindow {
  return window !== undefined && now < window.start + period * 1000 ? window : { start: now, count: 0 };
}

function endOf({ period }: Limits, { start }: RateWindow): number {
  return start + period * 1000;
}

function guardMs({ period }: Limits): number {
  return Math.min(MAX_GUARD_MS, period * 1000 * GUARD_SHARE);
}

import { ServiceClock } from '../../local/clock';

const DAY_MS = 86_400_000;

let clock: ServiceClock;
let runs: string[];

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  clock = new ServiceClock();
  runs = [];
});

afterEach(() => {
  clock.stop();
  jest.useRealTimers();
});

function schedule(name: string, inMs: number): () => void {
  return clock.schedule(clock.now() + inMs, () => runs.push(name));
}

test('it is wall time until it is moved, and never goes back', () => {
  expect(clock.now()).toBe(Date.now());
  expect(clock.ahead).toBe(0);
  clock.advanceTo(Date.now() + 5000);
  expect(clock.ahead).toBe(5000);
  expect(clock.now()).toBe(Date.now() + 5000);
  clock.advanceTo(Date.now());
  expect(clock.ahead).toBe(5000);
  jest.advanceTimersByTime(1000);
  expect(clock.now()).toBe(Date.now() + 5000);
});

test('it begins where an earlier one ended, and workers see where it is', () => {
  const later = new ServiceClock(7000);
  expect(later.now()).toBe(Date.now() + 7000);
  later.advanceTo(later.now() + 1000);
  expect(new Float64Array(later.buffer)[0]).toBe(8000);
});

test('timers run in the order of their times, once, as wall time passes', () => {
  schedule('late', 300);
  schedule('early', 100);
  schedule('also early', 100);
  jest.advanceTimersByTime(99);
  expect(runs).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(runs).toEqual(['early', 'also early']);
  jest.advanceTimersByTime(1000);
  expect(runs).toEqual(['early', 'also early', 'late']);
});

test('moving on runs what is due by then, in order, and what that makes due', () => {
  schedule('second', 2000);
  clock.schedule(clock.now() + 1000, () => {
    runs.push('first');
    schedule('at once', 0);
  });
  schedule('later', 5000);
  clock.advanceTo(clock.now() + 3000);
  expect(runs).toEqual(['first', 'second']);
  jest.advanceTimersByTime(0);
  expect(runs).toEqual(['first', 'second', 'at once']);
});

test('a cancelled timer does not run, not even when a timer of the same moment cancels it', () => {
  schedule('cancelled', 100)();
  let cancel = () => {};
  clock.schedule(clock.now() + 100, () => cancel());
  cancel = schedule('cancelled in time', 100);
  jest.advanceTimersByTime(1000);
  expect(runs).toEqual([]);
});

test('the earliest timer is known', () => {
  expect(clock.nextTimerAt()).toBeUndefined();
  schedule('b', 2000);
  const cancel = schedule('a', 1000);
  expect(clock.nextTimerAt()).toBe(Date.now() + 1000);
  cancel();
  expect(clock.nextTimerAt()).toBe(Date.now() + 2000);
});

test('a timer further away than the system can wait runs at its time', () => {
  schedule('in a year', 365 * DAY_MS);
  jest.advanceTimersByTime(364 * DAY_MS);
  expect(runs).toEqual([]);
  jest.advanceTimersByTime(DAY_MS);
  expect(runs).toEqual(['in a year']);
});

test('stopping leaves nothing that keeps the process alive', () => {
  schedule('never', 100);
  clock.stop();
  expect(jest.getTimerCount()).toBe(0);
  jest.advanceTimersByTime(1000);
  expect(runs).toEqual([]);
});

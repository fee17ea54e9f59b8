import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ServiceClock } from '../../local/clock';
import { DataDirectoryError } from '../../local/data-directory';
import { MAX_STEPS, savedOffset, TimeTravel, TimeTravelError } from '../../local/time-travel';
import { temporaryDirectory } from './fixtures/directory';

const HOUR_MS = 3_600_000;

let clock: ServiceClock;
let played: string[];
/** Work under way, which a journey waits for. */
let work: Promise<unknown>;

beforeEach(() => {
  clock = new ServiceClock();
  played = [];
  work = Promise.resolve();
});

afterEach(() => clock.stop());

function timeTravel(dir?: string): TimeTravel {
  const idle = async () => {
    await work;
  };
  return new TimeTravel(clock, [], idle, dir);
}

function event(name: string, inMs: number, then = () => {}): void {
  clock.schedule(clock.now() + inMs, () => {
    played.push(name);
    then();
  });
}

test('a journey plays the events on its way, one after the other, and ends where it was meant to', async () => {
  event('day', 24 * HOUR_MS);
  event('hour', HOUR_MS, () => event('and a half', HOUR_MS / 2));
  event('beyond', 48 * HOUR_MS);
  const before = clock.now();
  const { now, steps } = await timeTravel().advance(30 * HOUR_MS);
  expect(played).toEqual(['hour', 'and a half', 'day']);
  expect(steps).toBe(3);
  expect(now - before).toBeGreaterThanOrEqual(30 * HOUR_MS);
  expect(now - before).toBeLessThan(31 * HOUR_MS);
});

test('what an event starts is finished before the next', async () => {
  event('first', HOUR_MS, () => {
    work = new Promise((resolve) => setImmediate(resolve)).then(() => played.push('its work'));
  });
  event('second', 2 * HOUR_MS);
  await timeTravel().advance(2 * HOUR_MS);
  expect(played).toEqual(['first', 'its work', 'second']);
});

test('events are played at their own time', async () => {
  const start = clock.now();
  let at = 0;
  event('hour', HOUR_MS, () => {
    at = clock.now();
  });
  await timeTravel().advance(24 * HOUR_MS);
  expect(at - start).toBeGreaterThanOrEqual(HOUR_MS);
  expect(at - start).toBeLessThan(2 * HOUR_MS);
});

test('a journey to a time ends there', async () => {
  const to = Date.now() + HOUR_MS;
  const { now, steps } = await timeTravel().to(to);
  expect(now).toBeGreaterThanOrEqual(to);
  expect(now).toBeLessThan(to + HOUR_MS);
  expect(steps).toBe(0);
});

test.each([
  ['a negative stretch', (travel: TimeTravel) => travel.advance(-1), 'Service time moves forward only.'],
  ['a time in the past', (travel: TimeTravel) => travel.to(0), 'Service time moves forward only.'],
  ['no time', (travel: TimeTravel) => travel.to(Number.NaN), 'That is no time that a clock can show.'],
  ['an endless stretch', (travel: TimeTravel) => travel.advance(Number.POSITIVE_INFINITY), 'no time'],
  ['a time beyond all calendars', (travel: TimeTravel) => travel.to(8.64e15 + 1), 'no time'],
])('%s is refused and moves nothing', async (_what, journey, message) => {
  const error = await journey(timeTravel()).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TimeTravelError);
  expect((error as Error).message).toContain(message);
  expect(clock.ahead).toBe(0);
});

test('a journey of too many events stops and says how far it came; a new one goes on', async () => {
  const again = () => event('tick', 1000, again);
  again();
  const travel = timeTravel();
  const start = clock.now();
  const error = (await travel.advance(1000 * HOUR_MS).catch((reason: unknown) => reason)) as Error;
  expect(error).toBeInstanceOf(TimeTravelError);
  const [, steps, at] = /^Stopped after (\d+) steps at (\S+): travel in shorter stretches\.$/.exec(error.message)!;
  expect(Number(steps)).toBe(MAX_STEPS);
  expect(played).toHaveLength(MAX_STEPS);
  expect(Date.parse(at!) - start).toBeGreaterThanOrEqual(MAX_STEPS * 1000);
  expect((await travel.advance(5000)).steps).toBeGreaterThan(0);
});

test('one journey waits for the other, also for one that failed', async () => {
  const travel = timeTravel();
  event('first', HOUR_MS, () => {
    work = new Promise((resolve) => setImmediate(resolve));
  });
  const first = travel.advance(2 * HOUR_MS).then(() => played.push('first arrived'));
  const bad = travel.advance(-1).catch(() => played.push('refused'));
  const second = travel.advance(2 * HOUR_MS).then(() => played.push('second arrived'));
  event('second', 3 * HOUR_MS);
  await Promise.all([first, bad, second]);
  expect(played).toEqual(['first', 'first arrived', 'refused', 'second', 'second arrived']);
});

describe('with a directory', () => {
  test('the offset is kept, and is there before anything happens at the new time', async () => {
    const dir = path.join(temporaryDirectory(), 'data');
    expect(savedOffset(dir)).toBe(0);
    const travel = timeTravel(dir);
    let saved = 0;
    event('hour', HOUR_MS, () => {
      saved = savedOffset(dir);
    });
    await travel.advance(2 * HOUR_MS);
    expect(saved).toBeGreaterThan(0.9 * HOUR_MS);
    expect(savedOffset(dir)).toBeGreaterThanOrEqual(clock.ahead);
    expect(Math.round(savedOffset(dir) / HOUR_MS)).toBe(2);
  });

  test('a kill while it is saved leaves the one before', () => {
    const dir = temporaryDirectory();
    const child = path.join(__dirname, 'killed-child.ts');
    const { signal } = spawnSync(process.execPath, ['--import', 'tsx', child, 'clock', dir], { stdio: 'inherit' });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(path.join(dir, 'clock.json.partial'))).toBe(true);
    expect(Math.round(savedOffset(dir) / 100)).toBe(10);
  });

  test('a damaged one is told, not forgotten', () => {
    const dir = temporaryDirectory();
    const file = path.join(dir, 'clock.json');
    writeFileSync(file, '{"offset": 12');
    expect(() => savedOffset(dir)).toThrow(
      new DataDirectoryError(`${file} is damaged: it is no JSON. Remove it to start without what it held.`),
    );
  });
});

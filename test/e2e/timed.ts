import type { Running } from './harness';
import type { Destination, Sink } from './sink';

export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A destination that knows in service time when it was called. */
export interface TimedDestination extends Destination {
  readonly calledAt: readonly number[];
}

/** `running` is asked at each call: a service may be started again. */
export function timed(sink: Sink, running: () => Running): TimedDestination {
  const calledAt: number[] = [];
  const { url, arrivals } = sink.destination(() => {
    calledAt.push(running().service.clock.now());
    return 200;
  });
  return { url, arrivals, calledAt };
}

/** The full minutes of some times, none of which may lie more than two seconds after one. */
export function minutesOf(times: readonly number[]): string[] {
  return times.map((time) => {
    expect(time % MINUTE).toBeLessThan(2 * SECOND);
    return new Date(time - (time % MINUTE)).toISOString();
  });
}

/** Every full minute after `from` up to `to`. */
export function minutesBetween(from: number, to: number): string[] {
  const minutes: string[] = [];
  for (let minute = nextMinute(from); minute <= to; minute += MINUTE) minutes.push(new Date(minute).toISOString());
  return minutes;
}

/** The first full minute after a time. */
export function nextMinute(time: number): number {
  return Math.floor(time / MINUTE + 1) * MINUTE;
}

/** Moves service time on to a time. */
export async function travelTo({ service }: Running, time: number): Promise<void> {
  await service.advance(time - service.clock.now());
}

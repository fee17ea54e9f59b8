import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { ServiceClock } from './clock';
import { readDataFile, writeDataFile } from './data-directory';
import type { Schedule } from './events/schedule';

/** Most events that one journey plays. */
export const MAX_STEPS = 100_000;

/** A journey that cannot be made, with a reason for the caller. */
export class TimeTravelError extends Error {}

/** Where time is after a journey, and how many events it played. */
export interface Journey {
  /** Service time in milliseconds. */
  readonly now: number;
  readonly steps: number;
}

/** The saved offset of service time in milliseconds; 0 when there is none. */
export function savedOffset(dir: string): number {
  const saved = readDataFile(clockFile(dir)) as { readonly offset: number } | undefined;
  return saved?.offset ?? 0;
}

/**
 * Moves service time forward event by event: waits until nothing runs, steps to the earliest timer, lets
 * everything it caused finish, and so on to the end. One journey at a time.
 */
export class TimeTravel {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly clock: ServiceClock,
    private readonly schedules: readonly Schedule[],
    private readonly whenIdle: () => Promise<void>,
    private readonly dir: string | undefined,
  ) {
    if (dir !== undefined) mkdirSync(dir, { recursive: true });
  }

  /** Moves on by `milliseconds`. Throws {@link TimeTravelError} for a negative number. */
  advance(milliseconds: number): Promise<Journey> {
    return this.queue(() => this.travel(this.clock.now() + milliseconds));
  }

  /** Moves on to a service time in milliseconds. Throws {@link TimeTravelError} for one in the past. */
  to(time: number): Promise<Journey> {
    return this.queue(() => this.travel(time));
  }

  private queue(journey: () => Promise<Journey>): Promise<Journey> {
    const result = this.last.then(journey);
    this.last = result.catch(() => undefined);
    return result;
  }

  private async travel(to: number): Promise<Journey> {
    const start = this.clock.now();
    if (!Number.isFinite(to) || to > 8.64e15) throw new TimeTravelError('That is no time that a clock can show.');
    if (to < start) throw new TimeTravelError('Service time moves forward only.');
    let steps = 0;
    await this.whenIdle();
    try {
      for (;;) {
        for (const schedule of this.schedules) schedule.skipIdleRuns(to);
        const next = this.clock.nextTimerAt();
        if (next === undefined || next > to) break;
        if (steps === MAX_STEPS) {
          throw new TimeTravelError(
            `Stopped after ${steps} steps at ${new Date(this.clock.now()).toISOString()}: travel in shorter stretches.`,
          );
        }
        steps++;
        await this.step(next);
      }
      await this.step(to);
    } finally {
      for (const schedule of this.schedules) schedule.resume();
    }
    return { now: this.clock.now(), steps };
  }

  private async step(to: number): Promise<void> {
    // Saved first: after a kill the data must not lie in the future of the clock.
    this.save(Math.max(this.clock.ahead, to - Date.now()));
    this.clock.advanceTo(to);
    await this.whenIdle();
  }

  private save(offset: number): void {
    if (this.dir !== undefined) writeDataFile(clockFile(this.dir), { offset });
  }
}

function clockFile(dir: string): string {
  return path.join(dir, 'clock.json');
}

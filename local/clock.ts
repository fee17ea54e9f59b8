interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/**
 * Service time of local mode: wall time plus an offset that only grows. Everything that waits in
 * service time (queue delays, visibility, the tick, expiry) waits through {@link schedule}, so that one
 * loop over the earliest timer can play a year in as many steps as it has events.
 */
export class ServiceClock {
  /** Shared with the workers; one float64, the offset in milliseconds. */
  readonly buffer = new SharedArrayBuffer(8);
  private readonly offset = new Float64Array(this.buffer);
  private readonly timers = new Set<Timer>();
  private wake: NodeJS.Timeout | undefined;

  constructor(offset = 0) {
    this.offset[0] = offset;
  }

  /** Service time in milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.offset[0]!;
  }

  /** Milliseconds by which service time is ahead of wall time. */
  get ahead(): number {
    return this.offset[0]!;
  }

  /** Runs `run` once when service time reaches `at`; the returned function cancels it. */
  schedule(at: number, run: () => void): () => void {
    const timer = { at, run };
    this.timers.add(timer);
    this.arm();
    return () => {
      if (this.timers.delete(timer)) this.arm();
    };
  }

  /** When the earliest timer is due, or undefined when none is set. */
  nextTimerAt(): number | undefined {
    let earliest: number | undefined;
    for (const { at } of this.timers) if (earliest === undefined || at < earliest) earliest = at;
    return earliest;
  }

  /** Moves service time forward to `to` (never back) and runs what is due by then. */
  advanceTo(to: number): void {
    const now = this.now();
    if (to > now) this.offset[0] = this.offset[0]! + (to - now);
    this.runDue();
  }

  /** Cancels every timer, so that the process can end. */
  stop(): void {
    this.timers.clear();
    clearTimeout(this.wake);
  }

  private runDue(): void {
    const now = this.now();
    const due = [...this.timers].filter((timer) => timer.at <= now).sort((a, b) => a.at - b.at);
    for (const timer of due) if (this.timers.delete(timer)) timer.run();
    this.arm();
  }

  private arm(): void {
    clearTimeout(this.wake);
    const next = this.nextTimerAt();
    if (next === undefined) return;
    // setTimeout counts in 31 bits; a longer wait is re-armed when it fires with nothing due.
    const wait = Math.min(Math.max(0, Math.ceil(next - this.now())), 2 ** 31 - 1);
    this.wake = setTimeout(() => this.runDue(), wait);
  }
}

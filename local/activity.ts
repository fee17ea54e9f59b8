/**
 * What is going on: invocations and batches under way. Time may only be moved while nothing is, so everything
 * that starts work says so here.
 */
export class Activity {
  private running = 0;
  private total = 0;
  private readonly waiting = new Set<() => void>();

  /** How many pieces of work have ever begun: equal counts mean that nothing happened between. */
  get begun(): number {
    return this.total;
  }

  /** Does `work` as one piece of activity. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.running++;
    this.total++;
    try {
      return await work();
    } finally {
      this.running--;
      for (const wake of [...this.waiting]) wake();
    }
  }

  /**
   * Resolves when nothing runs and `quiet()` holds, both before and after a turn of the event loop, so that
   * work on its way from one place to the next is not overlooked. Looks again whenever work ends and, for
   * what `quiet` sees but nobody reports, every few milliseconds.
   */
  async whenIdle(quiet: () => boolean): Promise<void> {
    const idle = () => this.running === 0 && quiet();
    for (;;) {
      if (idle()) {
        await new Promise((resolve) => setImmediate(resolve));
        if (idle()) return;
      } else {
        await this.somethingEnds();
      }
    }
  }

  private somethingEnds(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, 5);
      this.waiting.add(done);
    });
  }
}

import type { Activity } from '../activity';
import type { ServiceClock } from '../clock';
import type { LambdaFunction } from '../functions/lambda-function';
import type { NextRun } from './schedule-expression';

const MINUTE_MS = 60_000;

/**
 * A schedule that invokes a function. Runs never overlap: one that is due while the last still runs is left
 * out.
 */
export class Schedule {
  private cancel: (() => void) | undefined;
  private running = false;
  private stopped = false;
  private nextAt: number | undefined;
  /** What the last run said, and how much had happened by its end. */
  private last: { readonly nextWorkAt: number | null; readonly begun: number } | undefined;

  constructor(
    private readonly arn: string,
    private readonly nextRun: NextRun,
    /** The event, with Scheduler's `<aws.scheduler.scheduled-time>` still in it. */
    private readonly input: string | undefined,
    private readonly target: Pick<LambdaFunction, 'invokeJson'>,
    private readonly clock: ServiceClock,
    private readonly activity: Activity,
  ) {}

  start(): void {
    this.arm(this.nextRun(this.clock.now()));
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  /**
   * For time travel: leaves out the runs that would find nothing to do. Applies when the last run answered
   * `{"nextWorkAt": milliseconds or null}` and nothing has happened since; then the next run is the one of the
   * minute that this time lies in, or of the minute of `until`. Else it is the next of all.
   */
  skipIdleRuns(until: number): void {
    const now = this.clock.now();
    if (this.nextAt === undefined || this.nextAt <= now) return;
    const known = this.last?.begun === this.activity.begun ? this.last : undefined;
    const workAt = known === undefined ? now : Math.min(known.nextWorkAt ?? Number.POSITIVE_INFINITY, until + 1);
    this.arm(this.nextRun(Math.max(workAt - MINUTE_MS, now)));
  }

  /** Back to every run, after time travel. */
  resume(): void {
    if (!this.running) this.start();
  }

  private arm(at: number | undefined): void {
    this.cancel?.();
    this.nextAt = at;
    this.cancel = at === undefined || this.stopped ? undefined : this.clock.schedule(at, () => void this.run(at));
  }

  private async run(at: number): Promise<void> {
    if (!this.running) {
      this.running = true;
      const result = await this.activity.during(() => this.target.invokeJson(this.event(at)));
      this.last = result.ok ? nextWork(result.payload, this.activity.begun) : undefined;
      this.running = false;
    }
    if (!this.stopped) this.start();
  }

  private event(at: number): string {
    const time = new Date(at).toISOString().replace('.000Z', 'Z');
    if (this.input !== undefined) {
      return this.input
        .replaceAll('<aws.scheduler.scheduled-time>', time)
        .replaceAll('<aws.scheduler.schedule-arn>', this.arn)
        .replaceAll('<aws.scheduler.attempt-number>', '1');
    }
    return JSON.stringify({
      version: '0',
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      time,
      resources: [this.arn],
      detail: '{}',
    });
  }
}

function nextWork(payload: string, begun: number): { nextWorkAt: number | null; begun: number } | undefined {
  const answer = JSON.parse(payload) as { nextWorkAt?: unknown } | null;
  const nextWorkAt = answer?.nextWorkAt;
  return nextWorkAt === null || typeof nextWorkAt === 'number' ? { nextWorkAt, begun } : undefined;
}

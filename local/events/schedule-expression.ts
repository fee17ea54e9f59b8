import { Cron } from 'croner';

/** The next time after `after` that a schedule fires, in milliseconds; undefined when it never does again. */
export type NextRun = (after: number) => number | undefined;

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * Reads an expression of EventBridge Scheduler. `rate(1 minute)` fires at whole multiples of its period,
 * `cron(…)` has AWS's six fields and the time zone given, `at(…)` fires once, in that zone's time. Undefined
 * when it is none of these.
 */
export function readScheduleExpression(expression: string, timezone = 'UTC'): NextRun | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate !== null) {
    const period = Number(rate[1]) * UNIT_MS[rate[2]!]!;
    return period === 0 ? undefined : (after) => (Math.floor(after / period) + 1) * period;
  }
  const cron = /^cron\((.+)\)$/.exec(expression);
  if (cron !== null && cron[1]!.trim().split(/\s+/).length === 6) return readCron(`0 ${cron[1]}`, timezone);
  const at = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/.exec(expression);
  if (at === null) return undefined;
  const once = new Cron(at[1]!, { timezone, paused: true });
  return (after) => once.nextRun(new Date(after))?.getTime();
}

function readCron(pattern: string, timezone: string): NextRun | undefined {
  let cron: Cron;
  try {
    cron = new Cron(pattern, {
      timezone,
      paused: true,
      alternativeWeekdays: true,
      domAndDow: true,
      sloppyRanges: true,
    });
  } catch {
    return undefined;
  }
  return (after) => {
    let next = cron.nextRun(new Date(after));
    // Scheduler skips a time that the change to summer time leaves out; croner moves it.
    while (next !== null && !cron.match(next)) next = cron.nextRun(next);
    return next?.getTime();
  };
}

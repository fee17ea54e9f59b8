import { Cron } from 'croner';

/** The next time after `after` that a schedule fires, in milliseconds; undefined when it never does again. */
export type NextRun = (after: number) => number | undefined;

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * Reads an expression of EventBridge Scheduler. `rate(1 minute)` fires at whole multiples of its period,
 * `cron(…)` has AWS's six fields and the time zone given, `at(…)` fires once, in that zone's time. Undefined
 * when it is none of these, or the zone is none.
 */
export function readScheduleExpression(expression: string, timezone = 'UTC'): NextRun | undefined {
  if (!isTimeZone(timezone)) return undefined;
  const [, kind, text = ''] = /^(rate|cron|at)\((.+)\)$/.exec(expression) ?? [];
  switch (kind) {
    case 'rate':
      return readRate(text);
    case 'cron':
      return readCron(text, timezone);
    case 'at':
      return readAt(text, timezone);
    default:
      return undefined;
  }
}

function readRate(text: string): NextRun | undefined {
  const [, value, unit] = /^(\d+) (minute|hour|day)s?$/.exec(text) ?? [];
  const period = Number(value) * (UNIT_MS[unit ?? ''] ?? 0);
  return period > 0 ? (after) => (Math.floor(after / period) + 1) * period : undefined;
}

function readCron(text: string, timezone: string): NextRun | undefined {
  const fields = text.trim().split(/\s+/);
  const [, , dayOfMonth, , dayOfWeek] = fields;
  // As AWS asks: one of the two days, and the other one left open.
  if (fields.length !== 6 || (dayOfMonth === '?') === (dayOfWeek === '?')) return undefined;
  let cron: Cron;
  try {
    cron = new Cron(`0 ${fields.join(' ')}`, {
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

function readAt(text: string, timezone: string): NextRun | undefined {
  if (!isDateTime(text)) return undefined;
  const once = new Cron(text, { timezone, paused: true });
  return (after) => once.nextRun(new Date(after))?.getTime();
}

/** Whether it is `2026-05-01T12:00:00`, and a day that exists. */
function isDateTime(text: string): boolean {
  const time = Date.parse(`${text}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString() === `${text}.000Z`;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

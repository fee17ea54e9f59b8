import { readScheduleExpression } from '../../../local/events/schedule-expression';

/** The first `count` times after `after`, in UTC without seconds. */
function runs(expression: string, after: string, count: number, zone?: string): string[] {
  const next = readScheduleExpression(expression, zone)!;
  const times: string[] = [];
  let at: number | undefined = Date.parse(`${after}Z`);
  while (times.length < count) {
    at = next(at);
    if (at === undefined) break;
    times.push(new Date(at).toISOString().slice(0, 16));
  }
  return times;
}

test.each([
  ['rate(1 minute)', '2026-01-01T00:00:30', ['2026-01-01T00:01', '2026-01-01T00:02']],
  ['rate(5 minutes)', '2026-01-01T00:05', ['2026-01-01T00:10', '2026-01-01T00:15']],
  ['rate(1 hour)', '2026-01-01T00:59', ['2026-01-01T01:00', '2026-01-01T02:00']],
  ['rate(2 days)', '2026-01-01T12:00', ['2026-01-03T00:00', '2026-01-05T00:00']],
  ['cron(0 12 * * ? *)', '2026-01-01T12:00', ['2026-01-02T12:00', '2026-01-03T12:00']],
  ['cron( 0  12 * * ? * )', '2026-01-01T00:00', ['2026-01-01T12:00']],
  ['cron(0/20 8 * * ? *)', '2026-01-01T08:00', ['2026-01-01T08:20', '2026-01-01T08:40', '2026-01-02T08:00']],
  ['cron(5,10 8-9 1 * ? *)', '2026-01-01T08:06', ['2026-01-01T08:10', '2026-01-01T09:05', '2026-01-01T09:10']],
  ['cron(0 12 ? * MON-FRI *)', '2026-01-02T12:00', ['2026-01-05T12:00', '2026-01-06T12:00']],
  ['cron(0 12 ? * 1 *)', '2026-01-01T00:00', ['2026-01-04T12:00']],
  ['cron(0 12 ? * 7 *)', '2026-01-01T00:00', ['2026-01-03T12:00']],
  ['cron(0 12 ? * 6#3 *)', '2026-01-01T00:00', ['2026-01-16T12:00']],
  ['cron(0 12 ? * 6L *)', '2026-01-01T00:00', ['2026-01-30T12:00']],
  ['cron(0 12 L * ? *)', '2026-01-31T12:00', ['2026-02-28T12:00', '2026-03-31T12:00']],
  ['cron(0 12 3W * ? *)', '2026-01-01T00:00', ['2026-01-02T12:00']],
  ['cron(0 12 1 JAN,JUL ? *)', '2026-01-01T12:00', ['2026-07-01T12:00', '2027-01-01T12:00']],
  ['cron(0 0 29 2 ? *)', '2026-01-01T00:00', ['2028-02-29T00:00']],
  ['cron(0 0 1 1 ? 2028)', '2026-01-01T00:00', ['2028-01-01T00:00']],
  ['cron(0 0 1 1 ? 2020)', '2026-01-01T00:00', []],
  ['cron(0 0 30 2 ? *)', '2026-01-01T00:00', []],
  ['at(2026-05-01T12:00:00)', '2026-01-01T00:00', ['2026-05-01T12:00']],
  ['at(2026-05-01T12:00:00)', '2026-05-01T12:00', []],
])('%s after %s', (expression, after, expected) => {
  expect(runs(expression, after, Math.max(1, expected.length))).toEqual(expected);
});

test.each([
  ['cron(0 9 * * ? *)', 'Asia/Kolkata', '2026-01-01T00:00', ['2026-01-01T03:30']],
  ['at(2026-05-01T12:00:00)', 'Europe/Berlin', '2026-01-01T00:00', ['2026-05-01T10:00']],
  ['cron(0 9 * * ? *)', 'America/New_York', '2026-03-06T20:00', ['2026-03-07T14:00', '2026-03-08T13:00']],
  ['rate(1 day)', 'America/New_York', '2026-03-08T00:00', ['2026-03-09T00:00']],
])('%s in %s', (expression, zone, after, expected) => {
  expect(runs(expression, after, expected.length, zone)).toEqual(expected);
});

test('a time that summer time leaves out is skipped', () => {
  expect(runs('cron(30 2 * * ? *)', '2026-03-07T00:00', 3, 'America/New_York')).toEqual([
    '2026-03-07T07:30',
    '2026-03-09T06:30',
    '2026-03-10T06:30',
  ]);
});

test('a time that comes twice in autumn fires once, each hour and half hour as often as it passes', () => {
  expect(runs('cron(30 1 * * ? *)', '2026-10-31T12:00', 2, 'America/New_York')).toEqual([
    '2026-11-01T05:30',
    '2026-11-02T06:30',
  ]);
  expect(runs('cron(0/30 * * * ? *)', '2026-11-01T04:45', 4, 'America/New_York')).toEqual([
    '2026-11-01T05:00',
    '2026-11-01T05:30',
    '2026-11-01T06:00',
    '2026-11-01T06:30',
  ]);
});

test.each([
  '',
  'rate(1)',
  'rate(0 minutes)',
  'rate(-1 minutes)',
  'rate(1.5 hours)',
  'rate(1 week)',
  'rate(1 minute) ',
  'cron(0 12 * * *)',
  'cron(0 0 12 * * ? *)',
  'cron(0 12 * * * *)',
  'cron(0 12 ? * ? *)',
  'cron(0 12 1 * MON *)',
  'cron(60 12 * * ? *)',
  'cron(0 24 * * ? *)',
  'cron(0 12 32 * ? *)',
  'cron(0 12 ? * NOON *)',
  'at(2026-05-01)',
  'at(2026-13-01T12:00:00)',
  'at(2026-02-30T12:00:00)',
  'at(2026-05-01T12:00:00Z)',
  'at(2026-05-01T12:00)',
  'every(1 minute)',
])('%j is no expression', (expression) => {
  expect(readScheduleExpression(expression)).toBeUndefined();
});

test.each(['rate(1 minute)', 'cron(0 12 * * ? *)', 'at(2026-05-01T12:00:00)'])(
  '%s needs a time zone that exists',
  (expression) => {
    expect(readScheduleExpression(expression, 'Mars/Olympus')).toBeUndefined();
    expect(readScheduleExpression(expression, 'Europe/Berlin')).toBeDefined();
  },
);

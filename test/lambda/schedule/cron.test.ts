import fc from 'fast-check';
import { CronError, newestTick, nextTick, parseCron } from '../../../lambda/schedule/cron';

const MINUTE_MS = 60_000;
const at = (iso: string) => Date.parse(iso);

/** The ticks after a time, as many as asked for, as ISO texts to the minute. */
function ticks(expression: string, after: string, count: number): string[] {
  const cron = parseCron(expression);
  const found: string[] = [];
  let last = at(after);
  while (found.length < count) {
    last = nextTick(cron, last)!;
    found.push(new Date(last).toISOString().slice(0, 16));
  }
  return found;
}

describe('fields', () => {
  test.each([
    ['*/15 * * * *', '2026-01-01T00:00Z', ['2026-01-01T00:15', '2026-01-01T00:30']],
    ['5/20 * * * *', '2026-01-01T00:00Z', ['2026-01-01T00:05', '2026-01-01T00:25', '2026-01-01T00:45']],
    ['20-35/15 * * * *', '2026-01-01T00:00Z', ['2026-01-01T00:20', '2026-01-01T00:35', '2026-01-01T01:20']],
    ['1,3,2 4 * * *', '2026-01-01T00:00Z', ['2026-01-01T04:01', '2026-01-01T04:02', '2026-01-01T04:03']],
    ['*/90 * * * *', '2026-01-01T00:00Z', ['2026-01-01T01:00', '2026-01-01T02:00']],
    ['00 009 * * *', '2026-01-01T00:00Z', ['2026-01-01T09:00']],
    ['0 0 1 JAN,jul *', '2026-01-01T00:00Z', ['2026-07-01T00:00', '2027-01-01T00:00']],
    ['0 0 * Feb-mAr/2 *', '2026-02-27T00:00Z', ['2026-02-28T00:00', '2027-02-01T00:00']],
    ['0 0 * * SUN', '2026-01-01T00:00Z', ['2026-01-04T00:00', '2026-01-11T00:00']],
    ['0 0 * * 0', '2026-01-01T00:00Z', ['2026-01-04T00:00']],
    ['0 0 * * 7', '2026-01-01T00:00Z', ['2026-01-04T00:00']],
    [
      '0 0 * * 5-7',
      '2026-01-01T00:00Z',
      ['2026-01-02T00:00', '2026-01-03T00:00', '2026-01-04T00:00', '2026-01-09T00:00'],
    ],
    ['0 0 * * 5/1', '2026-01-01T00:00Z', ['2026-01-02T00:00', '2026-01-03T00:00', '2026-01-09T00:00']],
    ['0 0 * * 7/2', '2026-01-01T00:00Z', ['2026-01-04T00:00', '2026-01-11T00:00']],
    ['0 0 * * MON-FRI/2', '2026-01-01T00:00Z', ['2026-01-02T00:00', '2026-01-05T00:00', '2026-01-07T00:00']],
    ['0 0 29 2 *', '2026-01-01T00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['0 0 29 2 *', '2096-03-01T00:00Z', ['2104-02-29T00:00']],
    ['0 0 31 * *', '2026-01-31T00:00Z', ['2026-03-31T00:00', '2026-05-31T00:00']],
    ['59 23 31 12 *', '2026-12-31T23:58Z', ['2026-12-31T23:59', '2027-12-31T23:59']],
  ])('%s after %s', (expression, after, expected) => {
    expect(ticks(expression, after, expected.length)).toEqual(expected);
  });

  test('a tick is after the time, to the millisecond', () => {
    const cron = parseCron('* * * * *');
    expect(nextTick(cron, at('2026-01-01T00:00:00.000Z'))).toBe(at('2026-01-01T00:01Z'));
    expect(nextTick(cron, at('2026-01-01T00:00:59.999Z'))).toBe(at('2026-01-01T00:01Z'));
    expect(nextTick(cron, at('2025-12-31T23:59:59.999Z'))).toBe(at('2026-01-01T00:00Z'));
  });
});

describe('the two day fields', () => {
  // 2026-03-01 is a Sunday.
  test.each([
    ['0 0 13 * FRI', 'either, when both are restricted', ['03-06', '03-13', '03-20', '03-27']],
    [
      '0 0 */10 * FRI',
      'either, when one has a step',
      ['03-01', '03-06', '03-11', '03-13', '03-20', '03-21', '03-27', '03-31'],
    ],
    [
      '0 0 1-31/10 * FRI',
      'either, however the step is written',
      ['03-01', '03-06', '03-11', '03-13', '03-20', '03-21', '03-27', '03-31'],
    ],
    [
      '0 0 15 * */3',
      'either, when the other has a step',
      [
        '03-01',
        '03-04',
        '03-07',
        '03-08',
        '03-11',
        '03-14',
        '03-15',
        '03-18',
        '03-21',
        '03-22',
        '03-25',
        '03-28',
        '03-29',
      ],
    ],
    ['0 0 * * FRI', 'both, when one is open', ['03-06', '03-13', '03-20', '03-27']],
    ['0 0 15,20 * *', 'both, when the other is open', ['03-15', '03-20']],
    ['0 0 */1 * FRI', 'both, when a step of one leaves it open', ['03-06', '03-13', '03-20', '03-27']],
    ['0 0 13,* * FRI', 'both, when a list has an open part', ['03-06', '03-13', '03-20', '03-27']],
    [
      '0 0 1-31 * FRI',
      'either, when a range names all',
      Array.from({ length: 31 }, (_, day) => `03-${String(day + 1).padStart(2, '0')}`),
    ],
  ])('%s: %s', (expression, _, days) => {
    const found = ticks(expression, '2026-02-28T23:59Z', days.length + 1);
    expect(found.slice(0, -1).map((tick) => tick.slice(5, 10))).toEqual(days);
    expect(found.at(-1)!.slice(5, 7)).toBe('04');
  });
});

describe('what is read', () => {
  test.each([
    ['  */10 * * * *  ', '*/10 * * * *'],
    ['\t0 0 * * *\n', '0 0 * * *'],
    [' CRON_TZ=America/New_York 0 9 * * * ', 'CRON_TZ=America/New_York 0 9 * * *'],
    ['0  9\t* * *', '0  9\t* * *'],
  ])('%j is shown as %j', (expression, text) => {
    expect(parseCron(expression).text).toBe(text);
  });

  test.each(['CRON_TZ=Asia/Kolkata 0 9 * * *', 'TZ=Asia/Kolkata 0 9 * * *', 'CRON_TZ=asia/kolkata   0 9 * * *'])(
    '%s',
    (expression) => {
      expect(ticks(expression, '2026-01-01T00:00Z', 1)).toEqual(['2026-01-01T03:30']);
    },
  );
});

describe('the newest tick', () => {
  const newest = (expression: string, tick: string, now: string) =>
    new Date(newestTick(parseCron(expression), at(tick), at(now))).toISOString().slice(0, 16);

  test.each([
    ['* * * * *', '2026-01-01T00:00Z', '2026-01-01T00:00Z', '2026-01-01T00:00'],
    ['* * * * *', '2026-01-01T00:00Z', '2026-01-01T00:00:59.999Z', '2026-01-01T00:00'],
    ['* * * * *', '2026-01-01T00:00Z', '2026-01-01T00:01Z', '2026-01-01T00:01'],
    ['* * * * *', '2026-01-01T00:00Z', '2036-01-01T00:01:30Z', '2036-01-01T00:01'],
    ['0 9 * * *', '2026-01-01T09:00Z', '2026-01-02T08:59Z', '2026-01-01T09:00'],
    ['0 9 * * *', '2026-01-01T09:00Z', '2026-07-02T09:30Z', '2026-07-02T09:00'],
    ['0,1 0 1 * *', '2026-01-01T00:00Z', '2027-03-31T00:00Z', '2027-03-01T00:01'],
    ['0 0 29 2 *', '2024-02-29T00:00Z', '2035-01-01T00:00Z', '2032-02-29T00:00'],
    ['0 0 29 2 *', '2028-02-29T00:00Z', '2026-01-01T00:00Z', '2028-02-29T00:00'],
  ])('of %s from %s by %s is %s', (expression, tick, now, expected) => {
    expect(newest(expression, tick, now)).toBe(expected);
  });
});

describe('refusals', () => {
  test.each([
    ['', /0 fields, but must have five: minute, hour, day of month, month, day of week/],
    ['   ', /0 fields/],
    ['* * * *', /4 fields/],
    ['0 * * * * *', /6 fields/],
    ['0 0 1 1 * 2027', /6 fields/],
    ['@every 5m', /"@every 5m" is not supported: write five fields/],
    ['@daily', /"@daily" is not supported/],
    ['CRON_TZ=UTC @hourly', /"@hourly" is not supported/],
    ['60 * * * *', /"60" in the minute: allowed are 0 to 59, and \* , - \//],
    ['-1 * * * *', /"-1" in the minute/],
    ['* 24 * * *', /"24" in the hour: allowed are 0 to 23/],
    ['* * 0 * *', /"0" in the day of month: allowed are 1 to 31/],
    ['* * 32 * *', /"32" in the day of month/],
    ['* * L * *', /"L" in the day of month/],
    ['* * 15W * *', /"15W" in the day of month/],
    ['* * ? * *', /"\?" in the day of month/],
    ['* * * 0 *', /"0" in the month: allowed are 1 to 12, JAN to DEC/],
    ['* * * 13 *', /"13" in the month/],
    ['* * * JANUARY *', /"JANUARY" in the month/],
    ['* * * * 8', /"8" in the day of week: allowed are 0 to 7, SUN to SAT/],
    ['* * * * FRI#2', /"FRI#2" in the day of week/],
    ['* * * * 5L', /"5L" in the day of week/],
    ['JAN * * * *', /"JAN" in the minute/],
    ['*/0 * * * *', /"\*\/0" in the minute: a step must be 1 or more/],
    ['*/-5 * * * *', /"\*\/-5" in the minute/],
    ['*/ * * * *', /"\*\/" in the minute/],
    ['/5 * * * *', /"\/5" in the minute/],
    ['*/5/5 * * * *', /"\*\/5\/5" in the minute/],
    ['5-1 * * * *', /"5-1" in the minute: the range ends before it begins/],
    ['* * * * SAT-SUN', /the range ends before it begins/],
    ['*-5 * * * *', /"\*-5" in the minute/],
    ['1-2-3 * * * *', /"1-2-3" in the minute/],
    ['1,,2 * * * *', /"" in the minute/],
    ['1,2, * * * *', /"" in the minute/],
    ['1.5 * * * *', /"1.5" in the minute/],
    ['1e1 * * * *', /"1e1" in the minute/],
    ['0x5 * * * *', /"0x5" in the minute/],
    ['** * * * *', /"\*\*" in the minute/],
    ['٥ * * * *', /in the minute/],
    ['_ * * * *', /"_" in the minute/],
    ['0 0 30 2 *', /its date never comes/],
    ['0 0 31 4,6,9,11 *', /its date never comes/],
    ['CRON_TZ=Mars/Olympus 0 0 * * *', /"Mars\/Olympus" is not an IANA time zone, such as America\/New_York/],
    ['CRON_TZ=+01:00 0 0 * * *', /"\+01:00" is not an IANA time zone/],
    ['CRON_TZ= 0 0 * * *', /"" is not an IANA time zone/],
    ['TZ= 0 0 * * *', /"" is not an IANA time zone/],
    ['CRON_TZ=UTC', /0 fields/],
    ['CRON_TZ=UTC * * * * * *', /6 fields/],
    ['cron_tz=UTC * * * *', /in the minute/],
    [`0 0 ${'1,'.repeat(150)}1 * *`, /longer than 256 characters/],
  ])('%j', (expression, message) => {
    expect(() => parseCron(expression)).toThrow(CronError);
    expect(() => parseCron(expression)).toThrow(message);
  });

  test('no text makes anything but a cron expression or a CronError', () => {
    const piece = fc.constantFrom('*', '/', '-', ',', ' ', '5', '12', '99', 'MON', 'feb', 'CRON_TZ=', 'UTC', '@', '\n');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 20 }).map((all) => all.join('')),
        ),
        (text) => {
          try {
            expect(nextTick(parseCron(text), 0)).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(CronError);
          }
        },
      ),
    );
  });
});

describe('when the clocks change', () => {
  test('a local time that does not exist is skipped', () => {
    expect(ticks('CRON_TZ=America/New_York 30 2 * * *', '2026-03-07T12:00Z', 2)).toEqual([
      '2026-03-09T06:30',
      '2026-03-10T06:30',
    ]);
  });

  test('a local time that exists twice is a tick the first time', () => {
    const nightly = 'CRON_TZ=America/New_York 30 1 * * *';
    expect(ticks(nightly, '2026-11-01T00:00Z', 2)).toEqual(['2026-11-01T05:30', '2026-11-02T06:30']);
    // Also when it is the second time.
    expect(ticks(nightly, '2026-11-01T06:10Z', 1)).toEqual(['2026-11-02T06:30']);
    expect(ticks('CRON_TZ=America/New_York 0,30 1,2 * * *', '2026-11-01T00:00Z', 4)).toEqual([
      '2026-11-01T05:00',
      '2026-11-01T05:30',
      '2026-11-01T07:00',
      '2026-11-01T07:30',
    ]);
  });

  test('what ticks in every hour keeps its pace', () => {
    const every = (expression: string, after: string, count: number) => {
      const found = ticks(expression, after, count).map((tick) => at(`${tick}Z`));
      return new Set(found.slice(1).map((time, index) => (time - found[index]!) / MINUTE_MS));
    };
    expect(every('CRON_TZ=America/New_York * * * * *', '2026-11-01T04:00Z', 240)).toEqual(new Set([1]));
    expect(every('CRON_TZ=America/New_York * * * * *', '2026-03-08T05:00Z', 240)).toEqual(new Set([1]));
    expect(every('CRON_TZ=America/New_York 15 0-23 * * *', '2026-11-01T00:00Z', 12)).toEqual(new Set([60]));
    expect(every('CRON_TZ=Australia/Lord_Howe */30 * * * *', '2026-04-04T12:00Z', 12)).toEqual(new Set([30]));
  });

  test('a change of half an hour', () => {
    // Forward from 02:00 to 02:30, back from 02:00 to 01:30.
    expect(ticks('CRON_TZ=Australia/Lord_Howe 15,45 1,2 * * *', '2026-10-03T13:00Z', 3)).toEqual([
      '2026-10-03T14:45',
      '2026-10-03T15:15',
      '2026-10-03T15:45',
    ]);
    expect(ticks('CRON_TZ=Australia/Lord_Howe 45 1 * * *', '2026-04-04T12:00Z', 2)).toEqual([
      '2026-04-04T14:45',
      '2026-04-05T15:15',
    ]);
  });

  test('a midnight that does not exist, and one that comes back', () => {
    // Sao Paulo: from 4 November 2018 00:00 to 01:00, and on 18 February 2018 back to the 17th 23:00.
    expect(ticks('CRON_TZ=America/Sao_Paulo 0 0 * * *', '2018-11-03T04:00Z', 2)).toEqual([
      '2018-11-05T02:00',
      '2018-11-06T02:00',
    ]);
    expect(ticks('CRON_TZ=America/Sao_Paulo 30 23 * * *', '2018-02-17T12:00Z', 2)).toEqual([
      '2018-02-18T01:30',
      '2018-02-19T02:30',
    ]);
  });

  test('a day that goes on after the next one has begun', () => {
    // St. John's went back from 00:01 of 7 November 2010 to 23:01 of the 6th.
    expect(ticks('CRON_TZ=America/St_Johns 0,30 * * * *', '2010-11-07T02:00Z', 4)).toEqual([
      '2010-11-07T02:30',
      '2010-11-07T03:00',
      '2010-11-07T03:30',
      '2010-11-07T04:00',
    ]);
    expect(ticks('CRON_TZ=America/St_Johns 0 0 * * *', '2010-11-07T02:00Z', 2)).toEqual([
      '2010-11-07T02:30',
      '2010-11-08T03:30',
    ]);
  });

  test('a day that does not exist', () => {
    // Apia had no 30 December 2011.
    expect(ticks('CRON_TZ=Pacific/Apia 0 12 * * *', '2011-12-29T00:00Z', 2)).toEqual([
      '2011-12-29T22:00',
      '2011-12-30T22:00',
    ]);
    expect(ticks('CRON_TZ=Pacific/Apia 0 12 30 12 *', '2011-12-01T00:00Z', 1)).toEqual(['2012-12-29T22:00']);
  });
});

/**
 * What every minute of some years shows in a zone, and the ticks found by looking at each. Knows nothing of
 * offsets: a local time has come before if the same text was seen before.
 */
class Oracle {
  private readonly shown: { readonly minute: number; readonly hour: number; readonly date: LocalDate }[] = [];
  private readonly again: boolean[] = [];

  constructor(
    zone: string,
    private readonly from: number,
    to: number,
  ) {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
    const dates = new Map<string, LocalDate>();
    // A local time comes again within hours.
    let [seen, older] = [new Set<string>(), new Set<string>()];
    for (let time = from; time < to; time += MINUTE_MS) {
      const text = format.format(time);
      const date = dates.get(text.slice(0, 10)) ?? localDate(text.slice(0, 10));
      dates.set(text.slice(0, 10), date);
      this.shown.push({ minute: Number(text.slice(15, 17)), hour: Number(text.slice(12, 14)), date });
      this.again.push(seen.has(text) || older.has(text));
      seen.add(text);
      if (seen.size === 2880) [older, seen] = [seen, new Set()];
    }
  }

  /** The first ticks after a time, so many at most. */
  ticks({ minutes, hours, fitsDay }: Wanted, after: number, count: number): number[] {
    const found: number[] = [];
    const fits = new Map<LocalDate, boolean>();
    const first = Math.floor((after - this.from) / MINUTE_MS) + 1;
    for (let index = first; index < this.shown.length && found.length < count; index++) {
      const { minute, hour, date } = this.shown[index]!;
      if (!minutes.has(minute) || !hours.has(hour) || (this.again[index] && hours.size < 24)) continue;
      if (!fits.has(date)) fits.set(date, fitsDay(date));
      if (fits.get(date)) found.push(this.from + index * MINUTE_MS);
    }
    return found;
  }
}

interface LocalDate {
  readonly day: number;
  readonly month: number;
  readonly weekday: number;
}

/** `31/12/2026` */
function localDate(text: string): LocalDate {
  const [day, month, year] = text.split('/').map(Number);
  return { day: day!, month: month!, weekday: new Date(Date.UTC(year!, month! - 1, day)).getUTCDay() };
}

/** What an expression means, said without cron's words. */
interface Wanted {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly fitsDay: (date: LocalDate) => boolean;
}

interface Drawn {
  readonly text: string;
  /** Undefined stands for all. */
  readonly values: ReadonlySet<number> | undefined;
}

function drawnField(min: number, max: number): fc.Arbitrary<Drawn> {
  const value = fc.integer({ min, max });
  const set = (from: number, to: number, step: number) => {
    const values = new Set<number>();
    for (let each = from; each <= to; each += step) values.add(each);
    return values;
  };
  const part: fc.Arbitrary<{ text: string; values: Set<number> }> = fc.oneof(
    value.map((one) => ({ text: `${one}`, values: new Set([one]) })),
    fc.tuple(value, value).map(([a, b]) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      return { text: `${from}-${to}`, values: set(from, to, 1) };
    }),
    fc.integer({ min: 2, max: max + 1 }).map((step) => ({ text: `*/${step}`, values: set(min, max, step) })),
    fc
      .tuple(value, fc.integer({ min: 1, max }))
      .map(([from, step]) => ({ text: `${from}/${step}`, values: set(from, max, step) })),
  );
  const list = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => ({
    text: parts.map(({ text }) => text).join(','),
    values: new Set(parts.flatMap(({ values }) => [...values])),
  }));
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant({ text: '*', values: undefined }) },
    { weight: 3, arbitrary: list },
  );
}

const all = (count: number) => new Set(Array.from({ length: count }, (_, index) => index));

function wantedOf([minutes, hours, days, months, weekdays]: readonly Drawn[]): Wanted {
  return {
    minutes: minutes!.values ?? all(60),
    hours: hours!.values ?? all(24),
    fitsDay: ({ day, month, weekday }) => {
      if (months!.values?.has(month) === false) return false;
      if (days!.values === undefined) return weekdays!.values?.has(weekday) ?? true;
      return days!.values.has(day) || weekdays!.values?.has(weekday) === true;
    },
  };
}

const open: Drawn = { text: '*', values: undefined };
const numbers = (values: readonly number[]): Drawn => ({ text: values.join(','), values: new Set(values) });
const DAYS = [
  [open, open],
  [numbers([1, 6, 7, 30]), open],
  [numbers([1, 6, 7, 30]), numbers([0, 6])],
];

const EXPRESSION = fc.tuple(
  drawnField(0, 59),
  drawnField(0, 23),
  drawnField(1, 31),
  drawnField(1, 12),
  drawnField(0, 6),
);

describe.each([
  ['America/New_York', '2025-02-15', '2025-11-15'],
  ['Australia/Lord_Howe', '2025-03-15', '2025-11-01'],
  ['Asia/Kolkata', '2025-01-01', '2025-03-01'],
  ['Pacific/Apia', '2011-09-01', '2012-04-15'],
  ['America/Sao_Paulo', '2018-10-15', '2019-03-01'],
  ['America/St_Johns', '2010-10-15', '2010-12-01'],
  ['UTC', '2024-02-01', '2024-04-01'],
])('in %s from %s to %s', (zone, begin, end) => {
  const [from, to] = [at(`${begin}T00:00Z`), at(`${end}T00:00Z`)];
  const changes = changesOf(zone, from, to);
  let oracle: Oracle;
  beforeAll(() => {
    // Two days before, so that the first minutes know what came before them.
    oracle = new Oracle(zone, from - 2880 * MINUTE_MS, to);
  });

  /** The ticks that follow the begin, each change of the clocks, and some minute in between. */
  function compare(drawn: readonly Drawn[], minute: number): void {
    const text = drawn.map((field) => field.text).join(' ');
    const cron = parseCron(`CRON_TZ=${zone} ${text}`);
    for (const start of [from, ...changes, from + minute * MINUTE_MS]) {
      const expected = oracle.ticks(wantedOf(drawn), start, TICKS);
      const found: number[] = [];
      for (const _ of expected) found.push(nextTick(cron, found.at(-1) ?? start)!);
      expect([text, found.map(iso)]).toEqual([text, expected.map(iso)]);
      const now = Math.min(start + minute * 37_000, to - 1);
      const past = expected.filter((tick) => tick <= now);
      // Of those that were not looked for nothing is known.
      if (past.length > 0 && past.length < TICKS) expect(newestTick(cron, past[0]!, now)).toBe(past.at(-1));
      const beyond = nextTick(cron, found.at(-1) ?? start);
      if (expected.length < TICKS && beyond !== undefined) expect(beyond).toBeGreaterThanOrEqual(to);
    }
  }

  test('expressions with something in every field', () => {
    for (const minute of [open, numbers([0, 29, 31]), { text: '*/20', values: new Set([0, 20, 40]) }]) {
      for (const hour of [open, numbers([0]), numbers([1, 2, 3]), numbers([22, 23])]) {
        for (const [day, weekday] of DAYS) compare([minute, hour, day!, open, weekday!], 97);
      }
    }
  });

  test('any expression', () => {
    const hasDate = (drawn: readonly Drawn[]) => oracle.ticks(wantedOf(drawn), from, 1).length > 0;
    const minute = fc.nat((to - from) / MINUTE_MS - 1);
    fc.assert(
      fc.property(EXPRESSION.filter(hasDate), minute, (drawn, start) => compare(drawn, start)),
      { numRuns: 8 },
    );
  });
});

/** Enough of those that tick each minute to go through a change of the clocks and back into the day. */
const TICKS = 150;

const iso = (time: number) => new Date(time).toISOString();

/** Between one and two hours before each change of a zone's clocks. */
function changesOf(zone: string, from: number, to: number): number[] {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  const hour = 60 * MINUTE_MS;
  const changes: number[] = [];
  let offset: string | undefined;
  for (let time = from; time < to; time += hour) {
    const before = offset;
    offset = format.format(time).split(', ')[1];
    if (before !== undefined && before !== offset) changes.push(time - 2 * hour);
  }
  return changes;
}

/** A cron expression that can't be read; the message says why and is fit for a 400. */
export class CronError extends Error {}

const MAX_LENGTH = 256;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** 29 February comes every 4 years, and after 8 around most turns of a century. */
const HORIZON_MS = 10 * 366 * DAY_MS;

/** A cron expression as {@link parseCron} has read it. */
export interface Cron {
  /** As it is shown: without the spaces around it. */
  readonly text: string;
  /** In order. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly matchesDate: (month: number, day: number, weekday: number) => boolean;
  /** By how much the local time of its zone is ahead of UTC at a time, milliseconds. */
  readonly offsetAt: (time: number) => number;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** What `n/step` counts up to, where it is not `max`. */
  readonly stepMax?: number;
  /** In the order of their numbers, the first is `min`. */
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  { name: 'day of week', min: 0, max: 7, stepMax: 6, names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] },
];

/**
 * Reads a cron expression as robfig/cron does, whose `CRON_TZ=` QStash has: an optional `CRON_TZ=<IANA zone>` or
 * `TZ=<IANA zone>` (else UTC counts), and five fields of numbers with `* , - /`: minute, hour, day of month, month
 * (or JAN-DEC), day of week (or SUN-SAT; 0 and 7 are Sunday). `n/step` counts from n to the end of the field. When
 * both day fields are restricted, a day need fit only one of them; a field with a `*` that has no step is not.
 * Throws {@link CronError} for anything else, such as seconds, `L`, `W`, `#`, `?` and `@daily`, for a date that
 * never comes, and for more than 256 characters.
 */
export function parseCron(expression: string): Cron {
  const text = expression.trim();
  if (text.length > MAX_LENGTH) throw new CronError(`longer than ${MAX_LENGTH} characters`);
  const [, zone, rest = ''] = /^(?:(?:CRON_)?TZ=(\S*)\s*)?(.*)$/s.exec(text)!;
  if (rest.startsWith('@')) throw new CronError(`"${rest}" is not supported: write five fields, such as 0 * * * *`);
  const fields = rest.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== FIELDS.length) {
    const names = FIELDS.map(({ name }) => name).join(', ');
    throw new CronError(`it has ${fields.length} fields, but must have five: ${names}`);
  }
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, index) => readField(fields[index]!, field));
  const needsBoth = days!.hasStar || weekdays!.hasStar;
  const cron: Cron = {
    text,
    minutes: minutes!.values,
    hours: hours!.values,
    matchesDate(month, day, weekday) {
      const fitsDay = days!.values.includes(day);
      const fitsWeekday = weekdays!.values.includes(weekday);
      return months!.values.includes(month) && (needsBoth ? fitsDay && fitsWeekday : fitsDay || fitsWeekday);
    },
    offsetAt: zone === undefined ? () => 0 : offsetsOf(zone),
  };
  if (nextTick(cron, 0) === undefined) throw new CronError('its date never comes: no such month has such a day');
  return cron;
}

function readField(text: string, field: Field): { readonly values: number[]; readonly hasStar: boolean } {
  const values = new Set<number>();
  let hasStar = false;
  for (const part of text.split(',')) {
    const [, first, last, step] = /^(\*|\w{1,4})(?:-(\w{1,4}))?(?:\/(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || (first === '*' && last !== undefined)) throw refusal(part, field);
    const by = Number(step ?? 1);
    if (by === 0) throw new CronError(`"${part}" in the ${field.name}: a step must be 1 or more`);
    const from = first === '*' ? field.min : readValue(first, part, field);
    const end = first === '*' || step !== undefined ? Math.max(from, field.stepMax ?? field.max) : from;
    const to = last === undefined ? end : readValue(last, part, field);
    if (from > to) throw new CronError(`"${part}" in the ${field.name}: the range ends before it begins`);
    // 7 is Sunday too.
    for (let value = from; value <= to; value += by) values.add(field.stepMax === undefined ? value : value % 7);
    hasStar ||= first === '*' && by === 1;
  }
  return { values: [...values].sort((a, b) => a - b), hasStar };
}

function readValue(text: string, part: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return field.min + named;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= field.min && value <= field.max) return value;
  throw refusal(part, field);
}

function refusal(part: string, { name, min, max, names }: Field): CronError {
  const words = names === undefined ? '' : `, ${names[0]} to ${names.at(-1)}`;
  return new CronError(`"${part}" in the ${name}: allowed are ${min} to ${max}${words}, and * , - /`);
}

/** Formatters by zone: they are slow to make. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();

function offsetsOf(zone: string): Cron['offsetAt'] {
  const format = FORMATS.get(zone.toUpperCase()) ?? formatOf(zone);
  FORMATS.set(zone.toUpperCase(), format);
  return (time) => {
    const [month, day, year, hour, minute, second] = format.format(time).match(/\d+/g)!.map(Number);
    return Date.UTC(year!, month! - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
  };
}

function formatOf(zone: string): Intl.DateTimeFormat {
  // Intl knows zones by offset too, such as `+01:00`, which are no IANA zones.
  const timeZone = /^[A-Z]/i.test(zone) ? zone : 'none';
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new CronError(`"${zone}" is not an IANA time zone, such as America/New_York`);
  }
}

/**
 * The first tick after a time, both in milliseconds; undefined when none comes within ten years. A tick is a minute
 * whose local time the expression names. A local time that a change of the clocks leaves out is skipped. One that
 * comes twice is a tick the first time only, except where every hour has ticks: such a schedule goes by the
 * minute, and keeps its pace while the clocks change.
 */
export function nextTick(cron: Cron, after: number): number | undefined {
  const today = Math.floor((after + cron.offsetAt(after)) / DAY_MS) * DAY_MS;
  // Where clocks go back over midnight, a day goes on after the next one has begun.
  for (let day = today - DAY_MS; day < today + HORIZON_MS; day += DAY_MS) {
    const tick = firstTickOf(cron, day, after);
    if (tick !== undefined) return Math.min(tick, firstTickOf(cron, day + DAY_MS, after) ?? tick);
  }
  return undefined;
}

/** The last tick that is not after `now`, milliseconds, given that `tick` is one; `tick` if that lies ahead. */
export function newestTick(cron: Cron, tick: number, now: number): number {
  // From nearby first: after a long time many ticks may lie in between.
  for (const back of [HOUR_MS, 2 * DAY_MS, 62 * DAY_MS, Number.POSITIVE_INFINITY]) {
    let newest = nextTick(cron, Math.max(tick, now - back) - 1);
    if (newest === undefined || newest > now) continue;
    for (let next = nextTick(cron, newest); next !== undefined && next <= now; next = nextTick(cron, next))
      newest = next;
    return newest;
  }
  return tick;
}

/** The first tick after `after` on a local day, which is given as the time when it begins in UTC. */
function firstTickOf(cron: Cron, day: number, after: number): number | undefined {
  const date = new Date(day);
  if (!cron.matchesDate(date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())) return undefined;
  // The one in force first: its tick spares looking at most of the day with the others.
  const current = cron.offsetAt(after);
  const offsets = offsetsOn(cron, day).sort((a, b) => Number(b === current) - Number(a === current));
  return offsets.reduce<number | undefined>((first, offset) => {
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const local = day + hour * HOUR_MS + minute * MINUTE_MS;
        const time = local - offset;
        if (first !== undefined && time >= first) return first;
        if (time > after && (offsets.length === 1 || isTick(cron, local, time, offsets))) return time;
      }
    }
    return first;
  }, undefined);
}

/** Whether clocks show `local` at `time`, and do so for the first time if that matters. */
function isTick(cron: Cron, local: number, time: number, offsets: readonly number[]): boolean {
  const isShown = (at: number) => at + cron.offsetAt(at) === local;
  if (!isShown(time)) return false;
  return cron.hours.length === 24 || !offsets.some((offset) => local - offset < time && isShown(local - offset));
}

/** The offsets that are in force on a local day: local time is at most 15 hours from UTC. */
function offsetsOn(cron: Cron, day: number): number[] {
  const offsets = new Set<number>();
  for (let hour = -15; hour <= 24 + 15; hour += 9) offsets.add(cron.offsetAt(day + hour * HOUR_MS));
  return [...offsets];
}

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '../local/fixtures/directory';
import { closeAll, start, startSink } from './harness';
import type { Sink } from './sink';
import { DAY, HOUR, MINUTE, type TimedDestination, timed, travelTo } from './timed';

let sink: Sink;

beforeAll(async () => {
  sink = await startSink();
});
afterAll(closeAll);

/** The next time after `from` at which the clocks of a zone change, to the minute. */
function nextChange(timeZone: string, from: number, forward: boolean): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', hour: 'numeric', minute: 'numeric' });
  const minuteOfDay = (time: number) => {
    const [hour, minute] = format.format(time).split(':').map(Number);
    return hour! * 60 + minute!;
  };
  for (let time = Math.ceil(from / MINUTE) * MINUTE; ; time += MINUTE) {
    const step = (minuteOfDay(time) - minuteOfDay(time - MINUTE) + 1440) % 1440;
    if (step !== 1 && step < 720 === forward) return time;
  }
}

const minuteAt = (time: number) => new Date(time).toISOString().slice(0, 16);
const minutesOf = ({ calledAt }: TimedDestination) => calledAt.map(minuteAt);

test('when clocks go forward, a time that is left out is skipped, and each hour has its run', async () => {
  const running = await start();
  const change = nextChange('America/New_York', running.service.clock.now(), true);
  await travelTo(running, change - 2 * HOUR - MINUTE);
  const [nightly, hourly] = [timed(sink, () => running), timed(sink, () => running)];
  // From 02:00 to 03:00: there is no 02:30 on this day.
  await running.client.schedules.create({ destination: nightly.url, cron: 'CRON_TZ=America/New_York 30 1-3 * * *' });
  await running.client.schedules.create({ destination: hourly.url, cron: 'CRON_TZ=America/New_York 15 * * * *' });
  await travelTo(running, change + 2 * HOUR);
  expect(minutesOf(nightly)).toEqual([change - 30 * MINUTE, change + 30 * MINUTE].map(minuteAt));
  expect(minutesOf(hourly)).toEqual([-105, -45, 15, 75].map((minutes) => minuteAt(change + minutes * MINUTE)));
  await running.service.close();
});

test('when clocks go back, a time that comes twice has one run, and each hour has its own', async () => {
  const running = await start();
  const change = nextChange('Europe/Berlin', running.service.clock.now(), false);
  await travelTo(running, change - 2 * HOUR - MINUTE);
  const [nightly, hourly] = [timed(sink, () => running), timed(sink, () => running)];
  // From 03:00 to 02:00.
  await running.client.schedules.create({ destination: nightly.url, cron: 'CRON_TZ=Europe/Berlin 30 2,3 * * *' });
  await running.client.schedules.create({ destination: hourly.url, cron: 'CRON_TZ=Europe/Berlin 15 * * * *' });
  await travelTo(running, change + 2 * HOUR);
  expect(minutesOf(nightly)).toEqual([change - 30 * MINUTE, change + 90 * MINUTE].map(minuteAt));
  expect(minutesOf(hourly)).toEqual([-105, -45, 15, 75].map((minutes) => minuteAt(change + minutes * MINUTE)));
  await running.service.close();
});

test('a year has one run for each month, on the last day that all have', async () => {
  const running = await start();
  const from = running.service.clock.now();
  const destination = timed(sink, () => running);
  await running.client.schedules.create({ destination: destination.url, cron: '5 4 28 * *' });
  await running.service.advance(365 * DAY);
  const minutes = minutesOf(destination);
  expect(minutes).toHaveLength(12);
  for (const minute of minutes) expect(minute).toMatch(/-28T04:05$/);
  expect(Date.parse(`${minutes[0]}Z`)).toBeGreaterThan(from);
  await running.service.close();
});

test('ticks that pass while the service is down are skipped but for the newest', async () => {
  const dataDir = temporaryDirectory();
  let running = await start({ dataDir });
  const [every, daily, paused] = [timed(sink, () => running), timed(sink, () => running), timed(sink, () => running)];
  const { schedules } = running.client;
  const { scheduleId } = await schedules.create({ destination: every.url, cron: '* * * * *' });
  const tomorrow = new Date(running.service.clock.now() + DAY);
  // Not at a time that the service is up at.
  const hour = (tomorrow.getUTCHours() + 12) % 24;
  await schedules.create({ destination: daily.url, cron: `0 ${hour} * * *` });
  await schedules.pause({
    schedule: (await schedules.create({ destination: paused.url, cron: '* * * * *' })).scheduleId,
  });
  await running.service.advance(2 * MINUTE);
  await running.service.close();
  const before = minutesOf(every).length;
  expect(before).toBeGreaterThan(0);

  // Three days go by: the clock of local mode is told when it starts again.
  const file = path.join(dataDir, 'clock.json');
  const { offset } = JSON.parse(readFileSync(file, 'utf8')) as { offset: number };
  writeFileSync(file, JSON.stringify({ offset: offset + 3 * DAY }));
  running = await start({ dataDir });
  const begin = running.service.clock.now();
  await running.service.advance(2 * MINUTE);
  const end = running.service.clock.now();
  const since = minutesOf(every).slice(before);
  expect(new Set(since).size).toBe(since.length);
  for (const minute of since)
    expect(Date.parse(`${minute}Z`)).toBeGreaterThanOrEqual(Math.floor(begin / MINUTE) * MINUTE);
  expect(since.length).toBeLessThanOrEqual(Math.floor(end / MINUTE) - Math.floor(begin / MINUTE) + 1);
  expect(since.length).toBeGreaterThan(0);
  expect(minutesOf(daily)).toHaveLength(1);
  expect(minutesOf(paused)).toEqual([]);
  const { lastScheduleTime, nextScheduleTime } = await running.client.schedules.get(scheduleId);
  expect(lastScheduleTime).toBe(Math.floor(end / MINUTE) * MINUTE);
  expect(nextScheduleTime).toBe(lastScheduleTime! + MINUTE);
  await running.service.close();
});

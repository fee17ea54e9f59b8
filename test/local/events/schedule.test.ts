import { Activity } from '../../../local/activity';
import { ServiceClock } from '../../../local/clock';
import { Schedule } from '../../../local/events/schedule';
import { readScheduleExpression } from '../../../local/events/schedule-expression';
import type { InvocationResult } from '../../../local/functions/lambda-worker';
import { TimeTravel } from '../../../local/time-travel';

const ARN = 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/Tick';
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

let clock: ServiceClock;
let activity: Activity;
let schedules: Schedule[];
let events: string[];
let answer: () => Promise<InvocationResult>;

beforeEach(() => {
  // Half a minute before the hour of some day to come: no run is due while a test runs.
  const now = Date.now();
  const hour = (Math.floor(now / HOUR_MS) + 24) * HOUR_MS;
  clock = new ServiceClock(hour - MINUTE_MS / 2 - now);
  activity = new Activity();
  schedules = [];
  events = [];
  answer = async () => ({ ok: true, payload: '{}' });
});

afterEach(() => {
  for (const schedule of schedules) schedule.stop();
  clock.stop();
});

function start(expression = 'rate(1 minute)', input?: string): Schedule {
  const target = {
    invokeJson: (event: string) => {
      events.push(event);
      return answer();
    },
  };
  const schedule = new Schedule(ARN, readScheduleExpression(expression)!, input, target, clock, activity);
  schedules.push(schedule);
  schedule.start();
  return schedule;
}

const travel = (milliseconds: number) =>
  new TimeTravel(clock, schedules, () => activity.whenIdle(() => true), undefined).advance(milliseconds);

/** A function that answers when told to. */
function hang(): () => void {
  let end = () => {};
  answer = () =>
    new Promise((resolve) => {
      end = () => resolve({ ok: true, payload: '{}' });
    });
  return () => end();
}

test('it invokes its function at its times, with the event of a schedule', async () => {
  start();
  const first = Math.ceil(clock.now() / MINUTE_MS) * MINUTE_MS;
  await travel(2 * MINUTE_MS);
  expect(events.map((event) => JSON.parse(event) as { time: string })).toEqual(
    [first, first + MINUTE_MS].map((at) => ({
      version: '0',
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      time: new Date(at).toISOString().replace('.000Z', 'Z'),
      resources: [ARN],
      detail: '{}',
    })),
  );
});

test('it passes its own input on, with what Scheduler puts into it', async () => {
  start(
    'rate(1 hour)',
    '{"at":"<aws.scheduler.scheduled-time>","by":"<aws.scheduler.schedule-arn>","try":<aws.scheduler.attempt-number>}',
  );
  await travel(MINUTE_MS);
  const at = new Date(Math.floor(clock.now() / HOUR_MS) * HOUR_MS).toISOString().replace('.000Z', 'Z');
  expect(events.map((event) => JSON.parse(event) as object)).toEqual([{ at, by: ARN, try: 1 }]);
});

test('a run that is due while the last one still runs is left out', async () => {
  start();
  const end = hang();
  clock.advanceTo(clock.now() + MINUTE_MS);
  clock.advanceTo(clock.now() + 5 * MINUTE_MS);
  expect(events).toHaveLength(1);
  end();
  await activity.whenIdle(() => true);
  clock.advanceTo(clock.now() + MINUTE_MS);
  expect(events).toHaveLength(2);
  end();
});

test('a run that fails is followed by the next', async () => {
  answer = async () => ({ ok: false, errorType: 'Error', errorMessage: 'as asked' });
  start();
  await travel(3 * MINUTE_MS);
  expect(events).toHaveLength(3);
});

test('stopped, it runs no more, even when a run ends afterwards', async () => {
  const schedule = start();
  const end = hang();
  clock.advanceTo(clock.now() + MINUTE_MS);
  schedule.stop();
  end();
  await activity.whenIdle(() => true);
  clock.advanceTo(clock.now() + HOUR_MS);
  expect(events).toHaveLength(1);
  expect(clock.nextTimerAt()).toBeUndefined();
});

test('a schedule that never fires again has no timer', () => {
  start('at(2020-01-01T00:00:00)');
  expect(clock.nextTimerAt()).toBeUndefined();
});

describe('time travel', () => {
  const says = (nextWorkAt: unknown) => {
    answer = async () => ({ ok: true, payload: JSON.stringify({ nextWorkAt }) });
  };

  test('every run happens while nothing says that it would be idle', async () => {
    start();
    const { steps } = await travel(HOUR_MS);
    expect(events).toHaveLength(60);
    expect(steps).toBe(60);
  });

  test('with nothing to do it runs first and last', async () => {
    says(null);
    start();
    const { steps } = await travel(30 * 24 * HOUR_MS);
    expect(events).toHaveLength(2);
    expect(steps).toBe(2);
  });

  test('it runs in the minute of the work that waits, and then follows the next answer', async () => {
    start();
    const hour = Math.ceil(clock.now() / HOUR_MS) * HOUR_MS;
    const works = [hour + 10 * MINUTE_MS + 59_999, hour + 20 * MINUTE_MS];
    answer = async () => ({
      ok: true,
      payload: JSON.stringify({ nextWorkAt: works.find((at) => at > clock.now()) ?? null }),
    });
    await travel(HOUR_MS);
    const minutes = events.map(
      (event) => (Date.parse((JSON.parse(event) as { time: string }).time) - hour) / MINUTE_MS,
    );
    expect(minutes).toEqual([0, 10, 11, 20, 59]);
  });

  test('work that is overdue is not skipped', async () => {
    says(clock.now() - HOUR_MS);
    start();
    await travel(5 * MINUTE_MS);
    expect(events).toHaveLength(5);
  });

  test.each([undefined, 'soon', '5'])('an answer of %j says nothing, so every run happens', async (nextWorkAt) => {
    says(nextWorkAt);
    start();
    await travel(5 * MINUTE_MS);
    expect(events).toHaveLength(5);
  });

  test('anything that happens meanwhile may have made work', async () => {
    says(null);
    start();
    clock.schedule(clock.now() + 10 * MINUTE_MS, () => void activity.during(async () => undefined));
    await travel(HOUR_MS);
    expect(events).toHaveLength(3);
  });

  test('after the journey it runs at each of its times again', async () => {
    says(null);
    start();
    await travel(10 * MINUTE_MS);
    const before = events.length;
    const now = clock.now();
    expect(clock.nextTimerAt()).toBe(Math.ceil(now / MINUTE_MS) * MINUTE_MS);
    clock.advanceTo(now + MINUTE_MS);
    expect(events).toHaveLength(before + 1);
  });
});

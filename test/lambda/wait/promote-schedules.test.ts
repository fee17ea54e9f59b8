import { encodeScheduleRow, type ScheduleRow } from '../../../lambda/schedule/schedule';
import { SCHEDULE_PARTITION } from '../../../lambda/store/keys';
import { queryPartition } from '../../../lambda/store/read-items';
import { decodeScheduleHint } from '../../../lambda/wait/hint';
import { hintNextRun, promoteSchedules } from '../../../lambda/wait/promote-schedules';
import { type AwsCall, errorAnswer } from '../../../local/aws-call';
import { putItems, useStandIns } from '../stand-ins';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** A full minute, so that ticks are easily told. */
const NOON = Date.parse('2030-01-01T12:00Z');

const opened = useStandIns();

const row = (scheduleId: string, next: number, fields: Partial<ScheduleRow> = {}): ScheduleRow => ({
  scheduleId,
  version: 'v',
  cron: '* * * * *',
  next,
  isPaused: false,
  ...fields,
});
const put = (...[scheduleId, next, fields]: Parameters<typeof row>) =>
  putItems([encodeScheduleRow(row(scheduleId, next, fields))]);

const isSend = ({ operation }: AwsCall) => operation === 'SendMessageBatch';

/** The hints that a promotion sends: whose, how long before the tick `now` is, and how long SQS holds it. */
async function promoted(now: number) {
  const hints: [string, number, number][] = [];
  opened.intercept = (call, execute) => {
    if (isSend(call)) {
      for (const { MessageBody, DelaySeconds } of call.input.Entries as {
        MessageBody: string;
        DelaySeconds: number;
      }[]) {
        const { scheduleId, tick } = decodeScheduleHint(MessageBody)!;
        hints.push([scheduleId, (tick - now) / SECOND, DelaySeconds]);
      }
    }
    return execute();
  };
  const { nextWorkAt } = await promoteSchedules(now);
  return { hints: hints.sort(), nextWorkAt };
}

test('nothing waits where there is no schedule, or none that goes on', async () => {
  expect(await promoted(NOON)).toEqual({ hints: [], nextWorkAt: undefined });
  await put('paused', NOON, { isPaused: true });
  expect(await promoted(NOON)).toEqual({ hints: [], nextWorkAt: undefined });
});

test('every tick until the next promotion has its hint, to the second', async () => {
  await put('minutely', NOON + MINUTE);
  await put('hourly', NOON + MINUTE, { cron: '1 * * * *' });
  await put('later', NOON + 2 * MINUTE, { cron: '2 * * * *' });
  expect(await promoted(NOON + 500)).toEqual({
    hints: [
      ['hourly', 59.5, 60],
      ['minutely', 59.5, 60],
    ],
    // A minute and a little before the next ticks.
    nextWorkAt: NOON + 2 * MINUTE - 65 * SECOND,
  });
  await opened.startAfresh();
  await put('later', NOON + 2 * MINUTE);
  expect(await promoted(NOON + 55 * SECOND)).toMatchObject({ hints: [['later', 65, 65]] });
  await opened.startAfresh();
  await put('later', NOON + 2 * MINUTE);
  expect(await promoted(NOON + 55 * SECOND - 1)).toEqual({ hints: [], nextWorkAt: NOON + 55 * SECOND });
});

test('the tick that is run right now has no second hint, though that which follows has one', async () => {
  await put('minutely', NOON);
  await put('hourly', NOON, { cron: '0 * * * *' });
  expect(await promoted(NOON + 300)).toMatchObject({ hints: [['minutely', 59.7, 60]] });
  expect(await promoted(NOON + 9_999)).toMatchObject({ hints: [['minutely', 50.001, 51]] });
});

test('a tick that is overdue has its hint again, until the row has moved on', async () => {
  await put('hourly', NOON, { cron: '0 * * * *' });
  await put('minutely', NOON);
  for (const late of [10 * SECOND, 60 * SECOND, 600 * SECOND]) {
    expect((await promoted(NOON + late)).hints).toEqual(
      expect.arrayContaining([
        ['hourly', -late / SECOND, 0],
        ['minutely', -late / SECOND, 0],
      ]),
    );
  }
  // Of all that were missed since, one hint is enough.
  const { hints, nextWorkAt } = await promoted(NOON + 600 * SECOND + 1);
  expect(hints.filter(([scheduleId]) => scheduleId === 'minutely')).toHaveLength(2);
  expect(nextWorkAt).toBeLessThanOrEqual(NOON + 600 * SECOND + 1);
});

test('a schedule that cannot be read is no matter of the others', async () => {
  await put('bad', NOON + MINUTE, { cron: 'CRON_TZ=Mars/Olympus * * * * *' });
  await put('good', NOON + MINUTE);
  expect(await promoted(NOON)).toMatchObject({ hints: [['good', 60, 60]] });
  expect(opened.lines).toContainEqual(
    expect.objectContaining({ event: 'fault', doing: 'readCron', scheduleId: 'bad' }),
  );
});

test('a thousand schedules are promoted at once, and what SQS does not take is again at the next', async () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `schedule-${index}`);
  await putItems(ids.map((scheduleId) => encodeScheduleRow(row(scheduleId, NOON + MINUTE))));
  let sends = 0;
  opened.intercept = async (call, execute) =>
    isSend(call) && ++sends === 7 ? errorAnswer(400, 'InvalidParameterValue', 'planned') : execute();
  expect(await promoteSchedules(NOON)).toEqual({ nextWorkAt: NOON });
  expect(sends).toBe(100);
  const tellsId = (body: string) => decodeScheduleHint(body)!.scheduleId;
  expect(new Set(opened.bodies('deliveries').map(tellsId)).size).toBe(990);
  opened.intercept = undefined;
  await promoteSchedules(NOON);
  expect(new Set(opened.bodies('deliveries').map(tellsId))).toEqual(new Set(ids));
  expect((await queryPartition({ partition: SCHEDULE_PARTITION, from: '!', to: '~' })).items).toHaveLength(1_000);
});

test('a schedule whose first tick the next promotion would miss is hinted at when it is created', async () => {
  await hintNextRun(row('new', NOON), NOON - 65 * SECOND - 1);
  expect(opened.bodies('deliveries')).toEqual([]);
  await hintNextRun(row('new', NOON), NOON - 65 * SECOND);
  expect(opened.bodies('deliveries').map((body) => decodeScheduleHint(body))).toEqual([
    { scheduleId: 'new', tick: NOON },
  ]);
});

import { N, S, scheduleRowKey } from '../store/keys';
import { getItem } from '../store/read-items';
import { hintNextRun } from '../wait/promote-schedules';
import { nextTick, parseCron } from './cron';
import { decodeScheduleRow, type ScheduleRow } from './schedule';
import { updateSchedule } from './update-schedule';

/** Has no run of a schedule begin until it is resumed. False when there is no such schedule. */
export async function pauseSchedule(scheduleId: string): Promise<boolean> {
  return change(scheduleId, true, ({ version }) =>
    updateSchedule(scheduleRowKey(scheduleId), {
      UpdateExpression: 'SET paused = :true',
      ConditionExpression: 'v = :version',
      ExpressionAttributeValues: { ':version': S(version), ':true': { BOOL: true } },
    }),
  );
}

/** Has a schedule run again, from the first tick after `now` on. False when there is no such schedule. */
export async function resumeSchedule(scheduleId: string, now: number): Promise<boolean> {
  return change(scheduleId, false, async (row) => {
    // By the clock of the run, a tick may have passed that is still to come by this one.
    const begun = row.startedAt === undefined ? row.next - 1 : row.next;
    const next = nextTick(parseCron(row.cron), Math.max(now, begun))!;
    const isResumed = await updateSchedule(scheduleRowKey(scheduleId), {
      UpdateExpression: 'SET paused = :false, #next = :next REMOVE #start',
      ConditionExpression: 'v = :version AND paused = :true',
      ExpressionAttributeNames: { '#next': 'next', '#start': 'start' },
      ExpressionAttributeValues: {
        ':version': S(row.version),
        ':true': { BOOL: true },
        ':false': { BOOL: false },
        ':next': N(next),
      },
    });
    if (isResumed) await hintNextRun({ ...row, next }, now);
    return isResumed;
  });
}

/** Does to a schedule what makes it paused or not, unless it is so; again if it was changed since it was read. */
async function change(
  scheduleId: string,
  isPaused: boolean,
  make: (row: ScheduleRow) => Promise<boolean>,
): Promise<boolean> {
  for (;;) {
    const item = await getItem(scheduleRowKey(scheduleId));
    if (item === undefined) return false;
    const row = decodeScheduleRow(item);
    if (row.isPaused === isPaused || (await make(row))) return true;
  }
}

import { requireEnv } from '../config';
import { newMessageId } from '../publish/accept-message';
import { scheduleKey } from '../store/keys';
import { getItem } from '../store/read-items';
import { transact } from '../store/write-items';
import { hintNextRun } from '../wait/promote-schedules';
import { nextTick, parseCron } from './cron';
import { decodeSchedule, encodeSchedule, encodeScheduleRow, type Schedule } from './schedule';

/** A schedule as its creator gives it. */
export type ScheduleContent = Omit<Schedule, 'version' | 'createdAt'>;

/**
 * Creates a schedule, or replaces all that the one with this id is: its settings, its body, its last run, and
 * that it is paused. Runs that have begun go on. The first tick is after `now`.
 */
export async function createSchedule(content: ScheduleContent, now: number): Promise<void> {
  const cron = parseCron(content.cron);
  const next = nextTick(cron, now);
  if (next === undefined) throw new Error(`no tick follows ${now}`);
  const before = await getItem(scheduleKey(content.scheduleId));
  const schedule: Schedule = {
    ...content,
    version: newMessageId(now),
    createdAt: before === undefined ? now : decodeSchedule(before).createdAt,
  };
  const { scheduleId, version } = schedule;
  const row = { scheduleId, version, cron: schedule.cron, next, isPaused: false };
  const TableName = requireEnv('TABLE_NAME');
  await transact([
    { Put: { TableName, Item: encodeSchedule(schedule) } },
    { Put: { TableName, Item: encodeScheduleRow(row) } },
  ]);
  await hintNextRun(row, now);
}

import { requireEnv } from '../config';
import { newMessageId } from '../publish/accept-message';
import { isLarge, putBody } from '../store/bodies';
import { heldKey } from '../store/body-key';
import { scheduleKey } from '../store/keys';
import { getItem } from '../store/read-items';
import { transact } from '../store/write-items';
import { hintNextRun } from '../wait/promote-schedules';
import { nextTick, parseCron } from './cron';
import { releaseScheduleBody } from './release-schedule-body';
import { decodeSchedule, encodeSchedule, encodeScheduleRow, type Schedule } from './schedule';

/** A schedule as its creator gives it. */
export type ScheduleContent = Omit<Schedule, 'version' | 'createdAt' | 'stored'>;

/**
 * Creates a schedule, or replaces all that the one with this id is: its settings, its body, its last run, and
 * that it is paused. Runs that have begun go on. The first tick is after `now`.
 */
export async function createSchedule(content: ScheduleContent, now: number): Promise<void> {
  const next = nextTick(parseCron(content.cron), now);
  if (next === undefined) throw new Error(`no tick follows ${now}`);
  const item = await getItem(scheduleKey(content.scheduleId));
  const before = item && decodeSchedule(item);
  const schedule = await keepBody({ ...content, version: newMessageId(now), createdAt: before?.createdAt ?? now }, now);
  if (before !== undefined) await releaseScheduleBody(before, now);
  const { scheduleId, version, cron } = schedule;
  const row = { scheduleId, version, cron, next, isPaused: false };
  const TableName = requireEnv('TABLE_NAME');
  await transact([
    { Put: { TableName, Item: encodeSchedule(schedule) } },
    { Put: { TableName, Item: encodeScheduleRow(row) } },
  ]);
  await hintNextRun(row, now);
}

/** Keeps a schedule's body where the table cannot. Nobody can foresee for how long. */
async function keepBody(schedule: Schedule, now: number): Promise<Schedule> {
  if (!isLarge(schedule)) return schedule;
  const stored = { key: heldKey(schedule.version), size: schedule.body.length };
  // First, in case that this ends between the body and the schedule.
  await releaseScheduleBody({ ...schedule, stored }, now);
  return { ...schedule, body: new Uint8Array(), stored: await putBody(stored.key, schedule) };
}

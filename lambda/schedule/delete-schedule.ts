import { requireEnv } from '../config';
import { scheduleKey, scheduleRowKey } from '../store/keys';
import { getItem } from '../store/read-items';
import { transact } from '../store/write-items';
import { releaseScheduleBody } from './release-schedule-body';
import { decodeSchedule } from './schedule';

/** Deletes a schedule, if it is there: no run begins any more. Messages of earlier runs still go out. */
export async function deleteSchedule(scheduleId: string, now: number): Promise<void> {
  const item = await getItem(scheduleKey(scheduleId));
  if (item === undefined) return;
  await releaseScheduleBody(decodeSchedule(item), now);
  const TableName = requireEnv('TABLE_NAME');
  await transact([
    { Delete: { TableName, Key: scheduleRowKey(scheduleId) } },
    { Delete: { TableName, Key: scheduleKey(scheduleId) } },
  ]);
}

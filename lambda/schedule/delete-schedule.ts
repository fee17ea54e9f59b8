import { requireEnv } from '../config';
import { scheduleKey, scheduleRowKey } from '../store/keys';
import { transact } from '../store/write-items';

/** Deletes a schedule, if it is there: no run begins any more. Messages of earlier runs still go out. */
export async function deleteSchedule(scheduleId: string): Promise<void> {
  const TableName = requireEnv('TABLE_NAME');
  await transact([
    { Delete: { TableName, Key: scheduleRowKey(scheduleId) } },
    { Delete: { TableName, Key: scheduleKey(scheduleId) } },
  ]);
}

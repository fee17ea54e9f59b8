import { scheduleBodyRelease } from '../wait/schedule-body-release';
import type { Schedule } from './schedule';

/** Long enough for a run that has begun, and for a creation. */
const RELEASE_AFTER_MS = 3_600_000;

/** Has the body of a schedule looked at in an hour: if the schedule is another one by then, it is deleted. */
export async function releaseScheduleBody({ scheduleId, version, stored }: Schedule, now: number): Promise<void> {
  if (stored !== undefined) await scheduleBodyRelease({ messageId: version, scheduleId }, now + RELEASE_AFTER_MS);
}

import { type BodyPart, shownBody, shownHeader } from '../message/shown-header';
import type { FoundSchedule, RunState } from '../schedule/find-schedules';
import { bodyJson, settingsJson } from './message-json';

/** A schedule as the API shows it (QStash docs, "Get a schedule"); what is not set is absent. */
export function scheduleJson(
  { schedule, row, lastRun }: FoundSchedule,
  states: ReadonlyMap<string, RunState>,
  body: BodyPart,
): object {
  const { destination, header, redact } = schedule;
  const lastStates = lastRun?.messageIds.flatMap((id) => (states.has(id) ? [[id, states.get(id)]] : [])) ?? [];
  return {
    scheduleId: schedule.scheduleId,
    cron: schedule.cron,
    createdAt: schedule.createdAt,
    destination: 'url' in destination ? destination.url : destination.topicName,
    method: schedule.method,
    ...(Object.keys(header).length === 0 ? {} : { header: shownHeader(header, redact) }),
    ...bodyJson('body', shownBody(body, schedule)),
    retries: schedule.maxRetries,
    ...(schedule.delay === undefined ? {} : { delay: schedule.delay }),
    ...settingsJson(schedule),
    ...(schedule.queueName === undefined ? {} : { queueName: schedule.queueName }),
    isPaused: row.isPaused,
    ...(row.isPaused ? {} : { nextScheduleTime: row.next }),
    ...(lastRun === undefined
      ? {}
      : { lastScheduleTime: lastRun.tick, lastScheduleStates: Object.fromEntries(lastStates) }),
    ...(lastRun?.error === undefined ? {} : { error: lastRun.error }),
  };
}

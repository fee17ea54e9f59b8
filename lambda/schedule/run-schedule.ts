import { loadBody } from '../callback/load-body';
import { serviceNow } from '../clock';
import { logEvent } from '../logs/write-line';
import { derivedMessageId } from '../message/message-id';
import { EARLY_MS } from '../message/message-state';
import { fanOut } from '../publish/fan-out';
import { type NewMessage, publishMessages } from '../publish/publish-messages';
import { type Item, N, S, scheduleKey, scheduleRowKey } from '../store/keys';
import { getUrlGroup } from '../url-group/find-url-groups';
import type { ScheduleHint } from '../wait/hint';
import { newestTick, nextTick, parseCron } from './cron';
import { getSchedule } from './find-schedules';
import type { LastRun, Schedule, ScheduleRow } from './schedule';
import { updateSchedule } from './update-schedule';

/** A run that begins this long after its tick is late: its messages tell when it began. */
const LATE_MS = 5_000;

/**
 * Runs a schedule, if a tick of it is due: publishes what it says, keeps how that went, and last moves the row on to
 * the tick that follows. Of ticks that were missed only the newest is run. Whatever is done twice has the same
 * ids, which follow from the tick; so a run that ends on the way is done again until the row has moved on. Returns
 * the seconds after which the hint is to come back, if it is too early.
 */
export async function runSchedule({ scheduleId, tick }: ScheduleHint): Promise<number | undefined> {
  const early = tick - serviceNow();
  if (early > EARLY_MS) return Math.ceil(early / 1000);
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  for (;;) {
    const found = await getSchedule(scheduleId);
    if (found === undefined || found.row.isPaused || found.row.next > tick) return undefined;
    const row = await beginRun(found.row);
    if (row !== undefined) return run(found.schedule, row);
  }
}

/** Names in the row the tick that is to be run, and when its run began if that is late; undefined if it has changed. */
async function beginRun(row: ScheduleRow): Promise<ScheduleRow | undefined> {
  const now = serviceNow();
  const tick = newestTick(parseCron(row.cron), row.next, now);
  if (tick === row.next && (row.startedAt !== undefined || now - tick < LATE_MS)) return row;
  const isBegun = await changeRow(row, 'SET #next = :tick, #start = :now', { ':tick': N(tick), ':now': N(now) });
  return isBegun ? { ...row, next: tick, startedAt: now } : undefined;
}

async function run(schedule: Schedule, row: ScheduleRow): Promise<undefined> {
  const tick = row.next;
  const lastRun = await publish(schedule, tick, row.startedAt ?? tick);
  await updateSchedule(scheduleKey(schedule.scheduleId), {
    UpdateExpression: 'SET #last = :last',
    ConditionExpression: 'v = :version',
    ExpressionAttributeNames: { '#last': 'last' },
    ExpressionAttributeValues: { ':last': S(JSON.stringify(lastRun)), ':version': S(schedule.version) },
  });
  const next = nextTick(parseCron(row.cron), tick)!;
  await changeRow(row, 'SET #next = :next REMOVE #start', { ':next': N(next) });
}

/** False when the row has changed since it was read. */
function changeRow(row: ScheduleRow, UpdateExpression: string, values: Item): Promise<boolean> {
  const { scheduleId, version, next, startedAt } = row;
  const start = startedAt === undefined ? 'attribute_not_exists(#start)' : '#start = :start';
  return updateSchedule(scheduleRowKey(scheduleId), {
    UpdateExpression,
    ConditionExpression: `v = :version AND #next = :before AND ${start}`,
    ExpressionAttributeNames: { '#next': 'next', '#start': 'start' },
    ExpressionAttributeValues: {
      ...values,
      ':version': S(version),
      ':before': N(next),
      ...(startedAt === undefined ? {} : { ':start': N(startedAt) }),
    },
  });
}

/** Publishes the messages of the run for a tick, which follow from when it began. */
async function publish(schedule: Schedule, tick: number, startedAt: number): Promise<LastRun> {
  const { scheduleId, version } = schedule;
  const contents = await contentsOf(schedule, startedAt);
  if (typeof contents === 'string') {
    logEvent('scheduleError', { scheduleId, error: contents, time: startedAt });
    return { tick, messageIds: [], error: contents };
  }
  const results = await publishMessages(
    contents.map((content) => {
      const { url, endpointName = '' } = content;
      return { ...content, messageId: derivedMessageId(startedAt, scheduleId, version, tick, url, endpointName) };
    }),
    startedAt,
  );
  const messageIds = results.map((result) => {
    if (result instanceof Error) throw result;
    return result.messageId;
  });
  logEvent('scheduleRun', { scheduleId, messages: messageIds.length, time: startedAt });
  return { tick, messageIds };
}

/** What a run publishes; why it can't, if its URL group is not there. */
async function contentsOf(schedule: Schedule, startedAt: number): Promise<NewMessage[] | string> {
  const {
    version: _,
    createdAt: _created,
    cron: _cron,
    stored: _stored,
    destination,
    queueName,
    ...content
  } = schedule;
  const { delay = 0, ...settings } = content;
  const body = await loadBody(schedule);
  if (body === undefined) return 'its body is no longer stored';
  const message = { ...settings, body, notBefore: startedAt + Math.round(delay * 1000) };
  if ('url' in destination) return [{ ...message, url: destination.url }];
  const group = await getUrlGroup(destination.topicName);
  if (group === undefined) return `url group not found: ${destination.topicName}`;
  return group.endpoints.length === 0 ? `url group has no endpoints: ${group.name}` : fanOut(message, group);
}

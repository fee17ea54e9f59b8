import { loadBody } from '../callback/load-body';
import { serviceNow } from '../clock';
import { logEvent } from '../logs/write-line';
import { derivedMessageId } from '../message/message-id';
import { EARLY_MS } from '../message/message-state';
import { fanOut } from '../publish/fan-out';
import { type NewMessage, publishMessages } from '../publish/publish-messages';
import { takePlaces } from '../queue/take-places';
import { type Item, N, S, scheduleKey, scheduleRowKey } from '../store/keys';
import { getUrlGroup } from '../url-group/find-url-groups';
import type { ScheduleHint } from '../wait/hint';
import { newestTick, nextTick, parseCron } from './cron';
import { type FoundSchedule, getSchedule } from './find-schedules';
import type { LastRun, RunPlaces, Schedule, ScheduleRow } from './schedule';
import { updateSchedule } from './update-schedule';

/**
 * Runs a schedule, if a tick of it is due: notes that it begins, publishes what it says, keeps how that went, and
 * last moves the row on to the tick that follows. Of ticks that were missed only the newest is run. A run that ends on
 * the way is done again until the row has moved on, with the same messages. Returns the seconds after which the hint
 * is to come back, if it is too early.
 */
export async function runSchedule({ scheduleId, tick }: ScheduleHint): Promise<number | undefined> {
  const early = tick - serviceNow();
  if (early > EARLY_MS) return Math.ceil(early / 1000);
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  for (;;) {
    const found = await getSchedule(scheduleId);
    if (found === undefined || found.row.isPaused || found.row.next > tick) return undefined;
    const row = await beginRun(found.row);
    if (row !== undefined && (await run(found, row))) return undefined;
  }
}

/** The row of a run that has begun. */
type BegunRow = ScheduleRow & { readonly startedAt: number };

/**
 * Notes in the row which tick is run, and since when: what it publishes follows from that. Undefined when the row has
 * changed since it was read.
 */
async function beginRun(row: ScheduleRow): Promise<BegunRow | undefined> {
  const now = serviceNow();
  const tick = newestTick(parseCron(row.cron), row.next, now);
  if (tick === row.next && row.startedAt !== undefined) return { ...row, startedAt: row.startedAt };
  const isBegun = await changeRow(
    row,
    'SET #next = :tick, #start = :now',
    { ':tick': N(tick), ':now': N(now), ':going': { BOOL: false } },
    ' AND paused = :going',
  );
  return isBegun ? { ...row, next: tick, startedAt: now } : undefined;
}

/** False when the schedule has changed: it is to be looked at again. */
async function run(found: FoundSchedule, row: BegunRow): Promise<boolean> {
  const { schedule } = found;
  const messages = await messagesOf(schedule, row);
  const placed = typeof messages === 'string' ? messages : await inPlaces(found, row.next, messages);
  if (placed === undefined) return false;
  const lastRun = typeof placed === 'string' ? failedRun(row, placed) : await publish(row, placed);
  const isTold = await changeSchedule(schedule, 'SET lastRun = :lastRun', { ':lastRun': S(JSON.stringify(lastRun)) });
  if (!isTold) return false;
  const next = nextTick(parseCron(row.cron), row.next)!;
  await changeRow(row, 'SET #next = :next REMOVE #start', { ':next': N(next) });
  return true;
}

/** False when the row has changed since it was read, or does not fit a further condition. */
function changeRow(row: ScheduleRow, UpdateExpression: string, values: Item, condition = ''): Promise<boolean> {
  const { scheduleId, version, next, startedAt } = row;
  const start = startedAt === undefined ? 'attribute_not_exists(#start)' : '#start = :start';
  return updateSchedule(scheduleRowKey(scheduleId), {
    UpdateExpression,
    ConditionExpression: `v = :version AND #next = :before AND ${start}${condition}`,
    ExpressionAttributeNames: { '#next': 'next', '#start': 'start' },
    ExpressionAttributeValues: {
      ...values,
      ':version': S(version),
      ':before': N(next),
      ...(startedAt === undefined ? {} : { ':start': N(startedAt) }),
    },
  });
}

/** False when it was deleted or replaced since it was read, or does not fit a further condition. */
function changeSchedule(
  { scheduleId, version }: Schedule,
  UpdateExpression: string,
  values: Item,
  condition = '',
): Promise<boolean> {
  return updateSchedule(scheduleKey(scheduleId), {
    UpdateExpression,
    ConditionExpression: `v = :version${condition}`,
    ExpressionAttributeValues: { ...values, ':version': S(version) },
  });
}

/** A message of a run: its id follows from the run, so that it exists once. */
type RunMessage = NewMessage & { readonly messageId: string };

/** What a run publishes; why it can't, if its URL group or its body is not there. */
async function messagesOf(schedule: Schedule, row: BegunRow): Promise<RunMessage[] | string> {
  const { version, createdAt: _, cron: _cron, stored: _stored, queueName: _queue, destination, ...content } = schedule;
  const { delay = 0, ...settings } = content;
  const body = await loadBody(schedule);
  if (body === undefined) return 'its body is no longer stored';
  const { scheduleId, next, startedAt } = row;
  const message = { ...settings, body, notBefore: startedAt + Math.round(delay * 1000) };
  const toMessage = (each: NewMessage): RunMessage => ({
    ...each,
    messageId: derivedMessageId(startedAt, scheduleId, version, next, each.url, each.endpointName ?? ''),
  });
  if ('url' in destination) return [toMessage({ ...message, url: destination.url })];
  const group = await getUrlGroup(destination.topicName);
  if (group === undefined) return `url group not found: ${destination.topicName}`;
  if (group.endpoints.length === 0) return `url group has no endpoints: ${group.name}`;
  return fanOut(message, group).map(toMessage);
}

/**
 * The messages with their places in the queue, if the schedule has one. Places are kept before they are used; an
 * endpoint that is new when the run is done again has none. Undefined when somebody else has kept others.
 */
async function inPlaces(
  { schedule, places }: FoundSchedule,
  tick: number,
  messages: RunMessage[],
): Promise<RunMessage[] | undefined> {
  const { queueName: name } = schedule;
  if (name === undefined) return messages;
  const seqs = places?.tick === tick ? places.seqs : await keepPlaces(schedule, name, tick, messages);
  return (
    seqs &&
    messages.flatMap((each) => {
      const seq = seqs[each.messageId];
      return seq === undefined ? [] : [{ ...each, queue: { name, seq } }];
    })
  );
}

async function keepPlaces(
  schedule: Schedule,
  queueName: string,
  tick: number,
  messages: readonly RunMessage[],
): Promise<RunPlaces['seqs'] | undefined> {
  // Whether there may be this queue was asked when the schedule was created.
  const places = await takePlaces(queueName, messages.length, serviceNow(), async () => undefined);
  const seqs = Object.fromEntries(messages.map(({ messageId }, index) => [messageId, places[index]!.seq]));
  const isKept = await changeSchedule(
    schedule,
    'SET seqs = :seqs, tick = :tick',
    { ':seqs': S(JSON.stringify(seqs)), ':tick': N(tick) },
    ' AND (attribute_not_exists(tick) OR tick < :tick)',
  );
  return isKept ? seqs : undefined;
}

function failedRun(row: BegunRow, error: string): LastRun {
  logEvent('scheduleError', { scheduleId: row.scheduleId, error, time: row.startedAt });
  return { tick: row.next, messageIds: [], error };
}

async function publish(row: BegunRow, messages: readonly RunMessage[]): Promise<LastRun> {
  const results = await publishMessages(messages, row.startedAt);
  const failed = results.find((result) => result instanceof Error);
  if (failed !== undefined) throw failed;
  const messageIds = messages.map(({ messageId }) => messageId);
  logEvent('scheduleRun', { scheduleId: row.scheduleId, messages: messageIds.length, time: row.startedAt });
  return { tick: row.next, messageIds };
}

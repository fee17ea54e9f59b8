import { requireNumber } from '../config';
import { canonicalName } from '../message/header-map';
import { hasQueue } from '../queue/find-queues';
import type { ScheduleContent } from '../schedule/create-schedule';
import { CronError, parseCron } from '../schedule/cron';
import type { ApiRequest } from './api-request';
import { isName } from './destination';
import { refuseTooManyQueues } from './enqueue';
import { badRequest, HttpError } from './http-error';
import { printable } from './printable';
import { type Destination, destinationOf, readOptions, readTarget } from './read-publish';

/** What schedules have and messages do not, by lower-case names. */
const OWN: ReadonlySet<string> = new Set(['upstash-cron', 'upstash-schedule-id', 'upstash-queue-name']);

/** What messages have and schedules do not, with the reason. */
const REFUSED = {
  'upstash-not-before': 'Upstash-Cron says when it runs (Upstash-Delay delays each of its messages)',
  'upstash-deduplication-id': 'it publishes once for each tick anyway',
  'upstash-content-based-deduplication': 'it publishes once for each tick anyway',
};

const CRON_ERROR_LENGTH = 400;

/**
 * Reads and checks a schedule: the settings of a publish, each as a header or in the query, and those of its own.
 * Refuses what is malformed, and what makes no sense for a schedule, with 400; an unknown URL group with 404; and
 * what is beyond a limit with 412 or 413.
 */
export async function readSchedule(request: ApiRequest, rest: string): Promise<ScheduleContent> {
  const maximum = requireNumber('MAX_MESSAGE_BYTES');
  if (request.body.length > maximum) {
    throw new HttpError(413, `message too large: ${request.body.length} bytes, at most ${maximum} are accepted`);
  }
  const target = await readTarget(destinationOf(rest, request));
  for (const [name, reason] of Object.entries(REFUSED)) {
    if (settingOf(request, name) === undefined) continue;
    throw badRequest(`invalid ${canonicalName(name)}: a schedule cannot have it, because ${reason}`);
  }
  const cron = readCron(settingOf(request, 'upstash-cron'));
  const scheduleId = readName(request, 'upstash-schedule-id');
  const queueName = readName(request, 'upstash-queue-name');
  if (queueName !== undefined && !(await hasQueue(queueName))) await refuseTooManyQueues();
  const options = await readOptions(withoutOwn(request), withoutRefused(target));
  const { notBefore, deduplicationId: _, contentBasedDeduplication: _flag, ...content } = options;
  return {
    ...content,
    scheduleId: scheduleId ?? `scd_${crypto.randomUUID().replaceAll('-', '')}`,
    cron,
    destination: 'url' in target ? target : { topicName: target.group.name },
    body: request.body,
    ...(notBefore === request.now ? {} : { delay: (notBefore - request.now) / 1000 }),
    ...(queueName === undefined ? {} : { queueName }),
    ...(request.callerIp === undefined ? {} : { callerIp: request.callerIp }),
  };
}

/** What the request says of the messages. */
function withoutOwn(request: ApiRequest): ApiRequest {
  const isOther = ([name]: readonly [string, unknown]) => !OWN.has(name.toLowerCase());
  const headers = Object.fromEntries(Object.entries(request.headers).filter(isOther));
  return { ...request, headers, query: new URLSearchParams([...request.query].filter(isOther)) };
}

/** A header counts before the query, as with the settings of a publish. */
function settingOf({ headers, query }: ApiRequest, name: string): string | undefined {
  return headers[name] ?? [...query].find(([parameter]) => parameter.toLowerCase() === name)?.[1];
}

/** What a URL group gives its messages, as far as schedules have it. */
function withoutRefused(target: Destination): Destination {
  if ('url' in target) return target;
  const headers = Object.entries(target.group.headers).filter(([name]) => !Object.hasOwn(REFUSED, name));
  return { group: { ...target.group, headers: Object.fromEntries(headers) } };
}

function readCron(text: string | undefined): string {
  if (text === undefined) throw badRequest('invalid Upstash-Cron: it is missing');
  try {
    return parseCron(text).text;
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    throw badRequest(`invalid Upstash-Cron: ${printable(error.message, CRON_ERROR_LENGTH)}`);
  }
}

function readName(request: ApiRequest, setting: string): string | undefined {
  const name = settingOf(request, setting)?.trim();
  if (name === undefined || isName(name)) return name;
  const allowed = 'may hold letters, digits, ".", "_" and "-", 256 at most';
  throw badRequest(`invalid ${canonicalName(setting)}: "${printable(name)}" ${allowed}`);
}

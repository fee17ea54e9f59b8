import { bytes, destination, HEADER_MAP, METHOD, QUERY_TOO, SETTINGS, SETTINGS_TOGETHER } from './messages';
import { operation, type Part, type Paths } from './operation';
import { components, DELAY, DELIVERY, header, inPath, referred } from './parameters';
import { flag, list, named, object, type Schema, text, time, together, whole } from './schema';

const SCHEDULE: readonly Part[] = [
  {
    ...header(
      'Upstash-Cron',
      text('Five fields, in UTC or after `CRON_TZ=<zone> `.'),
      'CRON_TZ=Europe/Berlin 30 9 * * 1-5',
    ),
    required: true,
  },
  header('Upstash-Schedule-Id', text('Creates or replaces this schedule.'), 'my-schedule'),
  header('Upstash-Queue-Name', text('Queue that each run is enqueued in.'), 'my-queue'),
];

export const SCHEDULE_HEADERS = components(SCHEDULE);

const SCHEDULE_ID = text('Letters, digits, `.`, `_` and `-`');

export const SCHEDULE_SCHEMAS = {
  Schedule: object(
    {
      scheduleId: SCHEDULE_ID,
      cron: text('As given, less the spaces around it'),
      destination: text('URL, or name of a URL group'),
      method: METHOD,
      retries: whole('Retries of each message'),
      createdAt: time('Creation'),
      isPaused: flag('Whether runs are skipped'),
    },
    {
      header: HEADER_MAP,
      ...bytes('body', 'Body'),
      ...SETTINGS,
      callbackHeader: HEADER_MAP,
      failureCallbackHeader: HEADER_MAP,
      delay: { type: 'number', description: 'How long each message waits, seconds' },
      timeout: { type: 'number', description: 'Longest attempt, seconds' },
      queueName: text('Queue of the messages'),
      lastScheduleTime: time('Last run'),
      nextScheduleTime: time('Next run, unless it is paused'),
      lastScheduleStates: {
        type: 'object',
        description: 'How the messages of the last run stand, by their ids',
        additionalProperties: { type: 'string', enum: ['IN_PROGRESS', 'SUCCESS', 'FAIL'] },
      },
      error: text('Why the last run failed'),
    },
    { dependentRequired: { ...SETTINGS_TOGETHER, ...together('lastScheduleTime', 'lastScheduleStates') } },
  ),
} satisfies Record<string, Schema>;

const tag = 'Schedules';
const scheduleId = inPath('scheduleId', 'Id of a schedule', 'my-schedule');
/** Clients ask by POST or by PATCH. */
const asked = (id: string, summary: string): Readonly<Record<string, Part>> =>
  Object.fromEntries(
    ['post', 'patch'].map((method) => [
      method,
      operation('write', {
        id: method === 'post' ? id : `${id}ByPatch`,
        tag,
        summary,
        parameters: [scheduleId],
        answers: { 200: object({}) },
        // By POST, what is no id might have been a destination.
        refusals: method === 'post' ? [400, 404] : [404],
      }),
    ]),
  );

export const SCHEDULE_PATHS: Paths = {
  '/v2/schedules/{destination}': {
    post: operation('write', {
      id: 'createSchedule',
      tag,
      summary: 'Create or replace a schedule',
      description: `Publishes the body to the destination by the cron expression. ${QUERY_TOO}`,
      parameters: [destination, ...referred([...SCHEDULE, ...DELIVERY, DELAY])],
      body: 'anything',
      answers: { 200: object({ scheduleId: SCHEDULE_ID }) },
      refusals: [400, 404, 412, 413],
    }),
  },
  '/v2/schedules': {
    get: operation('read', {
      id: 'listSchedules',
      tag,
      summary: 'List schedules',
      answers: { 200: list(named('Schedule')) },
    }),
  },
  '/v2/schedules/{scheduleId}': {
    get: operation('read', {
      id: 'getSchedule',
      tag,
      summary: 'Get a schedule',
      parameters: [scheduleId],
      answers: { 200: named('Schedule') },
      refusals: [404],
    }),
    delete: operation('write', {
      id: 'deleteSchedule',
      tag,
      summary: 'Delete a schedule',
      description: 'Also if there is none. Messages of earlier runs are delivered.',
      parameters: [scheduleId],
      answers: { 200: object({}) },
    }),
  },
  '/v2/schedules/{scheduleId}/pause': asked('pauseSchedule', 'Skip the runs of a schedule'),
  '/v2/schedules/{scheduleId}/resume': asked('resumeSchedule', 'Let a schedule run again'),
};

import { loadShownBody } from '../callback/load-body';
import { requireNumber } from '../config';
import { type BodyPart, LISTED_BODY_BYTES } from '../message/shown-header';
import { createSchedule } from '../schedule/create-schedule';
import { deleteSchedule } from '../schedule/delete-schedule';
import { type FoundSchedule, getSchedule, listScheduleRows, listSchedules, statesOf } from '../schedule/find-schedules';
import { pauseSchedule, resumeSchedule } from '../schedule/pause-schedule';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { isName } from './destination';
import { notFound, overLimit } from './http-error';
import { fitBody, fitList, MAX_ANSWER_BYTES } from './page';
import { printable } from './printable';
import { readSchedule } from './read-schedule';
import type { Route } from './router';
import { scheduleJson } from './schedule-json';

const missing = (scheduleId: string) => notFound(`schedule not found: ${printable(scheduleId)}`);

async function create(request: ApiRequest, rest: string): Promise<ApiResponse> {
  const content = await readSchedule(request, rest);
  const { scheduleId } = content;
  await refuseTooMany(scheduleId);
  await createSchedule(content, request.now);
  return ok({ scheduleId });
}

/** At the limit, those that are there can still be replaced. */
async function refuseTooMany(scheduleId: string): Promise<void> {
  const maximum = requireNumber('MAX_SCHEDULES');
  const rows = await listScheduleRows(true);
  if (rows.length < maximum || rows.some((row) => row.scheduleId === scheduleId)) return;
  throw overLimit(`too many schedules: this service has ${maximum} at most`);
}

const PAUSE = /^([A-Za-z0-9._-]+)\/(pause|resume)$/;

/** Undefined when the path names no schedule to pause or resume: `https://example.com/pause` is a destination. */
async function pauseOrResume({ now }: ApiRequest, rest: string): Promise<ApiResponse | undefined> {
  const [, scheduleId, verb] = PAUSE.exec(rest) ?? [];
  if (scheduleId === undefined) return undefined;
  if (!isName(scheduleId)) throw missing(scheduleId);
  const isFound = verb === 'pause' ? await pauseSchedule(scheduleId) : await resumeSchedule(scheduleId, now);
  if (!isFound) throw missing(scheduleId);
  return ok({});
}

async function get(scheduleId: string): Promise<ApiResponse> {
  // A longer one would be too long for a key.
  const found = isName(scheduleId) ? await getSchedule(scheduleId) : undefined;
  if (found === undefined) throw missing(scheduleId);
  const states = await statesOf(found.lastRun?.messageIds ?? []);
  const body = await loadShownBody(found.schedule, MAX_ANSWER_BYTES);
  return ok(fitBody(body, (part) => scheduleJson(found, states, part)));
}

async function list(): Promise<ApiResponse> {
  const found = await listSchedules();
  const states = await statesOf(found.flatMap(({ lastRun }) => lastRun?.messageIds ?? []));
  const loading = found.map(
    async (each): Promise<[FoundSchedule, BodyPart]> => [each, await loadShownBody(each.schedule, LISTED_BODY_BYTES)],
  );
  const entries = fitList(await Promise.all(loading), ([each, body], maxBodyBytes) => {
    const isCut = each.schedule.redact?.body !== true && body.bytes.length > maxBodyBytes;
    return scheduleJson(each, states, isCut ? { bytes: body.bytes.subarray(0, maxBodyBytes), isCut } : body);
  });
  return ok(entries);
}

export const SCHEDULE_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v2/schedules/*',
    access: 'write',
    answer: async (request, { rest = '' }) => (await pauseOrResume(request, rest)) ?? create(request, rest),
  },
  {
    method: 'PATCH',
    path: '/v2/schedules/*',
    access: 'write',
    answer: async (request, { rest = '' }) => {
      const answer = await pauseOrResume(request, rest);
      if (answer === undefined) throw notFound(`there is no ${printable(rest)} to pause or resume`);
      return answer;
    },
  },
  { method: 'GET', path: '/v2/schedules', access: 'read', answer: list },
  {
    method: 'GET',
    path: '/v2/schedules/:scheduleId',
    access: 'read',
    answer: (_request, { scheduleId = '' }) => get(scheduleId),
  },
  {
    method: 'DELETE',
    path: '/v2/schedules/:scheduleId',
    access: 'write',
    answer: async ({ now }, { scheduleId = '' }) => {
      if (isName(scheduleId)) await deleteSchedule(scheduleId, now);
      return ok({});
    },
  },
];

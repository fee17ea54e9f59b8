import { requireEnv, requireNumber } from '../config';
import { changeFlowLimits } from '../flow-control/change-flow-limits';
import { countAttempts } from '../flow-control/count-attempts';
import { type FlowKey, getFlowKey, listFlowKeys } from '../flow-control/find-flow-keys';
import { windowAt } from '../message/dispatch-plan';
import { type FlowLimits, newFlowLimits, pin, resetRate, unpin } from '../message/flow-limits';
import { sendWake } from '../wait/wake';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { readFlowControlKey, readNumber, readPeriod } from './flow-control-value';
import { badRequest, notFound } from './http-error';
import { printable } from './printable';
import type { Route } from './router';
import { invalid, readQuery } from './selection';

/** Keys in one answer, which has no cursor: a longer list must be searched. */
const MAX_LISTED = 1_000;
/** Destinations that one execution of a delivery function calls at once, and how many such functions there are. */
const ATTEMPTS_OF_AN_EXECUTION = 10;
const DELIVERY_FUNCTIONS = 2;

/** A limit that is not set is 0; the start of a period is in seconds, as QStash has it. */
function keyJson({ key, limits, slots, waiting }: FlowKey, now: number): object {
  const { parallelism = 0, rate = 0, period, window } = limits;
  const current = window && windowAt(limits, now);
  return {
    flowControlKey: key,
    waitListSize: waiting,
    parallelismMax: parallelism,
    parallelismCount: slots,
    rateMax: rate,
    rateCount: current?.count ?? 0,
    ratePeriod: period,
    ratePeriodStart: Math.floor((current?.start ?? 0) / 1000),
    isPaused: limits.paused,
    isPinnedParallelism: limits.isPinnedParallelism,
    isPinnedRate: limits.isPinnedRate,
  };
}

/** A path's rest: HTTP APIs have decoded it already, Function URLs leave it as it was sent. */
function decoded(rest: string): string {
  if (requireEnv('FRONT_DOOR') !== 'functionUrl') return rest;
  try {
    return decodeURIComponent(rest);
  } catch {
    throw badRequest(`invalid flow control key: "${printable(rest)}" is not percent-encoded text`);
  }
}

async function list(request: ApiRequest): Promise<ApiResponse> {
  const search = readQuery(request, { search: 'one' }).one('search') ?? '';
  const keys = await listFlowKeys(search, MAX_LISTED, request.now);
  return ok(keys.map((key) => keyJson(key, request.now)));
}

async function get({ now }: ApiRequest, rest: string): Promise<ApiResponse> {
  const key = readKey(decoded(rest));
  const found = await getFlowKey(key, now);
  if (found === undefined) throw notFound(`flow control key not found: ${printable(key)}`);
  return ok(keyJson(found, now));
}

const readKey = (text: string) => readFlowControlKey(text, 'flow control key');

/** What a request changes of the limits of a key; of a key that there is not, undefined where nothing is to be kept. */
type Change = (limits: FlowLimits | undefined) => FlowLimits | undefined;

const CHANGES: Readonly<Record<string, (request: ApiRequest) => Change>> = {
  // Also of a key that is not there yet: what is told to be paused delivers nothing.
  pause: () => (limits) => ({ ...(limits ?? UNLIMITED), paused: true }),
  resume: () => (limits) => limits && { ...limits, paused: false },
  pin: (request) => {
    const pins = readPins(request);
    return (limits) => pin(limits ?? UNLIMITED, pins, request.now);
  },
  unpin: (request) => {
    const which = readUnpin(request);
    return (limits) => limits && unpin(limits, which);
  },
  resetRate:
    ({ now }) =>
    (limits) =>
      limits && resetRate(limits, now),
};

const UNLIMITED = newFlowLimits({ period: 1 });

/** The last part of the path says what is to be done; a key may have slashes in it. */
async function change(request: ApiRequest, rest: string): Promise<ApiResponse> {
  const end = rest.lastIndexOf('/');
  const verb = rest.slice(end + 1);
  const toChange = Object.hasOwn(CHANGES, verb) ? CHANGES[verb]! : undefined;
  if (toChange === undefined || end < 1) throw notFound(`there is no ${printable(request.path)}`);
  const key = readKey(decoded(rest.slice(0, end)));
  const changing = toChange(request);
  if (changing(undefined) === undefined && (await getFlowKey(key, request.now)) === undefined) return ok({});
  await changeFlowLimits(key, request.now, (limits) => changing(limits) ?? UNLIMITED);
  // Whoever asks for it may do so because something seems to stand still.
  await sendWake({ list: { kind: 'flow', name: key }, check: true });
  return ok({});
}

function readPins(request: ApiRequest) {
  const query = readQuery(request, { parallelism: 'one', rate: 'one', period: 'one' });
  const [parallelism, rate] = (['parallelism', 'rate'] as const).map((name) =>
    readNumber(query.one(name), name, 'query'),
  );
  const period = query.one('period');
  if (parallelism === undefined && rate === undefined) throw badRequest('pin needs parallelism or rate');
  if (period !== undefined && rate === undefined) throw badRequest('invalid period: it needs a rate');
  return {
    ...(parallelism === undefined ? {} : { parallelism }),
    ...(rate === undefined ? {} : { rate }),
    ...(period === undefined ? {} : { period: readPeriod(period, 'period') }),
  };
}

function readUnpin(request: ApiRequest) {
  const query = readQuery(request, { parallelism: 'one', rate: 'one' });
  const [parallelism = false, rate = false] = (['parallelism', 'rate'] as const).map((name) => {
    const text = query.one(name) ?? 'false';
    if (text !== 'true' && text !== 'false') throw invalid(name, text, 'is not true or false');
    return text === 'true';
  });
  return { parallelism, rate };
}

async function globalParallelism(): Promise<ApiResponse> {
  const parallelismMax = requireNumber('MAX_CONCURRENCY') * ATTEMPTS_OF_AN_EXECUTION * DELIVERY_FUNCTIONS;
  return ok({ parallelismMax, parallelismCount: await countAttempts() });
}

export const FLOW_CONTROL_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v2/flowControl', access: 'read', answer: list },
  { method: 'GET', path: '/v2/flowControl/*', access: 'read', answer: (request, { rest = '' }) => get(request, rest) },
  {
    method: 'POST',
    path: '/v2/flowControl/*',
    access: 'write',
    answer: (request, { rest = '' }) => change(request, rest),
  },
  { method: 'GET', path: '/v2/globalParallelism', access: 'read', answer: globalParallelism },
];

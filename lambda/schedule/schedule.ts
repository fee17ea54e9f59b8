import type { Message } from '../message/message';
import { type Item, N, S, scheduleKey, scheduleRowKey } from '../store/keys';

/** What every run of a schedule publishes, and when. */
export interface Schedule
  extends Pick<
    Message,
    | 'method'
    | 'header'
    | 'body'
    | 'stored'
    | 'maxRetries'
    | 'retryDelayExpression'
    | 'timeout'
    | 'callback'
    | 'failureCallback'
    | 'labels'
    | 'callerIp'
    | 'flowControl'
    | 'redact'
  > {
  readonly scheduleId: string;
  /** Another one each time the schedule is replaced. */
  readonly version: string;
  /** When its id was first created, milliseconds. */
  readonly createdAt: number;
  /** A cron expression. */
  readonly cron: string;
  readonly destination: { readonly url: string } | { readonly topicName: string };
  readonly queueName?: string;
  /** Seconds that each message waits before its first attempt. */
  readonly delay?: number;
}

/** How the last run went. */
export interface LastRun {
  /** The tick that it was for, milliseconds. */
  readonly tick: number;
  readonly messageIds: readonly string[];
  /** Why it published nothing. */
  readonly error?: string;
}

/** The places that the messages of a run have in its queue, which must be the same if it is done again. */
export interface RunPlaces {
  readonly tick: number;
  /** By message id. */
  readonly seqs: Readonly<Record<string, number>>;
}

/** When a schedule runs next. */
export interface ScheduleRow {
  readonly scheduleId: string;
  readonly version: string;
  readonly cron: string;
  /** The tick of the next run, milliseconds; a schedule that is paused has none. */
  readonly next: number;
  /** When the run for {@link next} began; absent until then. */
  readonly startedAt?: number;
  readonly isPaused: boolean;
}

export function encodeSchedule({ scheduleId, version, body, ...rest }: Schedule): Item {
  return {
    ...scheduleKey(scheduleId),
    v: S(version),
    d: S(JSON.stringify(rest)),
    ...(body.length > 0 ? { b: { B: body } } : {}),
  };
}

export function decodeSchedule(item: Item): Schedule {
  return {
    ...(JSON.parse(item.d!.S!) as Omit<Schedule, 'scheduleId' | 'version' | 'body'>),
    scheduleId: item.pk!.S!.slice('schedule#'.length),
    version: item.v!.S!,
    body: item.b?.B ?? new Uint8Array(),
  };
}

export function decodePlaces(item: Item): RunPlaces | undefined {
  if (item.seqs === undefined) return undefined;
  return { tick: Number(item.tick!.N), seqs: JSON.parse(item.seqs.S!) as RunPlaces['seqs'] };
}

export function decodeLastRun(item: Item): LastRun | undefined {
  return item.lastRun === undefined ? undefined : (JSON.parse(item.lastRun.S!) as LastRun);
}

export function encodeScheduleRow({ scheduleId, version, cron, next, isPaused }: ScheduleRow): Item {
  return { ...scheduleRowKey(scheduleId), v: S(version), cron: S(cron), next: N(next), paused: { BOOL: isPaused } };
}

export function decodeScheduleRow(item: Item): ScheduleRow {
  return {
    scheduleId: item.sk!.S!,
    version: item.v!.S!,
    cron: item.cron!.S!,
    next: Number(item.next!.N),
    startedAt: item.start === undefined ? undefined : Number(item.start.N),
    isPaused: item.paused!.BOOL!,
  };
}

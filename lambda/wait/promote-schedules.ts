import { logFault } from '../logs/write-line';
import { nextTick, parseCron } from '../schedule/cron';
import { listScheduleRows } from '../schedule/find-schedules';
import type { ScheduleRow } from '../schedule/schedule';
import { sendMessages } from '../store/batches';
import { encodeScheduleHint } from './hint';
import { delaySeconds, queueUrlOf, sendEncoded } from './schedule-attempt';

/** Hints of ticks are sent this long before them: at each promotion those up to the next one, and a little more. */
const AHEAD_MS = 65_000;
/** The hint of a tick that is not run by then is sent again. */
const OVERDUE_MS = 10_000;

/** What is asked of a row. */
type Waiting = Pick<ScheduleRow, 'scheduleId' | 'cron' | 'next'>;

/**
 * Sends the hint of every tick that comes before the next promotion, and again that of ticks which are overdue: a
 * lost hint delays one run and stops no schedule. Returns when there is something to do again; undefined while no
 * schedule waits.
 */
export async function promoteSchedules(now: number): Promise<{ readonly nextWorkAt: number | undefined }> {
  const rows = (await listScheduleRows(false)).filter(({ isPaused }) => !isPaused);
  const works = rows.map((row) => workOf(row, now));
  const outgoing = works.flatMap(({ scheduleId, ticks }) =>
    ticks.map((tick) => ({ body: encodeScheduleHint({ scheduleId, tick }), delay: delaySeconds(tick, now) })),
  );
  const sent = await sendMessages(queueUrlOf('deliveries'), outgoing);
  if (sent.length < outgoing.length) return { nextWorkAt: now };
  return { nextWorkAt: works.length === 0 ? undefined : Math.min(...works.map(({ nextWorkAt }) => nextWorkAt)) };
}

/** Sends the hint of a schedule's next tick, if the next promotion may come too late for it. */
export async function hintNextRun({ scheduleId, next }: Waiting, now: number): Promise<void> {
  if (next > now + AHEAD_MS) return;
  await sendEncoded('deliveries', encodeScheduleHint({ scheduleId, tick: next }), delaySeconds(next, now));
}

interface Work {
  readonly scheduleId: string;
  /** To be hinted at. */
  readonly ticks: readonly number[];
  readonly nextWorkAt: number;
}

function workOf({ scheduleId, cron: text, next }: Waiting, now: number): Work {
  if (next > now + AHEAD_MS) return { scheduleId, ticks: [], nextWorkAt: next - AHEAD_MS };
  const ticks = next <= now - OVERDUE_MS ? [next] : [];
  try {
    const cron = parseCron(text);
    let tick: number | undefined = next > now ? next : nextTick(cron, now);
    for (; tick !== undefined && tick <= now + AHEAD_MS; tick = nextTick(cron, tick)) ticks.push(tick);
    return {
      scheduleId,
      ticks,
      nextWorkAt: Math.min(next + OVERDUE_MS, (tick ?? Number.POSITIVE_INFINITY) - AHEAD_MS),
    };
  } catch (error) {
    // One that this version cannot read is no matter of the others.
    logFault('readCron', error, { scheduleId });
    return { scheduleId, ticks, nextWorkAt: Number.POSITIVE_INFINITY };
  }
}

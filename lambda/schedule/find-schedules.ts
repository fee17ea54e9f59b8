import { isTerminal } from '../message/message-state';
import { type Item, messageKey, SCHEDULE_PARTITION, scheduleKey, scheduleRowKey, stateKey } from '../store/keys';
import { decodeState } from '../store/message-items';
import { getItems, queryPartition } from '../store/read-items';
import {
  decodeLastRun,
  decodePlaces,
  decodeSchedule,
  decodeScheduleRow,
  type LastRun,
  type RunPlaces,
  type Schedule,
  type ScheduleRow,
} from './schedule';

/** Times that a schedule is read which is replaced again and again. */
const MAX_READS = 10;

/** A schedule with what the table says about where it stands. */
export interface FoundSchedule {
  readonly schedule: Schedule;
  readonly row: ScheduleRow;
  readonly lastRun: LastRun | undefined;
  /** Those of the latest run that is enqueued. */
  readonly places: RunPlaces | undefined;
}

/** The rows of all schedules, by id. `consistent`: those of the last second too, at twice the price. */
export async function listScheduleRows(consistent: boolean): Promise<ScheduleRow[]> {
  const rows: ScheduleRow[] = [];
  let after: string | undefined;
  do {
    const page = await queryPartition({ partition: SCHEDULE_PARTITION, from: '!', to: '~', after, consistent });
    rows.push(...page.items.map(decodeScheduleRow));
    after = page.lastSort;
  } while (after !== undefined);
  return rows;
}

export async function getSchedule(scheduleId: string): Promise<FoundSchedule | undefined> {
  const [found] = await loadSchedules([scheduleId]);
  return found;
}

/** Every schedule, by id. */
export async function listSchedules(): Promise<FoundSchedule[]> {
  return loadSchedules((await listScheduleRows(true)).map(({ scheduleId }) => scheduleId));
}

/** Those schedules that exist, in the order of the ids. */
async function loadSchedules(scheduleIds: readonly string[]): Promise<FoundSchedule[]> {
  const found = new Map<string, FoundSchedule>();
  let missing = scheduleIds;
  for (let reads = 0; missing.length > 0; reads++) {
    if (reads === MAX_READS) throw new Error(`schedules are replaced faster than they are read: ${missing.length}`);
    const items = await getItems(missing.flatMap((id) => [scheduleKey(id), scheduleRowKey(id)]));
    const rows = new Map(items.filter(isRow).map((item) => [item.sk!.S!, decodeScheduleRow(item)]));
    for (const item of items.filter((each) => !isRow(each))) {
      const schedule = decodeSchedule(item);
      const row = rows.get(schedule.scheduleId);
      // Written together, but not read so: it was replaced in between.
      if (row?.version !== schedule.version) continue;
      found.set(schedule.scheduleId, { schedule, row, lastRun: decodeLastRun(item), places: decodePlaces(item) });
    }
    missing = missing.filter((id) => rows.has(id) && !found.has(id));
  }
  return scheduleIds.flatMap((id) => found.get(id) ?? []);
}

const isRow = ({ pk }: Item) => pk!.S === SCHEDULE_PARTITION;

/** How a message of a run stands, in the words of QStash. */
export type RunState = 'IN_PROGRESS' | 'SUCCESS' | 'FAIL';

/** How messages stand, by id; those that are not kept any more are left out. */
export async function statesOf(messageIds: readonly string[]): Promise<Map<string, RunState>> {
  const states = new Map((await getItems(messageIds.map(stateKey))).map((item) => [item.sk!.S!, decodeState(item)]));
  const isNew = (messageId: string) => !states.has(stateKey(messageId).sk!.S!);
  const accepted = await getItems(messageIds.filter(isNew).map(messageKey));
  const waiting = new Set(accepted.map((item) => item.sk!.S!));
  return new Map(
    messageIds.flatMap((messageId): [string, RunState][] => {
      const state = states.get(stateKey(messageId).sk!.S!);
      if (state === undefined) return waiting.has(messageKey(messageId).sk!.S!) ? [[messageId, 'IN_PROGRESS']] : [];
      if (!isTerminal(state)) return [[messageId, 'IN_PROGRESS']];
      return [[messageId, state.state === 'DELIVERED' ? 'SUCCESS' : 'FAIL']];
    }),
  );
}

import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { changeFlowLimits, limitsExpiry } from '../flow-control/change-flow-limits';
import { logEvent } from '../logs/write-line';
import { type DispatchPlan, neededWaiting, planDispatch, type RateWindow } from '../message/dispatch-plan';
import { newFlowLimits } from '../message/flow-limits';
import type { Lane } from '../message/message';
import { isTerminal, type MessageState } from '../message/message-state';
import { flowOrder, type Slot, type Waiting, type WaitList } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { deleteItems, putItems, sendMessages } from '../store/batches';
import { limitsKey, N, waitingKey } from '../store/keys';
import { ttlOf } from '../store/message-items';
import { loadRow, loadRows } from '../store/message-rows';
import { encodeSlot, encodeWaiting, type ReadList, readList, type StoredLimits } from '../store/wait-lists';
import { encodeHint } from './hint';
import { queueUrlOf, scheduleWake } from './schedule-attempt';
import { sendWake, sendWakes, type Wake } from './wake';

/** Served at a time: what is read, written and sent in one go. */
const ROUND = 100;

/** Of a queue that was deleted while somebody entered it, and of a flow control of which nothing is known. */
const ONE_BY_ONE = newFlowLimits({ parallelism: 1, period: 1 });

/**
 * Gives slots to those that wait in a list, as far as its limits let it, and sends their hints. Only one may be at
 * this for a list at a time. Each step comes before the one that it makes needless, so that whoever dies on the way
 * leaves what the next look needs: a grant is counted, then a slot is taken, then its holder is sent on, and then it
 * waits no more. Throws when not all could be done: the list must be looked at again, with `check`, which also looks
 * after everybody who holds a slot.
 */
export async function dispatchWaiting(
  { list, check, due = 0 }: Wake,
  clock: () => number,
  isOver: () => boolean,
): Promise<void> {
  if (check) await hintAtHolders(list);
  for (;;) {
    if (isOver()) return sendWake({ list });
    // Who has waited for the end of a window may have done so by another clock.
    const now = Math.max(clock(), due);
    const read = await readList(list, (row, slots) => {
      return row === undefined ? 1 : Math.min(ROUND, neededWaiting(row.limits, slots, now));
    });
    if (read.slots.length + read.waiting.length === 0) return;
    const row = read.row ?? (await limitsWithoutRow(list, read, now));
    const plan = planDispatch({ limits: row.limits, slots: read.slots, waiting: read.waiting.slice(0, ROUND) }, now);
    // Somebody has changed the limits since.
    if (plan.window !== undefined && !(await countGrants(list, row, plan.window, now))) continue;
    await serve(list, plan, now);
    if (plan.nextAt !== undefined && (check || plan.nextAt !== row.limits.wakeAt))
      await setWake(list, plan.nextAt, now);
    if (plan.again.length === 0 && plan.granted.length < ROUND) return;
  }
}

/** Gives slots to those that the plan grants them, and sends them on. */
async function serve(list: WaitList, { granted, again, until }: DispatchPlan, now: number): Promise<void> {
  const slots = granted.map((waiting): Slot => ({ ...waiting, at: now, ...(until === undefined ? {} : { until }) }));
  const items = slots.map((slot) => encodeSlot(list, slot));
  const written = new Set(await putItems(items));
  const holders = [...again, ...slots.filter((_, index) => written.has(items[index]!))];
  const served = await sendOn(list, holders);
  const gone = await deleteItems(served.map(({ order }) => waitingKey(list, order)));
  if (gone.length < granted.length + again.length) throw new Error('not all that was granted could be sent on');
}

/** Sends holders of slots to where their attempts are made, or into the next list. Returns those that are sent. */
async function sendOn(list: WaitList, holders: readonly Slot[]): Promise<Slot[]> {
  const further = holders.filter(({ flowKey }) => list.kind === 'queue' && flowKey !== undefined);
  const ready = holders.filter((holder) => !further.includes(holder));
  const sent = (['deliveries', 'failures'] as const).map((lane) => sendHints(list, ready, lane));
  return [...(await enterFlows(further)), ...(await Promise.all(sent)).flat()];
}

async function sendHints(list: WaitList, holders: readonly Slot[], lane: Lane): Promise<Slot[]> {
  const outgoing = holders
    .filter((holder) => holder.lane === lane)
    .map((holder) => {
      const { messageId, attempt, due, order, at, until } = holder;
      const grant = { list, order, at, ...(until === undefined ? {} : { until }) };
      return { holder, body: encodeHint({ messageId, attempt, due, grant }), delay: 0 };
    });
  return (await sendMessages(queueUrlOf(lane), outgoing)).map(({ holder }) => holder);
}

/** Who has the slot of its queue waits for the flow control of its message. */
async function enterFlows(holders: readonly Slot[]): Promise<Slot[]> {
  const entries = holders.map((holder) => {
    const { messageId, attempt, due, lane, flowKey = '' } = holder;
    const list: WaitList = { kind: 'flow', name: flowKey };
    const waiting: Waiting = { order: flowOrder(messageId, attempt), messageId, attempt, due, lane };
    return { holder, list, item: encodeWaiting(list, waiting) };
  });
  const written = new Set(await putItems(entries.map(({ item }) => item)));
  const entered = entries.filter(({ item }) => written.has(item));
  const woken = await sendWakes(entered.map(({ list }) => list));
  return entered.filter((entry) => woken(entry.list)).map(({ holder }) => holder);
}

/** Counts what is to be granted; false when the limits are not any more what they were. */
async function countGrants(
  list: WaitList,
  { limits, version }: StoredLimits,
  { start, count }: RateWindow,
  now: number,
): Promise<boolean> {
  const { ttl } = ttlOf(limitsExpiry(limits, now));
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: limitsKey(list),
        UpdateExpression: `SET #start = :start, #count = :count${ttl === undefined ? '' : ', #ttl = :ttl'}`,
        ConditionExpression: 'v = :version',
        ExpressionAttributeNames: { '#start': 'start', '#count': 'count', ...(ttl && { '#ttl': 'ttl' }) },
        ExpressionAttributeValues: {
          ':start': N(start),
          ':count': N(count),
          ':version': N(version),
          ...(ttl && { ':ttl': ttl }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Has the list looked at when its rate lets more through, and notes that this is done. */
async function setWake(list: WaitList, at: number, now: number): Promise<void> {
  await scheduleWake(list, at, now);
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: requireEnv('TABLE_NAME'),
      Key: limitsKey(list),
      UpdateExpression: 'SET wakeAt = :at',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':at': N(at) },
    }),
  );
}

/**
 * Sends the hints of those that hold a slot again, unless their attempt is under way: whoever gave it to them may
 * have died before. What has ended meanwhile gives its slot back by that.
 */
async function hintAtHolders(list: WaitList): Promise<void> {
  const { slots } = await readList(list, () => 0);
  const idle: Slot[] = [];
  for (let start = 0; start < slots.length; start += ROUND) {
    const some = slots.slice(start, start + ROUND);
    const rows = await loadRows(some.map(({ messageId }) => messageId));
    idle.push(...some.filter((slot) => !isAtWork(list, slot, rows.get(slot.messageId)?.state)));
  }
  const served = await sendOn(list, idle);
  const gone = await deleteItems(served.map(({ order }) => waitingKey(list, order)));
  if (gone.length < idle.length) throw new Error('not all holders of slots could be hinted at');
  if (idle.length > 0) logEvent('hintedAgain', { list: list.name, kind: list.kind, slots: idle.length });
}

/** Whether what holds a slot goes on by itself. */
function isAtWork({ kind }: WaitList, { attempt }: Slot, state: MessageState | undefined): boolean {
  if (state?.state === undefined || isTerminal(state)) return false;
  if (kind === 'queue') return true;
  return state.attempt === attempt && state.state !== 'RETRY';
}

/** The limits of a list that has no row: of a flow control those of the first message that waits. */
async function limitsWithoutRow({ kind, name }: WaitList, { waiting }: ReadList, now: number): Promise<StoredLimits> {
  const first = kind === 'flow' && waiting[0] && (await loadRow(waiting[0].messageId));
  const { flowControl } = (first || undefined)?.message ?? {};
  if (flowControl !== undefined) return changeFlowLimits(name, now, (limits) => limits ?? newFlowLimits(flowControl));
  return { limits: ONE_BY_ONE, version: 0, expiresAt: undefined };
}

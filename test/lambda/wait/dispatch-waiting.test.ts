import { changeFlowLimits } from '../../../lambda/flow-control/change-flow-limits';
import { newFlowLimits } from '../../../lambda/message/flow-limits';
import type { FlowControl, Message } from '../../../lambda/message/message';
import type { WaitList } from '../../../lambda/message/wait-list';
import { changeQueue, makeQueue } from '../../../lambda/queue/change-queue';
import { takePlaces } from '../../../lambda/queue/take-places';
import { limitsKey, listPartition, waitingKey } from '../../../lambda/store/keys';
import { getItem, queryPartition } from '../../../lambda/store/read-items';
import { deleteItem } from '../../../lambda/store/write-items';
import { dispatchWaiting } from '../../../lambda/wait/dispatch-waiting';
import { decodeHint, type Hint } from '../../../lambda/wait/hint';
import { leaveList } from '../../../lambda/wait/leave-list';
import { decodeWake } from '../../../lambda/wait/wake';
import { type AwsCall, errorAnswer } from '../../../local/aws-call';
import { newMessage } from '../messages';
import { accept, useStandIns } from '../stand-ins';

const MINUTE = 60_000;
const QUEUE: WaitList = { kind: 'queue', name: 'orders' };
const FLOW: WaitList = { kind: 'flow', name: 'user-1' };
const never = (): boolean => false;

const opened = useStandIns();

const now = () => opened.clock.now();
const dispatch = (list: WaitList, check = false) => dispatchWaiting({ list, check }, now, never);

async function enqueue(many: number, fields: Partial<Message> = {}): Promise<Message[]> {
  const places = await takePlaces(QUEUE.name, many, now(), async () => undefined);
  const messages: Message[] = [];
  for (const queue of places) messages.push(await accept(newMessage(now(), { queue, ...fields })));
  return messages;
}

async function control(many: number, limits: Omit<FlowControl, 'key'>): Promise<Message[]> {
  await changeFlowLimits(FLOW.name, now(), () => newFlowLimits(limits));
  const flowControl = { key: FLOW.name, ...limits };
  const messages: Message[] = [];
  for (let i = 0; i < many; i++) messages.push(await accept(newMessage(now() + i, { flowControl, notBefore: now() })));
  return messages;
}

/** Hints sent since the last time. */
let seen = 0;
beforeEach(() => {
  seen = 0;
});
function hints(): Hint[] {
  const found = opened.bodies('deliveries').flatMap((body) => decodeHint(body) ?? []);
  const fresh = found.slice(seen);
  seen = found.length;
  return fresh;
}
const idsOf = (all: readonly { readonly messageId: string }[]) => all.map(({ messageId }) => messageId);

async function entries(list: WaitList): Promise<string[]> {
  const { items } = await queryPartition({ partition: listPartition(list), from: 'm', to: '~' });
  return items.map(({ sk, m }) => `${sk!.S!.split('#')[0]} ${m!.S}`);
}

test('the first get a slot and a hint that says so, the others wait', async () => {
  await makeQueue(QUEUE.name, now());
  await changeQueue(QUEUE.name, { parallelism: 2 }, now());
  const messages = await enqueue(3);
  await dispatch(QUEUE);
  const [first, second, third] = messages;
  const sent = hints();
  expect(idsOf(sent)).toEqual(idsOf([first!, second!]));
  expect(sent[0]!.grant).toEqual({ list: QUEUE, order: expect.stringContaining('#'), at: expect.any(Number) });
  expect(await entries(QUEUE)).toEqual([
    `slot ${first!.messageId}`,
    `slot ${second!.messageId}`,
    `wait ${third!.messageId}`,
  ]);
  await dispatch(QUEUE);
  expect(hints()).toEqual([]);
  await leaveList(QUEUE, sent[0]!.grant!.order);
  await dispatch(QUEUE);
  expect(idsOf(hints())).toEqual([third!.messageId]);
});

test('more than are served at a time are served all the same', async () => {
  const messages = await control(230, { parallelism: 220, period: 1 });
  await dispatch(FLOW);
  expect(idsOf(hints()).sort()).toEqual(idsOf(messages.slice(0, 220)).sort());
  expect((await entries(FLOW)).filter((entry) => entry.startsWith('wait'))).toHaveLength(10);
});

test('a rate is counted, and its wake is set once for the end of the window', async () => {
  const messages = await control(5, { rate: 2, period: 600 });
  await dispatch(FLOW);
  await dispatch(FLOW);
  const begun = now();
  const sent = hints();
  expect(idsOf(sent)).toEqual(idsOf(messages.slice(0, 2)));
  const { start, count } = (await getItem(limitsKey(FLOW)))!;
  expect([Number(count!.N), Number(start!.N) <= begun]).toEqual([2, true]);
  for (const { grant } of sent) expect(grant!.until).toBe(Number(start!.N) + 599_000);
  const wakes = opened.bodies('deliveries').flatMap((body) => decodeWake(body) ?? []);
  expect(wakes).toEqual([{ list: FLOW, due: Number(start!.N) + 600_000 }]);
  // By the clock of whoever has waited for it, which may be ahead.
  for (const { grant } of sent) await leaveList(FLOW, grant!.order);
  await dispatchWaiting(wakes[0]!, now, never);
  expect(idsOf(hints())).toEqual(idsOf(messages.slice(2, 4)));
});

test('a wake for later than 15 minutes waits in the due index', async () => {
  await control(2, { rate: 1, period: 86_400 });
  await dispatch(FLOW);
  expect(opened.bodies('deliveries')).toHaveLength(1);
  const partitions = Array.from({ length: 8 }, (_, shard) => `due#${shard}`);
  const pages = await Promise.all(partitions.map((partition) => queryPartition({ partition, from: '0', to: '~' })));
  const [item, ...others] = pages.flatMap(({ items }) => items);
  expect(others).toEqual([]);
  expect(decodeWake(item!.h!.S!)).toMatchObject({ list: FLOW });
  expect(Number(item!.sk!.S!.slice(0, 13))).toBeGreaterThan(now() + 1_439 * MINUTE);
});

test('limits that change while they are read are read again', async () => {
  const [first] = await control(1, { rate: 5, period: 60 });
  let reads = 0;
  opened.intercept = async (call, execute) => {
    const answer = await execute();
    if (call.operation === 'Query' && reads++ === 0) {
      await changeFlowLimits(FLOW.name, now(), (limits) => ({ ...limits!, paused: true }));
    }
    return answer;
  };
  await dispatch(FLOW);
  expect(hints()).toEqual([]);
  expect(await entries(FLOW)).toEqual([`wait ${first!.messageId}`]);
});

test('who has the slot of a queue enters the flow control that comes next', async () => {
  const flowControl = { key: FLOW.name, parallelism: 1, period: 1 };
  const [message] = await enqueue(1, { flowControl });
  await dispatch(QUEUE);
  expect(hints()).toEqual([]);
  expect(await entries(QUEUE)).toEqual([`slot ${message!.messageId}`]);
  expect(await entries(FLOW)).toEqual([`wait ${message!.messageId}`]);
  expect(opened.bodies('wakes').map((body) => decodeWake(body)!.list)).toContainEqual(FLOW);
  // Its limits are those of the message where the key has none.
  await dispatch(FLOW);
  expect(hints()).toMatchObject([{ messageId: message!.messageId, grant: { list: FLOW } }]);
  expect(await getItem(limitsKey(FLOW))).toMatchObject({ parallelism: { N: '1' } });
});

describe('whoever dies on the way leaves what the next look needs', () => {
  const dying = (isLast: (call: AwsCall) => boolean) => {
    opened.intercept = async (call, execute) =>
      isLast(call) ? errorAnswer(400, 'ValidationException', 'dead') : execute();
  };
  const isBatch = (kind: 'Put' | 'Delete') => (call: AwsCall) =>
    call.operation === 'BatchWriteItem' && JSON.stringify(call.input).includes(`${kind}Request`);

  test.each<[string, (call: AwsCall) => boolean, number]>([
    ['before the slots are taken', isBatch('Put'), 0],
    ['before the hints are sent', ({ operation }) => operation === 'SendMessageBatch', 0],
    ['before they wait no more', isBatch('Delete'), 2],
  ])('%s', async (_when, isLast, sentBefore) => {
    await makeQueue(QUEUE.name, now());
    await changeQueue(QUEUE.name, { parallelism: 2 }, now());
    const messages = await enqueue(3);
    dying(isLast);
    await expect(dispatch(QUEUE)).rejects.toThrow('not all');
    expect(hints()).toHaveLength(sentBefore);
    opened.intercept = undefined;
    await dispatch(QUEUE, true);
    expect(new Set(idsOf(hints()))).toEqual(new Set(idsOf(messages.slice(0, 2))));
    expect(await entries(QUEUE)).toEqual([
      `slot ${messages[0]!.messageId}`,
      `slot ${messages[1]!.messageId}`,
      `wait ${messages[2]!.messageId}`,
    ]);
  });

  test('a rate that was counted and not granted is lost, never exceeded', async () => {
    const messages = await control(3, { rate: 2, period: 600 });
    dying(isBatch('Put'));
    await expect(dispatch(FLOW)).rejects.toThrow('not all');
    opened.intercept = undefined;
    await dispatch(FLOW, true);
    expect(hints()).toEqual([]);
    await dispatchWaiting({ list: FLOW, due: now() + 600_000 }, now, never);
    expect(idsOf(hints())).toEqual(idsOf(messages.slice(0, 2)));
  });

  test('a slot whose holder was canceled before its hint was sent is hinted at', async () => {
    const [message] = await enqueue(1);
    dying(({ operation }) => operation === 'SendMessageBatch');
    await expect(dispatch(QUEUE)).rejects.toThrow('not all');
    opened.intercept = undefined;
    const [entry] = (await queryPartition({ partition: listPartition(QUEUE), from: 'wait', to: 'wait~' })).items;
    await deleteItem(waitingKey(QUEUE, entry!.sk!.S!.slice('wait#'.length)));
    await dispatch(QUEUE, true);
    expect(idsOf(hints())).toEqual([message!.messageId]);
  });
});

test('who has entered twice is hinted at again, and holds one slot', async () => {
  const [first] = await control(1, { parallelism: 1, period: 1 });
  await dispatch(FLOW);
  expect(hints()).toHaveLength(1);
  await accept(first!);
  expect(await entries(FLOW)).toEqual([`slot ${first!.messageId}`, `wait ${first!.messageId}`]);
  await dispatch(FLOW);
  expect(idsOf(hints())).toEqual([first!.messageId]);
  expect(await entries(FLOW)).toEqual([`slot ${first!.messageId}`]);
});

test('what is left of a deleted queue is let through one by one', async () => {
  const messages = await enqueue(2);
  await deleteItem(limitsKey(QUEUE));
  await dispatch(QUEUE);
  expect(idsOf(hints())).toEqual([messages[0]!.messageId]);
});

test('when its time is over it leaves the rest to the next look', async () => {
  await enqueue(1);
  const before = opened.bodies('wakes').length;
  await dispatchWaiting({ list: QUEUE }, now, () => true);
  expect(hints()).toEqual([]);
  expect(opened.bodies('wakes')).toHaveLength(before + 1);
});

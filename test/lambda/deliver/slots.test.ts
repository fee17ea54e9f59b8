import { AddressPolicy } from '../../../lambda/deliver/address-policy';
import { deliverMessage } from '../../../lambda/deliver/deliver-message';
import { changeFlowLimits } from '../../../lambda/flow-control/change-flow-limits';
import { newFlowLimits } from '../../../lambda/message/flow-limits';
import type { Message } from '../../../lambda/message/message';
import { flowOrder, type WaitList } from '../../../lambda/message/wait-list';
import { listPartition, slotKey } from '../../../lambda/store/keys';
import { loadRow } from '../../../lambda/store/message-rows';
import { getItem, queryPartition } from '../../../lambda/store/read-items';
import { cancelMessage } from '../../../lambda/wait/cancel-message';
import { dispatchWaiting } from '../../../lambda/wait/dispatch-waiting';
import { decodeHint, type Hint } from '../../../lambda/wait/hint';
import { Sink } from '../../e2e/sink';
import { newMessage } from '../messages';
import { accept, useStandIns } from '../stand-ins';

const KEY = 'user-1';
const FLOW: WaitList = { kind: 'flow', name: KEY };
const PERIOD = 600;
const policy = new AddressPolicy({ allowed: [], loopbackAllowed: true });

const opened = useStandIns();
let sink: Sink;
beforeAll(async () => {
  sink = await new Sink().listen();
});
afterAll(() => sink.close());

const now = () => opened.clock.now();
const dispatch = () => dispatchWaiting({ list: FLOW }, now, () => false);

/** A message that has been given a slot, with its hint; one at a time of each period. */
async function granted(fields: Partial<Message> = {}, period = PERIOD) {
  const limits = { parallelism: 1, rate: 1, period };
  const { url, arrivals } = sink.destination();
  await changeFlowLimits(KEY, now(), () => newFlowLimits(limits));
  const message = await accept(newMessage(now(), { url, flowControl: { key: KEY, ...limits }, ...fields }));
  await dispatch();
  return { message, arrivals, hint: lastHint() };
}

function lastHint(): Hint {
  return opened
    .bodies('deliveries')
    .flatMap((body) => decodeHint(body) ?? [])
    .at(-1)!;
}

async function deliver(hint: Hint) {
  const row = (await loadRow(hint.messageId))!;
  return deliverMessage(hint, row, { key: 'sig_test', policy, deadline: Date.now() + 60_000 });
}

async function entries(): Promise<string[]> {
  const { items } = await queryPartition({ partition: listPartition(FLOW), from: 'm', to: '~' });
  return items.map(({ sk }) => sk!.S!.split('#')[0]!);
}

const stateOf = async ({ messageId }: Message) => (await loadRow(messageId))!.state;

test('an attempt begins with its slot, and gives it up when it has ended', async () => {
  const { message, arrivals, hint } = await granted();
  expect(await deliver(hint)).toMatchObject({ outcome: 'delivered' });
  expect(arrivals).toHaveLength(1);
  expect(await entries()).toEqual([]);
  expect(await stateOf(message)).toMatchObject({ state: 'DELIVERED', spent: hint.grant!.at });
});

test('without a slot it does not begin, but waits for one', async () => {
  const { message, arrivals, hint } = await granted();
  expect(await deliver({ ...hint, grant: undefined })).toEqual({});
  expect(arrivals).toHaveLength(0);
  expect(await entries()).toEqual(['slot', 'wait']);
  await dispatch();
  expect(await entries()).toEqual(['slot']);
  expect(await deliver(lastHint())).toMatchObject({ outcome: 'delivered' });
  expect((await stateOf(message)).state).toBe('DELIVERED');
});

describe('a slot whose time is over', () => {
  test('is given back, and the attempt waits for another', async () => {
    const { arrivals, hint } = await granted();
    opened.clock.advanceTo(hint.grant!.until!);
    expect(await deliver(hint)).toEqual({});
    expect(arrivals).toHaveLength(0);
    expect(await entries()).toEqual(['wait']);
    opened.clock.advanceTo(now() + 1_000);
    await dispatch();
    const another = lastHint();
    expect(another.grant!.at).toBeGreaterThan(hint.grant!.at);
    expect(await deliver(another)).toMatchObject({ outcome: 'delivered' });
  });

  test('is not given back a second time, when the attempt has another', async () => {
    const { message, hint } = await granted();
    opened.clock.advanceTo(hint.grant!.until! + 1_000);
    await deliver(hint);
    await dispatch();
    const slot = await getItem(slotKey(FLOW, flowOrder(message.messageId, 0)));
    expect(slot!.g!.N).not.toBe(String(hint.grant!.at));
    // The same hint, received twice: it may enter again, but takes nothing away.
    await deliver(hint);
    expect(await getItem(slotKey(FLOW, flowOrder(message.messageId, 0)))).toEqual(slot);
  });

  test('is kept while the attempt that has begun with it is under way', async () => {
    // Shorter than a lease lasts.
    const { hint, arrivals } = await granted({}, 20);
    let answer: (status: number) => void = () => undefined;
    const held = sink.destination(() => new Promise<number>((resolve) => (answer = resolve)));
    const row = (await loadRow(hint.messageId))!;
    const message = { ...row.message, url: held.url };
    const context = { key: 'sig_test', policy, deadline: Date.now() + 60_000 };
    const first = deliverMessage(hint, { ...row, message }, context);
    while (held.arrivals.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    opened.clock.advanceTo(hint.grant!.until! + 1);
    expect((await deliver(hint)).comeBackIn).toBeGreaterThan(0);
    expect(await entries()).toEqual(['slot']);
    answer(200);
    expect(await first).toMatchObject({ outcome: 'delivered' });
    expect(await entries()).toEqual([]);
    expect(arrivals).toHaveLength(0);
  });

  test('can begin nothing, not even for whoever has looked at the time before', async () => {
    const { message, arrivals, hint } = await granted();
    const late = { ...hint, grant: { ...hint.grant!, until: hint.grant!.until! + 3_600_000 } };
    opened.clock.advanceTo(hint.grant!.until!);
    await deliver(hint);
    expect(await deliver(late)).toEqual({});
    expect(arrivals).toHaveLength(0);
    expect((await stateOf(message)).state).toBeUndefined();
    expect(await entries()).toEqual(['wait']);
  });
});

test('with one slot of a rate an attempt begins once: when it has died it needs another', async () => {
  const { message, arrivals, hint } = await granted({ timeout: 1 });
  opened.intercept = async (call, execute) => {
    const isOutcome = JSON.stringify(call.input).includes('list_append');
    return isOutcome ? { status: 400, headers: {}, body: Buffer.from('{"__type":"ValidationException"}') } : execute();
  };
  await expect(deliver(hint)).rejects.toThrow();
  opened.intercept = undefined;
  expect(arrivals).toHaveLength(1);
  opened.clock.advanceTo(now() + 60_000);
  expect(now()).toBeLessThan(hint.grant!.until!);
  expect(await deliver(hint)).toEqual({});
  expect(arrivals).toHaveLength(1);
  expect(await entries()).toEqual(['wait']);
  opened.clock.advanceTo(now() + PERIOD * 1000);
  await dispatch();
  expect(await deliver(lastHint())).toMatchObject({ outcome: 'delivered' });
  expect(arrivals).toHaveLength(2);
  expect(await stateOf(message)).toMatchObject({ state: 'DELIVERED', crashes: 1 });
});

test('a message that was canceled begins nothing and keeps nothing', async () => {
  const { message, arrivals, hint } = await granted();
  await cancelMessage((await loadRow(message.messageId))!, now());
  expect(await entries()).toEqual([]);
  expect(await deliver(hint)).toEqual({});
  expect(arrivals).toHaveLength(0);
  expect(await entries()).toEqual([]);
});

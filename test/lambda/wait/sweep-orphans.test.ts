import type { Message } from '../../../lambda/message/message';
import { derivedMessageId, mustPlace } from '../../../lambda/message/message-id';
import { type Item, N, S, stateKey } from '../../../lambda/store/keys';
import { encodeMessage } from '../../../lambda/store/message-items';
import { decodeHint } from '../../../lambda/wait/hint';
import { SWEEP_AFTER_MS, sweepOrphans } from '../../../lambda/wait/sweep-orphans';
import { newMessage } from '../messages';
import { putItems, useStandIns } from '../stand-ins';

const MINUTE = 60_000;
const DAY = 86_400_000;
const never = (): boolean => false;

const opened = useStandIns();

const rowOf = (message: Message): Item => encodeMessage(message, undefined);
const stateOf = ({ messageId }: Message, state?: string): Item => ({
  ...stateKey(messageId),
  ...(state === undefined ? { redriven: N(1) } : { st: S(state), n: N(0) }),
});

const swept = () =>
  [...opened.bodies('deliveries'), ...opened.bodies('failures')].map((body) => decodeHint(body)!.messageId);
const sorted = (messages: readonly Message[]) => messages.map(({ messageId }) => messageId).sort();

/** Messages of some moments, each of its own shard by chance. */
const messagesAt = (times: readonly number[], fields: Partial<Message> = {}) =>
  times.map((time, index) => newMessage(time, { messageId: derivedMessageId(time, index), ...fields }));

test('messages that nobody has looked at for 17 minutes have their hint sent again', async () => {
  const now = Date.now();
  const end = now - SWEEP_AFTER_MS;
  const orphans = [
    ...messagesAt([end - 1, end - MINUTE, end - 3 * MINUTE]),
    ...messagesAt([end - 2], { lane: 'failures' }),
    ...messagesAt([end - 3], { notBefore: now }),
  ];
  const others = [
    ...messagesAt([end, end + 1, now - 1]),
    ...messagesAt([end - 5 * MINUTE - 1]),
    ...messagesAt([end - 4], { notBefore: now + 1 }),
  ];
  const looked = ['ACTIVE', 'RETRY', 'DELIVERED', 'FAILED', 'CANCELED', 'CANCEL_REQUESTED'].map((state, index) => {
    const message = newMessage(end - 10 - index);
    return [rowOf(message), stateOf(message, state)];
  });
  const redriven = newMessage(end - 20);
  await putItems([...[...orphans, ...others, redriven].map(rowOf), ...looked.flat(), stateOf(redriven)]);
  const sweep = await sweepOrphans(end - 5 * MINUTE, now, never);
  expect(sweep).toEqual({ sweptTo: end, swept: 6, nextWorkAt: now });
  expect(swept().sort()).toEqual(sorted([...orphans, redriven]));
  expect(opened.bodies('failures')).toHaveLength(1);
});

test('nothing is swept twice, and when nothing was accepted since there is nothing to do', async () => {
  const now = Date.now();
  await putItems(messagesAt([now - 20 * MINUTE]).map(rowOf));
  const first = await sweepOrphans(now - 30 * MINUTE, now, never);
  expect(first).toEqual({ sweptTo: now - SWEEP_AFTER_MS, swept: 1, nextWorkAt: undefined });
  expect(await sweepOrphans(first.sweptTo, now + MINUTE, never)).toEqual({
    sweptTo: now + MINUTE - SWEEP_AFTER_MS,
    swept: 0,
    nextWorkAt: undefined,
  });
  expect(swept()).toHaveLength(1);
});

test('a sweep goes over midnight, however many days it is late', async () => {
  const now = Date.now();
  const midnight = Math.floor(now / DAY) * DAY;
  const times = [midnight - 1, midnight, midnight - DAY - 1, midnight - DAY, midnight - 3 * DAY].filter(
    (time) => time < now - SWEEP_AFTER_MS,
  );
  const messages = messagesAt(times);
  await putItems(messages.map(rowOf));
  expect(await sweepOrphans(midnight - 3 * DAY, now, never)).toMatchObject({ swept: times.length });
  expect(swept().sort()).toEqual(sorted(messages));
});

test('where it stopped for lack of time it goes on, without a miss', async () => {
  const now = Date.now();
  const end = now - SWEEP_AFTER_MS;
  const messages = messagesAt(Array.from({ length: 60 }, (_, index) => end - 4 * MINUTE + index * 1_000));
  await putItems(messages.map(rowOf));
  let from = end - 5 * MINUTE;
  let rounds = 0;
  for (; from < end; rounds++) {
    let looks = 0;
    const { sweptTo, nextWorkAt } = await sweepOrphans(from, now, () => ++looks > 10);
    expect(sweptTo).toBeGreaterThanOrEqual(from);
    expect(nextWorkAt).toBe(sweptTo < end ? now : undefined);
    from = sweptTo;
  }
  expect(rounds).toBeGreaterThan(2);
  expect([...new Set(swept())].sort()).toEqual(sorted(messages));
});

describe('where a page of a partition ends with a message', () => {
  const now = Date.now();
  const end = now - SWEEP_AFTER_MS;
  // DynamoDB ends a page with the item that reaches a megabyte.
  const messages = messagesAt(Array(200).fill(end - 1_000), { body: Buffer.alloc(350_000) })
    .filter(({ messageId }) => mustPlace(messageId).shard === 3)
    .slice(0, 12);
  const lastOfPages: string[] = [];
  beforeEach(() => {
    lastOfPages.length = 0;
    opened.intercept = async (_call, execute) => {
      const answer = await execute();
      const { LastEvaluatedKey } = answer === 'dropped' ? {} : JSON.parse(answer.body.toString());
      if (LastEvaluatedKey !== undefined) lastOfPages.push(LastEvaluatedKey.sk.S);
      return answer;
    };
  });
  afterEach(() => expect(lastOfPages.filter((sort) => !sort.includes('#')).length).toBeGreaterThan(2));

  test('it is no orphan if its state is on the next', async () => {
    for (const message of messages) await putItems([rowOf(message), stateOf(message, 'DELIVERED')]);
    expect(await sweepOrphans(end - MINUTE, now, never)).toMatchObject({ swept: 0, sweptTo: end });
    expect(swept()).toEqual([]);
  });

  test('it is one if there is none', async () => {
    for (const message of messages) await putItems([rowOf(message)]);
    expect(await sweepOrphans(end - MINUTE, now, never)).toMatchObject({ swept: 12, sweptTo: end });
    expect(swept().sort()).toEqual(sorted(messages));
  });
});

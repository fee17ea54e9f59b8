import { newFlowLimits } from '../../lambda/message/flow-limits';
import type { Message } from '../../lambda/message/message';
import { type Slot, type WaitList, waitingIn } from '../../lambda/message/wait-list';
import { type Item, limitsKey, messageKey, S } from '../../lambda/store/keys';
import { encodeLimits, encodeSlot, encodeWaiting } from '../../lambda/store/wait-lists';
import type { Rule } from './checker';
import { CALLBACK, MINUTE, T, World } from './world';

const FLOW: WaitList = { kind: 'flow', name: 'user-1' };
const QUEUE: WaitList = { kind: 'queue', name: 'orders' };
const flowControl = { key: FLOW.name, parallelism: 1, rate: 1, period: 60 };

const waitingOf = (list: WaitList, message: Message): Item =>
  encodeWaiting(list, waitingIn(list, message, 0, message.notBefore));
const slotOf = (list: WaitList, message: Message): Item => {
  const slot: Slot = { ...waitingIn(list, message, 0, message.notBefore), at: T };
  return encodeSlot(list, slot);
};

/** Everything that had to wait for a slot has ended. */
function endedWorld() {
  const world = new World();
  const controlled = [0, 1, 2].map((index) =>
    world.deliver(world.publish(`controlled-${index}`, { flowControl, notBefore: T + index * MINUTE })),
  );
  world.table.push({ ...limitsKey(QUEUE), ...encodeLimits(newFlowLimits({ parallelism: 1, period: 1 })) });
  const enqueued = [0, 1].map((index) => {
    const fields = { queue: { name: QUEUE.name, seq: index + 1 }, callback: CALLBACK, notBefore: T + index * MINUTE };
    const asked = { askedAt: T + 20 * index, answeredAt: T + 20 * index + 10 };
    const message = world.deliver(world.publish(`enqueued-${index}`, fields, asked));
    world.deliver(world.callback(message, 0, 'deliveries'));
    return message;
  });
  return { world, controlled, enqueued };
}

const arrivalOf = (world: World, { messageId }: Message) =>
  world.arrivals.findIndex((arrival) => arrival.messageId === messageId);

function answerAt(world: World, message: Message, answeredAt: number): void {
  const index = arrivalOf(world, message);
  world.arrivals[index] = { ...world.arrivals[index]!, answeredAt };
}

function rewrite(world: World, { messageId }: Message, from: string, to: string): void {
  const item = world.find(messageKey(messageId));
  if (!item.d!.S!.includes(from)) throw new Error(`no ${from} in ${item.d!.S}`);
  item.d = S(item.d!.S!.replace(from, to));
}

test('a service that has kept its promises is not accused', () => {
  expect(endedWorld().world.rules()).toEqual([]);
});

test.each<readonly [Rule, string, (all: ReturnType<typeof endedWorld>) => unknown]>([
  [
    'I8',
    'two were under way where one may be',
    ({ world, controlled }) => answerAt(world, controlled[0]!, T + 2 * MINUTE),
  ],
  [
    'I8',
    'more than twice the rate began in a period',
    ({ world, controlled }) => rewrite(world, controlled[0]!, '"period":60', '"period":600'),
  ],
  ['I8', 'an ended message has a slot', ({ world, controlled }) => world.table.push(slotOf(FLOW, controlled[1]!))],
  ['I8', 'an ended message waits', ({ world, enqueued }) => world.table.push(waitingOf(QUEUE, enqueued[1]!))],
  ['I9', 'one was delivered beside another', ({ world, enqueued }) => answerAt(world, enqueued[0]!, T + 2 * MINUTE)],
  [
    'I9',
    'one was delivered before the callback of the one before',
    ({ world, enqueued }) => {
      const callback = world.arrivals.findIndex((arrival, index) => {
        return index > arrivalOf(world, enqueued[0]!) && arrival.arrivedAt < T + MINUTE;
      });
      world.arrivals[callback] = { ...world.arrivals[callback]!, answeredAt: T + 2 * MINUTE };
    },
  ],
  [
    'I9',
    'the order of two was changed',
    ({ world, enqueued }) => {
      rewrite(world, enqueued[0]!, '"seq":1', '"seq":3');
      const [first, second] = enqueued.map(({ url }) => world.publishes.findIndex((publish) => publish.url === url));
      const [early, late] = [world.publishes[first!]!, world.publishes[second!]!];
      const times = ({ askedAt, answeredAt }: typeof early) => ({ askedAt, answeredAt });
      world.publishes[first!] = { ...early, ...times(late) } as typeof early;
      world.publishes[second!] = { ...late, ...times(early) } as typeof late;
    },
  ],
])('%s: %s', (rule, _, breakIt) => {
  const all = endedWorld();
  breakIt(all);
  expect(all.world.rules()).toContain(rule);
});

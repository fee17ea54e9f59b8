import type { Message } from '../../../lambda/message/message';
import { derivedMessageId } from '../../../lambda/message/message-id';
import { flowOrder, isGated, nextList, queueOrder, type WaitList, waitingIn } from '../../../lambda/message/wait-list';
import { newMessage } from '../messages';

const NOW = 1_780_000_000_000;
const queue = { name: 'orders', seq: 7 };
const flowControl = { key: 'user-1', rate: 1, period: 1 };
const QUEUE: WaitList = { kind: 'queue', name: 'orders' };
const FLOW: WaitList = { kind: 'flow', name: 'user-1' };

const KINDS: Readonly<Record<string, Pick<Message, 'queue' | 'flowControl'>>> = {
  plain: {},
  enqueued: { queue },
  'with flow control': { flowControl },
  both: { queue, flowControl },
};

test.each<[string, number, WaitList['kind'] | undefined, WaitList | undefined]>([
  ['plain', 0, undefined, undefined],
  ['plain', 0, 'queue', undefined],
  ['plain', 0, 'flow', undefined],
  ['plain', 1, undefined, undefined],
  ['plain', 1, 'queue', undefined],
  ['plain', 1, 'flow', undefined],
  ['enqueued', 0, undefined, QUEUE],
  ['enqueued', 0, 'queue', undefined],
  ['enqueued', 0, 'flow', undefined],
  ['enqueued', 1, undefined, undefined],
  ['enqueued', 1, 'queue', undefined],
  ['enqueued', 1, 'flow', undefined],
  ['with flow control', 0, undefined, FLOW],
  ['with flow control', 0, 'queue', FLOW],
  ['with flow control', 0, 'flow', undefined],
  ['with flow control', 1, undefined, FLOW],
  ['with flow control', 1, 'queue', FLOW],
  ['with flow control', 1, 'flow', undefined],
  ['both', 0, undefined, QUEUE],
  ['both', 0, 'queue', FLOW],
  ['both', 0, 'flow', undefined],
  ['both', 1, undefined, FLOW],
  ['both', 1, 'queue', FLOW],
  ['both', 1, 'flow', undefined],
])('%s, attempt %i, which has passed %s, must pass %o', (kind, attempt, passed, expected) => {
  expect(nextList(KINDS[kind]!, attempt, passed)).toEqual(expected);
});

test('whatever has a list to pass is gated', () => {
  expect(Object.entries(KINDS).filter(([, message]) => isGated(message))).toHaveLength(3);
  expect(isGated(KINDS.plain!)).toBe(false);
});

test('places in a queue sort as their numbers', () => {
  const messageId = (seed: number) => derivedMessageId(NOW, seed);
  const seqs = [0, 9, 10, 99, 100, 1_780_000_000_000_000, Number.MAX_SAFE_INTEGER];
  const places = seqs.map((seq) => queueOrder(messageId(seq), seq));
  expect([...places].sort()).toEqual(places);
  expect(queueOrder(messageId(1), 7)).not.toBe(queueOrder(messageId(2), 7));
});

test('older messages come first in a flow control, and of one message the earlier attempt', () => {
  const [older, newer] = [derivedMessageId(NOW, 'a'), derivedMessageId(NOW + 1, 'a')];
  const places = [0, 9, 10, 999].map((attempt) => flowOrder(older, attempt));
  places.push(flowOrder(newer, 0));
  expect([...places].sort()).toEqual(places);
});

test('who waits in a queue tells which flow control comes next', () => {
  const message = newMessage(NOW, { queue, flowControl, lane: 'failures' });
  const { messageId } = message;
  const entry = { messageId, attempt: 0, due: NOW + 5, lane: 'failures' };
  expect(waitingIn(QUEUE, message, 0, NOW + 5)).toEqual({
    ...entry,
    order: queueOrder(messageId, 7),
    flowKey: 'user-1',
  });
  expect(waitingIn(FLOW, message, 0, NOW + 5)).toEqual({ ...entry, order: flowOrder(messageId, 0) });
  expect(waitingIn(QUEUE, newMessage(NOW, { queue }), 0, NOW)).not.toHaveProperty('flowKey');
});

import type { Message } from '../../lambda/message/message';
import { derivedMessageId, dlqIdOf } from '../../lambda/message/message-id';
import type { AttemptRecord } from '../../lambda/message/message-state';
import { heldKey } from '../../lambda/store/body-key';
import { dlqKey, dueKey, messageKey, N, S, stateKey } from '../../lambda/store/keys';
import { encodeCancel, ttlOf } from '../../lambda/store/message-items';
import { encodeHint } from '../../lambda/wait/hint';
import { newMessage } from '../lambda/messages';
import { RULES, type Rule } from './checker';
import { CALLBACK, DAY, DLQ_EXPIRY, EXPIRY, endedWorld, MINUTE, openWorld, SECOND, T, type World } from './world';

type Ended = ReturnType<typeof endedWorld>;
type Open = ReturnType<typeof openWorld>;

test('every promise has a test of its being broken', () => {
  // Those of slots are in slot-rules.test.ts.
  const elsewhere: Rule[] = ['I8', 'I9'];
  expect(new Set([...[...ENDED, ...OPEN].map(([rule]) => rule), ...elsewhere])).toEqual(new Set(RULES));
});

test('a service that has kept its promises is not accused', () => {
  expect(endedWorld().world.rules()).toEqual([]);
  expect(openWorld().world.rules()).toEqual([]);
});

const arrive = (world: World, { messageId }: Message, retried: number, at: number, status = 200) =>
  world.arrivals.push({ messageId, retried, arrivedAt: at, answeredAt: at + 3, status });

const ENDED: readonly (readonly [Rule, string, (all: Ended) => unknown])[] = [
  ['I1', 'an acknowledged message is gone', ({ world, unique }) => world.remove(messageKey(unique.messageId))],
  [
    'I1',
    'the successor of a dead letter is gone',
    ({ world, successor }) => world.remove(messageKey(successor.messageId)),
  ],
  ['I1', 'the body of a message is gone', ({ world }) => world.objects.pop()],
  [
    'I1',
    'an attempt came with another body',
    ({ world }) => {
      world.arrivals[0] = { ...world.arrivals[0]!, isGarbled: true };
    },
  ],
  [
    'I3',
    'an end has become another',
    ({ world, delivered }) => {
      world.earlier = world.dump();
      world.table = world.table.map((item) =>
        item === world.stateOf(delivered) ? { ...item, st: S('CANCELED') } : item,
      );
    },
  ],
  [
    'I3',
    'an end has become none',
    ({ world, unique }) => {
      world.earlier = world.dump();
      world.remove(stateKey(unique.messageId));
    },
  ],
  [
    'I3',
    'a delivered message was canceled',
    ({ world, delivered }) => {
      world.table.push(encodeCancel(delivered.messageId, T + MINUTE, 'CANCELED', EXPIRY));
    },
  ],
  [
    'I3',
    'an attempt followed the delivered one',
    ({ world, retried }) => {
      const state = world.stateOf(retried);
      const first = JSON.parse(state.r0!.S!) as AttemptRecord;
      state.r0 = S(JSON.stringify({ ...first, outcome: 'delivered', status: 200 }));
    },
  ],
  [
    'I3',
    'the log tells of a second end',
    ({ world, unique }) => world.log.push({ messageId: unique.messageId, state: 'FAILED' }),
  ],
  ['I3', 'the log tells of no end', ({ world }) => world.log.pop()],
  [
    'I3',
    'a message ended without an attempt',
    ({ world, canceled }) => {
      Object.assign(world.stateOf(canceled), { st: S('DELIVERED') });
      delete world.stateOf(canceled).ca;
    },
  ],
  [
    'I4',
    'a delivered message was never answered with success',
    ({ world, unique }) => {
      const at = world.arrivals.findIndex(({ messageId }) => messageId === unique.messageId);
      world.arrivals[at] = { ...world.arrivals[at]!, status: 500 };
    },
  ],
  [
    'I4',
    'a failed message was answered with success',
    ({ world, failed }) => {
      const at = world.arrivals.findIndex(({ messageId }) => messageId === failed.messageId);
      world.arrivals[at] = { ...world.arrivals[at]!, status: 200 };
    },
  ],
  [
    'I4',
    'a message ended for want of a body that is there',
    ({ world, held }) => {
      const state = world.stateOf(held);
      const record = JSON.parse(state.r0!.S!) as AttemptRecord;
      const error = 'its body is no longer stored';
      state.r0 = S(JSON.stringify({ ...record, status: 0, error }));
    },
  ],
  [
    'I5',
    'a destination was called once more than there are attempts',
    ({ world, unique }) => arrive(world, unique, 0, T + 2 * SECOND),
  ],
  [
    'I5',
    'an attempt was made twice at once',
    ({ world, unique }) => {
      world.stateOf(unique).crashes = N(1);
      arrive(world, unique, 0, T + 20 * SECOND);
    },
  ],
  [
    'I5',
    'there are more attempts than retries allow',
    ({ world, retried }) => {
      const item = world.find(messageKey(retried.messageId));
      item.d = S(item.d!.S!.replace('"maxRetries":1', '"maxRetries":0'));
    },
  ],
  [
    'I5',
    'the first attempt came after the second',
    ({ world, retried }) => {
      world.stateOf(retried).crashes = N(1);
      arrive(world, retried, 0, T + 2 * MINUTE);
    },
  ],
  [
    'I5',
    'an attempt came that nobody has counted',
    ({ world, unique }) => {
      world.stateOf(unique).crashes = N(1);
      arrive(world, unique, 1, T + 2 * MINUTE);
    },
  ],
  [
    'I6',
    'a first attempt came before its time',
    ({ world, unique }) => {
      world.publishes[world.publishes.findIndex(({ url }) => url === unique.url)] = {
        url: unique.url,
        messageId: unique.messageId,
        status: 200,
        askedAt: T,
        delay: 10 * SECOND,
        deduplicationId: 'one',
      };
    },
  ],
  [
    'I6',
    'a retry came before the time that was asked for',
    ({ world, retried }) => {
      const at = world.publishes.findIndex(({ url }) => url === retried.url);
      world.publishes[at] = { ...world.publishes[at]!, retryDelay: MINUTE };
    },
  ],
  ['I7', 'an attempt began after a cancel', ({ world, canceled }) => arrive(world, canceled, 0, T + 4 * SECOND)],
  [
    'I7',
    'a canceled message has failed',
    ({ world, failed }) => {
      world.cancels.push({ messageId: failed.messageId, status: 200, cancelled: 1, answeredAt: T });
    },
  ],
  ['I10', 'an attempt has no callback', ({ world, callback }) => world.remove(messageKey(callback.messageId))],
  [
    'I10',
    'a failure has no failure callback',
    ({ world, failureCallback }) => world.remove(messageKey(failureCallback.messageId)),
  ],
  [
    'I10',
    'an attempt has two callbacks',
    ({ world, callback }) => {
      const twin = { ...callback, messageId: derivedMessageId(callback.createdAt, 'twin') };
      world.put(twin);
      world.deliver(twin);
    },
  ],
  [
    'I10',
    'a delivered message has a failure callback',
    ({ world, delivered }) => {
      const item = world.find(messageKey(delivered.messageId));
      item.d = S(JSON.stringify({ ...JSON.parse(item.d!.S!), failureCallback: CALLBACK }));
      world.deliver(world.callback(delivered, 0, 'failures'));
    },
  ],
  [
    'I10',
    'a callback has a callback that nobody asked for',
    ({ world, callback }) => world.deliver(world.callback(callback, 0, 'deliveries')),
  ],
  [
    'I10',
    'a failure callback names a dead letter that never was',
    ({ world, failureCallback }) => {
      const item = world.find(messageKey(failureCallback.messageId));
      item.d = S(item.d!.S!.replace(/"dlqId":"[^"]*"/, '"dlqId":"1800000000000-1"'));
    },
  ],
  [
    'I10',
    'a callback reports on an attempt that never ended',
    ({ world, callback }) => {
      const item = world.find(messageKey(callback.messageId));
      item.d = S(item.d!.S!.replace('"attempt":0', '"attempt":1'));
    },
  ],
  ['I11', 'a failed message has no dead letter', ({ world, dlqId }) => world.remove(dlqKey(dlqId)!)],
  [
    'I11',
    'a delivered message has a dead letter',
    ({ world, unique }) => {
      world.table.push({ ...dlqKey(dlqIdOf(unique.messageId, T))!, m: S(unique.messageId), ...ttlOf(DLQ_EXPIRY) });
    },
  ],
  [
    'I11',
    'a failed message has two dead letters',
    ({ world, failed }) => {
      world.table.push({ ...dlqKey('1800000000000-8')!, m: S(failed.messageId), ...ttlOf(DLQ_EXPIRY) });
    },
  ],
  [
    'I12',
    'a retried dead letter is still there',
    ({ world, first, movedId }) => {
      world.table.push({ ...dlqKey(movedId)!, m: S(first.messageId), ...ttlOf(DLQ_EXPIRY) });
    },
  ],
  [
    'I12',
    'a dead letter was retried and deleted',
    ({ world, movedId }) => {
      world.deadLetterRequests.push({ dlqId: movedId, action: 'delete', status: 200 });
    },
  ],
  [
    'I12',
    'a dead letter has two successors',
    ({ world, first }) => {
      const twin = newMessage(T + MINUTE, { messageId: derivedMessageId(T + MINUTE, 'twin'), url: first.url });
      world.put(twin);
      world.deliver(twin);
    },
  ],
  [
    'I12',
    'a dead letter is gone by a retry that told nobody, and has no successor',
    ({ world, movedId, successor }) => {
      world.deadLetterRequests[0] = { dlqId: movedId, action: 'retry', status: 500 };
      world.remove(messageKey(successor.messageId));
      world.remove(stateKey(successor.messageId));
    },
  ],
  [
    'I13',
    'a duplicate was published',
    ({ world, unique }) => {
      const at = world.publishes.findIndex(({ status }) => status === 202);
      world.publishes[at] = {
        ...world.publishes[at]!,
        messageId: world.deliver(world.publish('copy')).messageId,
        url: unique.url,
      };
    },
  ],
  [
    'I13',
    'a message counts as a duplicate for too long',
    ({ world }) => {
      const at = world.publishes.findIndex(({ status }) => status === 202);
      world.publishes[at] = { ...world.publishes[at]!, askedAt: T + 11 * MINUTE };
    },
  ],
  ['I16', 'an exception left a handler', ({ world }) => world.lines.push('Deliver: TypeError: nothing')],
  [
    'I17',
    'a hint is left in the redrive queue',
    ({ world, unique }) => {
      world.queues.redrive.push(encodeHint({ messageId: unique.messageId, attempt: 0, due: T }));
    },
  ],
  ['I18', 'an ended message never expires', ({ world, unique }) => delete world.find(messageKey(unique.messageId)).ttl],
  ['I18', 'an end never expires', ({ world, unique }) => delete world.stateOf(unique).ttl],
  [
    'I18',
    'an end expires before its message, which is open again then',
    ({ world, unique }) => {
      Object.assign(world.stateOf(unique), ttlOf(EXPIRY - DAY));
    },
  ],
  [
    'I18',
    'a dead letter outlives its message',
    ({ world, failed }) => {
      Object.assign(world.find(messageKey(failed.messageId)), ttlOf(DLQ_EXPIRY - DAY));
      Object.assign(world.stateOf(failed), ttlOf(DLQ_EXPIRY - DAY));
    },
  ],
  ['I19', 'a message never began', ({ world, unique }) => world.remove(stateKey(unique.messageId))],
  ['I19', 'a hint never arrived', ({ world, unique }) => world.hint(unique, 0)],
  [
    'I19',
    'nobody took what was due',
    ({ world, unique }) => {
      const body = encodeHint({ messageId: unique.messageId, attempt: 0, due: T });
      world.table.push({ ...dueKey(unique.messageId, T), h: S(body), lane: S('deliveries') });
    },
  ],
  ['I19', 'nobody will look at a body that is held', ({ world, release }) => world.remove(release)],
  [
    'I19',
    'nobody will look at a body without a message',
    ({ world }) => world.objects.push(heldKey(derivedMessageId(T, 'never accepted'))),
  ],
];

test.each(ENDED)('%s: %s', (rule, _, breakIt) => {
  const all = endedWorld();
  breakIt(all);
  expect(all.world.rules()).toContain(rule);
});

const OPEN: readonly (readonly [Rule, string, (all: Open) => unknown])[] = [
  ['I16', 'the hint of an attempt under way was given up', ({ world }) => world.queues.deliveries.pop()],
  [
    'I16',
    'the hint of an attempt under way is that of the one before',
    ({ world, active }) => {
      Object.assign(world.stateOf(active), { n: N(1) });
    },
  ],
  ['I16', 'nothing will make a retry', ({ world, due }) => world.remove(due)],
  [
    'I16',
    'nothing will begin a message that the tick has passed',
    ({ world }) => {
      world.now = T + 21 * MINUTE;
      world.queues.deliveries.shift();
    },
  ],
  [
    'I10',
    'nothing will make a callback',
    ({ world, callback, due }) => {
      world.remove(messageKey(callback.messageId));
      world.remove(due);
    },
  ],
  [
    'I18',
    'an open message has expired',
    ({ world, created }) => {
      Object.assign(world.find(messageKey(created.messageId)), ttlOf(T));
    },
  ],
  [
    'I18',
    'the state of an open message expires',
    ({ world, active }) => Object.assign(world.stateOf(active), ttlOf(EXPIRY)),
  ],
  [
    'I18',
    'what an open callback reports on has expired',
    ({ world, retry, callback }) => {
      Object.assign(world.find(messageKey(retry.messageId)), ttlOf(T));
      world.remove(stateKey(callback.messageId));
      world.hint(callback, 0);
    },
  ],
  [
    'I4',
    'a message waits for its retry after a success',
    ({ world, retry }) => {
      const at = world.arrivals.findIndex(({ messageId }) => messageId === retry.messageId);
      world.arrivals[at] = { ...world.arrivals[at]!, status: 200 };
    },
  ],
  [
    'I7',
    'a canceled message goes on',
    ({ world, retry }) => {
      world.cancels.push({ messageId: retry.messageId, status: 200, cancelled: 1, answeredAt: T + MINUTE });
    },
  ],
];

test.each(OPEN)('while messages are open, %s: %s', (rule, _, breakIt) => {
  const all = openWorld();
  breakIt(all);
  expect(all.world.rules()).toContain(rule);
});

describe('what a correct service may leave', () => {
  test('a callback that is not made yet, while a hint will make somebody look', () => {
    const { world, callback } = openWorld();
    world.remove(messageKey(callback.messageId));
    world.remove(stateKey(callback.messageId));
    expect(world.rules()).toEqual([]);
  });

  test('a message without a hint that the tick will look at', () => {
    const { world } = openWorld();
    world.queues.deliveries.shift();
    expect(world.rules()).toEqual([]);
  });

  test('a publish that nobody was told of, done or not', () => {
    const { world, unique } = endedWorld();
    world.publishes.push({ url: 'https://example.com/never', status: 502, askedAt: T });
    const at = world.publishes.findIndex(({ url }) => url === unique.url);
    world.publishes.splice(at, 2);
    world.publishes.push({ url: unique.url, status: 0, askedAt: T });
    expect(world.rules()).toEqual([]);
  });

  test('a second request of an attempt whose function died', () => {
    const { world, unique } = endedWorld();
    world.stateOf(unique).crashes = N(1);
    arrive(world, unique, 0, T + 2 * MINUTE);
    expect(world.rules()).toEqual([]);
  });
});

import fc from 'fast-check';
import { callbackOf, failureCallbackOf } from '../../../lambda/callback/callback-message';
import { endedExpiry, messageExpiry } from '../../../lambda/message/expiry';
import type { CallbackOptions, Message } from '../../../lambda/message/message';
import { derivedMessageId, dlqIdOf } from '../../../lambda/message/message-id';

const NOW = 1_780_000_000_000;
const DAY = 86_400_000;
const LONGEST = 880_000;
const RETENTION = { dlqMs: 7 * DAY, logMs: 3 * DAY };

const options = (depth: number): fc.Arbitrary<CallbackOptions> =>
  fc.record(
    {
      url: fc.constant('https://example.com/'),
      method: fc.constant('POST' as const),
      header: fc.constant({}),
      retries: fc.nat(3),
      delay: fc.nat(1_000_000),
      ...(depth === 2 ? {} : { callback: options(depth + 1), failureCallback: options(depth + 1) }),
    },
    { requiredKeys: ['url', 'method', 'header'] },
  );

const messages: fc.Arbitrary<Message> = fc.record(
  {
    messageId: fc.constant(derivedMessageId(NOW, 'a')),
    createdAt: fc.constant(NOW),
    url: fc.constant('https://example.com/'),
    method: fc.constant('POST' as const),
    header: fc.constant({}),
    body: fc.constant(new Uint8Array()),
    notBefore: fc.nat(400 * DAY).map((delay) => NOW + delay),
    maxRetries: fc.nat(5),
    callback: options(1),
    failureCallback: options(1),
    lane: fc.constant('deliveries' as const),
  },
  { requiredKeys: ['messageId', 'createdAt', 'url', 'method', 'header', 'body', 'notBefore', 'maxRetries', 'lane'] },
);

/** A share of what an attempt, a wait or the number of attempts can be at most. */
type Draw = () => number;

/** A message's end, and the last end of the callbacks that tell of it, and of theirs. */
interface Life {
  readonly endedAt: number;
  readonly lastEnd: number;
}

function live(message: Message, draw: Draw): Life {
  const attempts = 1 + Math.floor(draw() * message.maxRetries);
  const callbacks: Message[] = [];
  let time = message.notBefore;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) time += Math.round(draw() * DAY);
    time += Math.round(draw() * LONGEST);
    callbacks.push(...[callbackOf(message, attempt, time)].filter((callback) => callback !== undefined));
  }
  const dlqId = dlqIdOf(message.messageId, time);
  callbacks.push(
    ...[failureCallbackOf(message, attempts - 1, time, dlqId)].filter((callback) => callback !== undefined),
  );
  return { endedAt: time, lastEnd: Math.max(time, ...callbacks.map((callback) => live(callback, draw).lastEnd)) };
}

const worst: Draw = () => 1;
const draws = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })).map((stream): Draw => {
  return () => stream.next().value as number;
});
const lives = fc.tuple(messages, fc.oneof(fc.constant(worst), draws));

test('a message outlives its attempts and callbacks by what the log and the dead letter queue keep', () => {
  fc.assert(
    fc.property(lives, ([message, draw]) => {
      const expiresAt = messageExpiry(message, LONGEST, RETENTION);
      const { lastEnd } = live(message, draw);
      if (expiresAt !== undefined) expect(expiresAt).toBeGreaterThanOrEqual(lastEnd + 7 * DAY);
    }),
    { numRuns: 1_000 },
  );
});

test('a message that has ended outlives its callbacks by as much', () => {
  fc.assert(
    fc.property(lives, ([message, draw]) => {
      const { endedAt, lastEnd } = live(message, draw);
      expect(endedExpiry(message, endedAt, LONGEST, RETENTION)).toBeGreaterThanOrEqual(lastEnd + 7 * DAY);
    }),
    { numRuns: 1_000 },
  );
});

test('an end in time asks for no later expiry than was foreseen', () => {
  fc.assert(
    fc.property(lives, ([message, draw]) => {
      const { endedAt } = live(message, draw);
      const foreseen = messageExpiry(message, LONGEST, RETENTION) ?? Number.POSITIVE_INFINITY;
      expect(endedExpiry(message, endedAt, LONGEST, RETENTION)).toBeLessThanOrEqual(foreseen);
    }),
  );
});

const plain = { notBefore: NOW, maxRetries: 0 };

test.each([
  ['a dead letter queue that keeps longer', { dlqMs: 90 * DAY, logMs: DAY }, 90 * DAY],
  ['a log that keeps longer', { dlqMs: DAY, logMs: 14 * DAY }, 14 * DAY],
])('%s decides', (_which, retention, kept) => {
  expect(messageExpiry(plain, LONGEST, retention)).toBe(NOW + LONGEST + kept);
  expect(endedExpiry(plain, NOW, LONGEST, retention)).toBe(NOW + kept);
});

test('what may be under way for more than 30 days has no expiry, however long it waits before', () => {
  const last = Math.floor((30 * DAY - LONGEST) / (DAY + LONGEST));
  expect(messageExpiry({ ...plain, maxRetries: last }, LONGEST, RETENTION)).toBeDefined();
  expect(messageExpiry({ ...plain, maxRetries: last + 1 }, LONGEST, RETENTION)).toBeUndefined();
  expect(messageExpiry({ ...plain, notBefore: NOW + 365 * DAY }, LONGEST, RETENTION)).toBe(
    NOW + 365 * DAY + LONGEST + 7 * DAY,
  );
  const callback = { url: 'https://example.com/', method: 'POST' as const, header: {}, delay: 31 * 86_400 };
  expect(messageExpiry({ ...plain, callback }, LONGEST, RETENTION)).toBeUndefined();
});

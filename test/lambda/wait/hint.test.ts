import fc from 'fast-check';
import { derivedMessageId } from '../../../lambda/message/message-id';
import {
  decodeBodyHint,
  decodeHint,
  decodeScheduleHint,
  encodeBodyHint,
  encodeHint,
  encodeScheduleHint,
  type Hint,
} from '../../../lambda/wait/hint';

const NOW = 1_780_000_000_000;
const messageId = derivedMessageId(NOW, 'a');

const hints: fc.Arbitrary<Hint> = fc.record({
  messageId: fc.string().map((seed) => derivedMessageId(NOW, seed)),
  attempt: fc.nat(),
  due: fc.nat(9_999_999_999_999),
});

test('a hint comes back as it was, and is small', () => {
  fc.assert(
    fc.property(hints, (hint) => {
      expect(decodeHint(encodeHint(hint))).toEqual(hint);
      expect(encodeHint(hint).length).toBeLessThan(128);
    }),
  );
});

test('a hint at a body comes back as it was, and is none at an attempt', () => {
  fc.assert(
    fc.property(hints, (hint) => {
      const { messageId: id } = hint;
      const body = encodeBodyHint({ messageId: id });
      expect([decodeBodyHint(body), decodeHint(body)]).toEqual([{ messageId: id }, undefined]);
      expect(decodeBodyHint(encodeHint(hint))).toBeUndefined();
    }),
  );
});

test('a hint at a schedule, and one at its body, come back as they were, and are of no other kind', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9._-]{1,256}$/), fc.nat(9_999_999_999_999), (scheduleId, tick) => {
      const hint = encodeScheduleHint({ scheduleId, tick });
      expect([decodeScheduleHint(hint), decodeHint(hint), decodeBodyHint(hint)]).toEqual([
        { scheduleId, tick },
        undefined,
        undefined,
      ]);
      const body = encodeBodyHint({ messageId, scheduleId });
      expect([decodeBodyHint(body), decodeHint(body), decodeScheduleHint(body)]).toEqual([
        { messageId, scheduleId },
        undefined,
        undefined,
      ]);
      expect(hint.length).toBeLessThan(1024);
    }),
  );
});

const valid = { m: messageId, a: 0, d: NOW };

test.each([
  '',
  'null',
  '1',
  '"text"',
  '[]',
  '{}',
  '{',
  messageId,
  JSON.stringify({ ...valid, m: undefined }),
  JSON.stringify({ ...valid, m: 'msg_1' }),
  JSON.stringify({ ...valid, m: 7 }),
  JSON.stringify({ ...valid, m: [messageId] }),
  JSON.stringify({ ...valid, a: undefined }),
  JSON.stringify({ ...valid, a: -1 }),
  JSON.stringify({ ...valid, a: 0.5 }),
  JSON.stringify({ ...valid, a: '0' }),
  JSON.stringify({ ...valid, a: 2 ** 53 }),
  JSON.stringify({ ...valid, d: undefined }),
  JSON.stringify({ ...valid, d: '1' }),
  JSON.stringify({ ...valid, d: null }),
  `{"m":"${messageId}","a":0,"d":1e999}`,
])('%j is none', (body) => {
  expect([decodeHint(body), decodeBodyHint(body), decodeScheduleHint(body)]).toEqual([undefined, undefined, undefined]);
});

test.each([{}, { b: 7 }, { b: 'msg_1' }, { b: [messageId] }])('%j is no hint at a body', (body) => {
  expect(decodeBodyHint(JSON.stringify(body))).toBeUndefined();
});

test.each([{}, { s: 7, t: 1 }, { s: 'a' }, { s: 'a', t: '1' }, { s: 'a', t: 0.5 }, { t: 1 }])(
  '%j is no hint at a schedule',
  (body) => {
    expect(decodeScheduleHint(JSON.stringify(body))).toBeUndefined();
  },
);

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (body) => {
      expect([decodeHint(body), decodeBodyHint(body), decodeScheduleHint(body)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }),
    { numRuns: 1_000 },
  );
});

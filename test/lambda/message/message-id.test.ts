import fc from 'fast-check';
import {
  ALL_SHARDS,
  decodeTime,
  derivedMessageId,
  dlqIdOf,
  dlqPlaceOf,
  encodeTime,
  eventToken,
  messageIdOf,
  mustPlace,
  placeOf,
} from '../../../lambda/message/message-id';

const NOW = 1_780_000_000_000;
/** To the year 2286, when milliseconds get a fourteenth digit. */
const times = fc.nat(9_999_999_999_999);
const ids = fc.tuple(times, fc.string()).map(([time, seed]) => derivedMessageId(time, seed));

const bySort = (a: string, b: string) => (a < b ? -1 : Number(a > b));

describe('times', () => {
  test('come back as they were, in ten characters', () => {
    fc.assert(
      fc.property(times, (time) => {
        expect(encodeTime(time)).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/);
        expect(decodeTime(encodeTime(time))).toBe(time);
      }),
    );
  });

  test('sort as they count', () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        expect(bySort(encodeTime(a), encodeTime(b))).toBe(Math.sign(a - b));
      }),
    );
    expect(encodeTime(31)).toBe('000000000Z');
    expect(encodeTime(32)).toBe('0000000010');
  });
});

describe('message ids', () => {
  test('sort by time whatever their tail', () => {
    fc.assert(
      fc.property(fc.array(ids, { minLength: 2 }), (some) => {
        const inOrder = [...some].sort(bySort).map((id) => mustPlace(id).time);
        expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
      }),
    );
  });

  test('are those of their token', () => {
    fc.assert(
      fc.property(ids, (id) => {
        const { token, time } = mustPlace(id);
        expect(messageIdOf(token)).toBe(id);
        expect(decodeTime(token)).toBe(time);
      }),
    );
  });

  test.each([
    '',
    'msg_',
    'msg_1',
    '1',
    `msg_2${'0'.repeat(27)}`,
    `msg_1${'0'.repeat(26)}`,
    `msg_1${'0'.repeat(28)}`,
    `msg_1${'0'.repeat(26)}U`,
    `msg_1${'0'.repeat(26)}I`,
    `msg_1${'0'.repeat(26)}a`,
    ` msg_1${'0'.repeat(27)}`,
    `msg_1${'0'.repeat(27)}\n`,
    `msg_1${'0'.repeat(26)}#`,
    `MSG_1${'0'.repeat(27)}`,
  ])('%j is none', (text) => {
    expect(placeOf(text)).toBeUndefined();
    expect(() => mustPlace(text)).toThrow('not a message id');
  });

  test('no other text is one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(placeOf(text)).toBeUndefined();
      }),
    );
  });
});

describe('derived ids', () => {
  test('are the same for the same step', () => {
    expect(derivedMessageId(NOW, 'a', 1)).toBe(derivedMessageId(NOW, 'a', 1));
  });

  test('differ for any other step', () => {
    const parts = fc.tuple(fc.stringMatching(/^[\w-]*$/), fc.constantFrom('deliveries', 'failures'), fc.nat(999));
    fc.assert(
      fc.property(times, parts, times, parts, (time, a, otherTime, b) => {
        fc.pre(time !== otherTime || a.join('\n') !== b.join('\n'));
        expect(derivedMessageId(time, ...a)).not.toBe(derivedMessageId(otherTime, ...b));
      }),
    );
    // Parts are told apart, not run together.
    expect(derivedMessageId(NOW, 'a', 11)).not.toBe(derivedMessageId(NOW, 'a1', 1));
  });
});

describe('event tokens', () => {
  test('have the time of the event and the shard of the message', () => {
    fc.assert(
      fc.property(ids, times, fc.nat(999), (id, at, attempt) => {
        const token = eventToken(id, at, 'attempt', attempt);
        const place = mustPlace(messageIdOf(token));
        expect(place).toEqual({ token, time: at, shard: mustPlace(id).shard });
        expect(eventToken(id, at, 'attempt', attempt)).toBe(token);
      }),
    );
  });

  test('differ by message, kind and attempt', () => {
    const [a, b] = [derivedMessageId(NOW, 'a'), derivedMessageId(NOW, 'b')];
    const tokens = [
      eventToken(a, NOW, 'attempt', 0),
      eventToken(a, NOW, 'attempt', 1),
      eventToken(a, NOW, 'begin', 0),
      eventToken(a, NOW, 'cancel'),
      eventToken(b, NOW, 'attempt', 0),
    ];
    expect(new Set(tokens).size).toBe(5);
  });
});

describe('dead letter ids', () => {
  const failures = fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 });

  test('are milliseconds and a number', () => {
    fc.assert(
      fc.property(ids, failures, (id, failedAt) => {
        const dlqId = dlqIdOf(id, failedAt);
        const [, ms, number] = /^(\d{13})-(\d{1,16})$/.exec(dlqId)!;
        expect(Number(ms)).toBe(failedAt);
        expect(Number.isSafeInteger(Number(number))).toBe(true);
        expect(dlqIdOf(id, failedAt)).toBe(dlqId);
        expect(dlqPlaceOf(dlqId)).toEqual({ time: failedAt, shard: Number(number) % ALL_SHARDS.length });
      }),
    );
  });

  test('sort by the time of the failure', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ids, failures), { minLength: 2 }), (some) => {
        const inOrder = some
          .map(([id, failedAt]) => dlqIdOf(id, failedAt))
          .sort(bySort)
          .map((dlqId) => dlqPlaceOf(dlqId)!.time);
        expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
      }),
    );
  });

  test('of messages that fail together differ, and use every shard', () => {
    const many = Array.from({ length: 500 }, (_, index) => dlqIdOf(derivedMessageId(NOW, index), NOW));
    expect(new Set(many).size).toBe(500);
    expect(new Set(many.map((dlqId) => dlqPlaceOf(dlqId)!.shard))).toEqual(new Set(ALL_SHARDS));
  });

  test.each([
    '',
    '-',
    'nope',
    '1780000000000',
    '1780000000000-',
    '-1',
    '178000000000-1',
    '17800000000000-1',
    '1780000000000-12345678901234567',
    '1780000000000-1 ',
    '1780000000000--1',
    '1780000000000-1.5',
    '1780000000000-0x1',
    '1780000000000-1\n',
  ])('%j is none', (text) => {
    expect(dlqPlaceOf(text)).toBeUndefined();
  });
});

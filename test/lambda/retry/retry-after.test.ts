import fc from 'fast-check';
import type { HeaderMap } from '../../../lambda/message/message';
import { serverDelay } from '../../../lambda/retry/retry-after';

const NOW = Date.UTC(2026, 5, 1, 12, 0, 0);

const retryAfter = (value: string, more: HeaderMap = {}) => serverDelay({ 'Retry-After': [value], ...more }, NOW);

describe('forms', () => {
  test.each([
    ['0', 0],
    ['120', 120_000],
    [' 120 ', 120_000],
    ['1.5', 1_500],
    ['86400', 86_400_000],
    ['6m5s', 365_000],
    ['6m5.5s', 365_500],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['24h', 86_400_000],
    ['250ms', 250],
    ['1500us', 2],
    ['1500µs', 2],
    ['1500μs', 2],
    ['20000000ns', 20],
    ['1h2m3s4ms', 3_723_004],
    ['Mon, 01 Jun 2026 12:00:30 GMT', 30_000],
    ['Mon, 01 Jun 2026 12:00:30 UTC', 30_000],
    ['Mon, 01 Jun 2026 14:00:30 +0200', 30_000],
    ['Mon, 01 Jun 2026 11:00:00 GMT', 0],
    ['Tue, 02 Jun 2026 12:00:00 GMT', 86_400_000],
  ])('Retry-After: %s', (value, expected) => {
    expect(retryAfter(value)).toBe(expected);
  });

  test.each([
    '86401',
    '1d1s',
    '25h',
    'Tue, 02 Jun 2026 12:00:01 GMT',
    '1780315200',
    '',
    '-1',
    '-5s',
    'soon',
    '5 s',
    '5w',
    '1e3',
    '0x10',
    'Infinity',
    'NaN',
    '2026-06-01T12:00:30Z',
    '1 June 2026',
    'Mon, 99 Jun 2026 12:00:30 GMT',
    '9'.repeat(500),
  ])('ignored: %.40s', (value) => {
    expect(retryAfter(value)).toBeUndefined();
  });
});

describe('headers', () => {
  test.each(['X-Ratelimit-Reset', 'X-Ratelimit-Reset-Requests', 'X-Ratelimit-Reset-Tokens'])('%s counts', (name) => {
    expect(serverDelay({ [name]: ['6m5s'] }, NOW)).toBe(365_000);
  });

  test('come in order, and what is ignored makes way for the next', () => {
    const all = {
      'X-Ratelimit-Reset-Tokens': ['4'],
      'X-Ratelimit-Reset-Requests': ['3'],
      'X-Ratelimit-Reset': ['2'],
    };
    expect(retryAfter('1', all)).toBe(1_000);
    expect(retryAfter('soon', all)).toBe(2_000);
    expect(serverDelay({ ...all, 'X-Ratelimit-Reset': ['1780315200'] }, NOW)).toBe(3_000);
  });

  test('none', () => {
    expect(serverDelay({}, NOW)).toBeUndefined();
    expect(serverDelay({ 'Retry-After': [] }, NOW)).toBeUndefined();
  });

  test("a date is compared with the destination's own clock when it tells it", () => {
    const value = 'Mon, 01 Jun 2026 12:00:30 GMT';
    expect(retryAfter(value, { Date: ['Mon, 01 Jun 2026 12:00:10 GMT'] })).toBe(20_000);
    expect(retryAfter(value, { Date: ['yesterday'] })).toBe(30_000);
  });
});

test('any text gives nothing or whole milliseconds within a day', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789.dhmsnuµ ,:GMT') })), (text) => {
      const delay = retryAfter(text);
      expect(delay === undefined || (Number.isInteger(delay) && delay >= 0 && delay <= 86_400_000)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

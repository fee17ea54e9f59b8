import fc from 'fast-check';
import type { AttemptResult, HeaderMap } from '../../../lambda/message/message';
import { decideNext } from '../../../lambda/retry/decide-next';

const END = 1_780_000_000_000;

function result(status: number, header: HeaderMap = {}): AttemptResult {
  return { status, header, body: new Uint8Array() };
}

test.each([200, 201, 204, 299])('%i is delivered, even as the last attempt', (status) => {
  expect(decideNext({ maxRetries: 0 }, 0, result(status), END)).toEqual({ kind: 'delivered' });
});

test('a response too long to keep is delivered all the same', () => {
  expect(decideNext({ maxRetries: 3 }, 0, { ...result(200), truncated: true }, END)).toEqual({ kind: 'delivered' });
});

test.each([0, 100, 199, 300, 301, 302, 307, 308, 400, 404, 410, 429, 489, 500, 503, 999])('%i is retried', (status) => {
  expect(decideNext({ maxRetries: 3 }, 0, result(status), END)).toEqual({ kind: 'retry', at: END + 12_000 });
  expect(decideNext({ maxRetries: 3 }, 3, result(status), END)).toEqual({ kind: 'failed', reason: 'exhausted' });
});

test('the default waits grow with the attempts', () => {
  const waits = [0, 1, 2, 3, 4].map((attempt) => decideNext({ maxRetries: 9 }, attempt, result(500), END));
  expect(waits).toEqual(
    [12, 148, 1808, 22_026, 86_400].map((seconds) => ({ kind: 'retry', at: END + seconds * 1000 })),
  );
});

describe('489', () => {
  const forbids = { 'Upstash-Nonretryable-Error': ['true'] };

  test('with its header fails at once', () => {
    const failed = { kind: 'failed', reason: 'nonRetryable' };
    expect(decideNext({ maxRetries: 3 }, 0, result(489, forbids), END)).toEqual(failed);
    expect(decideNext({ maxRetries: 3 }, 0, result(489, { 'Upstash-Nonretryable-Error': [' True '] }), END)).toEqual(
      failed,
    );
    expect(decideNext({ maxRetries: 3 }, 3, result(489, forbids), END)).toEqual(failed);
  });

  test.each([
    [489, {}],
    [489, { 'Upstash-Nonretryable-Error': ['false'] }],
    [489, { 'Upstash-Nonretryable-Error': [] }],
    [500, forbids],
    [400, forbids],
  ])('status %i with %j is an ordinary failure', (status, header: HeaderMap) => {
    expect(decideNext({ maxRetries: 3 }, 0, result(status, header), END).kind).toBe('retry');
  });
});

describe('whose delay counts', () => {
  const message = { maxRetries: 9, retryDelayExpression: '1000 * (1 + retried)' };

  test("the message's expression before the default, with the retries made so far", () => {
    expect(decideNext(message, 0, result(500), END)).toEqual({ kind: 'retry', at: END + 1_000 });
    expect(decideNext(message, 4, result(500), END)).toEqual({ kind: 'retry', at: END + 5_000 });
  });

  test("the destination's wish before the expression", () => {
    expect(decideNext(message, 0, result(429, { 'Retry-After': ['7'] }), END)).toEqual({
      kind: 'retry',
      at: END + 7_000,
    });
    expect(decideNext(message, 0, result(429, { 'Retry-After': ['0'] }), END)).toEqual({ kind: 'retry', at: END });
    expect(decideNext(message, 0, result(429, { 'Retry-After': ['99999'] }), END)).toEqual({
      kind: 'retry',
      at: END + 1_000,
    });
  });

  test('a stored expression that cannot be read gives way to the default', () => {
    expect(decideNext({ maxRetries: 1, retryDelayExpression: 'nonsense(' }, 0, result(500), END)).toEqual({
      kind: 'retry',
      at: END + 12_000,
    });
  });
});

test('no series of failures makes more than 1 + maxRetries attempts, nor waits into the past or beyond a day', () => {
  const failures = fc.record({
    status: fc.oneof(fc.constant(0), fc.integer({ min: 300, max: 999 })),
    retryAfter: fc.option(fc.string(), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.nat(20), fc.array(failures, { minLength: 1 }), (maxRetries, series) => {
      let attempt = 0;
      for (; ; attempt++) {
        const { status, retryAfter } = series[attempt % series.length]!;
        const header: HeaderMap = retryAfter === undefined ? {} : { 'Retry-After': [retryAfter] };
        const next = decideNext({ maxRetries }, attempt, result(status, header), END);
        if (next.kind !== 'retry') break;
        expect(next.at).toBeGreaterThanOrEqual(END);
        expect(next.at).toBeLessThanOrEqual(END + 86_400_000);
      }
      expect(attempt).toBe(maxRetries);
    }),
  );
});

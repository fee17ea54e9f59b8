import { followMessage, newFlowLimits, pin, resetRate, unpin } from '../../../lambda/message/flow-limits';

const T = 1_780_000_000_000;
const first = newFlowLimits({ parallelism: 3, rate: 20, period: 60 });

test('a new key has the limits of its message', () => {
  expect(first).toEqual({
    paused: false,
    parallelism: 3,
    rate: 20,
    period: 60,
    isPinnedParallelism: false,
    isPinnedRate: false,
  });
  expect(newFlowLimits({ rate: 1, period: 1 })).not.toHaveProperty('parallelism');
});

test('the latest message counts, also for what it does not limit', () => {
  const window = { start: T, count: 4 };
  const later = followMessage({ ...first, paused: true, window }, { parallelism: 1, period: 1 });
  expect(later).toEqual({
    paused: true,
    window,
    parallelism: 1,
    period: 1,
    isPinnedParallelism: false,
    isPinnedRate: false,
  });
});

test.each([
  [{ parallelism: 9 }, { parallelism: 9, rate: 20, period: 60, isPinnedParallelism: true, isPinnedRate: false }],
  [{ rate: 9 }, { parallelism: 3, rate: 9, period: 60, isPinnedParallelism: false, isPinnedRate: true }],
  [
    { rate: 9, period: 5 },
    { parallelism: 3, rate: 9, period: 5, isPinnedParallelism: false, isPinnedRate: true },
  ],
  [
    { parallelism: 8, rate: 9, period: 5 },
    { parallelism: 8, rate: 9, period: 5, isPinnedParallelism: true, isPinnedRate: true },
  ],
])('pinning %j sets it and begins a new period', (pins, expected) => {
  const used = { ...first, window: { start: T - 5_000, count: 20 }, wakeAt: T + 55_000 };
  expect(pin(used, pins, T)).toEqual({ paused: false, ...expected, window: { start: T, count: 0 } });
});

test('messages do not change what is pinned, and that alone', () => {
  const message = { parallelism: 1, rate: 1, period: 1 };
  const both = pin(first, { parallelism: 9, rate: 9, period: 9 }, T);
  expect(followMessage(both, message)).toEqual(both);
  const parallelism = pin(first, { parallelism: 9 }, T);
  expect(followMessage(parallelism, message)).toEqual({ ...parallelism, rate: 1, period: 1 });
  const rate = pin(first, { rate: 9, period: 9 }, T);
  expect(followMessage(rate, message)).toEqual({ ...rate, parallelism: 1 });
});

test.each([
  [true, false],
  [false, true],
  [true, true],
  [false, false],
])('unpinned (parallelism %s, rate %s), limits stay until a message brings others', (parallelism, rate) => {
  const pinned = pin(first, { parallelism: 9, rate: 9, period: 9 }, T);
  const unpinned = unpin(pinned, { parallelism, rate });
  expect(unpinned).toEqual({ ...pinned, isPinnedParallelism: !parallelism, isPinnedRate: !rate });
  expect(followMessage(unpinned, { parallelism: 1, rate: 1, period: 1 })).toMatchObject({
    parallelism: parallelism ? 1 : 9,
    rate: rate ? 1 : 9,
    period: rate ? 1 : 9,
  });
});

test('what was never pinned is not by unpinning the other', () => {
  expect(unpin(pin(first, { rate: 9 }, T), { parallelism: false, rate: true })).toMatchObject({
    isPinnedParallelism: false,
    isPinnedRate: false,
  });
});

test('a reset begins a new period with nothing counted', () => {
  const used = { ...first, window: { start: T - 5_000, count: 20 }, wakeAt: T + 55_000 };
  expect(resetRate(used, T)).toEqual({ ...first, window: { start: T, count: 0 } });
});

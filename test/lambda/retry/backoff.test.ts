import { defaultBackoff } from '../../../lambda/retry/backoff';

test.each([
  [1, 12],
  [2, 2 * 60 + 28],
  [3, 30 * 60 + 8],
  [4, 6 * 3600 + 7 * 60 + 6],
  [5, 86_400],
  [6, 86_400],
  [999, 86_400],
])('retry %i waits %i seconds', (n, seconds) => {
  expect(defaultBackoff(n)).toBe(seconds * 1000);
});

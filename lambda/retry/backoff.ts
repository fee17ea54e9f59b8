const DAY_SECONDS = 86_400;

/**
 * QStash's default delay before retry `n` (the first is 1), in milliseconds: e^(2.5n) seconds, in whole
 * seconds, at most a day: 12 s, 2 m 28 s, 30 m 8 s, 6 h 7 m 6 s, then 24 h. No jitter.
 */
export function defaultBackoff(n: number): number {
  return Math.floor(Math.min(DAY_SECONDS, Math.exp(2.5 * n))) * 1000;
}

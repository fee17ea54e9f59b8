/**
 * Two clocks. Service time rules due times, leases, ids, logs and expiry; wall time rules signatures,
 * request deadlines and anything another machine compares. On AWS they are the same. Local mode sets
 * service time ahead through a shared offset, so that a retry in 24 hours can be tried in a second.
 */
const OFFSET = Symbol.for('cdk-qstash.serviceTimeOffset');

/** Service time in milliseconds since the epoch. */
export function serviceNow(): number {
  const offset = (globalThis as { [OFFSET]?: Float64Array })[OFFSET];
  return Date.now() + (offset === undefined ? 0 : offset[0]!);
}

/** Wall time in milliseconds since the epoch. */
export function wallNow(): number {
  return Date.now();
}

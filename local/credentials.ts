/**
 * The published credentials of QStash's own development server. They are no secrets: the TypeScript SDK
 * expects exactly these of a local service when `QSTASH_DEV` is set.
 */
export const DEV_TOKEN = 'eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=';
export const DEV_SIGNING_KEYS = {
  current: 'sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r',
  next: 'sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs',
} as const;

/** The read-only token of local mode. */
export const DEV_READ_ONLY_TOKEN = Buffer.from(
  JSON.stringify({ UserID: 'defaultUser', Password: 'readOnlyPassword' }),
).toString('base64');

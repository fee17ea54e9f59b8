import { createHash, createHmac, randomUUID } from 'node:crypto';

const LIFETIME_SECONDS = 300;
/** Receivers refuse a token from the future, and clocks differ a little. */
const BACKDATED_SECONDS = 1;

const HEADER = encode({ alg: 'HS256', typ: 'JWT' });

/** What an `Upstash-Signature` speaks for. */
export interface Signable {
  /** The URL exactly as called. */
  readonly url: string;
  /** The body exactly as sent. */
  readonly body: Uint8Array;
  /** Signing key, used as UTF-8 text (`sig_…`). */
  readonly key: string;
  /** Wall time in milliseconds: other machines compare it. */
  readonly now: number;
}

/**
 * The `Upstash-Signature` of one attempt: a JWT (HS256) valid for five minutes that binds URL and body, as
 * the receivers of the QStash SDKs verify it. Each call gives another `jti`.
 */
export function signRequest({ url, body, key, now }: Signable): string {
  const seconds = Math.floor(now / 1000);
  const hash = createHash('sha256').update(body).digest('base64');
  const claims = {
    iss: 'Upstash',
    sub: url,
    exp: seconds + LIFETIME_SECONDS,
    nbf: 0,
    iat: seconds - BACKDATED_SECONDS,
    jti: `jwt_${randomUUID()}`,
    // Padded, as QStash sends it; receivers take both.
    body: hash.replaceAll('+', '-').replaceAll('/', '_'),
  };
  const signed = `${HEADER}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

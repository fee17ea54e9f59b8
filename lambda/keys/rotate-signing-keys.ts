import { createHash, randomBytes } from 'node:crypto';
import { PutSecretValueCommand, ResourceExistsException } from '@aws-sdk/client-secrets-manager';
import { requireEnv } from '../config';
import { KEYS_VERSION_KEY, N } from '../store/keys';
import { putItem } from '../store/write-items';
import { loadSigningKeys, type SigningKeys, secretsManager } from './signing-keys';

/** Receivers are given this long to learn of a rotation before the next one. */
const ROTATION_INTERVAL_MS = 3_600_000;

export type Rotation =
  | { readonly rotated: true; readonly keys: SigningKeys }
  /** Refused: so long ago, in milliseconds, were the keys rotated last, and so long it takes until they may be. */
  | { readonly rotated: false; readonly ago: number; readonly wait: number };

/**
 * Makes `next` the current key and a fresh one the next. Within an hour of the last rotation it refuses unless
 * forced: a receiver that still has the keys from before both rotations would accept nothing any more. Of two
 * rotations at a time one wins.
 */
export async function rotateSigningKeys(now: number, force: boolean): Promise<Rotation> {
  const keys = await loadSigningKeys();
  const ago = keys.rotatedAt === undefined ? Number.POSITIVE_INFINITY : now - keys.rotatedAt;
  if (!force && ago < ROTATION_INTERVAL_MS) return { rotated: false, ago, wait: ROTATION_INTERVAL_MS - ago };
  const rotated: SigningKeys = {
    ...keys,
    current: keys.next,
    next: newSigningKey(),
    version: keys.version + 1,
    rotatedAt: now,
  };
  try {
    await secretsManager.send(
      new PutSecretValueCommand({
        SecretId: requireEnv('SIGNING_KEY_SECRET_ARN'),
        SecretString: JSON.stringify(rotated),
        // Of the keys that it replaces: a second rotation of the same keys is refused.
        ClientRequestToken: createHash('sha256').update(`${keys.current}\n${keys.version}`).digest('hex').slice(0, 36),
      }),
    );
  } catch (error) {
    if (error instanceof ResourceExistsException) return { rotated: false, ago: 0, wait: ROTATION_INTERVAL_MS };
    throw error;
  }
  // Signers read it with every batch and fetch the keys anew.
  await putItem({ ...KEYS_VERSION_KEY, version: N(rotated.version) });
  return { rotated: true, keys: rotated };
}

/** `sig_` and 256 random bits. */
export function newSigningKey(): string {
  return `sig_${randomBytes(32).toString('base64url').replace(/[-_]/g, 'x')}`;
}

import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { serviceNow } from '../clock';
import { requireEnv } from '../config';
import { clientOptions } from '../store/aws';
import type { Item } from '../store/keys';

/** The keys that sign deliveries, as the secret holds them. */
export interface SigningKeys {
  readonly current: string;
  /** What `current` will be after the next rotation: receivers accept both. */
  readonly next: string;
  /** Counts rotations, from 1. */
  readonly version: number;
  /** When they were last rotated, milliseconds; absent before the first rotation. */
  readonly rotatedAt?: number;
}

/** How long keys are used without asking again, although nobody told of a rotation. */
const CACHE_MS = 60_000;

export const secretsManager = new SecretsManagerClient(clientOptions);

/** The signing keys as they are now. Throws when the secret has not been filled. */
export async function loadSigningKeys(): Promise<SigningKeys> {
  const answer = await secretsManager.send(
    new GetSecretValueCommand({ SecretId: requireEnv('SIGNING_KEY_SECRET_ARN') }),
  );
  const keys = JSON.parse(answer.SecretString ?? '{}') as Partial<SigningKeys>;
  if (!keys.current || !keys.next) throw new Error('the signing key secret has no keys yet');
  return { ...keys, current: keys.current, next: keys.next, version: keys.version ?? 1 };
}

let cached: { readonly keys: Promise<SigningKeys>; readonly until: number; readonly version: number } | undefined;

/**
 * The key to sign with. `versionItem` is the table's word on which version is in force, read with every
 * batch: a rotation there drops the cached keys at once. A receiver that knows only the keys from before the
 * rotation has this one as its next key.
 */
export async function signingKey(versionItem: Item | undefined): Promise<string> {
  const version = Number(versionItem?.version?.N ?? 1);
  const now = serviceNow();
  if (cached === undefined || cached.until <= now || cached.version !== version) {
    const keys = loadSigningKeys();
    cached = { keys, until: now + CACHE_MS, version };
    keys.catch(() => {
      cached = undefined;
    });
  }
  return (await cached.keys).current;
}

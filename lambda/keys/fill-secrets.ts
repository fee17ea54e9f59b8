import { randomBytes } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { requireEnv } from '../config';
import { newSigningKey } from './rotate-signing-keys';
import { secretsManager } from './signing-keys';

/** Adds what is missing to the two secrets and changes nothing that is there, so that it can run any time. */
export async function fillSecrets(): Promise<void> {
  await addMissing(requireEnv('TOKEN_SECRET_ARN'), { token: newToken, readOnlyToken: newToken });
  await addMissing(requireEnv('SIGNING_KEY_SECRET_ARN'), {
    current: newSigningKey,
    next: newSigningKey,
    version: () => 1,
  });
}

async function addMissing(SecretId: string, fields: Readonly<Record<string, () => string | number>>): Promise<void> {
  const present = await read(SecretId);
  const missing = Object.entries(fields).filter(([name]) => present[name] === undefined);
  if (missing.length === 0) return;
  const added = Object.fromEntries(missing.map(([name, generate]) => [name, generate()]));
  await secretsManager.send(
    new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify({ ...present, ...added }) }),
  );
}

async function read(SecretId: string): Promise<Record<string, unknown>> {
  try {
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
    return JSON.parse(SecretString || '{}') as Record<string, unknown>;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return {};
    throw error;
  }
}

/**
 * A token of the form that QStash's have, from which the Workflow SDK reads `UserID`: base64 without `+` and
 * `/`, so that it stands in a query as it is.
 */
function newToken(): string {
  for (;;) {
    const token = base64Json({ UserID: randomBytes(16).toString('hex'), Password: randomBytes(32).toString('hex') });
    if (/^[A-Za-z0-9=]+$/.test(token)) return token;
  }
}

function base64Json(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

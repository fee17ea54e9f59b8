import { GetSecretValueCommand, ResourceNotFoundException } from '@aws-sdk/client-secrets-manager';
import { serviceNow } from '../clock';
import { isLocal, requireEnv, requireNumber } from '../config';
import { secretsManager } from './signing-keys';

/** The tokens that are accepted at the moment. */
export interface ApiTokens {
  /** May do everything. */
  readonly full: readonly string[];
  /** May read, except for the signing keys. */
  readonly readOnly: readonly string[];
}

/** A replaced token is accepted, and a new one is not, for at most this long beyond what the secret says. */
const CACHE_MS = 60_000;

/** The token of QStash's development server is known to everybody: it opens local services only. */
const DEVELOPMENT_TOKEN = 'eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=';

let cached: { readonly tokens: Promise<ApiTokens>; readonly until: number } | undefined;

/** The tokens of the secret, and those it had before for as long as the grace period lasts. */
export function apiTokens(): Promise<ApiTokens> {
  const now = serviceNow();
  if (cached === undefined || cached.until <= now) {
    const tokens = loadTokens(now);
    cached = { tokens, until: now + CACHE_MS };
    tokens.catch(() => {
      cached = undefined;
    });
  }
  return cached.tokens;
}

async function loadTokens(now: number): Promise<ApiTokens> {
  const current = await loadVersion('AWSCURRENT');
  const inGrace = current.since + requireNumber('TOKEN_GRACE_SECONDS') * 1000 > now;
  const previous = inGrace ? await loadVersion('AWSPREVIOUS') : undefined;
  const accepted = (tokens: (string | undefined)[]) =>
    tokens.filter((token): token is string => Boolean(token) && (isLocal() || token !== DEVELOPMENT_TOKEN));
  return {
    full: accepted([current.token, previous?.token]),
    readOnly: accepted([current.readOnlyToken, previous?.readOnlyToken]),
  };
}

interface TokenVersion {
  readonly token?: string;
  readonly readOnlyToken?: string;
  readonly since: number;
}

async function loadVersion(VersionStage: 'AWSCURRENT' | 'AWSPREVIOUS'): Promise<TokenVersion> {
  try {
    const answer = await secretsManager.send(
      new GetSecretValueCommand({ SecretId: requireEnv('TOKEN_SECRET_ARN'), VersionStage }),
    );
    const tokens = JSON.parse(answer.SecretString ?? '{}') as Omit<TokenVersion, 'since'>;
    return { ...tokens, since: answer.CreatedDate?.getTime() ?? 0 };
  } catch (error) {
    if (VersionStage === 'AWSPREVIOUS' && error instanceof ResourceNotFoundException) return { since: 0 };
    throw error;
  }
}

import { randomBytes } from 'node:crypto';
import { Env } from '../../lib/names';
import type { Stack, StackResource } from '../assembly/stack';
import { isDictionary } from '../assembly/template';
import { DEV_READ_ONLY_TOKEN, DEV_SIGNING_KEYS, DEV_TOKEN } from '../credentials';
import type { SecretsManagerServer } from '../secrets/secrets-manager-server';
import { variablesOf } from './functions';

/** Creates the secrets of the template; those that a data directory kept stay as they are. */
export function createSecrets(stack: Stack, secrets: SecretsManagerServer): void {
  for (const secret of stack.ofType('AWS::SecretsManager::Secret')) {
    const arn = stack.arn(secret);
    const name = arn.replace(/^.*:secret:(.*)-\w{6}$/, '$1');
    secrets.create(arn, name, initialSecret(stack, secret));
  }
}

/**
 * A field of the secret that a variable of some function names, such as the `token` of the token secret;
 * undefined when the secret has none, whatever it holds instead.
 */
export function readField(
  stack: Stack,
  secrets: SecretsManagerServer,
  variable: string,
  field: string,
): string | undefined {
  const [arn] = secretArns(stack, variable);
  let value: unknown;
  try {
    value = arn === undefined ? undefined : JSON.parse(secrets.current(arn) ?? '{}');
  } catch {
    // A function may have put any text.
  }
  const found = isDictionary(value) ? value[field] : undefined;
  return typeof found === 'string' ? found : undefined;
}

/** The secrets that a variable of some function names. */
function secretArns(stack: Stack, variable: string): string[] {
  return stack.ofType('AWS::Lambda::Function').flatMap((resource) => variablesOf(resource)[variable] ?? []);
}

/**
 * The first value of a secret: the published development credentials for the secrets that the functions take
 * token and keys from, else what the template says; undefined when it says nothing.
 */
function initialSecret(stack: Stack, secret: StackResource): string | undefined {
  const arn = stack.arn(secret);
  if (secretArns(stack, Env.TOKEN_SECRET_ARN).includes(arn)) {
    return JSON.stringify({ token: DEV_TOKEN, readOnlyToken: DEV_READ_ONLY_TOKEN });
  }
  if (secretArns(stack, Env.SIGNING_KEY_SECRET_ARN).includes(arn)) {
    return JSON.stringify({ ...DEV_SIGNING_KEYS, version: 1 });
  }
  const given = secret.text('SecretString');
  if (given !== undefined) return given;
  const generate = secret.properties.GenerateSecretString;
  if (!isDictionary(generate)) return undefined;
  const generated = randomBytes(24).toString('base64url');
  if (generate.SecretStringTemplate === undefined) return generated;
  const template = JSON.parse(String(generate.SecretStringTemplate)) as object;
  return JSON.stringify({ ...template, [String(generate.GenerateStringKey)]: generated });
}

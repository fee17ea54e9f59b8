import { randomBytes } from 'node:crypto';
import { Env } from '../../lib/names';
import type { Stack, StackResource } from '../assembly/stack';
import { isDictionary } from '../assembly/template';
import { DEV_READ_ONLY_TOKEN, DEV_SIGNING_KEYS, DEV_TOKEN } from '../credentials';
import { variablesOf } from './functions';

/** The secrets that a variable of some function names, such as all token secrets. */
export function secretArns(stack: Stack, variable: string): string[] {
  const arns = stack.ofType('AWS::Lambda::Function').map((resource) => variablesOf(resource)[variable]);
  return [...new Set(arns.filter((arn) => arn !== undefined))];
}

/**
 * The first value of a secret: the published development credentials for the secrets that the functions take
 * token and keys from, else what the template says; undefined when it says nothing.
 */
export function initialSecret(stack: Stack, secret: StackResource): string | undefined {
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

import type { TemplateResource } from '../../../local/assembly/template';
import { DEV_READ_ONLY_TOKEN, DEV_SIGNING_KEYS, DEV_TOKEN } from '../../../local/credentials';
import { initialSecret, secretArns } from '../../../local/deploy/secrets';
import { resource, stackOf } from '../fixtures/template';

const PREFIX = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:Shop';

function initial(properties = {}, others: Record<string, TemplateResource> = {}): string | undefined {
  const stack = stackOf({ Secret: resource('AWS::SecretsManager::Secret', properties), ...others });
  return initialSecret(stack, stack.ofType('AWS::SecretsManager::Secret')[0]!);
}

const lambda = (Variables: object) => resource('AWS::Lambda::Function', { Environment: { Variables } });

test('the secrets that functions take token and keys from hold the published development ones', () => {
  expect(JSON.parse(initial({}, { Api: lambda({ TOKEN_SECRET_ARN: { Ref: 'Secret' } }) })!)).toEqual({
    token: DEV_TOKEN,
    readOnlyToken: DEV_READ_ONLY_TOKEN,
  });
  expect(JSON.parse(initial({}, { Api: lambda({ SIGNING_KEY_SECRET_ARN: { Ref: 'Secret' } }) })!)).toEqual({
    ...DEV_SIGNING_KEYS,
    version: 1,
  });
});

test('the token is the one that the SDK expects of a local service, and tells its user', () => {
  expect(JSON.parse(Buffer.from(DEV_TOKEN, 'base64').toString())).toEqual({
    UserID: 'defaultUser',
    Password: 'defaultPassword',
  });
});

test('any other secret holds what the template says', () => {
  expect(initial()).toBeUndefined();
  expect(initial({ SecretString: 'value' })).toBe('value');
  expect(initial({ GenerateSecretString: {} })).toMatch(/^[\w-]{32}$/);
  const generated = initial({
    GenerateSecretString: { SecretStringTemplate: '{"user":"a"}', GenerateStringKey: 'password' },
  });
  expect(JSON.parse(generated!)).toEqual({ user: 'a', password: expect.stringMatching(/^[\w-]{32}$/) });
});

test('the secrets that a variable names are told once each', () => {
  const stack = stackOf({
    One: resource('AWS::SecretsManager::Secret'),
    Two: resource('AWS::SecretsManager::Secret'),
    A: lambda({ TOKEN_SECRET_ARN: { Ref: 'One' } }),
    B: lambda({ TOKEN_SECRET_ARN: { Ref: 'One' } }),
    C: lambda({ TOKEN_SECRET_ARN: { Ref: 'Two' } }),
    D: lambda({}),
  });
  const arns = secretArns(stack, 'TOKEN_SECRET_ARN');
  expect(arns).toEqual([expect.stringContaining(`${PREFIX}-One`), expect.stringContaining(`${PREFIX}-Two`)]);
});

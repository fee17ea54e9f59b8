import type { TemplateResource } from '../../../local/assembly/template';
import { ServiceClock } from '../../../local/clock';
import { DEV_READ_ONLY_TOKEN, DEV_SIGNING_KEYS, DEV_TOKEN } from '../../../local/credentials';
import { createSecrets, readField } from '../../../local/deploy/secrets';
import { SecretsManagerServer } from '../../../local/secrets/secrets-manager-server';
import { temporaryDirectory } from '../fixtures/directory';
import { resource, stackOf } from '../fixtures/template';

const clock = new ServiceClock();

afterAll(() => clock.stop());

const secret = (properties = {}) => resource('AWS::SecretsManager::Secret', properties);
const lambda = (Variables: object) => resource('AWS::Lambda::Function', { Environment: { Variables } });

/** A template's secrets, and what they hold. */
function create(resources: Record<string, TemplateResource>, secrets = new SecretsManagerServer({ clock })) {
  const stack = stackOf(resources);
  createSecrets(stack, secrets);
  const [first] = stack.ofType('AWS::SecretsManager::Secret');
  return { stack, secrets, value: secrets.current(stack.arn(first!)) };
}

test('the secrets that functions take token and keys from hold the published development ones', () => {
  const tokens = create({ Secret: secret(), Api: lambda({ TOKEN_SECRET_ARN: { Ref: 'Secret' } }) });
  expect(JSON.parse(tokens.value!)).toEqual({ token: DEV_TOKEN, readOnlyToken: DEV_READ_ONLY_TOKEN });
  const keys = create({ Secret: secret(), Api: lambda({ SIGNING_KEY_SECRET_ARN: { Ref: 'Secret' } }) });
  expect(JSON.parse(keys.value!)).toEqual({ ...DEV_SIGNING_KEYS, version: 1 });
});

test('the token is the one that the SDK expects of a local service, and tells its user', () => {
  expect(JSON.parse(Buffer.from(DEV_TOKEN, 'base64').toString())).toEqual({
    UserID: 'defaultUser',
    Password: 'defaultPassword',
  });
});

test('any other secret holds what the template says', () => {
  expect(create({ Secret: secret() }).value).toBeUndefined();
  expect(create({ Secret: secret({ SecretString: 'value' }) }).value).toBe('value');
  expect(create({ Secret: secret({ GenerateSecretString: {} }) }).value).toMatch(/^[\w-]{32}$/);
  const GenerateSecretString = { SecretStringTemplate: '{"user":"a"}', GenerateStringKey: 'password' };
  expect(JSON.parse(create({ Secret: secret({ GenerateSecretString }) }).value!)).toEqual({
    user: 'a',
    password: expect.stringMatching(/^[\w-]{32}$/),
  });
});

test('a secret that a data directory kept stays as it is', () => {
  const dir = temporaryDirectory();
  const kept = () => new SecretsManagerServer({ clock, dir });
  create({ Secret: secret({ SecretString: 'first' }) }, kept());
  expect(create({ Secret: secret({ SecretString: 'second' }) }, kept()).value).toBe('first');
});

test('a field is read of the secret that a variable names, if it has one', () => {
  const read = (SecretString: string | undefined, field: string) => {
    const { stack, secrets } = create({ Secret: secret({ SecretString }), Api: lambda({ SOME: { Ref: 'Secret' } }) });
    return readField(stack, secrets, 'SOME', field);
  };
  expect(read('{"a":"x","b":5}', 'a')).toBe('x');
  for (const [value, field] of [
    ['{"a":"x","b":5}', 'b'],
    ['{"a":"x"}', 'c'],
    ['no JSON', 'a'],
    ['["a"]', 'a'],
    ['null', 'a'],
    [undefined, 'a'],
  ] as const) {
    expect(read(value, field)).toBeUndefined();
  }
  const { stack, secrets } = create({ Secret: secret(), Api: lambda({}) });
  expect(readField(stack, secrets, 'SOME', 'a')).toBeUndefined();
});

import { request } from 'node:http';
import { connect } from 'node:net';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type AwsCall, errorAnswer, type Interceptor } from '../../../local/aws-call';
import { ServiceClock } from '../../../local/clock';
import { SecretsManagerServer } from '../../../local/secrets/secrets-manager-server';

const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:token-abcdef';

let clock: ServiceClock;
let server: SecretsManagerServer;
let client: SecretsManagerClient;
let port: number;
let intercept: Interceptor;

beforeEach(async () => {
  clock = new ServiceClock();
  intercept = (_call, execute) => execute();
  server = new SecretsManagerServer({ clock, intercept: (call, execute) => intercept(call, execute) });
  port = await server.listen();
  client = new SecretsManagerClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'Api.1', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
});

afterEach(async () => {
  client.destroy();
  await server.close();
  clock.stop();
});

const get = (input: { SecretId?: string; VersionId?: string; VersionStage?: string } = {}) =>
  client.send(new GetSecretValueCommand({ SecretId: ARN, ...input }));
const put = (input: Omit<ConstructorParameters<typeof PutSecretValueCommand>[0], 'SecretId'>) =>
  client.send(new PutSecretValueCommand({ SecretId: ARN, ...input }));

test('a secret is created with a value, or kept with the one that it has', async () => {
  server.create(ARN, 'token', 'first');
  server.create(ARN, 'token', 'second');
  expect(server.current(ARN)).toBe('first');
  expect(await get()).toMatchObject({ ARN, Name: 'token', SecretString: 'first', VersionStages: ['AWSCURRENT'] });
  expect(await get({ SecretId: 'token' })).toMatchObject({ ARN, SecretString: 'first' });
});

test('an empty secret has no value until one is put', async () => {
  server.create(ARN, 'token');
  expect(server.current(ARN)).toBeUndefined();
  await expect(get()).rejects.toThrow(ResourceNotFoundException);
  await expect(get()).rejects.toThrow('staging label: AWSCURRENT');
  await put({ SecretString: '{"a":1}' });
  expect((await get()).SecretString).toBe('{"a":1}');
  expect(server.current(ARN)).toBe('{"a":1}');
});

test('a version is got by its stage and by its id', async () => {
  server.create(ARN, 'token', 'first');
  const { VersionId } = await put({ SecretString: 'second' });
  expect(await get({ VersionId })).toMatchObject({ SecretString: 'second', VersionStages: ['AWSCURRENT'] });
  expect(await get({ VersionStage: 'AWSPREVIOUS' })).toMatchObject({ SecretString: 'first' });
  await expect(get({ VersionStage: 'AWSPENDING' })).rejects.toThrow(ResourceNotFoundException);
  await expect(get({ VersionId: '0'.repeat(32) })).rejects.toThrow(ResourceNotFoundException);
  expect(await client.send(new DescribeSecretCommand({ SecretId: 'token' }))).toMatchObject({
    ARN,
    Name: 'token',
    VersionIdsToStages: { [VersionId!]: ['AWSCURRENT'] },
  });
});

test('binary values come back as they were', async () => {
  server.create(ARN, 'token');
  const bytes = Uint8Array.from([0, 255, 128]);
  await put({ SecretBinary: bytes });
  expect((await get()).SecretBinary).toEqual(bytes);
  expect(server.current(ARN)).toBeUndefined();
});

test('a repeated put is one version; the same id with another value is refused', async () => {
  server.create(ARN, 'token', 'first');
  const ClientRequestToken = 'a'.repeat(32);
  const once = await put({ SecretString: 'second', ClientRequestToken });
  const twice = await put({ SecretString: 'second', ClientRequestToken });
  expect(twice.VersionId).toBe(once.VersionId);
  expect((await get({ VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('first');
  await expect(put({ SecretString: 'third', ClientRequestToken })).rejects.toThrow(ResourceExistsException);
  expect((await get()).SecretString).toBe('second');
});

test('secrets can be created over the wire, once', async () => {
  const create = () => client.send(new CreateSecretCommand({ Name: 'mine', SecretString: 'value' }));
  const { ARN: arn } = await create();
  expect(arn).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:mine-\w{6}$/);
  expect(await get({ SecretId: arn! })).toMatchObject({ Name: 'mine', SecretString: 'value' });
  await expect(create()).rejects.toThrow(ResourceExistsException);
  const empty = await client.send(new CreateSecretCommand({ Name: 'empty' }));
  await expect(get({ SecretId: empty.ARN! })).rejects.toThrow(ResourceNotFoundException);
});

test('times are service time', async () => {
  clock.advanceTo(Date.parse('2100-01-01T00:00:00Z'));
  server.create(ARN, 'token', 'value');
  expect((await get()).CreatedDate!.getUTCFullYear()).toBe(2100);
});

test('what is missing, empty or unknown is refused with the errors of the service', async () => {
  await expect(get({ SecretId: 'nobody' })).rejects.toThrow(ResourceNotFoundException);
  server.create(ARN, 'token');
  await expect(put({})).rejects.toMatchObject({ name: 'InvalidRequestException' });
  await expect(client.send(new ListSecretsCommand({}))).rejects.toThrow('Local mode has no operation ListSecrets.');
});

test('every call passes the interceptor, with its caller and the ARN of its secret', async () => {
  server.create(ARN, 'token', 'value');
  const calls: AwsCall[] = [];
  intercept = async (call, execute) => {
    calls.push(call);
    return call.operation === 'GetSecretValue' ? errorAnswer(400, 'AccessDeniedException', 'no') : execute();
  };
  await expect(get({ SecretId: 'token' })).rejects.toMatchObject({ name: 'AccessDeniedException', message: 'no' });
  await put({ SecretString: 'x' });
  expect(calls).toEqual([
    {
      service: 'secretsmanager',
      operation: 'GetSecretValue',
      accessKeyId: 'Api.1',
      resources: [ARN],
      input: { SecretId: 'token' },
    },
    expect.objectContaining({ operation: 'PutSecretValue', resources: [ARN] }),
  ]);
});

test('an answer that is dropped ends the connection', async () => {
  server.create(ARN, 'token', 'value');
  intercept = async () => 'dropped';
  await expect(get()).rejects.toThrow('socket hang up');
});

/** Status and body of a request without the SDK. */
function post(headers: Record<string, string>, body: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method: 'POST', headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode!, body: text });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const TARGET = { 'x-amz-target': 'secretsmanager.GetSecretValue' };
const READ = JSON.stringify({ SecretId: ARN });

test.each([
  ['of another name for this machine', { host: 'evil.example' }],
  ['of a page of another site', { origin: 'http://evil.example' }],
  ['that a browser knows to come from another site', { 'sec-fetch-site': 'cross-site' }],
])('a request %s learns nothing', async (_what, headers) => {
  server.create(ARN, 'token', 'value-of-the-secret');
  const { status, body } = await post({ ...TARGET, ...headers }, READ);
  expect(status).toBe(403);
  expect(body).not.toContain('value-of-the-secret');
  expect((await post(TARGET, READ)).body).toContain('value-of-the-secret');
});

test.each(['', 'no JSON', 'null', '[]', '"text"'])('a body of %j is refused', async (body) => {
  const answer = await post(TARGET, body);
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body)).toMatchObject({ __type: 'SerializationException' });
});

test('an interceptor that fails is an internal failure of this one call', async () => {
  server.create(ARN, 'token', 'value');
  intercept = () => Promise.reject(new Error('as asked'));
  await expect(get()).rejects.toMatchObject({ name: 'InternalServerError' });
  intercept = (_call, execute) => execute();
  expect((await get()).SecretString).toBe('value');
});

test('a client that goes away in the middle of a request harms nobody', async () => {
  server.create(ARN, 'token', 'value');
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) => {
    socket.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf', () => resolve());
  });
  socket.destroy();
  expect((await get()).SecretString).toBe('value');
});

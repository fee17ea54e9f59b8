import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CfnOutput } from 'aws-cdk-lib';
import { AssemblyError } from '../../local/assembly/template';
import { type AwsCall, errorAnswer } from '../../local/aws-call';
import { DEV_READ_ONLY_TOKEN, DEV_SIGNING_KEYS, DEV_TOKEN } from '../../local/credentials';
import { PortInUseError } from '../../local/start-local';
import { Service, type ServiceOptions, synthesize } from './fixtures/app';
import { closeAll, type Run, run } from './fixtures/run';

afterEach(closeAll);

/** Local mode with one service that has these options. */
function start(options: ServiceOptions = {}): Promise<Run> {
  return run(synthesize((stack) => new Service(stack, 'One', options)));
}

async function send({ call }: Run, body: string, delaySeconds = 0): Promise<void> {
  expect(await call('/send', JSON.stringify({ MessageBody: body, DelaySeconds: delaySeconds }))).toMatchObject({
    ok: true,
  });
}

const bodies = ({ events }: Run) => events('consumed').map(({ body }) => body);
const queue = ({ service }: Run, id: string) => service.queues()[`Test/One/${id}/Resource`]!;

describe('messages', () => {
  test('go from the door through the queue to the function, and are gone when it is done', async () => {
    const local = await start();
    await send(local, 'hello');
    await local.until(() => bodies(local).length === 1);
    await local.service.whenIdle();
    expect(bodies(local)).toEqual(['hello']);
    expect(queue(local, 'Queue')).toMatchObject({ visible: 0, inFlight: 0, delayed: 0 });
  });

  test('wait for their delay in service time', async () => {
    const local = await start();
    await send(local, 'later', 900);
    expect(queue(local, 'Queue')).toMatchObject({ delayed: 1 });
    await local.service.advance(899_000);
    expect(bodies(local)).toEqual([]);
    await local.service.advance(1000);
    expect(bodies(local)).toEqual(['later']);
  });

  test('come in batches of the size of the template', async () => {
    const local = await start({ batchSize: 3 });
    for (const body of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await send(local, body, 60);
    // In one jump, so that all become visible at once.
    local.service.clock.advanceTo(local.service.clock.now() + 61_000);
    await local.until(() => bodies(local).length === 7);
    const sizes = local.events('consumed').map(({ size }) => size);
    expect(sizes.sort()).toEqual([1, 3, 3, 3, 3, 3, 3]);
  });

  test('wait for each other as long as the window of the template', async () => {
    const local = await start({ windowSeconds: 300, batchSize: 100 });
    await send(local, 'a');
    await local.until(() => queue(local, 'Queue').inFlight === 1);
    await send(local, 'b');
    await local.until(() => queue(local, 'Queue').inFlight === 2);
    local.service.clock.advanceTo(local.service.clock.now() + 300_000);
    await local.until(() => bodies(local).length === 2);
    expect(local.events('consumed').map(({ size }) => size)).toEqual([2, 2]);
  });

  test('that are reported as failed come back alone, and end in the redrive queue', async () => {
    const local = await start({ maxReceiveCount: 2 });
    await send(local, 'fine', 60);
    await send(local, 'fail', 60);
    await local.service.advance(3_600_000);
    expect(bodies(local).filter((body) => body === 'fine')).toHaveLength(1);
    expect(bodies(local).filter((body) => body === 'fail')).toHaveLength(2);
    expect(queue(local, 'Queue')).toMatchObject({ visible: 0, inFlight: 0 });
    expect(queue(local, 'Redrive')).toMatchObject({ visible: 1 });
  });

  test.each([
    ['hang', 'Test-OneConsume\\w+: Sandbox.Timedout: [\\w-]+ Task timed out after 2.00 seconds'],
    ['throw', 'Test-OneConsume\\w+: Error: as asked'],
    ['exit', 'Test-OneConsume\\w+: Runtime.ExitError: The runtime exited with code 3 before the invocation ended'],
    ['reject', 'Test-OneConsume\\w+: Error: as asked'],
  ])('of a function that ends by %s come back, and the next ones find it well', async (body, logged) => {
    const local = await start({ maxReceiveCount: 2, consumeTimeoutSeconds: 2 });
    await send(local, body);
    await local.until(() => queue(local, 'Queue').inFlight === 1);
    await local.service.whenIdle();
    expect(local.lines.map(({ text }) => text)).toContainEqual(expect.stringMatching(new RegExp(`^${logged}`)));
    expect(queue(local, 'Queue')).toMatchObject({ inFlight: 1 });
    await send(local, 'fine');
    await local.until(() => bodies(local).includes('fine'));
    await local.service.advance(3_600_000);
    expect(bodies(local).filter((other) => other === body)).toHaveLength(2);
    expect(queue(local, 'Redrive')).toMatchObject({ visible: 1 });
  });
});

describe('functions', () => {
  test('have the environment of the template and what Lambda adds, and nothing else', async () => {
    const local = await start();
    const { resources, endpoints } = local.service;
    const refOf = (id: string) => resources[`Test/One/${id}/Resource`]!.ref;
    expect(await local.call('/environment')).toEqual({
      TABLE_NAME: refOf('Table'),
      QUEUE_URL: refOf('Queue'),
      TOKEN_SECRET_ARN: refOf('TokenSecret'),
      REQUIRED: 'yes',
      NEXT_WORK_AT: 'unknown',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: `${resources['Test/One/Api/Resource']!.logicalId}.1`,
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_LAMBDA_FUNCTION_NAME: refOf('Api'),
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      AWS_ENDPOINT_URL_SQS: endpoints.sqs,
      AWS_ENDPOINT_URL_S3: endpoints.s3,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    });
  });

  test('read and write the table', async () => {
    const local = await start();
    expect(await local.call('/put', 'a')).toMatchObject({ ok: true });
    expect(await local.call('/get', 'a')).toMatchObject({ ok: true, Item: { pk: { S: 'a' } } });
    expect(await local.call('/get', 'b')).toEqual({ ok: true, $metadata: expect.anything() });
    expect(await local.call('/transact', 'b')).toMatchObject({ ok: true });
    expect(await local.call('/get', 'b')).toMatchObject({ Item: { pk: { S: 'b' } } });
  });

  test('see service time move and wall time stand', async () => {
    const local = await start();
    await local.service.advance(86_400_000);
    const { service, wall, name } = await local.call('/time');
    expect(Math.round((Number(service) - Number(wall)) / 3_600_000)).toBe(24);
    expect(Math.abs(Number(wall) - Date.now())).toBeLessThan(60_000);
    expect(name).toMatch(/^Test-OneApi/);
  });

  test('can be invoked by their construct path', async () => {
    const { service } = await start();
    expect(await service.invoke('Test/One/Api', { rawPath: '/echo' })).toEqual({
      ok: true,
      payload: '{"rawPath":"/echo"}',
    });
    expect(() => service.invoke('Test/One', {})).toThrow('4 functions at or below Test/One.');
    expect(() => service.invoke('Test/On', {})).toThrow('0 functions at or below Test/On.');
  });

  test('that throw are told nothing of at the door, but in the log', async () => {
    const local = await start();
    const response = await fetch(`${local.service.url}/crash`);
    expect([response.status, await response.text()]).toEqual([500, '{"message":"Internal Server Error"}']);
    expect(local.lines.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^Test-OneApi\w+: Error: as asked\n/),
    );
  });
});

describe('secrets', () => {
  test('that functions take their token from hold the development token, and can be changed', async () => {
    const local = await start();
    const { resources, endpoints } = local.service;
    expect(local.service).toMatchObject({
      token: DEV_TOKEN,
      readOnlyToken: DEV_READ_ONLY_TOKEN,
      signingKeys: DEV_SIGNING_KEYS,
    });
    const { SecretString } = await local.call('/secret');
    expect(JSON.parse(String(SecretString))).toEqual({ token: DEV_TOKEN, readOnlyToken: DEV_READ_ONLY_TOKEN });

    const client = new SecretsManagerClient({
      endpoint: endpoints.secretsManager,
      region: 'us-east-1',
      credentials: { accessKeyId: 'me', secretAccessKey: 'x' },
    });
    const SecretId = resources['Test/One/TokenSecret/Resource']!.ref;
    const clock = (token: string) =>
      fetch(`${local.service.url}/local/clock`, { headers: { authorization: `Bearer ${token}` } });
    expect((await clock(DEV_TOKEN)).status).toBe(200);
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: '{"token":"new"}' }));
    expect((await clock(DEV_TOKEN)).status).toBe(401);
    expect((await clock('new')).status).toBe(200);
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: 'new-but-no-JSON' }));
    expect((await clock('new')).status).toBe(401);
    expect((await client.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('new-but-no-JSON');
    expect(local.lines.filter(({ text }) => text.includes('new'))).toEqual([]);
    client.destroy();
  });
});

describe('custom resources', () => {
  test('are made at the start, and what they answer can be referred to', async () => {
    const { service } = await run(
      synthesize((stack) => {
        const { filled } = new Service(stack, 'One');
        new CfnOutput(stack, 'Name', { value: filled.getAttString('Name') });
      }),
    );
    expect(service.resources['Test/One/Filled/Default']).toMatchObject({ type: 'Custom::Filled', ref: 'made' });
  });

  test.each([
    ['FAILED', 'could not be created: Create as asked.'],
    ['SILENT', 'could not be created: its function \\w+ ended without an answer.'],
    ['THROW', 'could not be created: its function \\w+ failed: Error: as asked.'],
    ['GARBAGE', 'could not be created: the answer is no JSON object.'],
  ])('that answer %s stop the start', async (outcome, message) => {
    const error = await start({ outcome }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AssemblyError);
    expect((error as Error).message).toMatch(
      new RegExp(`^OneFilled\\w+ \\(Custom::Filled, Test/One/Filled/Default\\) ${message}$`),
    );
  });
});

describe('schedules', () => {
  test('invoke their function as service time passes', async () => {
    const local = await start({ schedule: 'cron(30 * * * ? *)' });
    await local.service.advance(3 * 3_600_000);
    const times = local.events('ticked').map(({ input }) => (input as { time: string }).time);
    expect(times).toHaveLength(3);
    for (const time of times) expect(time).toMatch(/^20\d\d-\d\d-\d\dT\d\d:30:00Z$/);
  });

  test('are played on a journey only when there is work', async () => {
    const at = Date.now() + 10 * 86_400_000;
    const local = await start({ nextWorkAt: String(at) });
    const { steps } = await local.service.advance(30 * 86_400_000);
    expect(steps).toBeLessThan(10);
    const times = local.events('ticked').map(({ at: ticked }) => Number(ticked));
    expect(times.some((time) => time > at - 60_000 && time < at + 60_000)).toBe(true);
  });
});

test('items expire in service time', async () => {
  const local = await start({ nextWorkAt: '0' });
  const at = Math.floor(Date.now() / 1000) + 86_400;
  await local.call('/expire', JSON.stringify({ key: 'a', at }));
  await local.service.advance(86_000_000);
  expect(await local.call('/get', 'a')).toMatchObject({ Item: { ttl: { N: String(at) } } });
  await local.service.advance(3_600_000);
  expect(await local.call('/get', 'a')).not.toHaveProperty('Item');
});

describe('the interceptor', () => {
  test('sees every call of the functions, and may answer itself', async () => {
    const calls: AwsCall[] = [];
    let fault = false;
    const assembly = synthesize((stack) => new Service(stack, 'One'));
    const local = await run(assembly, {
      intercept: (call, execute) => {
        calls.push(call);
        return fault ? Promise.resolve(errorAnswer(400, 'ThrottlingException', 'as asked')) : execute();
      },
    });
    await local.call('/put', 'a');
    const { ref, arn } = local.service.resources['Test/One/Table/Resource']!;
    expect(calls).toEqual([
      {
        service: 'dynamodb',
        operation: 'PutItem',
        accessKeyId: expect.stringMatching(/^OneApi\w+\.1$/),
        resources: [arn],
        input: expect.objectContaining({ TableName: ref }),
      },
    ]);
    fault = true;
    expect(await local.call('/put', 'b')).toMatchObject({ ok: false, name: 'ThrottlingException' });
    fault = false;
    expect(await local.call('/get', 'b')).not.toHaveProperty('Item');
  });
});

describe('front doors', () => {
  test('an HTTP API decodes paths, a Function URL leaves them', async () => {
    const path = '/echo/https://example.com/a%2Fb';
    const decoded = await start();
    expect(await decoded.call(path)).toMatchObject({ rawPath: '/echo/https:/example.com/a/b' });
    const left = await start({ door: 'functionUrl' });
    expect(left.service.urls).toEqual({ 'Test/One/Api/FunctionUrl/Resource': left.service.url });
    expect(await left.call(path)).toMatchObject({ rawPath: path });
  });

  test('each has its own port, counted up from the one asked for', async () => {
    const assembly = synthesize((stack) => {
      new Service(stack, 'One');
      new Service(stack, 'Two', { door: 'functionUrl' });
    });
    const port = await freePair();
    const { service } = await run(assembly, { port });
    expect(service.urls).toEqual({
      'Test/One/HttpApi/Resource': `http://127.0.0.1:${port}`,
      'Test/Two/Api/FunctionUrl/Resource': `http://127.0.0.1:${port + 1}`,
    });
    for (const url of Object.values(service.urls)) {
      expect(await (await fetch(`${url}/time`)).json()).toHaveProperty('service');
    }
  });

  test('a port that is taken is told, and nothing is left behind', async () => {
    const assembly = synthesize((stack) => new Service(stack, 'One'));
    const { service } = await run(assembly);
    const port = Number(new URL(service.url).port);
    const error = await run(assembly, { port }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PortInUseError);
    expect((error as Error).message).toBe(`Port ${port} is in use. Choose another with --port or QSTASH_DEV_PORT.`);
    await service.close();
    expect((await run(assembly, { port })).service.url).toBe(service.url);
  });
});

test('one part of a larger stack runs alone', async () => {
  const assembly = synthesize((stack) => {
    new Service(stack, 'One');
    new Service(stack, 'Two');
  });
  const { service } = await run(assembly, { path: 'Test/Two' });
  const paths = Object.keys(service.resources);
  expect(paths.every((path) => path.startsWith('Test/Two/'))).toBe(true);
  expect(Object.keys(service.urls)).toEqual(['Test/Two/HttpApi/Resource']);
});

test('closed, it answers no more and leaves nothing running', async () => {
  const local = await start();
  await send(local, 'hang');
  await local.until(() => queue(local, 'Queue').inFlight === 1);
  await local.service.close();
  await expect(fetch(local.service.url)).rejects.toThrow('fetch failed');
  expect(local.service.clock.nextTimerAt()).toBeUndefined();
});

/** The first of two free ports that follow each other. */
async function freePair(): Promise<number> {
  for (;;) {
    const listening: Server[] = [];
    const listen = (port: number) =>
      new Promise<number>((resolve, reject) => {
        const server = createServer().once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          listening.push(server);
          resolve((server.address() as AddressInfo).port);
        });
      });
    try {
      const port = await listen(0);
      await listen(port + 1);
      return port;
    } catch {
      // The second one is taken: another pair.
    } finally {
      await Promise.all(listening.map((server) => new Promise((resolve) => server.close(resolve))));
    }
  }
}

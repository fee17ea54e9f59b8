import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ROUTES } from '../../lambda/http/routes';
import { closeAll, type Running, start, startSink } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

/** The status of a request with such a header, or with several. */
const statusWith = async (authorization: string | string[]) =>
  (await running.send('GET', '/v2/dlq', { headers: { Authorization: authorization } })).status;

/** A path that a route has. */
const pathOf = (pattern: string) => pattern.replace(/:\w+/g, 'nobody').replace('*', sink.url('/of-a-route'));

describe.each(ROUTES.map(({ method, path, access }) => ({ method, path, access })))(
  '$method $path ($access)',
  ({ method, path, access }) => {
    const request = async (authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization };
      const { status, headers: answered, text } = await running.send(method, pathOf(path), { headers });
      return { status, challenge: answered['www-authenticate'], text };
    };

    test('without a token, and with a wrong one', async () => {
      for (const authorization of [undefined, 'Bearer wrong', `Bearer ${running.service.token}x`]) {
        const { status, challenge, text } = await request(authorization);
        if (access === 'anyone') {
          expect(status).toBe(200);
        } else {
          expect([status, challenge]).toEqual([401, 'Bearer']);
          expect(JSON.parse(text)).toEqual({ error: expect.stringMatching(/^unauthorized: .*token/) });
        }
      }
    });

    test('with a token that may only read', async () => {
      await running.service.whenIdle();
      const before = await running.items();
      const { status, text } = await request(`Bearer ${running.service.readOnlyToken}`);
      if (access === 'write') {
        expect([status, JSON.parse(text)]).toEqual([403, { error: expect.stringMatching(/read-only/) }]);
        expect(await running.items()).toEqual(before);
      } else {
        expect([200, 404]).toContain(status);
      }
    });

    test('with the token', async () => {
      const { status } = await request(`Bearer ${running.service.token}`);
      expect([200, 201, 400, 404, 409]).toContain(status);
    });
  },
);

test('a token that may only read gets neither the keys nor a write of any kind', () => {
  const readable = ROUTES.filter(({ access }) => access === 'read').map(({ method, path }) => `${method} ${path}`);
  expect(readable.sort()).toEqual([
    'GET /v2/dlq',
    'GET /v2/dlq/:dlqId',
    'GET /v2/events',
    'GET /v2/flowControl',
    'GET /v2/flowControl/*',
    'GET /v2/globalParallelism',
    'GET /v2/logs',
    'GET /v2/messages/:messageId',
    'GET /v2/queues',
    'GET /v2/queues/:name',
    'GET /v2/schedules',
    'GET /v2/schedules/:scheduleId',
    'GET /v2/topics',
    'GET /v2/topics/:name',
  ]);
  const open = ROUTES.filter(({ access }) => access === 'anyone').map(({ path }) => path);
  expect(open).toEqual(['/v2/openapi.json', '/v2/readiness']);
});

describe('the header', () => {
  const forms: [string, (token: string) => string | string[], number][] = [
    ['Bearer', (token) => `Bearer ${token}`, 200],
    ['bearer in other letters', (token) => `bEARER ${token}`, 200],
    ['two spaces', (token) => `Bearer  ${token}`, 200],
    ['spaces at the end', (token) => `Bearer ${token}  `, 200],
    ['no scheme', (token) => token, 401],
    ['another scheme', (token) => `Basic ${token}`, 401],
    ['nothing but the scheme', () => 'Bearer', 401],
    ['two tokens', (token) => `Bearer ${token} ${token}`, 401],
    ['a token without its last letter', (token) => `Bearer ${token.slice(0, -1)}`, 401],
    ['a token in other letters', (token) => `Bearer ${token.toUpperCase()}`, 401],
    ['a long token', (token) => `Bearer ${token}${'x'.repeat(8192)}`, 401],
    ['a token of other letters', () => 'Bearer t\u00f6k\u00ebn', 401],
    ['two headers', (token) => [`Bearer ${token}`, `Bearer ${token}`], 401],
    ['no value', () => '', 401],
  ];

  test.each(forms)('with %s', async (_, write, status) => {
    expect(await statusWith(write(running.service.token))).toBe(status);
  });

  test.each([
    ['right', (token: string) => `qstash_token=${token}`, 200],
    ['right, beside wrong ones', (token: string) => `qstash_token=a&qstash_token=${token}&qstash_token=b`, 200],
    ['wrong', () => 'qstash_token=wrong', 401],
    ['empty', () => 'qstash_token=', 401],
    ['in other letters', (token: string) => `QSTASH_TOKEN=${token}`, 401],
  ])('or a token in the query, %s', async (_, write, status) => {
    const query = write(encodeURIComponent(running.service.token));
    expect((await running.send('GET', `/v2/dlq?${query}`)).status).toBe(status);
  });
});

describe('a message that carries a token of the service is refused, and nothing is written:', () => {
  const carried: [string, (token: string, url: string) => Record<string, string>, (token: string) => string][] = [
    ['a forwarded header', (token) => ({ 'Upstash-Forward-Authorization': `Bearer ${token}` }), () => ''],
    ['a header with more around it', (token) => ({ 'Upstash-Forward-X': `a${token}b` }), () => ''],
    ['the Content-Type', (token) => ({ 'Content-Type': token }), () => ''],
    ['the destination', () => ({}), (token) => `/a?key=${token}`],
    ['the destination, encoded', () => ({}), (token) => `/a?key=${encodeURIComponent(token)}`],
    ['a callback', (token, url) => ({ 'Upstash-Callback': `${url}?qstash_token=${token}` }), () => ''],
    [
      'a failure callback',
      (token, url) => ({ 'Upstash-Failure-Callback': `${url}/${encodeURIComponent(token)}` }),
      () => '',
    ],
    [
      'a header of a callback',
      (token, url) => ({ 'Upstash-Callback': url, 'Upstash-Callback-Forward-X': token }),
      () => '',
    ],
    [
      'a callback of a callback',
      (token, url) => ({ 'Upstash-Callback': url, 'Upstash-Callback-Failure-Callback': `${url}?t=${token}` }),
      () => '',
    ],
    ['a label', (token) => ({ 'Upstash-Label': `a, ${token}` }), () => ''],
    ['a setting in the query', () => ({}), (token) => `?upstash-forward-x=${encodeURIComponent(token)}`],
  ];

  test.each(carried)('in %s', async (_, headersOf, suffixOf) => {
    const destination = sink.destination();
    const before = await running.items();
    for (const token of [running.service.token, running.service.readOnlyToken]) {
      const { status, body } = await running.json(`/v2/publish/${destination.url}${suffixOf(token)}`, {
        method: 'POST',
        headers: headersOf(token, sink.url('/callback')),
      });
      expect([status, body.error]).toEqual([400, expect.stringMatching(/^invalid .*token of this service/)]);
      expect(body.error).not.toContain(token);
    }
    expect(await running.items()).toEqual(before);
    expect(destination.arrivals).toEqual([]);
  });

  test('by a retry with other settings', async () => {
    const { messageId } = await running.client.publish({ url: sink.destination(500).url, body: '', retries: 0 });
    await running.ended(messageId);
    const before = await running.items();
    const { status } = await running.json(`/v2/dlq/retry?messageId=${messageId}`, {
      method: 'POST',
      headers: { 'Upstash-Forward-Authorization': `Bearer ${running.service.token}` },
    });
    expect(status).toBe(400);
    expect(await running.items()).toEqual(before);
  });
});

test('a replaced token is accepted for an hour more, the one before it no longer', async () => {
  const { endpoints, resources, token, readOnlyToken } = running.service;
  const secret = Object.entries(resources).find(([path]) => path.includes('/TokenSecret/'))![1];
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SecretsManagerClient({ endpoint: endpoints.secretsManager, region: 'us-east-1', credentials });
  const replace = async (name: string) => {
    const SecretString = JSON.stringify({ token: name, readOnlyToken: `${name}-read` });
    await client.send(new PutSecretValueCommand({ SecretId: secret.ref, SecretString }));
    // For a minute the functions remember what the secret said.
    await running.service.advance(60_000);
  };
  const statuses = async (...tokens: string[]) => Promise.all(tokens.map((each) => statusWith(`Bearer ${each}`)));

  await replace('second');
  expect(await statuses(token, readOnlyToken, 'second', 'second-read')).toEqual([200, 200, 200, 200]);
  await running.service.advance(3_600_000);
  expect(await statuses(token, readOnlyToken, 'second', 'second-read')).toEqual([401, 401, 200, 200]);
  await replace('third');
  await replace('fourth');
  expect(await statuses('second', 'third', 'third-read', 'fourth')).toEqual([401, 200, 200, 200]);
  // Back to what the other tests know.
  await client.send(
    new PutSecretValueCommand({ SecretId: secret.ref, SecretString: JSON.stringify({ token, readOnlyToken }) }),
  );
  await running.service.advance(60_000);
  expect(await statuses(token, 'fourth')).toEqual([200, 200]);
  client.destroy();
});

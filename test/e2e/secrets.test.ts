import { createHash } from 'node:crypto';
import { closeAll, type Running, start, startSink } from './harness';
import type { Destination, Sink } from './sink';

let running: Running;
let sink: Sink;

/** What must turn up nowhere but where it is meant to. */
const CANARIES = {
  authorization: 'Bearer canary-authorization',
  cookie: 'session=canary-cookie',
  apiKey: 'canary-api-key',
  path: 'canary-path',
  query: 'canary-query',
  body: 'canary-body',
  response: 'canary-response',
  wrongToken: 'canary-wrong-token',
};
/** Credentials of the service itself. */
const own = () => {
  const { token, readOnlyToken, signingKeys } = running.service;
  return { token, readOnlyToken, current: signingKeys.current, next: signingKeys.next };
};
const redacted = (value: string) => `REDACTED:${createHash('sha256').update(value).digest('hex')}`;

const text = (value: unknown) => JSON.stringify(value);

/** Names of the secrets that a text holds, as they are, in base64 or percent-encoded. */
function foundIn(where: string, secrets: Readonly<Record<string, string>>): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    // Without the ends, which depend on what stands around them.
    const base64 = [0, 1, 2].map((shift) =>
      Buffer.from('x'.repeat(shift) + secret)
        .toString('base64')
        .slice(4, -4),
    );
    const isThere = [secret, encodeURIComponent(secret), ...base64].some((written) => where.includes(written));
    return isThere ? [name] : [];
  });
}

let destination: Destination;
let callback: Destination;
let failureCallback: Destination;
let messageId: string;
/** All answers that tell of the message, by path. */
const answers = new Map<string, string>();

beforeAll(async () => {
  running = await start();
  sink = await startSink();
  destination = sink.destination({ status: 500, body: CANARIES.response });
  callback = sink.destination();
  // It becomes a dead letter, which tells the report.
  failureCallback = sink.destination(500);
  const token = encodeURIComponent(running.service.token);
  const published = await running.json(
    `/v2/publish/${destination.url}/${CANARIES.path}?x=${CANARIES.query}&qstash_token=${token}`,
    {
      method: 'POST',
      headers: {
        'Upstash-Retries': '1',
        'Upstash-Retry-Delay': '0',
        'Upstash-Forward-Authorization': CANARIES.authorization,
        'Upstash-Forward-Cookie': CANARIES.cookie,
        'Upstash-Forward-X-Api-Key': CANARIES.apiKey,
        'Upstash-Callback': callback.url,
        'Upstash-Failure-Callback': failureCallback.url,
        'Upstash-Failure-Callback-Retries': '0',
        'Upstash-Failure-Callback-Forward-Authorization': CANARIES.authorization,
      },
      body: CANARIES.body,
    },
  );
  messageId = published.body.messageId;
  await running.ended(messageId);
  await running.service.whenIdle();
  const { messages } = await running.client.dlq.listMessages({ filter: { messageId } });
  for (const path of [
    `/v2/messages/${messageId}`,
    '/v2/events',
    `/v2/events?messageIds=${messageId}`,
    '/v2/logs',
    '/v2/dlq',
    `/v2/dlq/${messages[0]!.dlqId}`,
  ]) {
    answers.set(path, text((await running.json(path)).body));
  }
});
afterAll(closeAll);

test('the destination gets the credentials that are meant for it, and none of the service', () => {
  expect(destination.arrivals).toHaveLength(2);
  for (const { headers, path, body } of destination.arrivals) {
    expect(headers).toMatchObject({
      authorization: CANARIES.authorization,
      cookie: CANARIES.cookie,
      'x-api-key': CANARIES.apiKey,
    });
    expect(path).toMatch(/canary-path\?x=canary-query$/);
    expect(foundIn(text({ headers, path, body: body.toString() }), own())).toEqual([]);
  }
});

test('callbacks get the credentials of others by their hash alone', () => {
  const { authorization, cookie, apiKey } = CANARIES;
  expect([callback.arrivals.length, failureCallback.arrivals.length]).toEqual([2, 1]);
  for (const { headers, body } of [...callback.arrivals, ...failureCallback.arrivals]) {
    expect(foundIn(body.toString(), { ...own(), authorization, cookie, apiKey })).toEqual([]);
    expect(JSON.parse(body.toString()).sourceHeader).toMatchObject({
      Authorization: [redacted(authorization)],
      Cookie: [redacted(cookie)],
      'X-Api-Key': [redacted(apiKey)],
    });
    expect(foundIn(text(headers), { ...own(), cookie, apiKey })).toEqual([]);
  }
  for (const { headers } of callback.arrivals) expect(headers.authorization).toBeUndefined();
  for (const { headers } of failureCallback.arrivals) expect(headers.authorization).toBe(authorization);
});

test('messages, log and dead letters show credentials by their hash alone', () => {
  const { authorization, cookie, apiKey } = CANARIES;
  for (const [path, answer] of answers) {
    expect([path, foundIn(answer, { ...own(), authorization, cookie, apiKey })]).toEqual([path, []]);
    expect(answer).toContain(redacted(authorization));
    // That is how it is known that the message is in there.
    expect(foundIn(answer, { body: CANARIES.body })).toEqual(['body']);
  }
});

test('the table has no credentials of the service', async () => {
  const items = text(await running.items());
  expect(foundIn(items, { authorization: CANARIES.authorization })).toEqual(['authorization']);
  expect(foundIn(items, own())).toEqual([]);
});

test('a rotation and refused requests tell no secret that they were not asked for', async () => {
  const errors: string[] = [];
  const refused = async (path: string, init: RequestInit) => {
    const { status, body } = await running.json(path, { method: 'POST', ...init });
    expect(status).toBeGreaterThanOrEqual(400);
    errors.push(text(body));
  };
  const { token } = running.service;
  const publish = `/v2/publish/${sink.url()}`;
  await refused(publish, { headers: { authorization: `Bearer ${CANARIES.wrongToken}` } });
  await refused(`${publish}?qstash_token=${CANARIES.wrongToken}`, { headers: { authorization: 'Basic x' } });
  await refused(publish, { headers: { 'Upstash-Forward-X': token } });
  await refused(publish, { headers: { 'Upstash-Callback': `http://x:${CANARIES.authorization}@127.0.0.1/` } });
  await refused(`/v2/publish/ftp://127.0.0.1/${CANARIES.path}`, {});
  expect((await running.json('/v2/keys/rotate?force=true', { method: 'POST' })).status).toBe(200);
  expect((await running.json('/v2/keys/rotate', { method: 'POST' })).status).toBe(409);
  expect(foundIn(errors.join('\n'), { ...CANARIES, ...own() })).toEqual([]);
});

test('the functions log hosts, ids and states, and none of these', async () => {
  const keys = (await running.json('/v2/keys')).body as Record<string, string>;
  const lines = running.lines.map((line) => line.text).join('\n');
  expect(lines).toContain(messageId);
  expect(lines).toContain(new URL(destination.url).host);
  expect(foundIn(lines, { ...CANARIES, ...own(), ...keys })).toEqual([]);
  // What is to be found would be found.
  expect(foundIn(`${lines}${encodeURIComponent(CANARIES.cookie)}`, CANARIES)).toEqual(['cookie']);
});

import { closeAll, type Running, start, startSink, until } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

/** As a webhook's sender does it: it can only be given an address. */
const call = (destination: string, query: Record<string, string>, headers: Record<string, string> = {}) => {
  const search = new URLSearchParams({ qstash_token: running.service.token, ...query });
  return fetch(`${running.service.url}/v2/publish/${destination}?${search}`, {
    method: 'POST',
    headers,
    body: '{"event":"push"}',
  });
};

test('every header is forwarded, but those of the way to the service and its own', async () => {
  const destination = sink.destination();
  const answer = await call(
    destination.url,
    { 'upstash-header-forward': 'true', 'upstash-forward-x-own': 'by name' },
    {
      'Content-Type': 'application/json',
      'X-GitHub-Event': 'push',
      'X-Own': 'incoming',
      Authorization: 'Basic of-the-sender',
      'X-Forwarded-For': '192.0.2.1',
      'X-Amzn-Trace-Id': 'Root=1',
      'Upstash-Unknown': 'x',
      Via: '1.1 proxy',
    },
  );
  expect(answer.status).toBe(200);
  const { messageId, url } = (await answer.json()) as { messageId: string; url: string };
  expect(url).toBe(destination.url);
  const { headers, path } = await until(() => destination.arrivals[0]);
  expect(path).not.toContain('?');
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-github-event': 'push', 'x-own': 'by name' });
  for (const name of ['authorization', 'x-forwarded-for', 'x-amzn-trace-id', 'upstash-unknown', 'via']) {
    expect(headers).not.toHaveProperty(name);
  }
  expect(headers.host).toBe(new URL(destination.url).host);
  const { header } = await running.client.messages.get(messageId);
  expect(JSON.stringify(header)).not.toContain(running.service.token);
});

test('nothing but named headers is forwarded without it, or when it is false', async () => {
  for (const query of [{}, { 'upstash-header-forward': 'False' }]) {
    const destination = sink.destination();
    await call(destination.url, query as Record<string, string>, { 'X-GitHub-Event': 'push' });
    expect((await until(() => destination.arrivals[0])).headers).not.toHaveProperty('x-github-event');
  }
});

test("settings in the address configure the message, and the rest of the query is the destination's", async () => {
  const destination = sink.destination();
  const query = { 'Upstash-Retries': '7', 'upstash-label': 'hook', a: '1', 'UPSTASH-METHOD': 'PUT' };
  const { messageId } = (await (await call(destination.url, query)).json()) as { messageId: string };
  expect(await running.client.messages.get(messageId)).toMatchObject({ maxRetries: 7, label: 'hook', method: 'PUT' });
  expect((await until(() => destination.arrivals[0])).path).toMatch(/\?a=1$/);
});

test("a header that carries the service's token is refused", async () => {
  const answer = await call(sink.url(), { 'upstash-header-forward': 'true' }, { 'X-Copy': running.service.token });
  expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringContaining('X-Copy') }]);
});

test('a URL group whose default headers forward receives webhooks', async () => {
  const destination = sink.destination();
  await running.client.urlGroups.addEndpoints({ name: 'hooks', endpoints: [{ url: destination.url }] });
  const headers = { 'Upstash-Header-Forward': ['true'] };
  await running.json('/v2/topics/hooks', { method: 'PATCH', body: JSON.stringify({ headers }) });
  await call('hooks', {}, { 'X-GitHub-Event': 'push' });
  expect((await until(() => destination.arrivals[0])).headers['x-github-event']).toBe('push');
});

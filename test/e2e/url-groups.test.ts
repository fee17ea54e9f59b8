import { closeAll, type Running, start, startSink, until } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

let groups = 0;
const newName = () => `group-${++groups}`;

async function groupOf(count: number) {
  const name = newName();
  const destinations = Array.from({ length: count }, () => sink.destination());
  const endpoints = destinations.map(({ url }, index) => ({ url, name: `endpoint-${index}` }));
  await running.client.urlGroups.addEndpoints({ name, endpoints });
  return { name, destinations, endpoints };
}

test('what is published to a group is one message for each endpoint, with ids, retries and answers of their own', async () => {
  const { name, destinations } = await groupOf(3);
  const published = await running.client.publishJSON({ urlGroup: name, body: { n: 1 } });
  expect(published).toEqual(destinations.map(({ url }) => ({ messageId: expect.stringMatching(/^msg_/), url })));
  expect(new Set(published.map(({ messageId }) => messageId)).size).toBe(3);
  for (const [index, { arrivals }] of destinations.entries()) {
    const arrival = await until(() => arrivals[0]);
    expect(arrival.body.toString()).toBe('{"n":1}');
    expect(arrival.headers['upstash-topic-name']).toBe(name);
    const message = await running.client.messages.get(published[index]!.messageId);
    expect(message).toMatchObject({ topicName: name, urlGroup: name, endpointName: `endpoint-${index}` });
  }
});

test('endpoints are merged by name, or by URL where one has no name, and removed by either', async () => {
  const name = newName();
  const { urlGroups } = running.client;
  const [a, b, c] = ['https://a.example.com/', 'https://b.example.com/', 'https://c.example.com/'] as const;
  const endpoints = async () => (await urlGroups.get(name)).endpoints;
  await urlGroups.addEndpoints({ name, endpoints: [{ url: a }, { url: b, name: 'b' }] });
  await urlGroups.addEndpoints({ name, endpoints: [{ url: c, name: 'b' }, { url: a, name: 'a' }, { url: b }] });
  expect(await endpoints()).toEqual([{ url: a, name: 'a' }, { url: c, name: 'b' }, { url: b }]);
  await urlGroups.removeEndpoints({ name, endpoints: [{ name: 'b' }, { url: 'https://unknown.example.com' }] });
  expect(await endpoints()).toEqual([{ url: a, name: 'a' }, { url: b }]);
  expect((await urlGroups.list()).map((group) => group.name)).toContain(name);
  await urlGroups.removeEndpoints({ name, endpoints: [{ url: a }, { url: b }] });
  await expect(urlGroups.get(name)).rejects.toThrow('url group not found');
});

test('twenty endpoints added side by side are all there', async () => {
  const name = newName();
  const urls = Array.from({ length: 20 }, (_, n) => `https://n${n}.example.com/`);
  for (let i = 0; i < urls.length; i += 5) {
    const some = urls
      .slice(i, i + 5)
      .map((url) => running.client.urlGroups.addEndpoints({ name, endpoints: [{ url }] }));
    await Promise.all(some);
  }
  const { endpoints } = await running.client.urlGroups.get(name);
  expect(endpoints.map(({ url }) => url).sort()).toEqual([...urls].sort());
});

test('deleting a group is no error when there is none, and stops no message that is under way', async () => {
  await running.client.urlGroups.delete('never-there');
  const { name, destinations } = await groupOf(1);
  const [published] = await running.client.publish({ urlGroup: name, body: '', delay: 1 });
  await running.client.urlGroups.delete(name);
  expect((await until(() => destinations[0]!.arrivals[0])).headers['upstash-message-id']).toBe(published!.messageId);
  await expect(running.client.publish({ urlGroup: name, body: '' })).rejects.toThrow('url group not found');
});

test('a deduplication id counts for each endpoint', async () => {
  const { name, endpoints } = await groupOf(1);
  const request = { urlGroup: name, body: 'x', deduplicationId: name };
  const [first] = await running.client.publish(request);
  const added = sink.destination();
  await running.client.urlGroups.addEndpoints({ name, endpoints: [{ url: added.url }] });
  const second = await running.client.publish(request);
  expect(second).toEqual([
    { messageId: first!.messageId, url: endpoints[0]!.url, deduplicated: true },
    { messageId: expect.stringMatching(/^msg_/), url: added.url },
  ]);
});

describe('default headers of a group', () => {
  const patch = (name: string, headers: unknown) =>
    running.json(`/v2/topics/${name}`, { method: 'PATCH', body: JSON.stringify({ headers }) });

  test('count where a publish has none of its own, in its headers or its query', async () => {
    const { name, destinations } = await groupOf(1);
    await patch(name, {
      'Upstash-Retries': '7',
      'Upstash-Label': ['a', 'b'],
      'Upstash-Forward-X-From': 'group',
      'Content-Type': 'text/x-group',
    });
    const { body } = await running.json(`/v2/publish/${name}?upstash-label=own`, { method: 'POST', body: 'x' });
    const message = await running.client.messages.get(body[0].messageId);
    expect(message).toMatchObject({ maxRetries: 7, labels: ['own'] });
    const { headers } = await until(() => destinations[0]!.arrivals[0]);
    expect(headers['x-from']).toBe('group');
    const own = { method: 'POST', headers: { 'Upstash-Retries': '1' } };
    const second = await running.json(`/v2/publish/${name}`, own);
    expect(await running.client.messages.get(second.body[0].messageId)).toMatchObject({
      maxRetries: 1,
      labels: ['a', 'b'],
    });
  });

  test.each([
    ['a bad value', { 'Upstash-Retries': 'x' }, 'Upstash-Retries'],
    ['a header that is no setting', { 'X-Other': 'x' }, 'X-Other'],
    ['a value that is no text', { 'Upstash-Retries': 3 }, 'Upstash-Retries'],
    ['no object', ['x'], 'headers'],
  ])('refuse %s', async (_, headers, named) => {
    const { name } = await groupOf(1);
    const { status, body } = await patch(name, headers);
    expect([status, body.error]).toEqual([400, expect.stringContaining(named)]);
  });

  test('need a group', async () => {
    expect((await patch('never-there', {})).status).toBe(404);
  });
});

test('bad input is refused and changes nothing', async () => {
  const { name, endpoints } = await groupOf(1);
  const post = (path: string, body: unknown) =>
    running.json(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  const path = `/v2/topics/${name}/endpoints`;
  const good = { url: 'https://example.com' };
  for (const [body, named] of [
    ['{', 'body'],
    [[], 'body'],
    [{}, 'endpoints'],
    [{ endpoints: [] }, 'endpoints'],
    [{ endpoints: [good, 1] }, 'endpoints[1]'],
    [{ endpoints: [good, { name: 'x' }] }, 'endpoints[1].url'],
    [{ endpoints: [good, { url: 'ftp://x' }] }, 'endpoints[1].url'],
    [{ endpoints: [{ ...good, name: 'a b' }] }, 'endpoints[0].name'],
    [{ endpoints: [{ ...good, name: 1 }] }, 'endpoints[0].name'],
  ] as const) {
    const { status, body: answer } = await post(path, body);
    expect([status, answer.error]).toEqual([400, expect.stringContaining(named)]);
  }
  const many = Array.from({ length: 100 }, (_, n) => ({ url: `https://n${n}.example.com` }));
  expect((await post(path, { endpoints: many })).status).toBe(412);
  expect((await post('/v2/topics/a%20b/endpoints', { endpoints: [good] })).status).toBe(400);
  expect((await running.client.urlGroups.get(name)).endpoints).toEqual(endpoints);
});

import { closeAll, FRONT_DOOR, type Running, start, startSink, until } from './harness';
import type { Arrival, Destination, Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

/** The first request to a destination, once it is there. */
const arrivalAt = ({ arrivals }: Destination): Promise<Arrival> => until(() => arrivals[0]);

/** Publishes with bare HTTP: `destination` stands in the path as it is. */
const publish = (destination: string, init: RequestInit = {}) =>
  running.json(`/v2/publish/${destination}`, { method: 'POST', ...init });

test('a message is accepted with its id and the URL that it goes to, and delivered there', async () => {
  const destination = sink.destination();
  const published = await running.client.publishJSON({ url: destination.url, body: { hello: 'world' } });
  expect(published).toEqual({ messageId: expect.stringMatching(/^msg_\w{28}$/), url: destination.url });
  const { method, headers, body } = await arrivalAt(destination);
  expect([method, headers['content-type'], body.toString()]).toEqual(['POST', 'application/json', '{"hello":"world"}']);
  expect(headers['upstash-message-id']).toBe(published.messageId);
});

describe('the destination', () => {
  test.each([
    ['a path and a query', '/a/b?x=1&y=2'],
    ['a query of which nothing is changed', '/?b=2&a=%201+2&a=&empty&c=%C3%A4%2F%3F'],
    ['escapes of spaces and of other letters', '/a%20b/%C3%A4%E2%82%AC'],
    ['escapes of control characters', '/a%0D%0AX-Injected:%201%00'],
    ['the escape of what would begin a fragment', '/a%23b'],
    ['what needs no escape', "/~a-b_c.d!$&'()*+,;=:@"],
    ['a slash at the end', '/a/'],
  ])('keeps %s', async (_, path) => {
    const destination = sink.destination();
    const { url } = await running.client.publish({ url: destination.url + path, body: '' });
    expect(url).toBe(destination.url + path);
    expect((await arrivalAt(destination)).path).toBe(new URL(destination.url).pathname + path);
  });

  test.each([
    ['%2F', '/a%2Fb', '/a/b'],
    ['%3F and what follows it', '/a%3Fb', '/a'],
    ['two slashes', '/a//b', '/a/b'],
    ['an escape that was escaped', '/a%2541', '/a%41'],
  ])('%s in its path is lost behind an HTTP API, and kept behind a Function URL', async (_, path, lossy) => {
    const delivered = FRONT_DOOR === 'httpApi' ? lossy : path;
    const destination = sink.destination();
    await publish(destination.url + path);
    expect((await arrivalAt(destination)).path).toBe(new URL(destination.url).pathname + delivered);
  });

  test('is called without the fragment, and so is a callback', async () => {
    const [destination, callback] = [sink.destination(), sink.destination()];
    const request = { url: `${destination.url}/a#b`, body: '', callback: `${callback.url}/c#d` };
    const { messageId } = await running.client.publish(request);
    expect(await running.client.messages.get(messageId)).toMatchObject({ callback: `${callback.url}/c` });
    expect((await arrivalAt(destination)).path).toMatch(/\/a$/);
    expect((await arrivalAt(callback)).path).toMatch(/\/c$/);
  });

  test.each([
    ['folded to one slash', (url: string) => url.replace('//', '/')],
    ['percent-encoded', encodeURIComponent],
    ['with an upper-case scheme', (url: string) => url.replace('http', 'HTTP')],
  ])('may be %s', async (_, write) => {
    const destination = sink.destination();
    const { status, body } = await publish(`${write(destination.url)}?x=1`);
    expect([status, body.url]).toEqual([200, `${destination.url}?x=1`]);
    expect((await arrivalAt(destination)).path).toMatch(/\?x=1$/);
  });
});

test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const)(
  'it is delivered by %s, with its body',
  async (method) => {
    const destination = sink.destination();
    await running.client.publish({ url: destination.url, method, body: 'text' });
    const arrival = await arrivalAt(destination);
    expect([arrival.method, arrival.body.toString()]).toEqual([method, 'text']);
  },
);

test('headers are forwarded, connection headers and those of QStash itself are not', async () => {
  const destination = sink.destination();
  const { messageId } = await running.client.publish({
    url: destination.url,
    body: 'text',
    headers: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['X-Plain', ' spaced '],
      ['Authorization', 'Bearer of-the-destination'],
      ['X-Twice', 'a'],
      ['X-Twice', 'b'],
      ['X-Latin', 'caf\u00e9'],
      ['X-Empty', ''],
      ['User-Agent', 'mine'],
      ['Upstash-Forward-Content-Type', 'application/xml'],
      ['Upstash-Forward-Connection', 'close, X-Plain'],
      ['Upstash-Forward-Transfer-Encoding', 'chunked'],
      ['Upstash-Forward-Content-Length', '1'],
      ['Upstash-Forward-Host', 'elsewhere'],
      ['Upstash-Forward-Upstash-Message-Id', 'forged'],
      ['Upstash-Unknown', 'ignored'],
      ['Upstash-Telemetry-Sdk', 'ignored'],
    ],
  });
  const { headers } = await arrivalAt(destination);
  expect(headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'x-plain': 'spaced',
    authorization: 'Bearer of-the-destination',
    'x-latin': 'caf\u00e9',
    'x-empty': '',
    'user-agent': 'mine',
    host: new URL(destination.url).host,
    connection: 'close',
    'content-length': '4',
    'upstash-message-id': messageId,
  });
  expect(String(headers['x-twice']).split(/, ?/)).toEqual(['a', 'b']);
  const others = Object.keys(headers).filter((name) => /unknown|telemetry|transfer-encoding/.test(name));
  expect(others).toEqual([]);
});

describe('the body arrives byte for byte:', () => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  test.each<[string, string | undefined, Buffer]>([
    ['JSON, as written', 'application/json', Buffer.from('{ "b": 1,\n"a": "\\u00e4\u20ac" }')],
    ['text with NUL and emoji', 'text/plain', Buffer.from('a\0b\u{1f600}\r\n')],
    ['nothing', undefined, Buffer.alloc(0)],
    ['nothing, as JSON', 'application/json', Buffer.alloc(0)],
    ['one byte', 'application/octet-stream', Buffer.from([0])],
    ['all bytes', 'application/octet-stream', everyByte],
    ['all bytes, of no type', undefined, everyByte],
    ['text that is no UTF-8, of another type', 'image/png', Buffer.from([0xc3, 0x28, 0xa0, 0xed, 0xa0, 0x80])],
    ['a form', 'application/x-www-form-urlencoded', Buffer.from('a=%20&b=+&c=%ff')],
  ])('%s', async (_, contentType, body) => {
    const destination = sink.destination();
    const headers = contentType === undefined ? undefined : { 'content-type': contentType };
    const { status } = await publish(destination.url, { headers, body: new Blob([new Uint8Array(body)]) });
    expect(status).toBe(200);
    const arrival = await arrivalAt(destination);
    expect(arrival.body.equals(body)).toBe(true);
    expect(arrival.headers['content-type']).toBe(contentType);
  });
});

test('labels are kept, the first of them as the label', async () => {
  const destination = sink.destination();
  const { messageId } = await running.client.publish({ url: destination.url, body: '', label: ['a', 'b b', 'a'] });
  expect(await running.client.messages.get(messageId)).toMatchObject({ label: 'a', labels: ['a', 'b b'] });
});

test('settings may be given in the query, where a header of the same name wins', async () => {
  const destination = sink.destination();
  const settings = 'upstash-method=PUT&Upstash-Retries=7&upstash-forward-x-set=y%20z&upstash-label=l';
  const { body } = await publish(`${destination.url}?keep=1&${settings}&keep=2`, {
    headers: { 'Upstash-Retries': '1' },
  });
  const arrival = await arrivalAt(destination);
  expect([arrival.method, arrival.headers['x-set']]).toEqual(['PUT', 'y z']);
  expect(arrival.path).toMatch(/\?keep=1&keep=2$/);
  expect(await running.client.messages.get(body.messageId)).toMatchObject({ maxRetries: 1, label: 'l' });
});

test('a token in the query opens the door and is not sent on', async () => {
  const destination = sink.destination();
  const token = encodeURIComponent(running.service.token);
  const response = await fetch(`${running.service.url}/v2/publish/${destination.url}?a=1&qstash_token=${token}&b=2`, {
    method: 'POST',
  });
  expect(response.status).toBe(200);
  expect((await arrivalAt(destination)).path).toMatch(/\?a=1&b=2$/);
});

describe('limits', () => {
  const header = (name: string, value: string) => ({ headers: { [name]: value } });
  const headersOf = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`Upstash-Forward-A${index}`, '']));

  test.each<[string, number, RegExp, RequestInit]>([
    ['retries', 412, /Upstash-Retries.*100/, header('Upstash-Retries', '101')],
    ['a delay', 412, /Upstash-Delay.*31536000/, header('Upstash-Delay', '365d1s')],
    ['a timeout', 412, /Upstash-Timeout.*880/, header('Upstash-Timeout', '881s')],
    ['a time in milliseconds', 412, /Upstash-Not-Before.*seconds/, header('Upstash-Not-Before', String(Date.now()))],
    ['labels', 412, /Upstash-Label.*32/, header('Upstash-Label', Array.from({ length: 33 }, (_, i) => i).join())],
    ['a label', 412, /Upstash-Label.*256/, header('Upstash-Label', 'x'.repeat(257))],
    ['a deduplication id', 412, /Upstash-Deduplication-Id.*1024/, header('Upstash-Deduplication-Id', 'x'.repeat(1025))],
    ['forwarded headers', 412, /Upstash-Forward.*100/, { headers: headersOf(101) }],
    [
      "a callback's retries",
      412,
      /Upstash-Callback-Retries.*100/,
      {
        headers: { 'Upstash-Callback': 'http://127.0.0.1:9', 'Upstash-Callback-Retries': '101' },
      },
    ],
  ])('beyond that of %s it is refused with %i', async (_, expected, text, init) => {
    const destination = sink.destination();
    const { status, body } = await publish(destination.url, init);
    expect([status, body]).toEqual([expected, { error: expect.stringMatching(text) }]);
  });

  test('at the limits it is accepted', async () => {
    const destination = sink.destination();
    const { status } = await publish(destination.url, {
      headers: {
        ...headersOf(100),
        'Upstash-Retries': '100',
        'Upstash-Delay': '365d',
        'Upstash-Timeout': '880s',
        'Upstash-Label': 'x'.repeat(256),
        'Upstash-Deduplication-Id': 'x'.repeat(1024),
      },
    });
    expect(status).toBe(200);
  });

  test.each([
    ['headers', 431, 200, { 'X-Long': 'x'.repeat(10_240) }, ''],
    ['a URL', 414, 400, {}, `?x=${'x'.repeat(10_240)}`],
  ])('%s longer than an HTTP API takes get its own answer, %i', async (_, gateway, own, headers, query) => {
    const { status, body } = await publish(sink.destination().url + query, { headers });
    if (FRONT_DOOR === 'httpApi') expect([status, Object.keys(body)]).toEqual([gateway, ['message']]);
    else expect(status).toBe(own);
  });
});

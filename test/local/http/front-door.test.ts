import { type IncomingHttpHeaders, request } from 'node:http';
import type { InvocationResult } from '../../../local/functions/lambda-worker';
import { type DoorTarget, FrontDoor, type LocalRoutes } from '../../../local/http/front-door';
import { MAX_PAYLOAD_BYTES } from '../../../local/http/http-answer';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
}

const JSON_TYPE = 'application/json';

let door: FrontDoor;
let problems: string[];
/** Events that reached the function. */
let events: string[];
let answer: () => Promise<InvocationResult>;
let localRoutes: LocalRoutes;

beforeEach(async () => {
  problems = [];
  events = [];
  answer = async () => ({ ok: true, payload: JSON.stringify({ statusCode: 200, body: 'fine' }) });
  localRoutes = async () => undefined;
  door = new FrontDoor(
    '127.0.0.1',
    (incoming, body) => localRoutes(incoming, body),
    (message) => problems.push(message),
  );
  await door.listen(0);
});

afterEach(() => door.close());

function open(options: Partial<DoorTarget> = {}): void {
  const target = {
    invokeJson: (event: string) => {
      events.push(event);
      return answer();
    },
  };
  door.open({ kind: 'httpApi', apiId: 'Api', target, ...options });
}

function send({ method = 'POST', path = '/', headers = {}, body = '' }: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(door.url);
    const sent = request({ host: '127.0.0.1', port, method, path, headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        body: Buffer.concat(chunks).toString(),
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** An answer of the gateway itself. */
const gateway = (status: number, message: string) =>
  expect.objectContaining({
    status,
    headers: expect.objectContaining({ 'content-type': JSON_TYPE }),
    body: JSON.stringify({ message }),
  });

test('a request becomes an event, and what the function says the answer', async () => {
  open();
  const { status, headers, body } = await send({
    path: '/a//b?c=1',
    headers: { 'Content-Type': 'text/plain' },
    body: 'x',
  });
  expect({ status, body }).toEqual({ status: 200, body: 'fine' });
  expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'content-length': '4' });
  expect(JSON.parse(events[0]!)).toMatchObject({
    rawPath: '/a/b',
    rawQueryString: 'c=1',
    body: 'x',
    requestContext: { apiId: 'Api', http: { method: 'POST' } },
  });
});

test('requests wait until the door is open', async () => {
  let answered = false;
  const early = send().then((response) => {
    answered = true;
    return response;
  });
  expect((await send({ headers: { host: 'evil.example' } })).status).toBe(403);
  expect(answered).toBe(false);
  open();
  expect((await early).status).toBe(200);
});

test('what is local mode’s own never reaches the function', async () => {
  localRoutes = async (incoming, body) =>
    incoming.url === '/local/x' ? { status: 201, headers: { 'x-own': '1' }, body } : undefined;
  open();
  expect(await send({ path: '/local/x', body: 'mine' })).toMatchObject({ status: 201, body: 'mine' });
  expect(events).toEqual([]);
  await send({ path: '/other' });
  expect(events).toHaveLength(1);
});

test.each([
  [
    'the name of another host',
    { host: 'evil.example' },
    'the Host evil.example is not this machine; allow it with --host',
  ],
  ['the origin of another site', { origin: 'http://evil.example' }, 'the Origin http://evil.example is another site'],
  ['the mark of another site', { 'sec-fetch-site': 'cross-site' }, 'the request comes from another site'],
])('a request with %s is refused before anything sees it', async (_what, headers, problem) => {
  localRoutes = async () => ({ status: 200, headers: {}, body: Buffer.from('seen') });
  open();
  expect(await send({ headers })).toEqual(gateway(403, `Forbidden: ${problem}`));
  expect(events).toEqual([]);
});

/** A request whose line and headers are exactly so many bytes. */
function sized(bytes: number): Sent {
  const { port } = new URL(door.url);
  const rest = `POST / HTTP/1.1\r\nx-fill: \r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\nContent-Length: 0\r\n`;
  return { headers: { 'x-fill': 'x'.repeat(bytes - rest.length), 'Content-Length': '0' } };
}

describe('an HTTP API', () => {
  test('takes request lines and headers of 10240 bytes together', async () => {
    open();
    expect((await send(sized(10_240))).status).toBe(200);
    expect(await send(sized(10_241))).toEqual(gateway(431, 'Request Header Fields Too Large'));
    expect((await send({ path: `/${'x'.repeat(10_000)}` })).status).toBe(200);
    expect(await send({ path: `/${'x'.repeat(10_300)}` })).toEqual(gateway(414, 'Request-URI Too Long'));
    expect(await send({ headers: { 'x-fill': 'x'.repeat(100_000) } })).toEqual(
      gateway(431, 'Request Header Fields Too Large'),
    );
    expect(events).toHaveLength(2);
  });

  test('takes bodies whose event fits into an invocation, and reads all of a larger one', async () => {
    open();
    const tooLarge = gateway(413, 'Request Entity Too Large');
    const headers = { 'Content-Type': 'text/plain' };
    expect((await send({ headers, body: 'x'.repeat(6_200_000) })).status).toBe(200);
    expect(await send({ headers, body: 'x'.repeat(MAX_PAYLOAD_BYTES) })).toEqual(tooLarge);
    expect(await send({ body: Buffer.alloc(5_000_000) })).toEqual(tooLarge);
    expect(await send({ body: Buffer.alloc(11 * 1024 * 1024) })).toEqual(tooLarge);
    expect(events).toHaveLength(1);
  });

  test('waits as long as its integration says', async () => {
    answer = () => new Promise(() => undefined);
    open({ timeoutMs: 50 });
    expect(await send()).toEqual(gateway(503, 'Service Unavailable'));
  });

  test('waits 30 seconds at most', async () => {
    let called = () => {};
    const invoked = new Promise<void>((resolve) => {
      called = resolve;
    });
    answer = () => {
      called();
      return new Promise(() => undefined);
    };
    open({ timeoutMs: 60_000 });
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'queueMicrotask', 'performance', 'Date'],
    });
    try {
      let answered = false;
      const sent = send().then((response) => {
        answered = true;
        return response;
      });
      await invoked;
      jest.advanceTimersByTime(29_999);
      await new Promise((resolve) => setImmediate(resolve));
      expect(answered).toBe(false);
      jest.advanceTimersByTime(1);
      expect(await sent).toEqual(gateway(503, 'Service Unavailable'));
    } finally {
      jest.useRealTimers();
    }
  });

  test.each<[string, InvocationResult]>([
    ['fails', { ok: false, errorType: 'Error', errorMessage: 'as asked' }],
    ['answers too much', { ok: true, payload: JSON.stringify('x'.repeat(MAX_PAYLOAD_BYTES)) }],
    ['answers what is no answer', { ok: true, payload: '{"statusCode":"fine"}' }],
  ])('tells nothing of a function that %s', async (_what, result) => {
    answer = async () => result;
    open();
    expect(await send()).toEqual(gateway(500, 'Internal Server Error'));
  });
});

describe('a Function URL', () => {
  test('leaves the path alone and has no limit for headers', async () => {
    open({ kind: 'functionUrl' });
    expect((await send({ ...sized(20_000), path: '/a//b%2F' })).status).toBe(200);
    expect(JSON.parse(events[0]!)).toMatchObject({ rawPath: '/a//b%2F' });
  });

  test('answers a function that fails with 502', async () => {
    answer = async () => ({ ok: false, errorType: 'Error', errorMessage: 'as asked' });
    open({ kind: 'functionUrl' });
    expect(await send()).toEqual(gateway(502, 'Internal Server Error'));
  });

  test('takes bodies as far as they fit into an invocation', async () => {
    open({ kind: 'functionUrl' });
    expect(await send({ body: Buffer.alloc(5_000_000) })).toEqual(gateway(413, 'Request Entity Too Large'));
  });
});

test('cookies are headers of their own', async () => {
  answer = async () => ({ ok: true, payload: JSON.stringify({ statusCode: 200, cookies: ['a=1', 'b=2'] }) });
  open();
  expect((await send()).headers['set-cookie']).toEqual(['a=1', 'b=2']);
});

test.each([204, 304])('an answer of %s has no body', async (statusCode) => {
  answer = async () => ({ ok: true, payload: JSON.stringify({ statusCode, body: 'none' }) });
  open();
  const { status, headers, body } = await send();
  expect({ status, body }).toEqual({ status: statusCode, body: '' });
  expect(headers['content-length']).toBeUndefined();
});

test('HEAD gets the headers of the answer alone', async () => {
  open();
  expect(await send({ method: 'HEAD' })).toMatchObject({ status: 200, headers: { 'content-length': '4' }, body: '' });
});

test('a header that cannot be sent is a failure that the log tells of, without its value', async () => {
  answer = async () => ({
    ok: true,
    payload: JSON.stringify({ statusCode: 200, headers: { 'x-bad': 'secret\nvalue' } }),
  });
  open();
  expect(await send()).toEqual(gateway(500, 'Internal Server Error'));
  expect(problems).toEqual([expect.stringContaining('x-bad')]);
  expect(problems[0]).not.toContain('secret');
});

test('a client that goes away before its body is there harms nobody', async () => {
  open();
  const { port } = new URL(door.url);
  const sent = request({ host: '127.0.0.1', port, method: 'POST', headers: { 'Content-Length': '100' } });
  sent.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    sent.write('half', () => resolve());
  });
  sent.destroy();
  expect((await send()).status).toBe(200);
  expect(events).toHaveLength(1);
  expect(problems).toEqual([]);
});

test.each([
  ['127.0.0.1', /^http:\/\/127\.0\.0\.1:\d+$/],
  ['0.0.0.0', /^http:\/\/127\.0\.0\.1:\d+$/],
  ['::1', /^http:\/\/\[::1\]:\d+$/],
  ['localhost', /^http:\/\/localhost:\d+$/],
])('listening on %s it has an address that can be called', async (host, address) => {
  const other = new FrontDoor(host, localRoutes, () => undefined);
  await other.listen(0);
  try {
    expect(other.url).toMatch(address);
    other.open({ kind: 'httpApi', apiId: 'Api', target: { invokeJson: () => answer() } });
    expect(await (await fetch(other.url)).text()).toBe('fine');
  } finally {
    await other.close();
  }
});

test('a port that is taken is told', async () => {
  const other = new FrontDoor('127.0.0.1', localRoutes, () => undefined);
  await expect(other.listen(Number(new URL(door.url).port))).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

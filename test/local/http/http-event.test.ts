import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DoorKind, httpEvent } from '../../../local/http/http-event';

const NOW = Date.parse('2026-11-24T16:34:57Z');

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Buffer | string;
}

interface Event extends Record<string, unknown> {
  readonly headers: Record<string, string>;
  readonly cookies?: string[];
  readonly queryStringParameters?: Record<string, string>;
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly requestContext: Record<string, unknown>;
}

/** The event of a request that really goes over a socket. */
async function eventOf(kind: DoorKind, { method = 'POST', path = '/', headers = {}, body = '' }: Sent): Promise<Event> {
  const server = createServer();
  try {
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const event = new Promise<Event>((resolve) => {
      server.on('request', async (incoming, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        resolve(httpEvent(kind, 'api', incoming, Buffer.concat(chunks), NOW) as Event);
        response.end();
      });
    });
    const sent = request({ host: '127.0.0.1', port, method, path, headers });
    sent.end(body);
    return await event;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test('an event says everything of its request', async () => {
  const event = await eventOf('httpApi', {
    method: 'PUT',
    path: '/v2/a%20b?x=1&y=%20',
    headers: { 'User-Agent': 'test', Host: '127.0.0.1:8080', 'Content-Type': 'text/plain' },
    body: 'hello',
  });
  expect(event).toEqual({
    version: '2.0',
    routeKey: '$default',
    rawPath: '/v2/a b',
    rawQueryString: 'x=1&y=%20',
    headers: {
      host: '127.0.0.1:8080',
      'user-agent': 'test',
      'content-type': 'text/plain',
      'content-length': '5',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-port': expect.stringMatching(/^\d+$/),
      'x-forwarded-proto': 'http',
    },
    queryStringParameters: { x: '1', y: ' ' },
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: '127.0.0.1:8080',
      domainPrefix: 'api',
      http: { method: 'PUT', path: '/v2/a b', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: expect.stringMatching(/^[\w-]{36}$/),
      routeKey: '$default',
      stage: '$default',
      time: '24/Nov/2026:16:34:57 +0000',
      timeEpoch: NOW,
    },
    body: 'hello',
    isBase64Encoded: false,
  });
});

test('an HTTP API decodes the path and collapses its slashes, a Function URL leaves it', async () => {
  const path = '/v2/publish/https://example.com/a%2Fb%3Fc?d=%2F';
  expect(await eventOf('httpApi', { path })).toMatchObject({
    rawPath: '/v2/publish/https:/example.com/a/b',
    rawQueryString: 'd=%2F',
  });
  expect(await eventOf('functionUrl', { path })).toMatchObject({
    rawPath: '/v2/publish/https://example.com/a%2Fb%3Fc',
    rawQueryString: 'd=%2F',
    requestContext: { accountId: 'anonymous' },
  });
});

test('names of headers are small, repeated ones joined; cookies have a field of their own', async () => {
  const { headers, cookies } = await eventOf('httpApi', {
    headers: {
      'Upstash-Forward-Tag': ['a', 'b, c'],
      Cookie: 'one=1; two=2;three=3',
      Connection: 'keep-alive',
      TE: 'trailers',
    },
  });
  expect(headers['upstash-forward-tag']).toBe('a,b, c');
  expect(cookies).toEqual(['one=1', 'two=2', 'three=3']);
  expect(Object.keys(headers)).toEqual(
    expect.not.arrayContaining(['cookie', 'connection', 'te', 'Upstash-Forward-Tag']),
  );
});

test('forwarding headers that the client sends stay', async () => {
  const { headers } = await eventOf('httpApi', {
    headers: { 'X-Forwarded-For': '1.2.3.4', 'X-Forwarded-Proto': 'https' },
  });
  expect(headers).toMatchObject({ 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' });
});

test.each([
  ['?a=1&b=2', { a: '1', b: '2' }],
  ['?a=1&a=2&a=', { a: '1,2,' }],
  ['?a', { a: '' }],
  ['?a=%26%3D+%2B', { a: '&= +' }],
  ['?a=b?c', { a: 'b?c' }],
  ['?', undefined],
  ['', undefined],
])('the query %s', async (query, expected) => {
  const event = await eventOf('httpApi', { path: `/x${query}` });
  expect(event.queryStringParameters).toEqual(expected);
  expect(event.rawQueryString).toBe(query.slice(1));
  expect(event.rawPath).toBe('/x');
});

const BYTES = Buffer.from([0xff, 0x00, 0xc3]);
const base64 = (body: Buffer | string) => ({ body: Buffer.from(body).toString('base64'), isBase64Encoded: true });
const text = (body: string) => ({ body, isBase64Encoded: false });

test.each<[string, string | undefined, Buffer | string, object]>([
  ['text', 'text/plain; charset=utf-8', 'grün', text('grün')],
  ['JSON', 'application/json', '{"a":1}', text('{"a":1}')],
  ['JSON in capitals', 'Application/JSON', '{}', text('{}')],
  ['a kind of JSON', 'application/cloudevents+json; charset=utf-8', '{}', text('{}')],
  ['XML', 'application/xml', '<a/>', text('<a/>')],
  ['a kind of XML', 'application/soap+xml', '<a/>', text('<a/>')],
  ['JavaScript', 'application/javascript', 'a()', text('a()')],
  ['something like JSON', 'application/jsonlines', '{}', base64('{}')],
  ['a form', 'application/x-www-form-urlencoded', 'a=b', base64('a=b')],
  ['bytes', 'application/octet-stream', BYTES, base64(BYTES)],
  ['an unknown type', undefined, 'hello', base64('hello')],
  ['nothing', 'text/plain', '', { isBase64Encoded: false }],
])('a body of %s', async (_what, type, body, expected) => {
  const headers: Record<string, string> = type === undefined ? {} : { 'Content-Type': type };
  for (const kind of ['httpApi', 'functionUrl'] as const) {
    const event = await eventOf(kind, { headers, body });
    expect({ body: event.body, isBase64Encoded: event.isBase64Encoded }).toEqual({ body: undefined, ...expected });
  }
});

test('a body in an encoding of its own is bytes, whatever its type', async () => {
  const headers = { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' };
  expect(await eventOf('httpApi', { headers, body: BYTES })).toMatchObject(base64(BYTES));
});

test('bytes that pretend to be text are damaged by an HTTP API and kept by a Function URL', async () => {
  const headers = { 'Content-Type': 'text/plain' };
  expect(await eventOf('httpApi', { headers, body: BYTES })).toMatchObject(text(BYTES.toString()));
  expect(await eventOf('functionUrl', { headers, body: BYTES })).toMatchObject(base64(BYTES));
});

import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { AddressPolicy } from '../../../lambda/deliver/address-policy';
import type { OutboundRequest } from '../../../lambda/deliver/build-request';
import { type CallOptions, callDestination } from '../../../lambda/deliver/call-destination';
import type { AttemptResult } from '../../../lambda/message/message';
import { type RawServer, rawServer, writeForEver } from './raw-server';

const policy = new AddressPolicy({ allowed: [], loopbackAllowed: true });
const CAP = 65_536;
const servers: RawServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(behave: (socket: Socket) => void, when?: 'connected' | 'asked'): Promise<RawServer> {
  const server = await rawServer(behave, when);
  servers.push(server);
  return server;
}

/** A server that gives one answer and ends. */
const answering = (answer: string | Uint8Array) => serve((socket) => socket.end(answer));

function call(
  url: string,
  request: Partial<OutboundRequest> = {},
  options: Partial<CallOptions> & { withinMs?: number } = {},
): Promise<AttemptResult> {
  const { withinMs = 20_000, ...rest } = options;
  return callDestination(
    { url, method: 'POST', headers: [], body: new TextEncoder().encode('hello'), ...request },
    { deadlineMs: Date.now() + withinMs, maxResponseBytes: CAP, policy, ...rest },
  );
}

function dripAfter(socket: Socket, start: string, drop: string): void {
  socket.write(start);
  writeForEver(socket, drop, 10);
}

const text = (result: AttemptResult) => Buffer.from(result.body).toString();
const failure = (error: RegExp) => ({
  status: 0,
  header: {},
  body: new Uint8Array(),
  error: expect.stringMatching(error),
});

describe('the request', () => {
  test('goes out as given, framed by us alone', async () => {
    const server = await answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const result = await call(`${server.url}/a%2Fb?c=d#e`, {
      method: 'PUT',
      headers: [
        ['User-Agent', 'Upstash-QStash'],
        ['X-Two', 'a'],
        ['X-Two', 'b'],
        ['Host', 'elsewhere'],
        ['content-length', '999'],
        ['Transfer-Encoding', 'chunked'],
        ['Connection', 'keep-alive'],
        ['Proxy-Authorization', 'x'],
        ['Expect', '100-continue'],
      ],
    });
    expect(result).toMatchObject({ status: 200, header: { 'Content-Length': ['2'] } });
    expect(text(result)).toBe('ok');
    expect(server.received[0]!.toString()).toBe(
      [
        'PUT /a%2Fb?c=d HTTP/1.1',
        `Host: 127.0.0.1:${server.port}`,
        'User-Agent: Upstash-QStash',
        'X-Two: a',
        'X-Two: b',
        'Content-Length: 5',
        'Connection: close',
        '',
        'hello',
      ].join('\r\n'),
    );
  });

  test.each([
    ['GET', '', false],
    ['GET', 'x', true],
    ['DELETE', '', false],
    ['DELETE', 'x', true],
    ['POST', '', true],
    ['PATCH', '', true],
  ])('%s with body "%s" tells its length: %s', async (method, body, tells) => {
    const server = await answering('HTTP/1.1 204 No Content\r\n\r\n');
    expect(await call(server.url, { method, body: new TextEncoder().encode(body) })).toMatchObject({ status: 204 });
    const received = server.received[0]!.toString();
    expect(received.startsWith(`${method} / HTTP/1.1\r\n`)).toBe(true);
    expect(received.includes(`Content-Length: ${body.length}\r\n`)).toBe(tells);
    expect(received).not.toContain('Transfer-Encoding');
    expect(received.endsWith(`\r\n\r\n${body}`)).toBe(true);
  });

  test('bytes stay bytes', async () => {
    const body = Uint8Array.from({ length: 256 }, (_, index) => index);
    const server = await serve((socket) => {
      const endWhenComplete = () => {
        if (server.received[0]!.subarray(-256).equals(body)) socket.end('HTTP/1.1 200 OK\r\n\r\n');
      };
      socket.on('data', endWhenComplete);
      endWhenComplete();
    });
    expect(await call(server.url, { body })).toMatchObject({ status: 200 });
  });

  test('every attempt has its own connection', async () => {
    const server = await answering('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok');
    await call(server.url);
    await call(server.url);
    expect(server.connections).toHaveLength(2);
  });

  test.each([
    ['a line end in a value', [['X', 'a\r\nInjected: 1']]],
    ['a line end in a name', [['X\r\nInjected', '1']]],
    ['a character beyond Latin-1', [['X', '\u0100']]],
  ] as const)('%s is not sent', async (_, headers) => {
    const server = await answering('HTTP/1.1 200 OK\r\n\r\n');
    expect(await call(server.url, { headers })).toEqual(failure(/^Invalid character|^Header name/));
    await server.closed();
    expect(Buffer.concat(server.received).toString()).toBe('');
  });

  test.each(['nonsense', '', 'ftp://127.0.0.1/', 'file:///etc/passwd'])('%s is not called', async (url) => {
    expect(await call(url)).toEqual(failure(/URL/));
  });

  test('proxies of the environment are not used', async () => {
    const proxy = await answering('HTTP/1.1 200 OK\r\n\r\n');
    const server = await answering('HTTP/1.1 201 Created\r\n\r\n');
    const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.url;
    try {
      expect(await call(server.url)).toMatchObject({ status: 201 });
    } finally {
      for (const name of names) delete process.env[name];
    }
    expect(proxy.connections).toHaveLength(0);
  });
});

describe('the response', () => {
  test('keeps headers in canonical form, repeated ones and odd names too', async () => {
    const server = await answering(
      'HTTP/1.1 200 OK\r\nset-cookie: a\r\nSET-COOKIE: b\r\n__proto__: x\r\nX-L: \xe9\r\n\r\n',
    );
    const { header } = await call(server.url);
    expect(Object.entries(header)).toEqual([
      ['Set-Cookie', ['a', 'b']],
      ['__proto__', ['x']],
      ['X-L', [expect.any(String)]],
    ]);
  });

  test.each([
    ['ended by the connection', 'HTTP/1.1 200 OK\r\n\r\nto the end', 'to the end'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
    ['with more than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc', 'ab'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nold', 'old'],
    ['after hints', `${'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n'.repeat(5_000)}HTTP/1.1 200 OK\r\n\r\nx`, 'x'],
    ['after a 100', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx', 'x'],
  ])('%s', async (_, answer, body) => {
    const server = await answering(answer);
    const result = await call(server.url);
    expect(result).toMatchObject({ status: 200 });
    expect(text(result)).toBe(body);
    expect(result.truncated).toBeUndefined();
  });

  test.each([199 + 1, 302, 404, 489, 500, 999])('status %i is a result', async (status) => {
    const server = await answering(`HTTP/1.1 ${status} X\r\nContent-Length: 1\r\n\r\nx`);
    expect(await call(server.url)).toMatchObject({ status, body: Buffer.from('x') });
  });

  test.each([301, 302, 303, 307, 308])('a %i to itself is not followed', async (status) => {
    const server = await serve((socket) =>
      socket.end(`HTTP/1.1 ${status} X\r\nLocation: ${server.url}/\r\nRefresh: 0\r\nContent-Length: 0\r\n\r\n`),
    );
    expect(await call(server.url)).toMatchObject({ status, header: { Location: [`${server.url}/`] } });
    expect(server.connections).toHaveLength(1);
  });

  test.each([
    [0, true],
    [99, true],
    [100, false],
    [101, false],
  ])('a cap of %i bytes on 100 truncates: %s', async (maxResponseBytes, truncated) => {
    const server = await answering(`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${'x'.repeat(100)}`);
    const result = await call(server.url, {}, { maxResponseBytes });
    expect(text(result)).toBe('x'.repeat(Math.min(100, maxResponseBytes)));
    expect(result.status).toBe(200);
    expect(result.truncated ?? false).toBe(truncated);
  });
});

describe('a hostile destination costs one attempt and no more memory than the cap', () => {
  test('that never ends its body', async () => {
    const server = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      writeForEver(socket, 'x'.repeat(65_536));
    });
    const result = await call(server.url);
    expect(result).toMatchObject({ status: 200, truncated: true });
    expect(result.body).toHaveLength(CAP);
    expect(result.body.buffer.byteLength).toBeLessThanOrEqual(CAP);
    await server.closed();
    expect(server.connections).toHaveLength(1);
  });

  test('that sends a byte in each chunk', async () => {
    const server = await serve((socket) => {
      socket.write('HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n');
      writeForEver(socket, '1\r\nx\r\n'.repeat(1_000));
    });
    const result = await call(server.url);
    expect(result).toMatchObject({ status: 500, truncated: true });
    expect(result.body.buffer.byteLength).toBeLessThanOrEqual(CAP);
    await server.closed();
  });

  test('that sends a bomb of 64 MiB', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
    const server = await answering(Buffer.concat([Buffer.from(head), bomb]));
    const result = await call(server.url, {}, { maxResponseBytes: 1_048_576 });
    expect(Buffer.from(result.body).equals(bomb)).toBe(true);
  });

  test.each([
    ['closes at once', '', /^connection closed|socket hang up/],
    ['speaks something else', 'SSH-2.0-OpenSSH_9.6\r\n', /^Parse Error/],
    ['speaks HTTP/2', '\0\0\x12\x04\0\0\0\0\0\0', /^Parse Error/],
    ['ends within the status line', 'HTTP/1.1 20', /^connection closed|socket hang up|Parse Error/],
    ['ends within the headers', 'HTTP/1.1 200 OK\r\nX: y\r\n', /^connection closed|socket hang up|Parse Error/],
    ['ends before its length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort', /^connection closed/],
    ['ends within a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx', /^connection closed/],
    ['has two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', /^Parse Error/],
    [
      'has two framings',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^Parse Error/,
    ],
    ['has a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx', /^Parse Error/],
    [
      'has a broken chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      /^(Parse Error|connection closed)/,
    ],
    ['has a header of 32 KiB', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(32_768)}\r\n\r\n`, /^Parse Error: Header overflow/],
    ['has 5000 headers', `HTTP/1.1 200 OK\r\n${'X: yyyyyyyy\r\n'.repeat(5_000)}\r\n`, /^Parse Error: Header overflow/],
    ['has a NUL in a header', 'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n', /^Parse Error/],
    ['has status 000', 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n', /^the response has no final status|^Parse Error/],
    ['has status 99', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n', /^the response has no final status|^Parse Error/],
    ['has status 2000', 'HTTP/1.1 2000 X\r\nContent-Length: 0\r\n\r\n', /^Parse Error/],
    ['switches protocols', 'HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', /switched protocols/],
  ])('that %s', async (_, answer, error) => {
    const server = await answering(answer);
    const result = await call(server.url);
    expect(result).toEqual(failure(error));
    expect(result.error).toMatch(/^[\x20-\x7e]{1,200}$/);
    await server.closed();
    expect(server.connections).toHaveLength(1);
  });

  test('that resets the connection', async () => {
    for (const when of ['connected', 'asked'] as const) {
      const server = await serve((socket) => socket.resetAndDestroy(), when);
      expect(await call(server.url)).toEqual(failure(/ECONNRESET|EPIPE|^connection closed|socket hang up/));
      expect(server.connections).toHaveLength(1);
    }
  });

  test('that resets within the body', async () => {
    const server = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort', () => socket.resetAndDestroy());
    });
    expect(await call(server.url)).toEqual(failure(/ECONNRESET|^connection closed|socket hang up/));
  });

  test('that does not listen', async () => {
    const server = await serve(() => {});
    await server.stop();
    servers.pop();
    expect(await call(server.url)).toEqual(failure(/ECONNREFUSED/));
  });

  test('that sends hints for ever', async () => {
    const server = await serve((socket) => writeForEver(socket, 'HTTP/1.1 103 X\r\n\r\n'.repeat(100)));
    expect(await call(server.url, {}, { withinMs: 300 })).toEqual(failure(/^timeout|^Parse Error: Header overflow/));
    await server.closed();
  });
});

describe('the deadline ends', () => {
  test.each<[string, (socket: Socket) => void, 'connected' | 'asked']>([
    ['a server that never answers', () => {}, 'asked'],
    ['a server that never reads', (socket) => void socket.pause(), 'connected'],
    ['a drip of header bytes', (socket) => dripAfter(socket, 'HTTP/1.1 200 OK\r\nX: ', 'y'), 'asked'],
    ['a drip of header lines', (socket) => dripAfter(socket, 'HTTP/1.1 200 OK\r\n', 'X: y\r\n'), 'asked'],
    ['a drip of body bytes', (socket) => dripAfter(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'x'), 'asked'],
    ['a body that stops', (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'), 'asked'],
    ['a 101 without a protocol', (socket) => void socket.write('HTTP/1.1 101 X\r\n\r\n'), 'asked'],
  ])('%s', async (_, behave, when) => {
    const server = await serve(behave, when);
    const body = new Uint8Array(when === 'connected' ? 16_777_216 : 5);
    const result = await call(server.url, { body }, { withinMs: 250 });
    expect(result).toEqual(failure(/^timeout: |no final status/));
    if (when === 'asked') await server.closed();
    expect(server.connections).toHaveLength(1);
  });

  test('a TLS handshake that nobody answers', async () => {
    const server = await serve(() => {});
    const result = await call(server.url.replace('http:', 'https:'), {}, { withinMs: 250 });
    expect(result).toEqual(failure(/^timeout: /));
    await server.closed();
  });

  test('a name lookup that does not come back, and what it would have started', async () => {
    const server = await answering('HTTP/1.1 200 OK\r\n\r\n');
    let answer: (addresses: { address: string; family: number }[]) => void = () => {};
    const lookup = () => new Promise<{ address: string; family: number }[]>((resolve) => (answer = resolve));
    const result = await call(`http://hook.example:${server.port}`, {}, { withinMs: 100, lookup });
    expect(result).toEqual(failure(/^timeout: /));
    answer([{ address: '127.0.0.1', family: 4 }]);
    await new Promise(setImmediate);
    // A later connection proves that an earlier one would have been seen.
    expect(await call(server.url)).toMatchObject({ status: 200 });
    expect(Buffer.concat(server.received).toString()).not.toContain('hook.example');
  });

  test('nothing that has not begun', async () => {
    const server = await answering('HTTP/1.1 200 OK\r\n\r\n');
    expect(await call(server.url, {}, { withinMs: 0 })).toEqual(failure(/^timeout: /));
    expect(await call(server.url, {}, { withinMs: -1 })).toEqual(failure(/^timeout: /));
    expect(server.connections).toHaveLength(0);
  });

  test('nobody else', async () => {
    const slow = await serve(() => {});
    const good = await answering('HTTP/1.1 200 OK\r\n\r\n');
    const results = await Promise.all([
      ...Array.from({ length: 9 }, () => call(slow.url, {}, { withinMs: 250 })),
      call(good.url),
    ]);
    expect(results.map(({ status }) => status)).toEqual([...Array(9).fill(0), 200]);
  });
});

import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type RawServer, rawServer, writeForEver } from '../lambda/deliver/raw-server';
import { closeAll, type Running, start, startSink, statesOf, until } from './harness';

let running: Running;

beforeAll(async () => {
  running = await start();
});
afterAll(closeAll);

const servers: RawServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(behave: (socket: Socket) => void): Promise<RawServer> {
  const server = await rawServer(behave);
  servers.push(server);
  return server;
}

const answer = (lines: readonly string[], body: string | Buffer = '') =>
  Buffer.concat([Buffer.from(['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n')), Buffer.from(body)]);

/** Writes `start`, then `more` again and again. */
const goesOn = (start: string, more: string | Uint8Array, everyMs?: number) => (socket: Socket) => {
  socket.write(start);
  writeForEver(socket, more, everyMs);
};
const says = (bytes: string | Buffer) => (socket: Socket) => void socket.end(bytes);

/** What it does, the status and the error of the attempt; a status of success delivers. */
interface Hostility {
  readonly behave: (socket: Socket) => void;
  readonly status: number;
  readonly error?: RegExp;
  /** It goes on until the attempt's time is over. */
  readonly lasts?: true;
}

const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));

const HOSTILITIES: Readonly<Record<string, Hostility>> = {
  'never answers': { behave: () => {}, status: 0, error: /time/, lasts: true },
  'drips headers': { behave: goesOn('HTTP/1.1 200 OK\r\nX: ', 'x', 20), status: 0, error: /time/, lasts: true },
  'drips a body': {
    behave: goesOn('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n', 'x', 20),
    status: 0,
    error: /time/,
    lasts: true,
  },
  'sends a body without end': { behave: goesOn('HTTP/1.1 200 OK\r\n\r\n', Buffer.alloc(65_536)), status: 200 },
  'redirects to itself': {
    behave: says('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'),
    status: 302,
  },
  'resets the connection': {
    behave: (socket) => void socket.resetAndDestroy(),
    status: 0,
    error: /ECONNRESET|closed|hang up/,
  },
  'sends a bomb of gzip': {
    behave: says(answer(['Content-Encoding: gzip', `Content-Length: ${bomb.length}`], bomb)),
    status: 200,
  },
  'sends 5000 early hints': {
    behave: says(
      Buffer.concat([
        Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(5000)),
        answer(['Content-Length: 0']),
      ]),
    ),
    status: 200,
  },
  'sends huge headers': { behave: says(answer([`X: ${'x'.repeat(1_000_000)}`])), status: 0, error: /header/i },
  'sends thousands of headers': { behave: says(answer(Array(50_000).fill('X: y'))), status: 0, error: /header/i },
  'sends less than it says': {
    behave: says(answer(['Content-Length: 100'], 'short')),
    status: 0,
    error: /closed|aborted/,
  },
  'sends more than it says': { behave: says(answer(['Content-Length: 2'], 'longer')), status: 200 },
  'says two lengths': {
    behave: says(answer(['Content-Length: 1', 'Content-Length: 2'], 'ab')),
    status: 0,
    error: /\w/,
  },
  'says a length and chunks': {
    behave: says(answer(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n')),
    status: 0,
    error: /\w/,
  },
  'sends a chunk of no size': {
    behave: says(answer(['Transfer-Encoding: chunked'], 'zz\r\n')),
    status: 0,
    error: /\w/,
  },
  'has the status 999': { behave: says('HTTP/1.1 999 Whatever\r\nContent-Length: 0\r\n\r\n'), status: 999 },
  'switches protocols': {
    behave: says('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    status: 0,
    error: /\w/,
  },
  'speaks no HTTP': { behave: says('220 mail.example ESMTP\r\n'), status: 0, error: /\w/ },
  'ends its answer early': { behave: says('HTTP/1.1 200'), status: 0, error: /\w/ },
};

const isSuccess = (status: number) => status >= 200 && status <= 299;

describe('a destination that', () => {
  test.each(Object.entries(HOSTILITIES))('%s costs one attempt', async (_, { behave, status, error, lasts }) => {
    const server = await serve(behave);
    const { messageId } = await running.client.publish({
      url: server.url,
      body: 'text',
      retries: 0,
      timeout: lasts === undefined ? 30 : 0.5,
    });
    const entries = await running.ended(messageId);
    const end = isSuccess(status) ? ['DELIVERED'] : ['ERROR', 'FAILED'];
    expect(statesOf(entries)).toEqual(['CREATED', 'ACTIVE', ...end]);
    expect(server.connections).toHaveLength(1);
    // The connection is not left open.
    await server.closed();
    if (isSuccess(status)) return;
    const failure = entries.find(({ state }) => state === 'ERROR')!;
    expect(failure.responseStatus).toBe(status);
    if (error !== undefined) expect(failure.error).toMatch(error);
    const [letter] = (await running.client.dlq.listMessages({ filter: { messageId } })).messages;
    expect(letter).toMatchObject({ responseStatus: status });
  });

  test('sends a bomb of gzip is reported without unpacking it', async () => {
    const sink = await startSink();
    const callback = sink.destination();
    const server = await serve(HOSTILITIES['sends a bomb of gzip']!.behave);
    await running.client.publish({ url: server.url, body: '', callback: callback.url });
    const { body } = await until(() => callback.arrivals[0]);
    expect(Buffer.from(JSON.parse(body.toString()).body, 'base64').equals(bomb)).toBe(true);
  });
});

test('a neighbour in the same batch is delivered while nine others are at it', async () => {
  const sink = await startSink();
  const neighbour = sink.destination();
  const names = Object.keys(HOSTILITIES);
  const others = [
    ...names.filter((name) => HOSTILITIES[name]!.lasts),
    ...names.filter((name) => !HOSTILITIES[name]!.lasts),
  ].slice(0, 9);
  const hostile = await Promise.all(others.map((name) => serve(HOSTILITIES[name]!.behave)));
  const urls = [...hostile.map(({ url }) => url), neighbour.url];
  const ids = await Promise.all(
    urls.map(async (url) => (await running.client.publish({ url, body: '', retries: 0, delay: '60s' })).messageId),
  );
  await running.service.whenIdle();
  const seen = running.lines.length;
  // All at once, unlike a journey from one to the next.
  running.service.clock.advanceTo(running.service.clock.now() + 61_000);
  expect((await running.ended(ids[9]!)).at(-1)!.state).toBe('DELIVERED');
  const lasting = ids.filter((_, index) => index < 9 && HOSTILITIES[others[index]!]!.lasts);
  expect(lasting).toHaveLength(3);
  for (const id of lasting) expect((await running.events(id)).at(-1)!.state).toBe('ACTIVE');
  // They would go on for the longest time that there is.
  await Promise.all(hostile.map((server) => server.stop()));
  servers.length = 0;
  await Promise.all(ids.map((id) => running.ended(id)));
  await running.service.whenIdle();
  const counts = running.lines.slice(seen).flatMap(({ text }) => {
    const { Delivered = 0, Failed = 0 } = text.includes('AttemptDuration') ? JSON.parse(text) : {};
    return Delivered + Failed > 0 ? [Delivered + Failed] : [];
  });
  expect(counts).toEqual([10]);
});

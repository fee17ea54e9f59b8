import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A server of bare connections, which says and does whatever a test likes. */
export interface RawServer {
  readonly port: number;
  readonly url: string;
  /** Connections so far. */
  readonly connections: Socket[];
  /** What each connection sent so far. */
  readonly received: Buffer[];
  /** Resolves when every connection so far has ended. */
  closed(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server that calls `behave` once for each connection, when its first bytes arrive, or at once. */
export async function rawServer(
  behave: (socket: Socket) => void,
  when: 'connected' | 'asked' = 'asked',
): Promise<RawServer> {
  const connections: Socket[] = [];
  const received: Buffer[] = [];
  const ends: Promise<unknown>[] = [];
  const server = createServer((socket) => {
    const index = connections.push(socket) - 1;
    received.push(Buffer.alloc(0));
    ends.push(new Promise((resolve) => socket.once('close', resolve)));
    socket.on('error', () => {});
    if (when === 'connected') {
      behave(socket);
      return;
    }
    socket.on('data', (chunk) => {
      received[index] = Buffer.concat([received[index]!, chunk]);
    });
    socket.once('data', () => behave(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections,
    received,
    closed: async () => void (await Promise.all(ends)),
    stop: async () => {
      for (const socket of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Writes `chunk` again and again until the other side is gone, as fast as it reads or every `everyMs`. */
export function writeForEver(socket: Socket, chunk: string | Uint8Array, everyMs?: number): void {
  if (everyMs !== undefined) {
    const timer = setInterval(() => socket.write(chunk), everyMs);
    socket.once('close', () => clearInterval(timer));
    return;
  }
  const fill = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', fill);
  fill();
}

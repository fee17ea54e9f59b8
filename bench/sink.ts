import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A destination that keeps when each path was first called. Paths below `/fail` are answered with 500. */
export class BenchSink {
  readonly arrivals = new Map<string, number>();
  requests = 0;
  private readonly server: Server;
  private readonly wanted = new Map<string, () => void>();

  constructor() {
    this.server = createServer((request, response) => {
      const path = request.url ?? '';
      request.resume();
      request.on('end', () => {
        this.requests++;
        if (!this.arrivals.has(path)) this.arrivals.set(path, performance.now());
        this.wanted.get(path)?.();
        response.writeHead(path.startsWith('/fail') ? 500 : 200);
        response.end();
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves when `path` has been called. */
  called(path: string): Promise<void> {
    if (this.arrivals.has(path)) return Promise.resolve();
    return new Promise((resolve) => {
      this.wanted.set(path, resolve);
    });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

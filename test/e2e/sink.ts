import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that reached the sink. */
export interface Arrival {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Wall time, milliseconds. */
  readonly at: number;
}

/** What the sink answers; `hang` never does. */
export type Reply =
  | number
  | 'hang'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer };

/** A reply, or what finds it once the request is there. */
type Answering = Reply | ((arrival: Arrival) => Reply | Promise<Reply>);

/** A path of the sink with its own replies. */
export interface Destination {
  readonly url: string;
  /** The requests so far. */
  readonly arrivals: readonly Arrival[];
}

/** A path of the sink whose answers wait. */
export interface HeldDestination extends Destination {
  /** Gives one answer each, in the order of the requests. */
  readonly held: (() => void)[];
  /** Gives all answers that wait. */
  readonly letGo: () => void;
}

/** A failure after which the next attempt may follow at once. */
export const AGAIN: Reply = { status: 503, headers: { 'retry-after': '0' } };

/** A destination on loopback that keeps what it was sent. */
export class Sink {
  readonly arrivals: Arrival[] = [];
  private readonly destinations = new Map<string, { readonly arrivals: Arrival[]; readonly replies: Answering[] }>();
  private server: Server | undefined;
  private port = 0;

  /** `reply` is asked for requests to no {@link destination}; 200 by default. */
  constructor(public reply: (arrival: Arrival) => Reply | Promise<Reply> = () => 200) {}

  async listen(): Promise<this> {
    this.server = createServer((request, response) => {
      // The client has gone, or the test that would reply.
      this.receive(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => {
      this.server!.listen(0, '127.0.0.1', resolve);
    });
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  url(path = '/'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /**
   * A path that nobody else uses, with all below it, which gives these replies in order and the last one ever
   * after; 200 if none.
   */
  destination(...replies: Answering[]): Destination {
    const path = `/destination-${this.destinations.size + 1}`;
    const arrivals: Arrival[] = [];
    this.destinations.set(path, { arrivals, replies: replies.length === 0 ? [200] : replies });
    return { url: this.url(path), arrivals };
  }

  /** A {@link destination} whose answers, all the same, wait until they are let go: all or one after the other. */
  heldDestination(reply: Reply = 200): HeldDestination {
    const held: (() => void)[] = [];
    const destination = this.destination(() => new Promise<Reply>((resolve) => held.push(() => resolve(reply))));
    const letGo = () => {
      for (const answer of held.splice(0)) answer();
    };
    return { ...destination, held, letGo };
  }

  /** The requests so far whose path starts with `path`. */
  at(path: string): Arrival[] {
    return this.arrivals.filter((arrival) => arrival.path.startsWith(path));
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const arrival = { method, path: url, headers, body: Buffer.concat(chunks), at: Date.now() };
    this.arrivals.push(arrival);
    answer(response, await this.replyTo(arrival));
  }

  private async replyTo(arrival: Arrival): Promise<Reply> {
    const destination = this.destinations.get(/^\/[^/?]*/.exec(arrival.path)![0]);
    if (destination === undefined) return this.reply(arrival);
    const { arrivals, replies } = destination;
    const reply = replies[Math.min(arrivals.push(arrival), replies.length) - 1]!;
    return typeof reply === 'function' ? reply(arrival) : reply;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server?.close(() => resolve());
      this.server?.closeAllConnections();
    });
  }
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return;
  const { status, headers = {}, body = '' } = typeof reply === 'number' ? { status: reply } : reply;
  response.writeHead(status, headers);
  response.end(body);
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LambdaFunction } from '../functions/lambda-function';
import { refusal } from './guard';
import { gatewayAnswer, type HttpAnswer, httpAnswer, MAX_PAYLOAD_BYTES } from './http-answer';
import { type DoorKind, httpEvent } from './http-event';

const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Request line and headers together, on an HTTP API. */
const MAX_HEADER_BYTES = 10_240;
const MAX_INTEGRATION_MS = 30_000;
/** Node's own limit, above the gateway's, so that the gateway's answer is given. */
const NODE_HEADER_BYTES = 128 * 1024;

/** What a front door leads to. */
export interface DoorTarget {
  readonly kind: DoorKind;
  readonly apiId: string;
  readonly target: Pick<LambdaFunction, 'invokeJson'>;
  /** Milliseconds of wall time that a request may take, 30 s at most on an HTTP API. */
  readonly timeoutMs?: number | undefined;
}

/** Answers requests that are local mode's own; undefined for all others. */
export type LocalRoutes = (request: IncomingMessage, body: Buffer) => Promise<HttpAnswer | undefined>;

/**
 * The public end of the service: an HTTP server that turns requests into events, as API Gateway or a
 * Function URL would, with their limits and their own answers. It listens before it knows its target, since
 * the template may refer to its address; requests wait for {@link open}.
 */
export class FrontDoor {
  private readonly server: Server;
  private openDoor: ((target: DoorTarget) => void) | undefined;
  private readonly target: Promise<DoorTarget>;
  private port = 0;

  constructor(
    private readonly host: string,
    private readonly localRoutes: LocalRoutes,
    private readonly onProblem: (message: string) => void,
  ) {
    this.target = new Promise((resolve) => {
      this.openDoor = resolve;
    });
    this.server = createServer({ maxHeaderSize: NODE_HEADER_BYTES }, (request, response) => {
      this.handle(request, response).catch((error: unknown) => {
        // A header that cannot be sent, for example: what the gateway calls an integration failure.
        this.onProblem(`${request.method} failed at the front door: ${String(error)}`);
        if (response.headersSent) response.destroy();
        else reply(response, gatewayAnswer(500, 'Internal Server Error'));
      });
    });
  }

  /** Rejects with the error of the system, such as `EADDRINUSE`. */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, this.host, () => {
        this.port = (this.server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Its address, without a slash at the end. */
  get url(): string {
    const everywhere = this.host === '0.0.0.0' || this.host === '::';
    const name = everywhere ? '127.0.0.1' : this.host.includes(':') ? `[${this.host}]` : this.host;
    return `http://${name}:${this.port}`;
  }

  /** Lets requests in. */
  open(target: DoorTarget): void {
    this.openDoor?.(target);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const problem = refusal(request.headers, this.host);
    if (problem !== undefined) return reply(response, gatewayAnswer(403, `Forbidden: ${problem}`));
    const door = await this.target;
    const tooLong = door.kind === 'httpApi' ? headerProblem(request) : undefined;
    if (tooLong !== undefined) return reply(response, tooLong);
    const body = await readBody(request);
    if (body === 'aborted') return;
    reply(response, body === 'too large' ? TOO_LARGE : await this.answer(door, request, body));
  }

  private async answer(door: DoorTarget, request: IncomingMessage, body: Buffer): Promise<HttpAnswer> {
    const own = await this.localRoutes(request, body);
    if (own !== undefined) return own;
    const event = JSON.stringify(httpEvent(door.kind, door.apiId, request, body, Date.now()));
    if (Buffer.byteLength(event) > MAX_PAYLOAD_BYTES) return TOO_LARGE;
    const invocation = door.target.invokeJson(event).then((result) => httpAnswer(door.kind, result));
    if (door.kind === 'functionUrl') return invocation;
    const timeoutMs = Math.min(door.timeoutMs ?? MAX_INTEGRATION_MS, MAX_INTEGRATION_MS);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<HttpAnswer>((resolve) => {
      timer = setTimeout(() => resolve(gatewayAnswer(503, 'Service Unavailable')), timeoutMs);
    });
    const answer = await Promise.race([invocation, timeout]);
    clearTimeout(timer);
    return answer;
  }
}

const TOO_LARGE = gatewayAnswer(413, 'Request Entity Too Large');

function headerProblem(request: IncomingMessage): HttpAnswer | undefined {
  const line = Buffer.byteLength(`${request.method} ${request.url} HTTP/1.1\r\n`);
  if (line > MAX_HEADER_BYTES) return gatewayAnswer(414, 'Request-URI Too Long');
  // Each pair of name and value stands on a line `name: value\r\n`.
  const headers = request.rawHeaders.reduce((bytes, text) => bytes + Buffer.byteLength(text, 'latin1') + 2, 0);
  return line + headers > MAX_HEADER_BYTES ? gatewayAnswer(431, 'Request Header Fields Too Large') : undefined;
}

async function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | 'aborted'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Read to the end all the same: closing early would lose the answer.
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    }
  } catch {
    return 'aborted';
  }
  return bytes > MAX_BODY_BYTES ? 'too large' : Buffer.concat(chunks);
}

function reply(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  const bodiless = status === 204 || status === 304 || status < 200;
  response.writeHead(status, { ...headers, ...(bodiless ? {} : { 'content-length': body.length }) });
  response.end(bodiless ? undefined : body);
}

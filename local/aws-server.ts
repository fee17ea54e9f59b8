import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, errorAnswer } from './aws-call';
import { refusal } from './http/guard';

const HOST = '127.0.0.1';
const STATUSES = { AccessDeniedException: 403, InternalServerError: 500 } as const;

/** Listens on 127.0.0.1 for the calls of SDKs. Only this machine is answered, and no web page. */
export class AwsServer {
  private readonly server: Server;

  /**
   * `answer` gets the complete body; when it rejects, the caller is told of an internal failure. `problem` writes
   * what the server itself has to say, in the protocol of the service: AWS JSON by default.
   */
  constructor(
    private readonly answer: (request: IncomingMessage, body: Buffer) => Promise<Answer>,
    private readonly problem = (code: keyof typeof STATUSES, message: string): Answer =>
      errorAnswer(STATUSES[code], code, message),
  ) {
    this.server = createServer((request, response) => void this.handle(request, response));
    // Longer than an SDK keeps an idle connection, so that it never writes to one that is being closed.
    this.server.keepAliveTimeout = 60_000;
  }

  /** The port it listens on; 0, the default, is a free one. */
  listen(port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, HOST, () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.respond(request);
    if (answer === 'dropped') {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
    response.end(answer.body);
  }

  private async respond(request: IncomingMessage): Promise<Answer> {
    const problem = refusal(request.headers, HOST);
    if (problem !== undefined) return this.problem('AccessDeniedException', `Forbidden: ${problem}`);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The client is gone: a function at its deadline, say.
      return 'dropped';
    }
    try {
      return await this.answer(request, Buffer.concat(chunks));
    } catch (error) {
      return this.problem('InternalServerError', String(error));
    }
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, accessKeyIdOf, type Interceptor, LOCAL_ACCOUNT } from '../aws-call';
import type { ServiceClock } from '../clock';
import { type Caller, MESSAGE_OPERATIONS } from './message-operations';
import { MoveTasks } from './move-tasks';
import { type Queue, queueArn, queueName } from './queue';
import { changedAttributes, newQueueAttributes, type QueueAttributes } from './queue-attributes';
import { allAttributes, createQueue, QUEUE_OPERATIONS } from './queue-operations';
import { Queues, type ReceiveOptions } from './queues';
import type { ReceivedMessage } from './received-message';
import { type Input, requiredString } from './request';
import { SqsError } from './sqs-error';

/** What an SQS server is made of. */
export interface SqsServerOptions {
  /** Delays, visibility, retention and deduplication run on this clock. */
  readonly clock: ServiceClock;
  /** Directory of the journal, made if missing. In memory when left out. One server at a time may use it. */
  readonly dir?: string | undefined;
  /** Stands before every request over HTTP; the in-process methods don't pass it. */
  readonly intercept?: Interceptor | undefined;
}

/** How many messages a queue holds, by state. */
export interface QueueDepth {
  readonly name: string;
  readonly arn: string;
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
  /** Whether a receive would return a message now; false for a FIFO queue whose groups all wait. */
  readonly receivable: boolean;
}

const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
const LOOPBACK = /^(localhost|[\w.-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/**
 * Amazon SQS for one account on this machine: the AWS JSON protocol over HTTP as the SDKs speak it, and
 * methods for callers in the same process. Answers loopback host names only, and no web page of another
 * origin, which could otherwise drive it.
 */
export class SqsServer {
  private readonly queues: Queues;
  private readonly moves: MoveTasks;
  private readonly intercept: Interceptor;
  private readonly server: Server;

  /** Reads the journal; throws `CorruptJournalError` when it is damaged. */
  constructor({ clock, dir, intercept = (_call, execute) => execute() }: SqsServerOptions) {
    this.queues = new Queues(clock, dir);
    this.moves = new MoveTasks(this.queues);
    this.intercept = intercept;
    this.server = createServer((request, response) => {
      void this.serve(request, response);
    });
    this.server.keepAliveTimeout = 60_000;
  }

  /** Listens on 127.0.0.1 and returns the port; 0, the default, is a free one. */
  listen(port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => {
        this.server.off('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Ends every waiting receive, closes all connections and the journal. */
  async close(): Promise<void> {
    this.moves.close();
    this.queues.close();
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  /** Creates a queue or gives the one of this name these attributes; returns its ARN. Values as on the wire. */
  ensureQueue(name: string, attributes: QueueAttributes = {}): string {
    if (!this.queues.has(name)) return createQueue(this.queues, name, attributes, {}).arn;
    newQueueAttributes(name, attributes);
    const queue = this.queues.queue(name);
    const changed = changedAttributes(queue.attributes, attributes);
    if (Object.entries(changed).some(([key, value]) => queue.attributes[key] !== value)) {
      this.queues.configure(queue, changed);
    }
    return queue.arn;
  }

  /**
   * Receives messages without HTTP, as the event source mapping does; waits in wall time, and is woken at
   * once by a send, the end of a delay or of a visibility. Empty when the wait ended or was aborted.
   * Rejects with `QueueDoesNotExist` when the queue is missing or deleted meanwhile.
   */
  async receive(queueArnOrUrl: string, options: ReceiveOptions): Promise<ReceivedMessage[]> {
    return this.queues.receive(this.queues.queue(queueArnOrUrl), options);
  }

  /** Deletes the messages of these receipt handles: all that can be, then throws the first refusal. */
  delete(queueArnOrUrl: string, receiptHandles: readonly string[]): void {
    const queue = this.queues.queue(queueArnOrUrl);
    const refusals: unknown[] = [];
    for (const handle of receiptHandles) {
      try {
        this.queues.deleteMessage(queue, handle);
      } catch (error) {
        refusals.push(error);
      }
    }
    if (refusals.length > 0) throw refusals[0];
  }

  /** Hides a message in flight for `seconds` of service time from now; 0 makes it visible at once. */
  changeVisibility(queueArnOrUrl: string, receiptHandle: string, seconds: number): void {
    this.queues.changeVisibility(this.queues.queue(queueArnOrUrl), receiptHandle, seconds);
  }

  /** The ARN of the queue of this name, whether or not it exists. */
  queueArn(name: string): string {
    return queueArn(name);
  }

  /** All attributes of a queue as GetQueueAttributes returns them. Throws `QueueDoesNotExist`. */
  attributes(name: string): Record<string, string> {
    return allAttributes(this.queues.queue(name));
  }

  /** How many messages each queue holds now, by name. */
  depths(): QueueDepth[] {
    return this.queues.list().map(({ name }) => {
      const { arn, counts, receivable } = this.queues.queue(name);
      return { name, arn, ...counts, receivable };
    });
  }

  /** The bodies of all messages of a queue, hidden ones too; receives none. Throws `QueueDoesNotExist`. */
  bodies(name: string): string[] {
    return [...this.queues.queue(name).messages.values()].map(({ body }) => body);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, socket } = request;
    const gone = new AbortController();
    const onGone = (): void => gone.abort();
    // The end of the client's half of the connection comes before the response is closed.
    socket.once('end', onGone);
    socket.once('close', onGone);
    try {
      const host = headers.host ?? '';
      const origin = headers.origin;
      const foreign = origin !== undefined && !LOOPBACK.test(origin.replace(/^https?:\/\//, ''));
      if (!LOOPBACK.test(host) || foreign) {
        write(response, new SqsError('InvalidSecurity', 'Only clients on this machine are served.').answer());
        return;
      }
      const input = await readInput(request);
      const [target, operation = ''] = String(headers['x-amz-target'] ?? '').split('.');
      const accessKeyId = accessKeyIdOf(headers.authorization);
      const caller = { senderId: accessKeyId || LOCAL_ACCOUNT, signal: gone.signal };
      const known =
        target === 'AmazonSQS' && [QUEUE_OPERATIONS, MESSAGE_OPERATIONS].some((all) => Object.hasOwn(all, operation));
      if (!known) throw new SqsError('UnknownOperationException', `Unknown operation ${target}.${operation}.`);
      const call = { service: 'sqs' as const, operation, accessKeyId, resources: resourcesOf(input), input };
      const answer = await this.intercept(call, () => this.execute(operation, input, host, caller));
      if (answer === 'dropped') socket.destroy();
      else write(response, answer);
    } catch (error) {
      write(response, failure(error));
    } finally {
      socket.off('end', onGone);
      socket.off('close', onGone);
    }
  }

  private async execute(operation: string, input: Input, host: string, caller: Caller): Promise<Answer> {
    try {
      const onQueue = QUEUE_OPERATIONS[operation];
      const url = ({ name }: Queue): string => `http://${host}/${LOCAL_ACCOUNT}/${name}`;
      const output = onQueue
        ? onQueue({ queues: this.queues, moves: this.moves, url }, input)
        : await MESSAGE_OPERATIONS[operation]!(
            this.queues,
            this.queues.queue(requiredString(input, 'QueueUrl')),
            input,
            caller,
          );
      const headers = { 'content-type': 'application/x-amz-json-1.0' };
      return { status: 200, headers, body: Buffer.from(JSON.stringify(output)) };
    } catch (error) {
      return failure(error);
    }
  }
}

function failure(error: unknown): Answer {
  if (error instanceof SqsError) return error.answer();
  return new SqsError('InternalFailure', error instanceof Error ? error.message : String(error)).answer();
}

function resourcesOf(input: Input): string[] {
  if (typeof input.SourceArn === 'string') return [input.SourceArn];
  const named = input.QueueUrl ?? input.QueueName;
  return typeof named === 'string' ? [queueArn(queueName(named))] : [];
}

async function readInput(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) throw new SqsError('RequestEntityTooLargeException', 'The request is too large.');
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  try {
    const input: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>;
  } catch {
    // Falls through to the one refusal below.
  }
  throw new SqsError('SerializationException', 'The request body is not a JSON object.');
}

function write(response: ServerResponse, answer: Answer): void {
  if (answer === 'dropped' || response.destroyed) return;
  response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  response.end(answer.body);
}

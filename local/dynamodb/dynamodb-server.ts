import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, accessKeyIdOf, type Interceptor } from '../aws-call';
import type { ServiceClock } from '../clock';
import { refusal } from '../http/guard';
import { DynamoDbError } from './dynamodb-error';
import { Engine } from './engine';
import { query, scan } from './queries';
import { batchGetItem, getItem } from './reads';
import { resourcesOf } from './resources';
import { ensureTable, setTimeToLive, TABLE_OPERATIONS } from './table-operations';
import { transactGetItems, transactWriteItems } from './transactions';
import { Usage } from './usage';
import { batchWriteItem, writeItem } from './writes';

/** What a DynamoDB server is made of. */
export interface DynamoDbServerOptions {
  /** Expiry and the memory for client tokens run on this clock. */
  readonly clock: ServiceClock;
  /** Directory of the database, made if missing. In memory when left out. One server at a time may use it. */
  readonly dir?: string | undefined;
  /** Stands before every request over HTTP; the in-process methods don't pass it. */
  readonly intercept?: Interceptor | undefined;
}

/** Carries out one operation; counts in `usage` what it costs, also when it throws. */
type Operation = (engine: Engine, input: object, usage: Usage) => Promise<object>;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...TABLE_OPERATIONS,
  PutItem: (engine, input, usage) => writeItem(engine, 'Put', input, usage),
  UpdateItem: (engine, input, usage) => writeItem(engine, 'Update', input, usage),
  DeleteItem: (engine, input, usage) => writeItem(engine, 'Delete', input, usage),
  BatchWriteItem: batchWriteItem,
  TransactWriteItems: transactWriteItems,
  GetItem: getItem,
  BatchGetItem: batchGetItem,
  TransactGetItems: transactGetItems,
  Query: query,
  Scan: scan,
};

const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
const HOST = '127.0.0.1';

/**
 * Amazon DynamoDB for one account on this machine: the AWS JSON protocol over HTTP as the SDKs speak it. Answers
 * loopback host names only, and no web page of another origin, which could otherwise drive it. Every answer says
 * in the headers `x-consumed-read-units` and `x-consumed-write-units` what its request used up, refused ones too.
 */
export class DynamoDbServer {
  private readonly options: DynamoDbServerOptions;
  private readonly server: Server;
  private engine: Engine | undefined;

  constructor(options: DynamoDbServerOptions) {
    this.options = options;
    this.server = createServer((request, response) => {
      void this.serve(request, response);
    });
    this.server.keepAliveTimeout = 60_000;
  }

  /**
   * Opens the database, listens on 127.0.0.1 and returns the port; 0, the default, is a free one. Rejects when
   * another process has the directory open.
   */
  async listen(port = 0): Promise<number> {
    this.engine = await Engine.open(this.options.clock, this.options.dir);
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, HOST, () => {
        this.server.off('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Finishes what is being written, closes all connections and the database. */
  async close(): Promise<void> {
    if (this.server.listening) {
      await new Promise<void>((resolve) => {
        this.server.close(() => resolve());
        this.server.closeAllConnections();
      });
    }
    await this.engine?.close();
  }

  /**
   * Creates a table by the input of CreateTable. Gives one of this name the global secondary indexes of the input,
   * with their entries, and rejects if its key or its local indexes are others.
   */
  async createTable(input: object): Promise<void> {
    await ensureTable(this.opened(), input);
  }

  /** Lets the items of a table expire by a number attribute that holds seconds since the epoch. */
  async setTimeToLive(table: string, attribute: string): Promise<void> {
    await setTimeToLive(this.opened(), table, attribute);
  }

  private opened(): Engine {
    if (this.engine === undefined) throw new Error('The DynamoDB server must listen before it is used.');
    return this.engine;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, socket } = request;
    try {
      const problem = refusal(headers, HOST);
      if (problem !== undefined) throw new DynamoDbError('AccessDeniedException', `Refused: ${problem}.`);
      const body = await readBody(request);
      const [version, operation = ''] = String(headers['x-amz-target'] ?? '').split('.');
      if (version !== 'DynamoDB_20120810' || !Object.hasOwn(OPERATIONS, operation))
        throw new DynamoDbError('UnknownOperationException', `Unknown operation ${version}.${operation}.`);
      const input = parseBody(body);
      const accessKeyId = accessKeyIdOf(headers.authorization);
      const call = { service: 'dynamodb' as const, operation, accessKeyId, resources: resourcesOf(input), input };
      const { intercept = (_call, execute) => execute() } = this.options;
      // Executed twice, a request is parsed twice: an operation may change what it gets.
      const answer = await intercept(call, () => this.execute(operation, parseBody(body)));
      if (answer === 'dropped') socket.destroy();
      else write(response, answer);
    } catch (error) {
      write(response, failure(error));
    }
  }

  private async execute(operation: string, input: object): Promise<Answer> {
    const usage = new Usage();
    let answer: Answer;
    try {
      const output = await OPERATIONS[operation]!(this.opened(), input, usage);
      const headers = { 'content-type': 'application/x-amz-json-1.0' };
      answer = { status: 200, headers, body: Buffer.from(JSON.stringify(output)) };
    } catch (error) {
      answer = failure(error);
    }
    if (answer === 'dropped') return answer;
    const { read, write } = usage.total;
    const consumed = { 'x-consumed-read-units': String(read), 'x-consumed-write-units': String(write) };
    return { ...answer, headers: { ...answer.headers, ...consumed } };
  }
}

function failure(error: unknown): Answer {
  if (error instanceof DynamoDbError) return error.answer();
  return new DynamoDbError('InternalServerError', error instanceof Error ? error.message : String(error)).answer();
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES)
      throw new DynamoDbError(
        'RequestEntityTooLargeException',
        `The request has more than ${MAX_REQUEST_BYTES} bytes.`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseBody(body: string): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(body);
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>;
  } catch {
    // Falls through to the one refusal below.
  }
  throw new DynamoDbError('SerializationException', 'The request body is not a JSON object.');
}

function write(response: ServerResponse, answer: Answer): void {
  if (answer === 'dropped' || response.destroyed) return;
  response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  response.end(answer.body);
}

import type { IncomingMessage } from 'node:http';
import { isDictionary } from '../assembly/template';
import { type Answer, accessKeyIdOf, type Interceptor } from '../aws-call';
import { AwsServer } from '../aws-server';
import type { ServiceClock } from '../clock';
import { DynamoDbError } from './dynamodb-error';
import { Engine } from './engine';
import { executeStatement } from './partiql';
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
  ExecuteStatement: executeStatement,
};

/**
 * Amazon DynamoDB for one account on this machine: the AWS JSON protocol over HTTP as the SDKs speak it. Answers
 * loopback host names only, and no web page of another origin, which could otherwise drive it. Every answer says
 * in the headers `x-consumed-read-units` and `x-consumed-write-units` what its request used up, refused ones too.
 */
export class DynamoDbServer {
  private readonly server = new AwsServer((request, body) => this.answer(request, body.toString()));
  private engine: Engine | undefined;

  constructor(private readonly options: DynamoDbServerOptions) {}

  /**
   * Opens the database, listens on 127.0.0.1 and returns the port; 0, the default, is a free one. Rejects when
   * another process has the directory open.
   */
  async listen(port?: number): Promise<number> {
    this.engine = await Engine.open(this.options.clock, this.options.dir);
    return this.server.listen(port);
  }

  /** Closes all connections, finishes what is being written, and closes the database. */
  async close(): Promise<void> {
    await this.server.close();
    await this.engine?.close();
  }

  /**
   * Creates a table by the input of CreateTable. Gives one of this name the global secondary indexes of the input,
   * with their entries, and rejects if its key or its local indexes are others.
   */
  async createTable(input: object): Promise<void> {
    await ensureTable(this.opened(), input);
  }

  /** Lets the items of a table expire by an attribute that holds seconds since the epoch, or not at all. */
  async setTimeToLive(table: string, attribute: string | undefined): Promise<void> {
    await setTimeToLive(this.opened(), table, attribute);
  }

  /** Whether items that have expired are being deleted now. */
  get expiring(): boolean {
    return this.engine?.expiry.active ?? false;
  }

  private opened(): Engine {
    if (this.engine === undefined) throw new Error('The DynamoDB server must listen before it is used.');
    return this.engine;
  }

  private async answer({ headers }: IncomingMessage, body: string): Promise<Answer> {
    const [version, operation = ''] = String(headers['x-amz-target'] ?? '').split('.');
    if (version !== 'DynamoDB_20120810' || !Object.hasOwn(OPERATIONS, operation))
      return new DynamoDbError('UnknownOperationException', `Unknown operation ${version}.${operation}`).answer();
    const input = parseBody(body);
    if (input === undefined)
      return new DynamoDbError('SerializationException', 'The request body is not a JSON object').answer();
    const accessKeyId = accessKeyIdOf(headers.authorization);
    const call = { service: 'dynamodb' as const, operation, accessKeyId, resources: resourcesOf(input), input };
    const { intercept = (_call, execute) => execute() } = this.options;
    // Parsed anew for each execution, because an operation may change what it gets.
    return intercept(call, () => this.execute(operation, parseBody(body)!));
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

function parseBody(body: string): Record<string, unknown> | undefined {
  try {
    const input: unknown = JSON.parse(body);
    return isDictionary(input) ? input : undefined;
  } catch {
    return undefined;
  }
}

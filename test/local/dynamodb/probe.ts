import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandInput,
  type ScanCommandOutput,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { ServiceClock } from '../../../local/clock';
import { DynamoDbServer, type DynamoDbServerOptions } from '../../../local/dynamodb/dynamodb-server';

/** A server under test. */
export interface ServerUnderTest {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** The embedded server, with a clock that can be moved. */
export async function startEmbedded(
  options: Partial<DynamoDbServerOptions> = {},
): Promise<ServerUnderTest & { readonly server: DynamoDbServer; readonly clock: ServiceClock }> {
  const { clock = new ServiceClock() } = options;
  const server = new DynamoDbServer({ clock, ...options });
  const port = await server.listen();
  return {
    server,
    clock,
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      await server.close();
      clock.stop();
    },
  };
}

/** Starts embedded servers, each with a client, that end with the test that started them. */
export function startingServers() {
  const running = new Set<() => Promise<void>>();
  afterEach(async () => {
    for (const stop of running) await stop();
  });
  return async (options: Partial<DynamoDbServerOptions> = {}) => {
    const started = await startEmbedded(options);
    const db = new Probe(started);
    const stop = async () => {
      running.delete(stop);
      db.client.destroy();
      await started.stop();
    };
    running.add(stop);
    return { ...started, db, stop };
  };
}

/** An item, a key or the values of an expression. */
export type Item = Record<string, AttributeValue>;
type Rest<T> = Omit<Partial<T>, 'TableName' | 'Key' | 'Item'>;

/** A string. */
export const S = (value: string): AttributeValue => ({ S: value });
/** A number. */
export const N = (value: number | string): AttributeValue => ({ N: String(value) });
/** A list. */
export const L = (...value: AttributeValue[]): AttributeValue => ({ L: value });
/** A map. */
export const M = (value: Item): AttributeValue => ({ M: value });
/** Binary from hexadecimal digits. */
export const B = (hex: string): AttributeValue => ({ B: Buffer.from(hex, 'hex') });

/** Key attributes of a schema, by name and type. */
export function keySchema(...names: string[]) {
  const types = ['HASH', 'RANGE'] as const;
  return names.map((AttributeName, i) => ({ AttributeName, KeyType: types[i]! }));
}

/** Attribute definitions, from names to types. */
export function definitions(types: Record<string, 'S' | 'N' | 'B'>) {
  return Object.entries(types).map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }));
}

/** The table that most cases share: two global indexes, one with a projection, and a local one. */
const THINGS = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: definitions({ pk: 'S', sk: 'S', owner: 'S', at: 'N', kind: 'S', rank: 'N' }),
  KeySchema: keySchema('pk', 'sk'),
  GlobalSecondaryIndexes: [
    { IndexName: 'byOwner', KeySchema: keySchema('owner', 'at'), Projection: { ProjectionType: 'ALL' } },
    {
      IndexName: 'byKind',
      KeySchema: keySchema('kind'),
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['title'] },
    },
  ],
  LocalSecondaryIndexes: [
    { IndexName: 'byRank', KeySchema: keySchema('pk', 'rank'), Projection: { ProjectionType: 'KEYS_ONLY' } },
  ],
} satisfies Omit<CreateTableCommandInput, 'TableName'>;

let names = 0;

/** The SDK's client, as short as the cases want it. */
export class Probe {
  readonly client: DynamoDBClient;
  private things: Promise<string> | undefined;

  constructor({ endpoint }: ServerUnderTest) {
    this.client = new DynamoDBClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'probe', secretAccessKey: 'probe' },
      maxAttempts: 1,
    });
  }

  /** A name that no other case uses, for a table or a partition. */
  name(): string {
    return `name-${process.pid}-${++names}`;
  }

  /** The table that cases share, each in partitions of its own. */
  table(): Promise<string> {
    this.things ??= this.newTable(THINGS);
    return this.things;
  }

  /** Creates a table like the shared one, but for what is given, and returns its name. */
  async newTable(definition: Partial<CreateTableCommandInput> = THINGS): Promise<string> {
    const TableName = this.name();
    const bare = { BillingMode: THINGS.BillingMode, KeySchema: THINGS.KeySchema };
    const AttributeDefinitions = definitions({ pk: 'S', sk: 'S' });
    await this.client.send(new CreateTableCommand({ TableName, ...bare, AttributeDefinitions, ...definition }));
    return TableName;
  }

  async put(TableName: string, item: Item, rest: Rest<PutItemCommandInput> = {}) {
    return this.client.send(new PutItemCommand({ TableName, Item: item, ...rest }));
  }

  async getOutput(TableName: string, Key: Item, rest: Rest<GetItemCommandInput> = {}) {
    return this.client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true, ...rest }));
  }

  async get(TableName: string, Key: Item, rest: Rest<GetItemCommandInput> = {}): Promise<Item | undefined> {
    return (await this.getOutput(TableName, Key, rest)).Item;
  }

  async update(
    TableName: string,
    Key: Item,
    UpdateExpression: string,
    values?: Item,
    rest: Rest<UpdateItemCommandInput> = {},
  ) {
    const input = { TableName, Key, UpdateExpression, ExpressionAttributeValues: values, ...rest };
    return this.client.send(new UpdateItemCommand(input));
  }

  async delete(TableName: string, Key: Item, rest: Rest<DeleteItemCommandInput> = {}) {
    return this.client.send(new DeleteItemCommand({ TableName, Key, ...rest }));
  }

  async query(
    TableName: string,
    KeyConditionExpression: string,
    values: Item,
    rest: Rest<QueryCommandInput> = {},
  ): Promise<QueryCommandOutput> {
    const input = { TableName, KeyConditionExpression, ExpressionAttributeValues: values, ...rest };
    return this.client.send(new QueryCommand(input));
  }

  async scan(TableName: string, rest: Rest<ScanCommandInput> = {}): Promise<ScanCommandOutput> {
    return this.client.send(new ScanCommand({ TableName, ...rest }));
  }

  async transact(TransactItems: TransactWriteItem[], rest: Partial<TransactWriteItemsCommandInput> = {}) {
    return this.client.send(new TransactWriteItemsCommand({ TransactItems, ...rest }));
  }
}

/** Expects a refusal and returns it. */
export async function refusal<T extends Error>(promise: Promise<unknown>): Promise<T> {
  try {
    await promise;
  } catch (error) {
    return error as T;
  }
  throw new Error('expected a refusal, got an answer');
}

/** Expects the refusal of a request that is malformed or asks for what cannot be, and returns its text. */
export async function invalid(promise: Promise<unknown>): Promise<string> {
  const { name, message } = await refusal(promise);
  expect(name).toBe('ValidationException');
  return message;
}

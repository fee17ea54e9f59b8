import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import type { Message } from '../../lambda/message/message';
import { acceptMessage } from '../../lambda/publish/accept-message';
import { dynamodb } from '../../lambda/store/aws';
import type { Item } from '../../lambda/store/keys';
import type { Env } from '../../lib/names';
import type { Interceptor } from '../../local/aws-call';
import { ServiceClock } from '../../local/clock';
import { StandIns } from '../../local/stand-ins';

/** What the template would give the functions, but for the names of table, bucket, queues and secrets. */
const ENVIRONMENT: { readonly [name in keyof typeof Env]?: string } = {
  SERVICE: 'test',
  DLQ_RETENTION_SECONDS: '604800',
  LOG_RETENTION_SECONDS: '259200',
  MAX_TIMEOUT_SECONDS: '880',
  MAX_MESSAGE_BYTES: '6291456',
  MAX_MESSAGES_PER_DAY: 'unlimited',
  EVENT_LOG: 'on',
  DEFAULT_RETRIES: '3',
  MAX_RETRIES: '100',
  MAX_DELAY_SECONDS: '31536000',
  MAX_QUEUES: '100',
  MAX_QUEUE_PARALLELISM: '100',
  MAX_CONCURRENCY: '100',
  ALLOWED_PRIVATE_DESTINATIONS: '[]',
  FRONT_DOOR: 'httpApi',
  TOKEN_GRACE_SECONDS: '3600',
};
const SECRETS = { TOKEN_SECRET_ARN: 'token', SIGNING_KEY_SECRET_ARN: 'signing-key' };
const QUEUES = { DELIVERIES_QUEUE_URL: 'deliveries', FAILURES_QUEUE_URL: 'failures', REDRIVE_QUEUE_URL: 'redrive' };
/** Of their queue: it is a FIFO queue. */
const WAKES = 'wakes';

const arnOf = (secret: string) => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${secret}-abcdef`;

/** Stand-ins that the code under test calls with its own clients. */
export interface Opened {
  /** Service time, of the stand-ins and of the code under test. */
  readonly clock: ServiceClock;
  /** Stands before every call while it is set. */
  intercept: Interceptor | undefined;
  /** What the code under test has logged. */
  readonly lines: Readonly<Record<string, unknown>>[];
  /** Puts other, empty ones in the place of table, bucket and queues; forgets what was logged and what intercepts. */
  startAfresh(): Promise<void>;
  /** Bodies of the messages of a queue, hidden ones too. */
  bodies(queue: 'deliveries' | 'failures' | 'redrive' | typeof WAKES): readonly string[];
  /** What a secret holds; undefined while it is empty. */
  secret(name: 'token' | 'signing-key'): string | undefined;
  close(): Promise<void>;
}

/** What is there before anything is open. */
type Unopened = Pick<Opened, 'intercept' | 'lines'>;

/**
 * Opens an empty table, an empty bucket, the queues and two empty secrets, and has the clients of the code under test find them.
 * They ask for their settings once, at their first call: one test file opens once.
 */
export async function openStandIns(opened: Unopened = { intercept: undefined, lines: [] }): Promise<Opened> {
  const clock = new ServiceClock();
  const standIns = await StandIns.open({
    clock,
    intercept: (call, execute) => opened.intercept?.(call, execute) ?? execute(),
  });
  let generation = 0;
  const startAfresh = async () => {
    generation++;
    opened.intercept = undefined;
    opened.lines.length = 0;
    process.env.TABLE_NAME = `Messages-${generation}`;
    await standIns.createTable({
      input: {
        TableName: process.env.TABLE_NAME,
        AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
      },
      timeToLiveAttribute: 'ttl',
    });
    process.env.BODIES_BUCKET = `bodies-${generation}`;
    standIns.s3.ensureBucket(process.env.BODIES_BUCKET);
    for (const [variable, queue] of Object.entries(QUEUES)) {
      standIns.sqs.ensureQueue(`${queue}-${generation}`);
      process.env[variable] = `${standIns.endpoints.sqs}/000000000000/${queue}-${generation}`;
    }
    const wakes = `${WAKES}-${generation}.fifo`;
    standIns.sqs.ensureQueue(wakes, { FifoQueue: 'true', DeduplicationScope: 'messageGroup' });
    process.env.WAKES_QUEUE_URL = `${standIns.endpoints.sqs}/000000000000/${wakes}`;
  };
  await startAfresh();
  for (const [variable, name] of Object.entries(SECRETS)) {
    standIns.secrets.create(arnOf(name), name);
    process.env[variable] = arnOf(name);
  }
  Object.assign(process.env, ENVIRONMENT, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: standIns.endpoints.dynamodb,
    AWS_ENDPOINT_URL_SQS: standIns.endpoints.sqs,
    AWS_ENDPOINT_URL_S3: standIns.endpoints.s3,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: standIns.endpoints.secretsManager,
  });
  const output = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    opened.lines.push(JSON.parse(String(text)));
    return true;
  });
  Object.assign(globalThis, { [Symbol.for('cdk-qstash.serviceTimeOffset')]: new Float64Array(clock.buffer) });
  return Object.assign(opened, {
    clock,
    startAfresh,
    bodies: (queue: string) => standIns.sqs.bodies(`${queue}-${generation}${queue === WAKES ? '.fifo' : ''}`),
    secret: (name: string) => standIns.secrets.current(arnOf(name)),
    close: async () => {
      output.mockRestore();
      clock.stop();
      await standIns.close();
    },
  });
}

/** Opens stand-ins for all tests of a file, and empties them before each. To be used in tests and hooks only. */
export function useStandIns(): Opened {
  const opened: Unopened = { intercept: undefined, lines: [] };
  beforeAll(() => openStandIns(opened));
  const whole = opened as Opened;
  beforeEach(() => whole.startAfresh());
  afterAll(() => whole.close());
  return whole;
}

/** Stores a message and its hint or due item, as a publish does. */
export async function accept(message: Message): Promise<Message> {
  await acceptMessage(message, message.createdAt, async (items) => {
    await putItems(items);
    return true;
  });
  return message;
}

/** Puts items into the table, however many. */
export async function putItems(items: readonly Item[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(items.length / 25) }, (_, index) =>
    items.slice(index * 25, (index + 1) * 25).map((Item) => ({ PutRequest: { Item } })),
  );
  const write = async () => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [process.env.TABLE_NAME!]: batch } }));
    }
  };
  await Promise.all(Array.from({ length: 8 }, write));
}

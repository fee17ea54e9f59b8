import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
  type SendMessageCommandOutput,
  SQSClient,
} from '@aws-sdk/client-sqs';

/** A server under test. Without `advance` its time is the wall's. */
export interface ServerUnderTest {
  readonly endpoint: string;
  stop(): Promise<void>;
  advance?(ms: number): void;
}

type Rest<T> = Omit<Partial<T>, 'QueueUrl'>;

let queues = 0;
let deduplications = 0;

/** The SDK's client, as short as the cases want it. */
export class Probe {
  readonly client: SQSClient;
  /** A span of service time in seconds that is long for a slow machine and short for the test. */
  readonly span: number;

  constructor(private readonly server: ServerUnderTest) {
    this.span = server.advance ? 300 : 2;
    this.client = new SQSClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'probe', secretAccessKey: 'probe' },
      maxAttempts: 1,
    });
  }

  /** A name that no other case uses. */
  name(suffix = ''): string {
    return `queue-${process.pid}-${++queues}${suffix}`;
  }

  /** Creates a queue and returns its URL. */
  async queue(attributes: Record<string, string> = {}, suffix = ''): Promise<string> {
    const input = { QueueName: this.name(suffix), Attributes: attributes };
    return (await this.client.send(new CreateQueueCommand(input))).QueueUrl!;
  }

  /** Creates a queue of this name. */
  async named(QueueName: string): Promise<void> {
    await this.client.send(new CreateQueueCommand({ QueueName }));
  }

  /** Deletes the queue of this name. */
  async remove(name: string): Promise<void> {
    const QueueUrl = `${this.server.endpoint}/000000000000/${name}`;
    await this.client.send(new DeleteQueueCommand({ QueueUrl }));
  }

  /** Creates a FIFO queue and returns its URL. */
  fifo(attributes: Record<string, string> = {}): Promise<string> {
    return this.queue({ FifoQueue: 'true', ...attributes }, '.fifo');
  }

  /** A queue and its dead letter queue. */
  async withDeadLetters(maxReceiveCount: number, fifo = false): Promise<{ url: string; deadUrl: string }> {
    const deadUrl = fifo ? await this.fifo() : await this.queue();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: await this.arn(deadUrl), maxReceiveCount });
    const url = fifo ? await this.fifo({ RedrivePolicy }) : await this.queue({ RedrivePolicy });
    return { url, deadUrl };
  }

  send(QueueUrl: string, body: string, rest: Rest<SendMessageCommandInput> = {}): Promise<SendMessageCommandOutput> {
    return this.client.send(new SendMessageCommand({ QueueUrl, MessageBody: body, ...rest }));
  }

  /** Sends to a group of a FIFO queue under a fresh deduplication id. */
  sendTo(url: string, group: string, body: string): Promise<SendMessageCommandOutput> {
    return this.send(url, body, { MessageGroupId: group, MessageDeduplicationId: `d${++deduplications}` });
  }

  async receive(QueueUrl: string, rest: Rest<ReceiveMessageCommandInput> = {}): Promise<Message[]> {
    const input: ReceiveMessageCommandInput = {
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
      ...rest,
    };
    return (await this.client.send(new ReceiveMessageCommand(input))).Messages ?? [];
  }

  /** Bodies of one receive. */
  async bodies(url: string, rest: Rest<ReceiveMessageCommandInput> = {}): Promise<(string | undefined)[]> {
    return (await this.receive(url, rest)).map(({ Body }) => Body);
  }

  async delete(QueueUrl: string, { ReceiptHandle }: Message): Promise<void> {
    await this.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }

  async hide(QueueUrl: string, { ReceiptHandle }: Message, VisibilityTimeout: number): Promise<void> {
    await this.client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
  }

  async attributes(QueueUrl: string, ...names: QueueAttributeName[]): Promise<Record<string, string>> {
    const AttributeNames = names.length > 0 ? names : (['All'] as const).slice();
    return (await this.client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes ?? {};
  }

  async arn(url: string): Promise<string> {
    return (await this.attributes(url, 'QueueArn')).QueueArn!;
  }

  /** [visible, in flight, delayed] */
  async counts(url: string): Promise<number[]> {
    const all = await this.attributes(url);
    return [
      Number(all.ApproximateNumberOfMessages),
      Number(all.ApproximateNumberOfMessagesNotVisible),
      Number(all.ApproximateNumberOfMessagesDelayed),
    ];
  }

  /** Lets service time pass: at once where the server's clock can be moved, else by waiting. */
  async pass(seconds: number): Promise<void> {
    if (this.server.advance) this.server.advance(seconds * 1000);
    else await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 50));
  }
}

/** Expects a refusal and returns its name. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
  throw new Error('expected a refusal, got an answer');
}

/** Any of the names under which SQS refuses a bad value. */
export const INVALID = /Invalid|OutOfRange|MissingRequiredParameter|MissingParameter/;

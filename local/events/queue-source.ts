import { setTimeout } from 'node:timers/promises';
import type { Activity } from '../activity';
import { LOCAL_REGION } from '../aws-call';
import type { ServiceClock } from '../clock';
import type { LambdaFunction } from '../functions/lambda-function';
import type { ReceivedMessage } from '../sqs/received-message';
import type { SqsServer } from '../sqs/sqs-server';
import { succeeded } from './batch-result';

/** An event source mapping from a queue to a function. */
export interface QueueSourceOptions {
  readonly queueName: string;
  readonly queueArn: string;
  /** Most messages in one invocation. */
  readonly batchSize: number;
  /** How long a batch waits to fill, in milliseconds of service time. */
  readonly windowMs: number;
  /** Most invocations at the same time. */
  readonly maxConcurrency: number;
  /** Whether the function reports failures one by one (`ReportBatchItemFailures`). */
  readonly partialFailures: boolean;
}

const LONG_POLL_MS = 20_000;
const RETRY_POLL_MS = 1000;
/** Most messages of one receive. */
const RECEIVE_MAX = 10;

/**
 * Polls a queue and invokes a function with batches. Messages of a batch that succeeded are deleted, the
 * others come back when their visibility ends.
 */
export class QueueSource {
  private readonly stopping = new AbortController();
  private running = 0;
  private slotFreed: (() => void) | undefined;
  private loop: Promise<void> | undefined;

  constructor(
    readonly options: QueueSourceOptions,
    private readonly sqs: SqsServer,
    private readonly target: Pick<LambdaFunction, 'invoke'>,
    private readonly clock: ServiceClock,
    private readonly activity: Activity,
  ) {}

  start(): void {
    this.loop = this.poll();
  }

  /** Takes no further message; resolves when the poll has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.slotFreed?.();
    await this.loop;
  }

  private async poll(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (this.running >= this.options.maxConcurrency) {
        await new Promise<void>((resolve) => {
          this.slotFreed = resolve;
        });
        continue;
      }
      const max = Math.min(this.options.batchSize, RECEIVE_MAX);
      try {
        const first = await this.sqs.receive(this.options.queueName, { max, waitMs: LONG_POLL_MS, signal });
        if (first.length > 0) void this.handle(first);
      } catch {
        // Too many messages are in flight, say: as on AWS the next poll may do better.
        await setTimeout(RETRY_POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Invokes the function with a batch, and deletes what it has done. */
  private async handle(first: readonly ReceivedMessage[]): Promise<void> {
    this.running++;
    await this.activity.during(async () => {
      const batch = await this.fill([...first]);
      if (this.stopping.signal.aborted) return;
      const result = await this.target.invoke({ Records: batch.map((message) => this.record(message)) });
      const ids = batch.map(({ MessageId }) => MessageId);
      const done = succeeded(ids, result, this.options.partialFailures);
      const handles = batch.filter(({ MessageId }) => done.has(MessageId)).map(({ ReceiptHandle }) => ReceiptHandle);
      try {
        this.sqs.delete(this.options.queueName, handles);
      } catch {
        // Received anew meanwhile, or with the queue gone: as on AWS the message is no longer this batch's.
      }
    });
    this.running--;
    this.slotFreed?.();
  }

  /** Waits for more messages until the batch is full or its window ends. */
  private async fill(batch: ReceivedMessage[]): Promise<readonly ReceivedMessage[]> {
    const { batchSize, windowMs, queueName } = this.options;
    if (windowMs === 0) return batch;
    const window = new AbortController();
    const cancel = this.clock.schedule(this.clock.now() + windowMs, () => window.abort());
    const signal = AbortSignal.any([window.signal, this.stopping.signal]);
    try {
      while (batch.length < batchSize && !signal.aborted) {
        const max = Math.min(batchSize - batch.length, RECEIVE_MAX);
        batch.push(...(await this.sqs.receive(queueName, { max, waitMs: LONG_POLL_MS, signal })));
      }
    } catch {
      // Nothing more to be had: what is there is a batch.
    }
    cancel();
    return batch;
  }

  private record(message: ReceivedMessage): object {
    const messageAttributes = Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue, BinaryValue, DataType }]) => [
        name,
        {
          stringValue: StringValue,
          binaryValue: BinaryValue,
          stringListValues: [],
          binaryListValues: [],
          dataType: DataType,
        },
      ]),
    );
    return {
      messageId: message.MessageId,
      receiptHandle: message.ReceiptHandle,
      body: message.Body,
      attributes: message.Attributes,
      messageAttributes,
      md5OfBody: message.MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: this.options.queueArn,
      awsRegion: LOCAL_REGION,
    };
  }
}

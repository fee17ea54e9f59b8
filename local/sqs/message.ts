import type { MessageAttributes } from './message-attributes';
import { SqsError } from './sqs-error';

/** A message as the journal keeps it. Times are service time in milliseconds. */
export interface StoredMessage {
  readonly id: string;
  /** Grows with each message of the server: the order of a FIFO group, and the sequence number. */
  readonly order: number;
  readonly body: string;
  readonly attributes?: MessageAttributes;
  /** Message system attributes of the sender: `AWSTraceHeader`. */
  readonly systemAttributes?: MessageAttributes;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly senderId: string;
  readonly sentAt: number;
  /** When the message becomes visible, or became so last. */
  readonly availableAt: number;
  readonly receiveCount: number;
  readonly firstReceivedAt?: number;
  /** ARN of the queue that a dead letter comes from. */
  readonly deadLetterSource?: string;
}

/** Where a message in a queue is: waiting for its delay, to be had, or with a consumer. */
export type MessageState = 'delayed' | 'visible' | 'inFlight';

/** A message while it is in a queue. */
export type QueuedMessage = Omit<StoredMessage, 'availableAt' | 'receiveCount' | 'firstReceivedAt'> & {
  availableAt: number;
  receiveCount: number;
  firstReceivedAt?: number;
  state: MessageState;
};

/**
 * The message as it is kept for a restart: what is in flight is visible again then, because the workers
 * that held it are gone.
 */
export function stored(message: QueuedMessage): StoredMessage {
  const { state, ...rest } = message;
  return state === 'delayed' ? rest : { ...rest, availableAt: 0 };
}

const FIRST_SEQUENCE_NUMBER = 10n ** 19n;

/** The 20 digits that number the messages of a FIFO queue. */
export function sequenceNumber(order: number): string {
  return String(FIRST_SEQUENCE_NUMBER + BigInt(order));
}

/** What a receipt handle says: which message, and which of its receives. */
export interface Receipt {
  readonly messageId: string;
  readonly receiveCount: number;
}

/** The handle of the latest receive of a message. */
export function receiptHandle(queueName: string, message: QueuedMessage): string {
  return Buffer.from(`${queueName} ${message.id} ${message.receiveCount}`).toString('base64');
}

/** Reads a handle; throws `ReceiptHandleIsInvalid` for one that this queue cannot have given. */
export function parseReceiptHandle(queueName: string, handle: string): Receipt {
  const text = Buffer.from(handle, 'base64').toString();
  const [name, messageId, count] = text.split(' ');
  const ours = Buffer.from(text).toString('base64') === handle;
  if (!ours || name !== queueName || !messageId || !/^\d+$/.test(count ?? '')) {
    throw new SqsError('ReceiptHandleIsInvalid', `The input receipt handle "${handle}" is not a valid receipt handle.`);
  }
  return { messageId, receiveCount: Number(count) };
}

import { type QueuedMessage, receiptHandle, sequenceNumber } from './message';
import { type MessageAttributes, md5OfBody } from './message-attributes';
import type { Queue } from './queue';

/** A message as ReceiveMessage returns it, with every attribute that it has. */
export interface ReceivedMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  /** `ApproximateReceiveCount`, `SentTimestamp`, `MessageGroupId` and so on; all values are strings. */
  readonly Attributes: Readonly<Record<string, string>>;
  /** Binary values are base64. */
  readonly MessageAttributes?: MessageAttributes;
}

/** What a consumer sees of a message that it has just received. */
export function receivedMessage(queue: Queue, message: QueuedMessage): ReceivedMessage {
  const attributes: Record<string, string | undefined> = {
    SenderId: message.senderId,
    SentTimestamp: String(Math.floor(message.sentAt)),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(Math.floor(message.firstReceivedAt ?? message.sentAt)),
    MessageGroupId: message.groupId,
    MessageDeduplicationId: message.deduplicationId,
    SequenceNumber: queue.fifo ? sequenceNumber(message.order) : undefined,
    DeadLetterQueueSourceArn: message.deadLetterSource,
    AWSTraceHeader: message.systemAttributes?.AWSTraceHeader?.StringValue,
  };
  const present = Object.entries(attributes).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandle(queue.name, message),
    Body: message.body,
    MD5OfBody: md5OfBody(message.body),
    Attributes: Object.fromEntries(present),
    ...(message.attributes ? { MessageAttributes: message.attributes } : {}),
  };
}

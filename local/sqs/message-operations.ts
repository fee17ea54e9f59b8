import { createHash } from 'node:crypto';
import { sequenceNumber } from './message';
import {
  attributesSize,
  md5OfAttributes,
  md5OfBody,
  readMessageAttributes,
  readSystemAttributes,
  selectAttributes,
} from './message-attributes';
import type { Queue } from './queue';
import type { Draft, Queues } from './queues';
import type { ReceivedMessage } from './received-message';
import {
  batchEntries,
  type Input,
  MAX_MESSAGE_BYTES,
  messageBody,
  optionalInteger,
  requiredString,
  stringList,
  token,
} from './request';
import { invalidValue, SqsError } from './sqs-error';

/** Who asks: the access key of the request, and a signal that aborts when the connection is gone. */
export interface Caller {
  readonly senderId: string;
  readonly signal: AbortSignal;
}

/** Carries out one operation on one queue. */
export type MessageOperation = (queues: Queues, queue: Queue, input: Input, caller: Caller) => object | Promise<object>;

const MAX_VISIBILITY_SECONDS = 43_200;
const WRONG_QUEUE_TYPE = 'The request includes a parameter that is not valid for this queue type.';

function sizeOf(draft: Draft): number {
  return Buffer.byteLength(draft.body) + attributesSize(draft.attributes);
}

function draftOf(queue: Queue, input: Input, { senderId }: Caller): Draft {
  const body = messageBody(input);
  const attributes = readMessageAttributes(input.MessageAttributes);
  const systemAttributes = readSystemAttributes(input.MessageSystemAttributes);
  const delay = optionalInteger(input, 'DelaySeconds', 0, 900);
  const groupId = token(input, 'MessageGroupId');
  let deduplicationId = token(input, 'MessageDeduplicationId');
  if (queue.fifo) {
    if (delay) throw invalidValue('DelaySeconds', delay, WRONG_QUEUE_TYPE);
    if (groupId === undefined) requiredString(input, 'MessageGroupId');
    if (deduplicationId === undefined && queue.attributes.ContentBasedDeduplication === 'true') {
      deduplicationId = createHash('sha256').update(body).digest('hex');
    }
    if (deduplicationId === undefined) {
      throw new SqsError(
        'InvalidParameterValueException',
        'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly.',
      );
    }
  } else if (deduplicationId !== undefined) {
    throw invalidValue('MessageDeduplicationId', deduplicationId, WRONG_QUEUE_TYPE);
  }
  const delaySeconds = (queue.fifo ? undefined : delay) ?? queue.setting('DelaySeconds');
  const draft = {
    body,
    attributes,
    systemAttributes,
    groupId,
    deduplicationId,
    senderId,
    delayMs: delaySeconds * 1000,
  };
  const limit = queue.setting('MaximumMessageSize');
  if (sizeOf(draft) > limit) {
    throw new SqsError(
      'InvalidParameterValueException',
      `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
    );
  }
  return draft;
}

function sentResult(queue: Queue, draft: Draft, sent: { id: string; order: number }): object {
  return {
    MessageId: sent.id,
    MD5OfMessageBody: md5OfBody(draft.body),
    MD5OfMessageAttributes: md5OfAttributes(draft.attributes),
    MD5OfMessageSystemAttributes: md5OfAttributes(draft.systemAttributes),
    SequenceNumber: queue.fifo ? sequenceNumber(sent.order) : undefined,
  };
}

/** Does every entry of a batch by itself; refused ones are listed and harm no other. */
function eachEntry(entries: readonly Input[], run: (entry: Input) => void): { Successful: object[]; Failed: object[] } {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      run(entry);
      Successful.push({ Id: entry.Id });
    } catch (error) {
      if (!(error instanceof SqsError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.queryCode, Message: error.message });
    }
  }
  return { Successful, Failed };
}

function entryBytes(entry: Input): number {
  const body = typeof entry.MessageBody === 'string' ? Buffer.byteLength(entry.MessageBody) : 0;
  try {
    return body + attributesSize(readMessageAttributes(entry.MessageAttributes));
  } catch {
    return body;
  }
}

/** Leaves out what the consumer did not ask for, and adds the MD5 of the attributes it gets. */
function selected(message: ReceivedMessage, system: readonly string[], names: readonly string[]): object {
  const { Attributes, MessageAttributes, ...rest } = message;
  const wanted = Object.entries(Attributes).filter(([name]) => system.includes('All') || system.includes(name));
  const attributes = selectAttributes(MessageAttributes, names);
  return {
    ...rest,
    Attributes: wanted.length > 0 ? Object.fromEntries(wanted) : undefined,
    MessageAttributes: attributes,
    MD5OfMessageAttributes: md5OfAttributes(attributes),
  };
}

/** The operations on messages by name. All work on the queue that `QueueUrl` names. */
export const MESSAGE_OPERATIONS: Readonly<Record<string, MessageOperation>> = {
  SendMessage(queues, queue, input, caller) {
    const draft = draftOf(queue, input, caller);
    const [sent] = queues.send(queue, [draft]);
    return sentResult(queue, draft, sent!);
  },

  SendMessageBatch(queues, queue, input, caller) {
    const entries = batchEntries(input);
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    if (bytes > MAX_MESSAGE_BYTES) {
      throw new SqsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${MAX_MESSAGE_BYTES} bytes. You have sent ${bytes} bytes.`,
      );
    }
    const drafts: Draft[] = [];
    const { Successful, Failed } = eachEntry(entries, (entry) => drafts.push(draftOf(queue, entry, caller)));
    const sent = queues.send(queue, drafts);
    const results = Successful.map((entry, i) => ({ ...entry, ...sentResult(queue, drafts[i]!, sent[i]!) }));
    return { Successful: results, Failed };
  },

  async ReceiveMessage(queues, queue, input, { signal }) {
    const max = optionalInteger(input, 'MaxNumberOfMessages', 1, 10) ?? 1;
    const waitSeconds =
      optionalInteger(input, 'WaitTimeSeconds', 0, 20) ?? queue.setting('ReceiveMessageWaitTimeSeconds');
    const visibilityTimeout = optionalInteger(input, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
    const system = [...stringList(input, 'AttributeNames'), ...stringList(input, 'MessageSystemAttributeNames')];
    const names = stringList(input, 'MessageAttributeNames');
    const messages = await queues.receive(queue, { max, waitMs: waitSeconds * 1000, visibilityTimeout, signal });
    return messages.length > 0 ? { Messages: messages.map((message) => selected(message, system, names)) } : {};
  },

  DeleteMessage(queues, queue, input) {
    queues.deleteMessage(queue, requiredString(input, 'ReceiptHandle'));
    return {};
  },

  DeleteMessageBatch(queues, queue, input) {
    return eachEntry(batchEntries(input), (entry) => {
      queues.deleteMessage(queue, requiredString(entry, 'ReceiptHandle'));
    });
  },

  ChangeMessageVisibility(queues, queue, input) {
    changeVisibility(queues, queue, input);
    return {};
  },

  ChangeMessageVisibilityBatch(queues, queue, input) {
    return eachEntry(batchEntries(input), (entry) => changeVisibility(queues, queue, entry));
  },

  PurgeQueue(queues, queue) {
    queues.purge(queue);
    return {};
  },
};

function changeVisibility(queues: Queues, queue: Queue, input: Input): void {
  const seconds = optionalInteger(input, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
  if (seconds === undefined) {
    throw new SqsError(
      'MissingRequiredParameterException',
      'The request must contain the parameter VisibilityTimeout.',
    );
  }
  queues.changeVisibility(queue, requiredString(input, 'ReceiptHandle'), seconds);
}

import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
import { logFault } from '../logs/write-line';
import { dynamodb, sqs } from './aws';
import type { Item } from './keys';

/** DynamoDB's limit of writes in one BatchWriteItem. */
const BATCH_WRITES = 25;
/** SQS's limits of one SendMessageBatch; hints are far from its limit of bytes. */
const BATCH_MESSAGES = 10;
/** Batches under way at once. */
const SIDE_BY_SIDE = 4;
const MAX_ROUNDS = 5;

/** Writes items, whatever was there before. Returns those that are written: all, unless DynamoDB refuses to. */
export function putItems(items: readonly Item[]): Promise<Item[]> {
  return writeAll(items, (Item) => ({ PutRequest: { Item } }));
}

/** Deletes items, those that are there. Returns those that are gone: all, unless DynamoDB refuses to. */
export function deleteItems(keys: readonly Item[]): Promise<Item[]> {
  return writeAll(keys, ({ pk, sk }) => ({ DeleteRequest: { Key: { pk: pk!, sk: sk! } } }));
}

async function writeAll(items: readonly Item[], toRequest: (item: Item) => WriteRequest): Promise<Item[]> {
  const done = await inBatches(items, BATCH_WRITES, (batch) => writeBatch(batch, toRequest));
  return done.flat();
}

async function writeBatch(batch: readonly Item[], toRequest: (item: Item) => WriteRequest): Promise<Item[]> {
  const table = requireEnv('TABLE_NAME');
  let pending = batch;
  try {
    for (let round = 0; pending.length > 0 && round < MAX_ROUNDS; round++) {
      if (round > 0) await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** round * (1 + Math.random())));
      const { UnprocessedItems } = await dynamodb.send(
        new BatchWriteItemCommand({ RequestItems: { [table]: pending.map(toRequest) } }),
      );
      const left = new Set(
        UnprocessedItems?.[table]?.map(({ PutRequest, DeleteRequest }) =>
          nameOf(PutRequest?.Item ?? DeleteRequest!.Key!),
        ),
      );
      pending = pending.filter((item) => left.has(nameOf(item)));
    }
  } catch (error) {
    logFault('batchWrite', error, { items: pending.length });
  }
  const left = new Set(pending);
  return batch.filter((item) => !left.has(item));
}

const nameOf = ({ pk, sk }: Item) => `${pk!.S}\n${sk!.S}`;

/** A message for SQS, `delay` in seconds. */
export interface Outgoing {
  readonly body: string;
  readonly delay: number;
}

/** Sends messages; returns those that SQS has taken. */
export async function sendMessages<T extends Outgoing>(QueueUrl: string, messages: readonly T[]): Promise<T[]> {
  const sent = await inBatches(messages, BATCH_MESSAGES, async (batch) => {
    const Entries = batch.map(({ body, delay }, index) => ({
      Id: String(index),
      MessageBody: body,
      DelaySeconds: delay,
    }));
    try {
      const answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      return (answer.Successful ?? []).map(({ Id }) => batch[Number(Id)]!);
    } catch (error) {
      logFault('sendBatch', error, { messages: batch.length });
      return [];
    }
  });
  return sent.flat();
}

/** Works on batches of at most `size`, some of them side by side; results in their order. */
async function inBatches<T, R>(
  all: readonly T[],
  size: number,
  work: (batch: readonly T[]) => Promise<R>,
): Promise<R[]> {
  const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
  const results: R[] = [];
  for (let i = 0; i < batches.length; i += SIDE_BY_SIDE) {
    results.push(...(await Promise.all(batches.slice(i, i + SIDE_BY_SIDE).map(work))));
  }
  return results;
}

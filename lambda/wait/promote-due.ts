import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
import { logFault } from '../logs/write-line';
import type { Lane } from '../message/message';
import { ALL_SHARDS } from '../message/message-id';
import { dynamodb, sqs } from '../store/aws';
import { dueOf, duePartition, dueSort, type Item } from '../store/keys';
import { queryPartition } from '../store/read-items';
import { delaySeconds, queueUrlOf } from './schedule-attempt';

/** Hints are sent this long before they are due, and SQS holds them to the second. */
const AHEAD_MS = 600_000;
/** DynamoDB's limit of writes in one BatchWriteItem, and SQS's of messages in one SendMessageBatch. */
const BATCH_WRITES = 25;
const BATCH_MESSAGES = 10;
/** Due items read at a time from one shard. */
const PAGE = 100;

const EVERY_DUE_TIME = { from: dueSort(0, ''), to: dueSort(9_999_999_999_999, '~') };

export interface Promotion {
  /** By how long the most overdue item had been left waiting. */
  readonly lagSeconds: number;
  /** When the earliest item that was left is to be promoted. */
  readonly nextWorkAt: number | undefined;
}

/** Sends the hint of everything that is due in the next ten minutes, and then deletes its due item. */
export async function promoteDue(now: number, isOver: () => boolean): Promise<Promotion> {
  const shards = await Promise.all(ALL_SHARDS.map((shard) => promoteShard(duePartition(shard), now, isOver)));
  const next = shards.flatMap(({ nextWorkAt }) => nextWorkAt ?? []);
  return {
    lagSeconds: Math.max(...shards.map(({ lagSeconds }) => lagSeconds)),
    nextWorkAt: next.length === 0 ? undefined : Math.min(...next),
  };
}

async function promoteShard(partition: string, now: number, isOver: () => boolean): Promise<Promotion> {
  let lagSeconds = 0;
  let left: Item | undefined;
  let after: string | undefined;
  do {
    const page = await queryPartition({ partition, ...EVERY_DUE_TIME, after, limit: PAGE, consistent: false });
    const [first] = page.items;
    if (first !== undefined) lagSeconds = Math.max(lagSeconds, Math.round((now - dueOf(first)) / 1000));
    const near = page.items.filter((item) => dueOf(item) <= now + AHEAD_MS);
    const gone = await deleteAll(await sendAll(near, now));
    left ??= page.items.find((item) => !gone.includes(item));
    // What follows an item that is not near is farther still.
    after = near.length < page.items.length ? undefined : page.lastSort;
  } while (after !== undefined && !isOver());
  if (left !== undefined) return { lagSeconds, nextWorkAt: dueOf(left) - AHEAD_MS };
  return { lagSeconds, nextWorkAt: after === undefined ? undefined : now };
}

/** Returns the items whose hint SQS has taken. */
async function sendAll(items: readonly Item[], now: number): Promise<Item[]> {
  const sent: Item[] = [];
  for (const lane of ['deliveries', 'failures'] as const) {
    for (const batch of inBatches(
      items.filter((item) => item.lane!.S === lane),
      BATCH_MESSAGES,
    )) {
      sent.push(...(await sendBatch(lane, batch, now)));
    }
  }
  return sent;
}

/** A queue that takes nothing must not hold up the hints of the other: its items stay for the next tick. */
async function sendBatch(lane: Lane, items: readonly Item[], now: number): Promise<Item[]> {
  const Entries = items.map((item, index) => ({
    Id: String(index),
    MessageBody: item.h!.S!,
    DelaySeconds: delaySeconds(dueOf(item), now),
  }));
  try {
    const answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrlOf(lane), Entries }));
    return (answer.Successful ?? []).map(({ Id }) => items[Number(Id)]!);
  } catch (error) {
    logFault('promote', error, { lane, hints: items.length });
    return [];
  }
}

/** Returns those that are deleted: what DynamoDB leaves over is found again by the next tick. */
async function deleteAll(items: readonly Item[]): Promise<Item[]> {
  const TableName = requireEnv('TABLE_NAME');
  const deleted: Item[] = [];
  for (const batch of inBatches(items, BATCH_WRITES)) {
    const writes: WriteRequest[] = batch.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk: pk!, sk: sk! } } }));
    const { UnprocessedItems } = await dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: writes } }),
    );
    const left = new Set(UnprocessedItems?.[TableName]?.map(({ DeleteRequest }) => DeleteRequest?.Key?.sk?.S));
    deleted.push(...batch.filter(({ sk }) => !left.has(sk!.S)));
  }
  return deleted;
}

function inBatches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
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
  for (;;) {
    const page = await queryPartition({ partition, ...EVERY_DUE_TIME, limit: PAGE, consistent: false });
    const [first] = page.items;
    if (first === undefined) return { lagSeconds, nextWorkAt: undefined };
    lagSeconds = Math.max(lagSeconds, Math.round((now - dueOf(first)) / 1000));
    const near = page.items.filter((item) => dueOf(item) <= now + AHEAD_MS);
    const sent = await sendAll(near, now);
    const deleted = await deleteAll(sent);
    const left = page.items.find((item) => !sent.includes(item));
    if (left !== undefined || !deleted || isOver()) {
      return { lagSeconds, nextWorkAt: dueOf(deleted ? (left ?? first) : first) - AHEAD_MS };
    }
  }
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

async function sendBatch(lane: Lane, items: readonly Item[], now: number): Promise<Item[]> {
  const answer = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrlOf(lane),
      Entries: items.map((item, index) => ({
        Id: String(index),
        MessageBody: item.h!.S!,
        DelaySeconds: delaySeconds(dueOf(item), now),
      })),
    }),
  );
  return (answer.Successful ?? []).map(({ Id }) => items[Number(Id)]!);
}

/** Says whether all are deleted: what DynamoDB leaves over is found again by the next tick. */
async function deleteAll(items: readonly Item[]): Promise<boolean> {
  let complete = true;
  for (const batch of inBatches(items, BATCH_WRITES)) {
    const writes: WriteRequest[] = batch.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk: pk!, sk: sk! } } }));
    const { UnprocessedItems } = await dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [requireEnv('TABLE_NAME')]: writes } }),
    );
    if (Object.keys(UnprocessedItems ?? {}).length > 0) complete = false;
  }
  return complete;
}

function inBatches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

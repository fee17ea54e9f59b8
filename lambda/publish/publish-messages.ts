import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { settle } from '../deliver/settle';
import { followMessages } from '../flow-control/follow-messages';
import type { Message } from '../message/message';
import { deduplicationKey, type Item, N, S } from '../store/keys';
import { ttlOf } from '../store/message-items';
import { loadRow } from '../store/message-rows';
import { transact } from '../store/write-items';
import { acceptMessage, acceptMessages, newMessageId, type Published } from './accept-message';
import { DEDUPLICATION_MS, type Deduplication, deduplicationDigest } from './deduplication';

/** A message to be accepted: what only the service can say is missing. */
export interface NewMessage extends Omit<Message, 'messageId' | 'createdAt' | 'lane' | 'source' | 'holds'> {
  /** For messages that must exist once however often they are made: an id derived from the time `now`. */
  readonly messageId?: string;
  /** What of it must not be published twice. */
  readonly deduplication?: Deduplication;
}

/** A transaction costs a call of its own: so many are under way at once. */
const SIDE_BY_SIDE = 10;

/**
 * Accepts messages: of each that has no error here it is certain that it will be delivered or end as a dead
 * letter. The results are in the order of the messages; one failure is no matter of the others.
 */
export async function publishMessages(
  contents: readonly NewMessage[],
  now: number,
): Promise<readonly (Published | Error)[]> {
  const messages = contents.map(({ deduplication, ...content }) => {
    const message: Message = {
      ...content,
      messageId: content.messageId ?? newMessageId(now),
      createdAt: now,
      lane: 'deliveries',
    };
    return { message, digest: deduplication && deduplicationDigest(deduplication, message) };
  });
  await followMessages(contents, now);
  const plain = messages.filter(({ digest }) => digest === undefined).map(({ message }) => message);
  const accepting = acceptMessages(plain, now);
  const results = new Map<Message, Published | Error>();
  for (const wave of wavesOf(messages)) {
    const some = wave.map(async ({ message, digest }) => {
      results.set(message, await publishOnce(message, digest, now).catch(toError));
    });
    await Promise.all(some);
  }
  const accepted = await accepting.catch(toError);
  return messages.map(({ message }) => {
    const { messageId, url } = message;
    const done = results.get(message);
    if (done !== undefined) return done;
    if (accepted instanceof Error) return accepted;
    return accepted.has(message) ? { messageId, url } : new Error(`could not store the message for ${url}`);
  });
}

/** Accepts one message, or throws why it could not. */
export async function publishMessage(content: NewMessage, now: number): Promise<Published> {
  const [result] = await publishMessages([content], now);
  if (result instanceof Error) throw result;
  return result!;
}

async function publishOnce(message: Message, digest: string, now: number): Promise<Published> {
  const { messageId, url } = message;
  let first: string | undefined;
  await acceptMessage(message, now, async (items) => {
    const refusal = await transact([mark(digest, messageId, now), ...items.map(putOf)]);
    if (refusal === 'written') return true;
    first = refusal[0]!.item!.m!.S!;
    return false;
  });
  if (first === undefined) return { messageId, url };
  await repair(first, now);
  return { messageId: first, url, deduplicated: true };
}

interface Unique {
  readonly message: Message;
  readonly digest: string;
}

/** Of several that are the same the first counts, so no two of a kind are under way at once. */
function* wavesOf(messages: readonly { readonly message: Message; readonly digest?: string }[]): Generator<Unique[]> {
  let wave: Unique[] = [];
  for (const { message, digest } of messages) {
    if (digest === undefined) continue;
    if (wave.length === SIDE_BY_SIDE || wave.some((other) => other.digest === digest)) {
      yield wave;
      wave = [];
    }
    wave.push({ message, digest });
  }
  yield wave;
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function putOf(Item: Item): TransactWriteItem {
  return { Put: { TableName: requireEnv('TABLE_NAME'), Item } };
}

/** Marks what must not be published twice, on condition that it has no mark of the last ten minutes. */
function mark(digest: string, messageId: string, now: number): TransactWriteItem {
  return {
    Put: {
      TableName: requireEnv('TABLE_NAME'),
      Item: { ...deduplicationKey(digest), m: S(messageId), at: N(now), ...ttlOf(now + DEDUPLICATION_MS) },
      // By its time: DynamoDB deletes what has expired days later.
      ConditionExpression: 'attribute_not_exists(pk) OR #at <= :window',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: { ':window': N(now - DEDUPLICATION_MS) },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

/** The first publish may have died before its hint was sent: who is told of it may rely on it. */
async function repair(messageId: string, now: number): Promise<void> {
  const row = await loadRow(messageId);
  if (row !== undefined && row.state.state === undefined) await settle(row, now);
}

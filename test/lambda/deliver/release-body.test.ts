import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { deliverBatch } from '../../../lambda/deliver/deliver-batch';
import type { Message } from '../../../lambda/message/message';
import { derivedMessageId } from '../../../lambda/message/message-id';
import { sqs } from '../../../lambda/store/aws';
import { getBody, putBody } from '../../../lambda/store/bodies';
import { heldKey } from '../../../lambda/store/body-key';
import { dueOf, duePartition } from '../../../lambda/store/keys';
import { encodeMessage } from '../../../lambda/store/message-items';
import { queryPartition } from '../../../lambda/store/read-items';
import { putItem } from '../../../lambda/store/write-items';
import { encodeBodyHint } from '../../../lambda/wait/hint';
import { redriveHints } from '../../../lambda/wait/redrive-hints';
import { S3Error } from '../../../local/s3/s3-error';
import { newMessage } from '../messages';
import { useStandIns } from '../stand-ins';

const DAY = 86_400_000;

const opened = useStandIns();

/** A message whose body is held for it. */
async function held(): Promise<Message> {
  const message = newMessage(Date.now(), { body: Buffer.alloc(10_000, 'x') });
  return { ...message, body: new Uint8Array(), stored: await putBody(heldKey(message.messageId), message) };
}

const isThere = async ({ stored }: Message) => (await getBody(stored!)) !== undefined;

/** Acts on hints at bodies; the ids of the SQS messages that come back. */
async function release(...bodies: string[]): Promise<string[]> {
  const records = bodies.map((body, index) => ({
    messageId: `sqs-${index}`,
    receiptHandle: 'none',
    body,
    attributes: { ApproximateReceiveCount: '1' },
  }));
  return deliverBatch(records as unknown as SQSRecord[], 'deliveries', 60_000);
}

const hintAt = ({ messageId }: Message) => encodeBodyHint({ messageId });

async function dueAt(): Promise<number[]> {
  const shards = await Promise.all(
    Array.from({ length: 8 }, (_, shard) => queryPartition({ partition: duePartition(shard), from: '0', to: '~' })),
  );
  return shards.flatMap(({ items }) => items.map(dueOf));
}

test('the body of a message that is not there is deleted, and deleting it again is nothing', async () => {
  const message = await held();
  expect(await release(hintAt(message))).toEqual([]);
  expect(await isThere(message)).toBe(false);
  expect(await release(hintAt(message), hintAt(message))).toEqual([]);
  expect(await dueAt()).toEqual([]);
});

test('the body of an open message stays', async () => {
  const message = await held();
  await putItem(encodeMessage(message, undefined));
  expect(await release(hintAt(message))).toEqual([]);
  expect(await isThere(message)).toBe(true);
  expect(await dueAt()).toEqual([]);
});

test('the body of a message that expires is looked at again then, and deleted', async () => {
  const message = await held();
  const expiresAt = Math.ceil((Date.now() + DAY) / 1_000) * 1_000;
  await putItem(encodeMessage(message, expiresAt));
  for (let times = 0; times < 2; times++) expect(await release(hintAt(message))).toEqual([]);
  expect(await isThere(message)).toBe(true);
  expect(await dueAt()).toEqual([expiresAt]);
  opened.clock.advanceTo(expiresAt);
  await release(hintAt(message));
  expect(await isThere(message)).toBe(false);
});

test('a hint that S3 refuses to act on comes back, alone', async () => {
  const [first, second] = [await held(), await held()];
  opened.intercept = async ({ service, input }, execute) =>
    service === 's3' && input.Key === first.stored!.key ? new S3Error('AccessDenied', 'planned').answer() : execute();
  expect(await release(hintAt(first), hintAt(second), 'malformed')).toEqual(['sqs-0']);
  expect(opened.lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['malformedHint', 'fault']));
  opened.intercept = undefined;
  expect([await isThere(first), await isThere(second)]).toEqual([true, false]);
});

test('a hint that came to the redrive queue is sent again', async () => {
  const body = encodeBodyHint({ messageId: derivedMessageId(Date.now(), 'a') });
  await sqs.send(new SendMessageCommand({ QueueUrl: process.env.REDRIVE_QUEUE_URL, MessageBody: body }));
  expect(await redriveHints(opened.clock.now(), () => false)).toEqual({ count: 1 });
  expect([opened.bodies('deliveries'), opened.bodies('redrive')]).toEqual([[body], []]);
});

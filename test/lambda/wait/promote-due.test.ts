import type { Lane, Message } from '../../../lambda/message/message';
import { ALL_SHARDS, derivedMessageId, mustPlace } from '../../../lambda/message/message-id';
import { duePartition, type Item } from '../../../lambda/store/keys';
import { queryPartition } from '../../../lambda/store/read-items';
import { decodeHint } from '../../../lambda/wait/hint';
import { promoteDue } from '../../../lambda/wait/promote-due';
import { scheduleAttempt } from '../../../lambda/wait/schedule-attempt';
import { type AwsCall, errorAnswer } from '../../../local/aws-call';
import { newMessage } from '../messages';
import { useStandIns } from '../stand-ins';

const MINUTE = 60_000;
const AHEAD = 10 * MINUTE;
const never = (): boolean => false;

const opened = useStandIns();

/** Has a message wait in the due index, as it did long ago. `shard` chooses its shard. */
async function park(
  now: number,
  due: number,
  { lane = 'deliveries' as Lane, shard = 0, seed = due } = {},
): Promise<Message> {
  const createdAt = now - 60 * MINUTE;
  for (let tail = 0; ; tail++) {
    const message = newMessage(createdAt, { messageId: derivedMessageId(createdAt, seed, tail), lane, notBefore: due });
    if (mustPlace(message.messageId).shard !== shard) continue;
    await scheduleAttempt(message, 0, due, due - 60 * MINUTE);
    return message;
  }
}

const parkMany = (count: number, now: number, due: number, options: { lane?: Lane; shard?: number } = {}) =>
  Promise.all(Array.from({ length: count }, (_, index) => park(now, due + index, { ...options, seed: due + index })));

const sent = (queue: Lane) => opened.bodies(queue).map((body) => decodeHint(body)!.messageId);
const idsOf = (messages: readonly Message[]) => messages.map(({ messageId }) => messageId);

async function waiting(): Promise<Item[]> {
  const pages = ALL_SHARDS.map((shard) => queryPartition({ partition: duePartition(shard), from: '0', to: '~' }));
  return (await Promise.all(pages)).flatMap(({ items }) => items);
}

const isSend = ({ operation }: AwsCall) => operation === 'SendMessageBatch';
const isDelete = ({ operation }: AwsCall) => operation === 'BatchWriteItem';

test('what is due in ten minutes is sent and forgotten, what is later stays', async () => {
  const now = Date.now();
  const near = await Promise.all([
    park(now, now - MINUTE, { shard: 1 }),
    park(now, now, { shard: 2 }),
    park(now, now + AHEAD, { shard: 2 }),
    park(now, now + 5_001, { shard: 7, lane: 'failures' }),
  ]);
  const later = await park(now, now + AHEAD + 1, { shard: 2 });
  expect(await promoteDue(now, never)).toEqual({ lagSeconds: 60, nextWorkAt: now + 1 });
  expect(new Set(sent('deliveries'))).toEqual(new Set(idsOf(near.slice(0, 3))));
  expect(sent('failures')).toEqual(idsOf(near.slice(3)));
  expect((await waiting()).map(({ h }) => decodeHint(h!.S!)!.messageId)).toEqual([later.messageId]);
  expect(await promoteDue(now + 1, never)).toEqual({ lagSeconds: 0, nextWorkAt: undefined });
  expect(await waiting()).toEqual([]);
});

test('hints are not early, and say their attempt and due time', async () => {
  const now = Date.now();
  const delays: unknown[] = [];
  opened.intercept = (call, execute) => {
    if (isSend(call))
      delays.push(...(call.input.Entries as { DelaySeconds: number }[]).map((entry) => entry.DelaySeconds));
    return execute();
  };
  for (const due of [now - 1, now, now + 1, now + 1_000, now + 1_001, now + AHEAD]) await park(now, due);
  await promoteDue(now, never);
  expect(delays).toEqual([0, 0, 1, 1, 2, 600]);
  expect(opened.bodies('deliveries').map((body) => decodeHint(body))).toContainEqual(
    expect.objectContaining({ attempt: 0, due: now + 1_001 }),
  );
});

test('more than one page of a shard, and nothing twice', async () => {
  const now = Date.now();
  const messages = await parkMany(230, now, now - 1_000);
  expect(await promoteDue(now, never)).toEqual({ lagSeconds: 1, nextWorkAt: undefined });
  expect(sent('deliveries').sort()).toEqual(idsOf(messages).sort());
  expect(await waiting()).toEqual([]);
});

test('when there is no time for more, the rest stays for the next tick', async () => {
  const now = Date.now();
  const messages = await parkMany(230, now, now - 1_000);
  const { nextWorkAt } = await promoteDue(now, () => true);
  expect(nextWorkAt).toBeLessThanOrEqual(now);
  expect(await waiting()).toHaveLength(130);
  await promoteDue(now, never);
  expect(sent('deliveries').sort()).toEqual(idsOf(messages).sort());
});

test('a hint that SQS refuses stays, and its neighbours do not', async () => {
  const now = Date.now();
  const messages = await parkMany(30, now, now - 1_000);
  const refused = messages[12]!.messageId;
  opened.intercept = (call, execute) => {
    if (!isSend(call)) return execute();
    const entries = call.input.Entries as { readonly Id: string; readonly MessageBody: string }[];
    // What is not in the request is not in the answer's successes either.
    call.input.Entries = entries.filter(({ MessageBody }) => !MessageBody.includes(refused));
    return execute();
  };
  const { nextWorkAt } = await promoteDue(now, never);
  expect(nextWorkAt).toBeLessThanOrEqual(now);
  expect(sent('deliveries').sort()).toEqual(
    idsOf(messages)
      .filter((id) => id !== refused)
      .sort(),
  );
  expect((await waiting()).map(({ h }) => decodeHint(h!.S!)!.messageId)).toEqual([refused]);
  opened.intercept = undefined;
  expect(await promoteDue(now, never)).toMatchObject({ nextWorkAt: undefined });
  expect(sent('deliveries').sort()).toEqual(idsOf(messages).sort());
});

test('due items that DynamoDB leaves over are found by the next tick, and their hints harmless', async () => {
  const now = Date.now();
  const messages = await parkMany(30, now, now - 1_000);
  const isFull = ({ RequestItems }: Record<string, unknown>) => Object.values(RequestItems as object)[0].length === 25;
  opened.intercept = (call, execute) => {
    if (!isDelete(call) || !isFull(call.input)) return execute();
    const body = Buffer.from(JSON.stringify({ UnprocessedItems: call.input.RequestItems }));
    return Promise.resolve({ status: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body });
  };
  const { nextWorkAt } = await promoteDue(now, never);
  expect(nextWorkAt).toBeLessThanOrEqual(now);
  expect(await waiting()).toHaveLength(25);
  opened.intercept = undefined;
  expect(await promoteDue(now, never)).toMatchObject({ nextWorkAt: undefined });
  expect(await waiting()).toEqual([]);
  expect(sent('deliveries')).toHaveLength(55);
  expect(new Set(sent('deliveries'))).toEqual(new Set(idsOf(messages)));
});

test('a queue that cannot be reached holds up nothing of the other', async () => {
  const now = Date.now();
  const failures = await parkMany(150, now, now - 10_000, { lane: 'failures' });
  const deliveries = await parkMany(150, now, now - 1_000);
  opened.intercept = (call, execute) =>
    isSend(call) && String(call.input.QueueUrl).includes('/failures-')
      ? Promise.resolve(errorAnswer(400, 'AWS.SimpleQueueService.NonExistentQueue', 'no such queue'))
      : execute();
  const { nextWorkAt } = await promoteDue(now, never);
  expect(nextWorkAt).toBeLessThanOrEqual(now);
  expect(sent('deliveries').sort()).toEqual(idsOf(deliveries).sort());
  expect((await waiting()).map(({ lane }) => lane!.S)).toEqual(Array(150).fill('failures'));
  expect(opened.lines).toContainEqual(expect.objectContaining({ event: 'fault', doing: 'sendBatch' }));
  opened.intercept = undefined;
  expect(await promoteDue(now, never)).toMatchObject({ nextWorkAt: undefined });
  expect(sent('failures').sort()).toEqual(idsOf(failures).sort());
});

import { claimAttempt } from '../../../lambda/deliver/claim-attempt';
import { failedRecord, recordOutcome } from '../../../lambda/deliver/record-outcome';
import type { Message } from '../../../lambda/message/message';
import { mustPlace } from '../../../lambda/message/message-id';
import { duePartition, messageKey, openPartition, stateKey } from '../../../lambda/store/keys';
import { expiryOf } from '../../../lambda/store/message-items';
import { endedAt, loadRow } from '../../../lambda/store/message-rows';
import { getItem, queryPartition } from '../../../lambda/store/read-items';
import { type Cancellation, cancelMessage } from '../../../lambda/wait/cancel-message';
import { newMessage } from '../messages';
import { accept, useStandIns } from '../stand-ins';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const opened = useStandIns();

const cancel = async ({ messageId }: Message, now: number): Promise<Cancellation> =>
  cancelMessage((await loadRow(messageId))!, now);
const stateOf = async ({ messageId }: Message) => (await loadRow(messageId))!.state;
const claim = (message: Message, now: number, leaseUntil: number) =>
  claimAttempt(message, 0, { lease: 'theirs', leaseUntil, now });

test('a message that nobody has begun is canceled at once', async () => {
  const now = Date.now();
  const message = await accept(newMessage(now));
  expect(await cancel(message, now + 1)).toBe('canceled');
  expect(await stateOf(message)).toMatchObject({ state: 'CANCELED', canceledAt: now + 1 });
  expect(await cancel(message, now + 2)).toBe('ended');
  expect((await claim(message, now + 3, now + MINUTE)).claimed).toBe(false);
});

test('an attempt under way is let end', async () => {
  const now = Date.now();
  const message = await accept(newMessage(now));
  await claim(message, now, now + MINUTE);
  expect(await cancel(message, now + 1)).toBe('requested');
  expect(await stateOf(message)).toMatchObject({ state: 'CANCEL_REQUESTED', cancelRequestedAt: now + 1 });
  expect(await cancel(message, now + 2)).toBe('before');
});

test('an attempt whose holder is gone is not waited for', async () => {
  const now = Date.now();
  const message = await accept(newMessage(now));
  await claim(message, now, now + MINUTE);
  expect(await cancel(message, now + MINUTE - 1)).toBe('requested');
  const other = await accept(newMessage(now));
  await claim(other, now, now + MINUTE);
  expect(await cancel(other, now + MINUTE)).toBe('canceled');
});

test('nothing is left that would wake it, or find it as open', async () => {
  const now = Date.now();
  const message = await accept(newMessage(now, { notBefore: now + 30 * HOUR }));
  const { shard } = mustPlace(message.messageId);
  const left = async () => {
    const all = { from: '0', to: '~' };
    const pages = [duePartition(shard), openPartition(shard)].map((partition) => queryPartition({ partition, ...all }));
    return (await Promise.all(pages)).flatMap(({ items }) => items).length;
  };
  expect(await left()).toBe(2);
  expect(await cancel(message, now + 1)).toBe('canceled');
  expect(await left()).toBe(0);
});

test.each([
  ['foreseeable', 3],
  ['longer than anybody can foresee', 100],
])('a message whose attempts are %s expires, and not after what says that it has ended', async (_how, maxRetries) => {
  const now = Date.now();
  const message = await accept(newMessage(now, { notBefore: now + HOUR, maxRetries }));
  expect(await cancel(message, now + 1)).toBe('canceled');
  const expiresAt = expiryOf((await getItem(messageKey(message.messageId)))!)!;
  expect(expiresAt).toBeGreaterThanOrEqual(now + 7 * 24 * HOUR);
  expect(expiryOf((await getItem(stateKey(message.messageId)))!)).toBe(expiresAt);
  expect(endedAt((await loadRow(message.messageId))!)).toBe(now + 1);
});

test('an attempt that ends while the cancel is on its way has ended before it', async () => {
  const now = Date.now();
  const message = await accept(newMessage(now));
  const row = (await loadRow(message.messageId))!;
  const claimed = await claim(message, now, now + MINUTE);
  const record = {
    ...failedRecord(claimed.state, now + 5, 'no answer'),
    outcome: 'retry',
    nextAt: now + HOUR,
  } as const;
  await recordOutcome({ ...row, state: claimed.state }, record);
  expect(await cancelMessage(row, now + 1)).toBe('canceled');
  expect(await stateOf(message)).toMatchObject({ state: 'CANCELED', ends: [now + 5], canceledAt: now + 5 });
});

test('a cancel whose answer was lost is recognised as its own', async () => {
  const now = Date.now();
  const message = await accept(newMessage(now));
  let lost = 0;
  opened.intercept = async (call, execute) => {
    const answer = await execute();
    return call.operation === 'UpdateItem' && lost++ === 0 ? 'dropped' : answer;
  };
  expect(await cancel(message, now + 1)).toBe('canceled');
  expect(lost).toBeGreaterThan(1);
});

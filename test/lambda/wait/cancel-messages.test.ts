import fc from 'fast-check';
import type { Message } from '../../../lambda/message/message';
import { type MessageFilter, matchesMessage, matchesTime } from '../../../lambda/message/message-filter';
import { openKey, S, stateKey } from '../../../lambda/store/keys';
import { loadRow, loadRows } from '../../../lambda/store/message-rows';
import { putItem } from '../../../lambda/store/write-items';
import { cancelAll, cancelMessages } from '../../../lambda/wait/cancel-messages';
import { newMessage } from '../messages';
import { accept, useStandIns } from '../stand-ins';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ALL = Number.POSITIVE_INFINITY;
const never = (): boolean => false;

const opened = useStandIns();

const acceptAll = (messages: readonly Message[]) => Promise.all(messages.map(accept));
const end = ({ messageId }: Message) => putItem({ ...stateKey(messageId), st: S('DELIVERED') });

async function canceled(messages: readonly Message[]): Promise<boolean[]> {
  const rows = await loadRows(messages.map(({ messageId }) => messageId));
  return messages.map(({ messageId }) => rows.get(messageId)!.state.state === 'CANCELED');
}

test('all that is open is canceled, whenever it was accepted, and nothing twice', async () => {
  const now = Date.now();
  const open = await acceptAll([
    newMessage(now - 1),
    newMessage(now - 5 * HOUR),
    newMessage(now - DAY + 1),
    // Waits in the due index, for less and for more than a day.
    newMessage(now - 20 * HOUR, { notBefore: now + HOUR }),
    newMessage(now - HOUR, { notBefore: now + 30 * HOUR }),
    newMessage(now - 3 * DAY, { notBefore: now + HOUR }),
    newMessage(now - 300 * DAY, { notBefore: now + 65 * DAY }),
  ]);
  const ended = await acceptAll([newMessage(now - 2), newMessage(now - 6 * HOUR)]);
  await Promise.all(ended.map(end));
  expect(await cancelMessages({}, ALL, now, never)).toEqual({ cancelled: 7 });
  expect(await canceled(open)).toEqual(open.map(() => true));
  expect(await canceled(ended)).toEqual([false, false]);
  expect(await cancelMessages({}, ALL, now, never)).toEqual({ cancelled: 0 });
});

test('every message that is open for longer than a day has the mark by which it is found', async () => {
  const now = Date.now();
  for (const hours of [1, 12, 21, 23, 24, 25, 100]) {
    const message = await accept(newMessage(now - hours * HOUR - 1, { notBefore: now + 1 }));
    const { cancelled } = await cancelMessages({}, ALL, now, never);
    expect([hours, cancelled]).toEqual([hours, 1]);
    expect((await loadRow(message.messageId))!.state.state).toBe('CANCELED');
  }
});

test('a mark that its message has outlived is no message', async () => {
  const now = Date.now();
  await putItem(openKey(newMessage(now - 2 * DAY).messageId));
  expect(await cancelMessages({}, ALL, now, never)).toEqual({ cancelled: 0 });
});

const URLS = ['https://example.com/a', 'https://example.com/b', 'https://example.org/a'];

test('a filter cancels what it means and nothing else', async () => {
  const some = <T>(...values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
  const now = Date.now();
  const ages = fc.oneof(fc.nat(DAY), fc.nat(5 * DAY));
  const messages = fc.record(
    {
      createdAt: ages.map((age) => now - age),
      url: fc.constantFrom(...URLS),
      labels: some('red', 'blue'),
      callerIp: fc.constantFrom('192.0.2.1', '192.0.2.2'),
    },
    { requiredKeys: ['createdAt', 'url'] },
  );
  const filters: fc.Arbitrary<MessageFilter> = fc.record(
    {
      url: some(...URLS),
      host: some('example.com', 'example.org'),
      path: some('/a', '/b'),
      label: some('red', 'blue', 'green'),
      callerIp: some('192.0.2.1', '192.0.2.3'),
      fromDate: ages.map((age) => now - age),
      toDate: ages.map((age) => now - age),
      queueName: fc.constantFrom(undefined, undefined, undefined, ['a']),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(messages, { maxLength: 12 }), filters, async (drawn, filter) => {
      await opened.startAfresh();
      // All wait until now, so those of days ago have their mark.
      const accepted = await acceptAll(
        drawn.map(({ createdAt, ...fields }) => newMessage(createdAt, { ...fields, notBefore: now })),
      );
      const meant = accepted.map(
        (message) => matchesMessage(filter, message) && matchesTime(filter, message.createdAt),
      );
      const { cancelled } = await cancelMessages(filter, ALL, now, never);
      expect(cancelled).toBe(meant.filter(Boolean).length);
      expect(await canceled(accepted)).toEqual(meant);
    }),
    { numRuns: 25 },
  );
});

test('as many as were asked for, and the same request again goes on', async () => {
  const now = Date.now();
  const recent = Array.from({ length: 120 }, (_, index) => newMessage(now - index * MINUTE));
  const marked = Array.from({ length: 20 }, (_, index) => newMessage(now - 2 * DAY - index, { notBefore: now + HOUR }));
  const accepted = await acceptAll([...recent, ...marked]);
  const ended = await acceptAll(Array.from({ length: 120 }, (_, index) => newMessage(now - index * MINUTE - 1)));
  await Promise.all(ended.map(end));
  const counts: number[] = [];
  for (let more = true; more; ) {
    const page = await cancelMessages({}, 20, now, never);
    counts.push(page.cancelled);
    more = page.cursor !== undefined;
  }
  expect(counts).toEqual([20, 20, 20, 20, 20, 20, 20, 0]);
  expect(await canceled(accepted)).toEqual(accepted.map(() => true));
});

test('a request that ran out of time says so, and what it has canceled counts', async () => {
  const now = Date.now();
  // A partition's page has a megabyte.
  const header = { 'X-Large': ['x'.repeat(200_000)] };
  const accepted = await acceptAll(Array.from({ length: 80 }, (_, index) => newMessage(now - index, { header })));
  let looks = 0;
  const first = await cancelMessages({}, ALL, now, () => ++looks > 4);
  expect(first.cursor).toEqual({ among: 'recent', token: expect.any(String) });
  expect(first.cancelled).toBeGreaterThan(0);
  expect(first.cancelled).toBeLessThan(80);
  const second = await cancelMessages({}, ALL, now, never);
  expect(second).toEqual({ cancelled: 80 - first.cancelled });
  expect(await canceled(accepted)).toEqual(accepted.map(() => true));
});

test('a search that is over at once all the time gets to the end by its cursor, past what has ended', async () => {
  const now = Date.now();
  const header = { 'X-Large': ['x'.repeat(200_000)] };
  const ended = await acceptAll(Array.from({ length: 120 }, (_, index) => newMessage(now - 500 + index, { header })));
  await Promise.all(ended.map(end));
  const marked = Array.from({ length: 10 }, (_, index) => newMessage(now - 2 * DAY - index, { notBefore: now + HOUR }));
  const accepted = await acceptAll([newMessage(now - 1), ...marked]);
  const always = () => true;
  let page = await cancelMessages({}, ALL, now, always);
  expect(page).toEqual({ cancelled: 0, cursor: { among: 'recent', token: expect.any(String) } });
  let cancelled = 0;
  while (page.cursor !== undefined) {
    page = await cancelMessages({}, ALL, now, always, page.cursor);
    cancelled += page.cancelled;
  }
  expect(cancelled).toBe(11);
  expect(await canceled(accepted)).toEqual(accepted.map(() => true));
});

test('of messages that were canceled before or meanwhile none is counted', async () => {
  const now = Date.now();
  const messages = await acceptAll([newMessage(now - 1), newMessage(now - 2), newMessage(now - 3)]);
  const rows = [...(await loadRows(messages.map(({ messageId }) => messageId))).values()];
  const counts = await Promise.all([cancelAll(rows.slice(0, 2)), cancelAll(rows), cancelMessages({}, ALL, now, never)]);
  expect(counts[0] + counts[1] + counts[2].cancelled).toBe(3);
});

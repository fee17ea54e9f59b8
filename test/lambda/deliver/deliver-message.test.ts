import { AddressPolicy } from '../../../lambda/deliver/address-policy';
import { deliverMessage } from '../../../lambda/deliver/deliver-message';
import { findEvents } from '../../../lambda/logs/find-events';
import type { Message } from '../../../lambda/message/message';
import { messageKey, stateKey } from '../../../lambda/store/keys';
import { expiryOf } from '../../../lambda/store/message-items';
import { loadRow } from '../../../lambda/store/message-rows';
import { getItem } from '../../../lambda/store/read-items';
import { Sink } from '../../e2e/sink';
import { newMessage } from '../messages';
import { accept, useStandIns } from '../stand-ins';

const policy = new AddressPolicy({ allowed: [], loopbackAllowed: true });

const opened = useStandIns();
let sink: Sink;
beforeAll(async () => {
  sink = await new Sink().listen();
});
afterAll(() => sink.close());

async function deliver({ messageId }: Message, attempt: number) {
  const row = (await loadRow(messageId))!;
  const due = row.state.due ?? row.message.notBefore;
  return deliverMessage({ messageId, attempt, due }, row, { key: 'sig_test', policy, deadline: Date.now() + 60_000 });
}

/** The log as a search finds it, oldest first. */
async function searched(message: Message): Promise<string[]> {
  const filter = { url: [message.url] };
  const { events } = await findEvents({ filter, count: 100 }, opened.clock.now(), () => false);
  return events.map(({ event }) => event.state).reverse();
}

test('the begin of an attempt that took ten seconds is in the log, whenever the clock says that they are over', async () => {
  // Longer by the clock than by the timer that tells of attempts while they last.
  const { url } = sink.destination(() => {
    opened.clock.advanceTo(opened.clock.now() + 10_500);
    return 500;
  });
  const message = await accept(newMessage(opened.clock.now() - 20_000, { url, maxRetries: 0 }));
  expect(await deliver(message, 0)).toMatchObject({ outcome: 'failed' });
  expect(await searched(message)).toEqual(['CREATED', 'ACTIVE', 'ERROR', 'FAILED']);
});

describe('expiry', () => {
  const DAY = 86_400_000;
  const callback = { url: 'https://example.com/', method: 'POST' as const, header: {}, delay: 100 };
  const expiries = async ({ messageId }: Message) => {
    const items = await Promise.all([getItem(messageKey(messageId)), getItem(stateKey(messageId))]);
    return items.map((item) => expiryOf(item!));
  };

  test.each<[string, number, Partial<Message>]>([
    ['delivered', 200, {}],
    ['delivered, foreseeable or not', 200, { maxRetries: 100 }],
    ['delivered late', 200, { notBefore: Date.now() - 5 * DAY, createdAt: Date.now() - 5 * DAY }],
    ['delivered with a callback', 200, { callback }],
    ['failed', 500, { maxRetries: 0 }],
    ['failed with callbacks', 500, { maxRetries: 0, callback, failureCallback: { ...callback, retries: 40 } }],
    ['failed for good', 489, { maxRetries: 100 }],
  ])('a message that was %s is gone before what says that it has ended', async (_how, status, fields) => {
    const { url } = sink.destination({ status, headers: { 'Upstash-NonRetryable-Error': 'true' } });
    const message = await accept(newMessage(Date.now(), { url, ...fields }));
    await deliver(message, 0);
    expect((await loadRow(message.messageId))!.state.state).toBe(status === 200 ? 'DELIVERED' : 'FAILED');
    const [ofMessage, ofState] = await expiries(message);
    expect(ofMessage).toBeGreaterThanOrEqual(Date.now() + 7 * DAY - 60_000);
    expect(ofState).toBeGreaterThanOrEqual(ofMessage!);
  });

  test.each([3, 100])('a message that waits for another of %i retries has no end yet', async (maxRetries) => {
    const { url } = sink.destination(500);
    const message = await accept(newMessage(Date.now(), { url, maxRetries }));
    await deliver(message, 0);
    const [ofMessage, ofState] = await expiries(message);
    expect(ofState).toBeUndefined();
    expect(ofMessage === undefined).toBe(maxRetries === 100);
  });
});

import { AddressPolicy } from '../../../lambda/deliver/address-policy';
import { deliverMessage } from '../../../lambda/deliver/deliver-message';
import { findEvents } from '../../../lambda/logs/find-events';
import type { Message } from '../../../lambda/message/message';
import { loadRow } from '../../../lambda/store/message-rows';
import { Sink } from '../../e2e/sink';
import { newMessage } from '../messages';
import { accept, type Opened, openStandIns } from '../stand-ins';

const policy = new AddressPolicy({ allowed: [], loopbackAllowed: true });

let opened: Opened;
let sink: Sink;
beforeAll(async () => {
  opened = await openStandIns();
  sink = await new Sink().listen();
});
afterAll(() => Promise.all([opened.close(), sink.close()]));

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

import type { Stage } from '../stage';
import {
  API,
  cancel,
  DELIVERY,
  HOUR,
  LARGE,
  MINUTE,
  NO_RETRY,
  type Scenario,
  SECOND,
  SINGLE,
  UNFORESEEN,
} from './scenario';

/** Bodies that are in the bucket: publish, deliver, report, cancel, retry, delete. */
export const BODY_SCENARIOS: readonly Scenario[] = [
  {
    name: 'publish a large body',
    sizes: SINGLE,
    calls: API,
    play: (stage) => stage.armed(() => stage.inTurn((cell) => cell.publish('ok', {}, LARGE))),
  },
  {
    name: 'publish a large body that is held',
    sizes: SINGLE,
    calls: API,
    play: (stage) => stage.armed(() => stage.inTurn((cell) => cell.publish('ok', UNFORESEEN, LARGE))),
  },
  {
    name: 'publish a large body twice with a deduplication id',
    sizes: SINGLE,
    calls: API,
    play: (stage) =>
      stage.armed(async () => {
        const headers = { ...UNFORESEEN, 'Upstash-Deduplication-Id': '$' };
        await stage.inTurn((cell) => cell.publish('ok', headers, LARGE));
        await stage.inTurn((cell) => cell.publish('ok', headers, LARGE));
      }),
  },
  {
    name: 'deliver a large body',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', {}, LARGE));
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'deliver a large body that is held',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      const headers = { ...UNFORESEEN, 'Upstash-Delay': '2h' };
      await stage.each((cell) => cell.publish('ok', headers, { ...LARGE, delay: 2 * HOUR }));
      // Its body is looked at while it is open, and then by nobody until it has ended.
      await stage.service.advance(HOUR + SECOND);
      await flushNow(stage);
      await stage.service.advance(HOUR);
      await stage.armed(() => flushNow(stage));
    },
  },
  {
    name: 'report a large body',
    sizes: SINGLE,
    calls: /^fail (?!GetSecretValue)/,
    async play(stage) {
      await stage.each((cell) => cell.publish('fail', { ...NO_RETRY, 'Upstash-Failure-Callback': 'ok' }, LARGE));
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'cancel a message with a large body that is held',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const headers = { ...UNFORESEEN, 'Upstash-Delay': '1m' };
      await stage.each((cell) => cell.publish('ok', headers, { ...LARGE, delay: MINUTE }));
      await stage.armed(() => stage.each(cancel));
    },
  },
  {
    name: 'retry a dead letter with a large body',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.each((cell) => cell.publish('mend', NO_RETRY, LARGE));
      await stage.settle();
      stage.mend();
      const deadLetters = await stage.deadLetters();
      await stage.armed(() => stage.each(({ tag }) => stage.ledger.retry(deadLetters.get(tag)![0]!.dlqId)));
    },
  },
  {
    name: 'look at a body that is held',
    sizes: SINGLE,
    calls: DELIVERY,
    atATime: 1,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', UNFORESEEN, LARGE));
      await stage.settle();
      await lookedAt(stage);
    },
  },
  {
    name: 'delete a body whose message was never accepted',
    sizes: SINGLE,
    calls: DELIVERY,
    atATime: 1,
    async play(stage) {
      await stage.fault({ call: 'api PutItem message', kind: 'throttledOut' }, () =>
        stage.each((cell) => cell.publish('ok', UNFORESEEN, LARGE)),
      );
      await lookedAt(stage);
    },
  },
];

/** An hour after a publish, its body is looked at. */
async function lookedAt(stage: Stage): Promise<void> {
  await stage.service.advance(HOUR + SECOND);
  await stage.armed(() => flushNow(stage));
}

async function flushNow(stage: Stage): Promise<void> {
  await stage.flush(0);
  await stage.settle();
}

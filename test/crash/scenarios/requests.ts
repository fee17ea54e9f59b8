import type { Stage } from '../stage';
import {
  API,
  BATCH,
  BOTH,
  cancel,
  DELIVERY,
  HOUR,
  LATE,
  MINUTE,
  NO_RETRY,
  RETRY_AT_ONCE,
  type Scenario,
  SINGLE,
  UNFORESEEN,
  underWay,
} from './scenario';

/** Cancel, retry and delete dead letters. */
export const REQUEST_SCENARIOS: readonly Scenario[] = [
  {
    name: 'cancel what waits',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Delay': '1m' }, { delay: MINUTE }));
      await stage.armed(() => stage.each(cancel));
    },
  },
  {
    name: 'cancel what has ended',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok'));
      await stage.settle();
      await stage.armed(() => stage.each(cancel));
    },
  },
  {
    name: 'cancel what is to come the day after tomorrow',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { ...UNFORESEEN, 'Upstash-Delay': '2d' }, { delay: 48 * HOUR }));
      await stage.service.advance(LATE);
      await stage.armed(() => stage.each(cancel));
    },
  },
  {
    name: 'cancel what waits for its retry',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const headers = { 'Upstash-Retries': '1', 'Upstash-Retry-Delay': String(HOUR), 'Upstash-Callback': 'ok' };
      await stage.each((cell) => cell.publish('once', headers, { retryDelay: HOUR }));
      await stage.settle();
      await stage.armed(() => stage.each(cancel));
    },
  },
  {
    name: 'cancel what waits for its retry and was not called back',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const headers = { 'Upstash-Retries': '1', 'Upstash-Retry-Delay': String(HOUR), 'Upstash-Callback': 'ok' };
      await stage.each((cell) => cell.publish('once', headers, { retryDelay: HOUR }));
      await stage.fault({ call: 'deliver PutItem message', kind: 'throttledOut' }, () => stage.settle());
      await stage.armed(() => stage.each(cancel));
    },
  },
  {
    name: 'a cancel whose function died',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Delay': '1m' }, { delay: MINUTE }));
      await stage.service.advance(MINUTE);
      await stage.fault({ call: 'api PutItem cancel', kind: 'throttledOut' }, () => stage.each(cancel));
      await stage.armed(async () => {
        await stage.flush(0);
        await stage.settle();
      });
    },
  },
  {
    name: 'cancel what is under way',
    sizes: BOTH,
    calls: /^(api|deliver) (?!GetSecretValue)/,
    atATime: 2,
    async play(stage) {
      await stage.each((cell) => cell.publish('holdfail', RETRY_AT_ONCE));
      await underWay(stage);
      await stage.service.clock.advanceTo(stage.service.clock.now() + LATE);
      await stage.armed(async () => {
        await stage.each(cancel);
        stage.letGoOfDestinations();
        await stage.settle();
      });
    },
  },
  {
    name: 'cancel several',
    sizes: BATCH,
    calls: API,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Delay': '1m' }, { delay: MINUTE }));
      await stage.armed(() =>
        stage.each((cell) => stage.ledger.cancelAll(`messageIds=${cell.known.join(',')}`, cell.known)),
      );
    },
  },
  {
    name: 'cancel by label',
    sizes: BATCH,
    calls: API,
    atATime: 1,
    async play(stage) {
      await stage.each((cell) =>
        cell.publish('ok', { 'Upstash-Delay': '1m', 'Upstash-Label': cell.tag }, { delay: MINUTE }),
      );
      await stage.armed(() => stage.each((cell) => stage.ledger.cancelAll(`label=${cell.tag}`, cell.known)));
    },
  },
  {
    name: 'retry a dead letter',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const deadLetters = await buried(stage, 'mend', NO_RETRY);
      await stage.armed(() =>
        stage.each(async ({ tag }) => {
          const { dlqId } = deadLetters.get(tag)![0]!;
          await stage.ledger.retry(dlqId);
          await stage.ledger.retry(dlqId);
        }),
      );
    },
  },
  {
    name: 'retry a dead letter later',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const deadLetters = await buried(stage, 'mend', NO_RETRY);
      const headers = { 'Upstash-Delay': '2d' };
      await stage.armed(() => stage.inTurn(({ tag }) => stage.ledger.retry(deadLetters.get(tag)![0]!.dlqId, headers)));
    },
  },
  {
    name: 'retry the dead letter of a callback',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const deadLetters = await buried(stage, 'ok', { ...NO_RETRY, 'Upstash-Callback': 'mend' });
      await stage.armed(() => stage.each(({ tag }) => stage.ledger.retry(deadLetters.get(tag)![0]!.dlqId)));
    },
  },
  {
    name: 'retry several dead letters',
    sizes: BATCH,
    calls: API,
    async play(stage) {
      const deadLetters = await buried(stage, 'mend', NO_RETRY);
      await stage.armed(() =>
        stage.each(({ tag }) => {
          const own = deadLetters.get(tag)!;
          const urls = new Map(own.map(({ dlqId, url }) => [dlqId, url]));
          return stage.ledger.retryAll([...urls.keys()], urls);
        }),
      );
    },
  },
  {
    name: 'delete a dead letter',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const deadLetters = await buried(stage, 'mend', NO_RETRY);
      await stage.armed(() => stage.each(({ tag }) => stage.ledger.delete(deadLetters.get(tag)![0]!.dlqId)));
    },
  },
  {
    name: 'delete several dead letters',
    sizes: BATCH,
    calls: API,
    async play(stage) {
      const deadLetters = await buried(stage, 'mend', NO_RETRY);
      await stage.armed(() =>
        stage.each(({ tag }) => stage.ledger.deleteAll(deadLetters.get(tag)!.map(({ dlqId }) => dlqId))),
      );
    },
  },
];

/** Publishes what becomes a dead letter, whose destination is mended then. */
async function buried(stage: Stage, script: string, headers: Readonly<Record<string, string>>) {
  await stage.each((cell) => cell.publish(script, headers));
  await stage.settle();
  stage.mend();
  return stage.deadLetters();
}

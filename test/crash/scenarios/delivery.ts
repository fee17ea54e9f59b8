import { until } from '../../e2e/harness';
import type { Stage } from '../stage';
import {
  API,
  BOTH,
  cancel,
  DELIVERY,
  died,
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

/** Publish, deliver, call back, retry, bury. */
export const DELIVERY_SCENARIOS: readonly Scenario[] = [
  {
    name: 'publish',
    sizes: SINGLE,
    calls: API,
    play: (stage) => stage.armed(() => stage.each((cell) => cell.publish('ok'))),
  },
  {
    name: 'publish twice with a deduplication id',
    sizes: SINGLE,
    calls: API,
    play: (stage) => stage.armed(() => publishTwice(stage, {})),
  },
  {
    name: 'publish twice for the day after tomorrow',
    sizes: SINGLE,
    calls: API,
    play: (stage) => stage.armed(() => publishTwice(stage, { 'Upstash-Delay': '2d' }, 48 * HOUR)),
  },
  {
    name: 'deliver',
    sizes: BOTH,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok'));
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'deliver and call back',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Callback': 'ok' }));
      await stage.service.advance(LATE);
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'deliver what expires when it has ended',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', UNFORESEEN));
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'deliver to a slow destination',
    sizes: SINGLE,
    calls: /^deliver PutItem begin/,
    async play(stage) {
      await stage.each((cell) => cell.publish('slow'));
      await stage.service.advance(LATE);
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'a hint that comes early',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Delay': '1m' }, { delay: MINUTE }));
      await stage.armed(async () => {
        await stage.flush(0);
        await stage.service.whenIdle();
      });
    },
  },
  {
    name: 'a hint that comes again',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Callback': 'ok' }));
      const again = stage.faults.repeat();
      await stage.settle();
      again();
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'a hint for an attempt under way',
    sizes: SINGLE,
    calls: DELIVERY,
    atATime: 2,
    async play(stage) {
      await stage.each((cell) => cell.publish('hold'));
      const again = stage.faults.repeat();
      await underWay(stage);
      again();
      await stage.armed(async () => {
        // It is hidden again, or was answered with another attempt.
        const isDone = () =>
          stage.cells.every(
            ({ tag }) =>
              stage.faults.hasFired(tag) ||
              stage.faults.callsOf(tag).some(({ call, n }) => call.includes('ChangeMessageVisibility') && n === 2) ||
              stage.ledger.sink.at(`/${tag}/`).length === 2,
          );
        await stage.flush();
        await until(isDone);
        stage.letGoOfDestinations();
        await stage.settle();
      });
    },
  },
  {
    name: 'retry',
    sizes: BOTH,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('once', RETRY_AT_ONCE));
      await stage.service.advance(LATE);
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'retry and call back each time',
    sizes: SINGLE,
    calls: /^deliver (PutItem|SendMessage|UpdateItem state if lease)/,
    async play(stage) {
      await stage.each((cell) => cell.publish('once', { ...RETRY_AT_ONCE, 'Upstash-Callback': 'ok' }));
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'retry tomorrow',
    sizes: BOTH,
    calls: DELIVERY,
    async play(stage) {
      const headers = { 'Upstash-Retries': '1', 'Upstash-Retry-Delay': String(23 * HOUR) };
      await stage.each((cell) => cell.publish('once', headers, { retryDelay: 23 * HOUR }));
      await stage.armed(async () => {
        await stage.settle();
        await stage.service.advance(23 * HOUR);
        await stage.flush(0);
        await stage.settle();
      });
    },
  },
  {
    name: 'bury',
    sizes: BOTH,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('fail', { ...NO_RETRY, 'Upstash-Failure-Callback': 'ok' }));
      await stage.service.advance(LATE);
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'a failure callback that fails',
    sizes: SINGLE,
    calls: /^fail (?!GetSecretValue)/,
    async play(stage) {
      const headers = { 'Upstash-Failure-Callback': 'fail', 'Upstash-Failure-Callback-Retries': '1' };
      const retry = { 'Upstash-Failure-Callback-Retry-Delay': '0' };
      await stage.each((cell) => cell.publish('fail', { ...NO_RETRY, ...headers, ...retry }));
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'an attempt whose function died',
    sizes: BOTH,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok'));
      await died(stage);
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'an attempt whose function died too often',
    sizes: SINGLE,
    calls: /^deliver (?!GetSecretValue)/,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Failure-Callback': 'ok' }));
      await died(stage);
      await stage.setState({ crashes: 3 });
      await stage.armed(() => stage.settle());
    },
  },
  {
    name: 'an attempt canceled after its function died',
    sizes: SINGLE,
    calls: DELIVERY,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok'));
      await died(stage, () => stage.each(cancel));
      await stage.armed(() => stage.settle());
    },
  },
];

async function publishTwice(stage: Stage, headers: Readonly<Record<string, string>>, delay = 0): Promise<void> {
  const own = { 'Upstash-Deduplication-Id': '$', ...headers };
  await stage.inTurn((cell) => cell.publish('ok', own, { delay }));
  await stage.inTurn((cell) => cell.publish('ok', own, { delay }));
}

import { until } from '../e2e/harness';
import type { HeldHint } from './faults';
import type { Cell, Stage } from './stage';

/** A part of a message's life in which each call is to fail once. */
export interface Scenario {
  readonly name: string;
  /** Messages that share one batch: 1, 10 or both. */
  readonly sizes: readonly number[];
  /** Which calls fail here; others are those of other scenarios. */
  readonly calls: RegExp;
  /** Cells that run side by side; 1 where one call serves all messages. Default: any number. */
  readonly atATime?: number;
  /** Plays it with every cell of the stage. */
  play(stage: Stage): Promise<void>;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** What happens to a message this long after its acceptance has items of its own in the log. */
const LATE = 11 * SECOND;

const NO_RETRY = { 'Upstash-Retries': '0' };
const RETRY_AT_ONCE = { 'Upstash-Retries': '1', 'Upstash-Retry-Delay': '0' };
/** Retries whose worst case nobody can foresee, so that the message expires only when it has ended. */
const UNFORESEEN = { 'Upstash-Retries': '40' };

const API = /^api (?!GetSecretValue)/;
const DELIVERY = /^(deliver|fail) (?!GetSecretValue)/;
const TICK = /^promote /;
/** Beside what each tick calls in any case. */
const SWEEP = /^promote (?!Query due|ReceiveMessage|UpdateItem promoter)/;
const REDRIVE = /^promote (?!Query|UpdateItem promoter)/;
/** Who cannot write an outcome leaves a claim behind. */
const NO_OUTCOME = {
  call: 'deliver UpdateItem state if lease = :lease AND #st = :held',
  kind: 'throttledOut',
} as const;

/** Ticks before the first one that would find the messages without their hints. */
const REDRIVEN_AT_A_TIME = 12;

const BOTH = [1, 10];
const SINGLE = [1];
const BATCH = [10];

export const SCENARIOS: readonly Scenario[] = [
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
  {
    name: 'promote what is due',
    sizes: BOTH,
    calls: TICK,
    async play(stage) {
      await stage.align();
      // One cell is due after the other, so that each has a tick of its own.
      await stage.each((cell) => {
        const minutes = 16 + stage.cells.indexOf(cell);
        return cell.publish('ok', { 'Upstash-Delay': `${minutes}m` }, { delay: minutes * MINUTE });
      });
      await stage.advance(7 * MINUTE - 5 * SECOND);
      await stage.inTurn(() => stage.armed(() => stage.advance(MINUTE)));
    },
  },
  {
    name: 'promote failure callbacks that are due',
    sizes: SINGLE,
    calls: /^promote (SendMessageBatch|BatchWriteItem)/,
    async play(stage) {
      await stage.align();
      await stage.each((cell) => {
        const delay = `${16 + stage.cells.indexOf(cell)}m`;
        const headers = { 'Upstash-Failure-Callback': 'ok', 'Upstash-Failure-Callback-Delay': delay };
        return cell.publish('fail', { ...NO_RETRY, ...headers });
      });
      await stage.settle();
      await stage.advance(7 * MINUTE - 5 * SECOND);
      await stage.inTurn(() => stage.armed(() => stage.advance(MINUTE)));
    },
  },
  {
    name: 'promote what was never hinted at',
    sizes: BOTH,
    calls: SWEEP,
    // As many as are accepted minute by minute until the first is looked at.
    atATime: 15,
    async play(stage) {
      await stage.align();
      await stage.inTurn(async (cell) => {
        await cell.publish('ok');
        stage.faults.takeHeld();
        await stage.advance(MINUTE);
      });
      await stage.advance((18 - stage.cells.length) * MINUTE - 5 * SECOND);
      await stage.inTurn(() => stage.armed(() => stage.advance(MINUTE)));
    },
  },
  {
    name: 'redrive what is open',
    sizes: BOTH,
    calls: REDRIVE,
    atATime: REDRIVEN_AT_A_TIME,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok'));
      await redrive(stage, stage.faults.takeHeld());
    },
  },
  {
    name: 'redrive what is open for the last time',
    sizes: BOTH,
    calls: REDRIVE,
    atATime: REDRIVEN_AT_A_TIME,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Failure-Callback': 'ok' }));
      await stage.setState({ redriven: 5 });
      await redrive(stage, stage.faults.takeHeld());
    },
  },
  {
    name: 'redrive what is under way',
    sizes: SINGLE,
    calls: REDRIVE,
    atATime: REDRIVEN_AT_A_TIME,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Timeout': '10m' }));
      const again = stage.faults.repeat();
      await stage.fault(NO_OUTCOME, () => stage.settle());
      await stage.purge();
      again();
      await redrive(stage, stage.faults.takeHeld());
    },
  },
  {
    name: 'redrive what has ended',
    sizes: SINGLE,
    calls: REDRIVE,
    atATime: REDRIVEN_AT_A_TIME,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', { 'Upstash-Callback': 'ok' }));
      const again = stage.faults.repeat();
      await stage.settle();
      again();
      await redrive(stage, stage.faults.takeHeld());
    },
  },
  {
    name: 'load the secrets',
    sizes: SINGLE,
    calls: / GetSecretValue /,
    atATime: 1,
    async play(stage) {
      // The tokens before are asked for as well for an hour.
      await stage.renewTokens();
      // Longer than they are kept.
      await stage.advance(2 * MINUTE);
      await stage.armed(async () => {
        await stage.each((cell) => cell.publish('fail', { ...NO_RETRY, 'Upstash-Failure-Callback': 'ok' }));
        await stage.settle();
      });
    },
  },
];

async function publishTwice(stage: Stage, headers: Readonly<Record<string, string>>, delay = 0): Promise<void> {
  const own = { 'Upstash-Deduplication-Id': '$', ...headers };
  await stage.inTurn((cell) => cell.publish('ok', own, { delay }));
  await stage.inTurn((cell) => cell.publish('ok', own, { delay }));
}

async function cancel({ known, stage }: Cell): Promise<void> {
  for (const id of known) await stage.ledger.cancel(id);
}

/** Starts the attempts at destinations that hold. */
async function underWay(stage: Stage): Promise<void> {
  await stage.flush();
  await until(() => stage.ledger.arrivals.length === stage.cells.length * stage.size);
}

/** Leaves each attempt without an outcome, as if its function had died, and lets time pass until its lease has ended. */
async function died(stage: Stage, meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
  const again = stage.faults.repeat();
  await stage.fault(NO_OUTCOME, () => stage.settle());
  // They would come back one by one, as their visibility ends.
  await stage.purge();
  await meanwhile();
  await stage.service.advance(2 * MINUTE);
  again();
}

/** Publishes what becomes a dead letter, whose destination is mended then. */
async function buried(stage: Stage, script: string, headers: Readonly<Record<string, string>>) {
  await stage.each((cell) => cell.publish(script, headers));
  await stage.settle();
  stage.mend();
  return stage.deadLetters();
}

/** Has the hints of each cell be found in the redrive queue by a tick of their own. */
async function redrive(stage: Stage, hints: readonly HeldHint[]): Promise<void> {
  await stage.align();
  await stage.inTurn(async ({ tag }) => {
    await stage.toRedrive(hints.filter((hint) => hint.tag === tag));
    await stage.armed(() => stage.advance(MINUTE));
  });
}

import type { HeldHint } from '../faults';
import type { Stage } from '../stage';
import { BOTH, MINUTE, NO_OUTCOME, NO_RETRY, type Scenario, SECOND, SINGLE } from './scenario';

const TICK = /^promote /;
/** Beside what each tick calls in any case. */
const SWEEP = /^promote (?!Query due|ReceiveMessage|UpdateItem promoter)/;
const REDRIVE = /^promote (?!Query|UpdateItem promoter)/;

/** Ticks before the first one that would find the messages without their hints. */
const REDRIVEN_AT_A_TIME = 12;

/** Promote, sweep, redrive; and the secrets, which time makes the functions forget. */
export const TICK_SCENARIOS: readonly Scenario[] = [
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

/** Has the hints of each cell be found in the redrive queue by a tick of their own. */
async function redrive(stage: Stage, hints: readonly HeldHint[]): Promise<void> {
  await stage.align();
  await stage.inTurn(async ({ tag }) => {
    await stage.toRedrive(hints.filter((hint) => hint.tag === tag));
    await stage.armed(() => stage.advance(MINUTE));
  });
}

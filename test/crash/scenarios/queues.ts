import { API, type Scenario, SINGLE } from './scenario';

/** Enqueue, wait for a slot, be given it, and give it up. */
export const QUEUE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'enqueue',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.armed(() => stage.inTurn((cell) => cell.publish('ok', {}, { queue: cell.tag })));
    },
  },
  {
    name: 'deliver what is enqueued',
    sizes: SINGLE,
    calls: /^(dispatch |deliver (DeleteItem queue slot|Query queue wait))/,
    // One dispatcher looks at the lists of many.
    atATime: 1,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', {}, { queue: cell.tag }));
      await stage.armed(async () => {
        await stage.flush(0);
        await stage.settle();
      });
    },
  },
];

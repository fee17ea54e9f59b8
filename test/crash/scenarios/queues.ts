import type { Cell, Stage } from '../stage';
import { API, cancel, died, HOUR, MINUTE, NO_RETRY, RETRY_AT_ONCE, type Scenario, SECOND, SINGLE } from './scenario';

/** Beside what every attempt calls in any case, and what is called once for the lists of several cells. */
const SLOTS_ALONE =
  /^(dispatch (?!ChangeMessageVisibility)|(deliver|fail) .*(queue|flow|wakes|open|settled|spent|granted))/;
const SLOTS = new RegExp(`${SLOTS_ALONE.source}|^dispatch `);

const flow = (value: string) => ({ 'Upstash-Flow-Control-Key': '$', 'Upstash-Flow-Control-Value': value });
/** One in a minute: of two the second waits for the window of the first to end. */
const RATE = flow('rate=1, period=1m');
const ONE_BY_ONE = flow('parallelism=1');

/** Enqueue, wait for a slot, be given it, and give it up. Calls of the dispatcher that name no list are the cell's in turn. */
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
    name: 'enqueue with a deduplication id',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const own = { 'Upstash-Deduplication-Id': '$' };
      await stage.armed(async () => {
        await stage.inTurn((cell) => cell.publish('ok', own, { queue: cell.tag }));
        await stage.inTurn((cell) => cell.publish('ok', own, { queue: cell.tag }));
      });
    },
  },
  {
    name: 'deliver what is enqueued',
    sizes: SINGLE,
    calls: SLOTS,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('ok', {}, { queue: cell.tag });
        await cell.publish('slow', {}, { queue: cell.tag });
        await stage.armed(() => stage.settle());
      });
    },
  },
  {
    name: 'deliver what is enqueued, with callbacks',
    sizes: SINGLE,
    calls: /^(deliver|fail) UpdateItem/,
    async play(stage) {
      const headers = { ...NO_RETRY, 'Upstash-Callback': 'ok', 'Upstash-Failure-Callback': 'ok' };
      await stage.inTurn(async (cell) => {
        await cell.publish('fail', headers, { queue: cell.tag });
        await cell.publish('ok', {}, { queue: cell.tag });
        await stage.armed(() => stage.settle());
      });
    },
  },
  {
    name: 'deliver what is enqueued, with a failure callback',
    sizes: SINGLE,
    calls: /^fail (BatchGetItem message|DeleteItem queue|Query queue|SendMessage wakes)/,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('fail', { ...NO_RETRY, 'Upstash-Failure-Callback': 'ok' }, { queue: cell.tag });
        await cell.publish('ok', {}, { queue: cell.tag });
        await stage.armed(() => stage.settle());
      });
    },
  },
  {
    name: 'deliver what is enqueued and has a flow control',
    sizes: SINGLE,
    calls: SLOTS,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('once', { ...RETRY_AT_ONCE, ...ONE_BY_ONE }, { queue: cell.tag });
        await cell.publish('ok', ONE_BY_ONE, { queue: cell.tag });
        await stage.armed(() => stage.settle());
      });
    },
  },
  {
    name: 'publish with a flow control',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.armed(() =>
        stage.inTurn(async (cell) => {
          await cell.publish('ok', RATE);
          await cell.publish('slow', flow('rate=1, period=2m'));
        }),
      );
    },
  },
  {
    name: 'deliver within a rate',
    sizes: SINGLE,
    calls: SLOTS,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('ok', RATE);
        await cell.publish('slow', RATE);
        await stage.armed(async () => {
          await stage.settle();
          await stage.advance(MINUTE);
        });
      });
    },
  },
  {
    name: 'deliver within a rate by the hour',
    sizes: SINGLE,
    calls: /^(dispatch PutItem due|promote (SendMessageBatch|BatchWriteItem))/,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('ok', flow('rate=1, period=1h'));
        await cell.publish('slow', flow('rate=1, period=1h'));
        await stage.armed(async () => {
          await stage.settle();
          await stage.advance(HOUR);
        });
      });
    },
  },
  {
    name: 'give a slot back that came too late',
    sizes: SINGLE,
    calls: SLOTS,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('ok', RATE);
        // The wake, and not yet the hint that follows it.
        await stage.flush();
        await stage.service.whenIdle();
        await stage.service.advance(MINUTE);
        await stage.armed(() => stage.settle());
      });
    },
  },
  {
    name: 'an attempt whose function died, with a rate',
    sizes: SINGLE,
    calls: SLOTS_ALONE,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', flow('rate=1, period=10m')));
      await stage.flush();
      await stage.service.whenIdle();
      await died(stage);
      await stage.inTurn(() =>
        stage.armed(async () => {
          await stage.settle();
          await stage.advance(10 * MINUTE);
        }),
      );
    },
  },
  {
    name: 'a delayed message that enters when it is due',
    sizes: SINGLE,
    calls: SLOTS_ALONE,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('ok', { ...ONE_BY_ONE, 'Upstash-Delay': '1m' }, { delay: MINUTE });
        await stage.flush();
        await stage.armed(async () => {
          await stage.advance(2 * MINUTE);
          await stage.settle();
        });
      });
    },
  },
  {
    name: 'a callback with a flow control',
    sizes: SINGLE,
    calls: new RegExp(`${SLOTS_ALONE.source}|^deliver UpdateItem (attempt|message) if attribute_exists`),
    async play(stage) {
      const own = Object.entries(ONE_BY_ONE).map(([name, value]) => [
        name.replace('Upstash-', 'Upstash-Callback-'),
        value,
      ]);
      await stage.inTurn(async (cell) => {
        await cell.publish('once', { ...RETRY_AT_ONCE, 'Upstash-Callback': 'ok', ...Object.fromEntries(own) });
        await stage.armed(() => stage.settle());
      });
    },
  },
  {
    name: 'cancel what waits in a queue and a flow control',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await paused(stage);
      await stage.armed(() => stage.inTurn(cancel));
      await resumed(stage);
    },
  },
  {
    name: 'look again at what was canceled while it waited',
    sizes: SINGLE,
    calls: /^deliver DeleteItem (queue|flow)/,
    atATime: 1,
    async play(stage) {
      await paused(stage);
      await stage.inTurn(cancel);
      await stage.flush();
      await stage.armed(() => stage.advance(2 * MINUTE));
      await resumed(stage);
    },
  },
  {
    name: 'retry the dead letter of an enqueued message',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await cell.publish('mend', { ...NO_RETRY, ...ONE_BY_ONE }, { queue: cell.tag });
        await stage.settle();
      });
      stage.mend();
      const deadLetters = await stage.deadLetters();
      await stage.armed(() => stage.inTurn(({ tag }) => stage.ledger.retry(deadLetters.get(tag)![0]!.dlqId)));
    },
  },
  {
    name: 'change and delete queues',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.armed(() =>
        stage.inTurn(async ({ tag }) => {
          const ask = (method: string, path: string, body?: object) =>
            stage.ledger.ask(method, `/v2/queues${path}`, body);
          await ask('POST', '', { queueName: tag, parallelism: 2 });
          await ask('POST', `/${tag}/pause`);
          await ask('POST', `/${tag}/resume`);
          await ask('GET', `/${tag}`);
          await ask('GET', '');
          await ask('DELETE', `/${tag}`);
        }),
      );
    },
  },
  {
    name: 'delete a queue in which something waits',
    sizes: SINGLE,
    calls: /^api (BatchWriteItem queue|DeleteItem queue|Query queue)/,
    async play(stage) {
      await stage.inTurn(async (cell) => {
        await stage.ledger.ask('POST', `/v2/queues/${cell.tag}/pause`);
        await cell.publish('ok', {}, { queue: cell.tag });
        await stage.armed(() => stage.ledger.ask('DELETE', `/v2/queues/${cell.tag}`));
        await stage.ledger.ask('DELETE', `/v2/queues/${cell.tag}`);
      });
    },
  },
  {
    name: 'change and see flow controls',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      await stage.armed(() =>
        stage.inTurn(async ({ tag }) => {
          const key = `/v2/flowControl/${tag}`;
          await stage.ledger.ask('POST', `${key}/pin?rate=1`);
          await stage.ledger.ask('POST', `${key}/pause`);
          await stage.ledger.ask('POST', `${key}/resume`);
          await stage.ledger.ask('GET', key);
          await stage.ledger.ask('GET', '/v2/flowControl');
          await stage.ledger.ask('GET', '/v2/globalParallelism');
        }),
      );
    },
  },
  sweptScenario('queue', /^promote (PutItem open|BatchGetItem|DeleteItem open|SendMessage wakes)/, {
    pathOf: (tag) => `/v2/queues/${tag}`,
    publish: (cell) => cell.publish('ok', {}, { queue: cell.tag }),
  }),
  sweptScenario('flow control', /^promote BatchGetItem flow/, {
    pathOf: (tag) => `/v2/flowControl/${tag}-0`,
    publish: (cell) => cell.publish('ok', ONE_BY_ONE),
  }),
  {
    name: 'redrive what has a slot',
    sizes: SINGLE,
    calls: /^promote (?!Query|UpdateItem promoter|ReceiveMessage|DeleteMessage)/,
    atATime: 12,
    async play(stage) {
      await stage.each((cell) => cell.publish('ok', ONE_BY_ONE));
      await stage.flush();
      await stage.service.whenIdle();
      const hints = stage.faults.takeHeld();
      await stage.align();
      await stage.inTurn(async ({ tag }) => {
        await stage.toRedrive(hints.filter((hint) => hint.tag === tag));
        await stage.armed(() => stage.advance(MINUTE));
      });
    },
  },
];

/** What waits in a list that is paused is looked after by the tick. */
function sweptScenario(
  kind: string,
  calls: RegExp,
  list: { readonly pathOf: (tag: string) => string; readonly publish: (cell: Cell) => Promise<unknown> },
): Scenario {
  return {
    name: `look after what has waited for long for a ${kind}`,
    sizes: SINGLE,
    calls,
    atATime: 15,
    async play(stage) {
      await stage.align();
      await stage.inTurn(async (cell) => {
        await stage.ledger.ask('POST', `${list.pathOf(cell.tag)}/pause`);
        await list.publish(cell);
        await stage.advance(MINUTE);
      });
      await stage.advance((18 - stage.cells.length) * MINUTE - 5 * SECOND);
      await stage.inTurn(() => stage.armed(() => stage.advance(MINUTE)));
      await stage.inTurn(({ tag }) => stage.ledger.ask('POST', `${list.pathOf(tag)}/resume`));
    },
  };
}

/** Has messages wait in a queue that is paused. */
async function paused(stage: Stage): Promise<void> {
  await stage.inTurn(async (cell) => {
    await stage.ledger.ask('POST', `/v2/queues/${cell.tag}/pause`);
    await cell.publish('ok', ONE_BY_ONE, { queue: cell.tag });
    await stage.settle();
  });
}

async function resumed(stage: Stage): Promise<void> {
  await stage.inTurn(({ tag }) => stage.ledger.ask('POST', `/v2/queues/${tag}/resume`));
}

import { readDump } from '../history';
import type { Cell, Stage } from '../stage';
import { API, HOUR, LARGE, MINUTE, type Scenario, SECOND, SINGLE } from './scenario';

/** What belongs to the run of a schedule. Beside it hints are hidden, before it is known whose they are. */
const RUN = /^deliver (?!GetSecretValue|ChangeMessageVisibility)/;

/** Create, replace, pause, resume, delete; promote and run, to a URL, a group and a queue. Each has one tick. */
export const SCHEDULE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'create a schedule',
    sizes: SINGLE,
    calls: API,
    // As many as are created before the tick.
    atATime: 10,
    async play(stage) {
      await stage.align();
      const tick = nextMinute(stage);
      await stage.armed(() => stage.inTurn((cell) => create(cell, tick)));
      await expectRuns(stage, tick);
    },
  },
  {
    name: 'make a URL group and a schedule of it',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const tick = inMinutes(stage, 5);
      await stage.armed(() => stage.inTurn((cell) => createForGroup(cell, tick)));
      await stage.advance(tick - stage.service.clock.now());
      await expectRuns(stage, tick, endpoints);
    },
  },
  {
    name: 'create a schedule that enqueues',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const tick = inMinutes(stage, 5);
      await stage.armed(() => stage.inTurn((cell) => createForQueue(cell, tick)));
      await stage.advance(tick - stage.service.clock.now());
      await expectRuns(stage, tick);
    },
  },
  {
    name: 'replace a schedule with a large body',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const tick = inMinutes(stage, 5);
      await stage.each((cell) => create(cell, tick, { url: cell.url('ok', 1), ...LARGE }));
      await stage.armed(() => stage.inTurn((cell) => create(cell, tick, LARGE)));
      await expectRuns(stage, tick);
    },
  },
  {
    name: 'pause a schedule',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const tick = inMinutes(stage, 5);
      await stage.each((cell) => create(cell, tick));
      await stage.armed(() => stage.inTurn((cell) => ask(cell, 'PATCH', '/pause')));
      await expectRuns(stage, tick, () => []);
    },
  },
  {
    name: 'resume a schedule',
    sizes: SINGLE,
    calls: API,
    // As many as are resumed before the tick.
    atATime: 10,
    async play(stage) {
      await stage.align();
      const tick = nextMinute(stage);
      await stage.each((cell) => create(cell, tick));
      await stage.each((cell) => ask(cell, 'PATCH', '/pause'));
      await stage.armed(() => stage.inTurn((cell) => ask(cell, 'PATCH', '/resume')));
      await expectRuns(stage, tick);
    },
  },
  {
    name: 'delete a schedule with a large body',
    sizes: SINGLE,
    calls: API,
    async play(stage) {
      const tick = inMinutes(stage, 5);
      await stage.each((cell) => create(cell, tick, LARGE));
      await stage.armed(() => stage.inTurn((cell) => ask(cell, 'DELETE')));
      await expectRuns(stage, tick, () => []);
    },
  },
  {
    name: 'promote schedules',
    sizes: SINGLE,
    calls: /^promote (Query schedules|SendMessageBatch)/,
    async play(stage) {
      await stage.align();
      // One tick after the other, so that each has a promotion of its own.
      const tickOf = (cell: Cell) => first + stage.cells.indexOf(cell) * MINUTE;
      const first = nextMinute(stage) + MINUTE;
      await stage.each((cell) => create(cell, tickOf(cell)));
      await stage.inTurn(() => stage.armed(() => stage.advance(MINUTE)));
      await stage.advance(tickOf(stage.cells.at(-1)!) - stage.service.clock.now());
      await expectRuns(stage, first);
    },
  },
  {
    name: 'run a schedule',
    sizes: SINGLE,
    calls: RUN,
    play: (stage) => playRun(stage, (cell, tick) => create(cell, tick)),
  },
  {
    name: 'run a schedule with a large body',
    sizes: SINGLE,
    calls: RUN,
    play: (stage) => playRun(stage, (cell, tick) => create(cell, tick, LARGE)),
  },
  {
    name: 'run a schedule of a URL group',
    sizes: SINGLE,
    calls: RUN,
    play: (stage) => playRun(stage, createForGroup, endpoints),
  },
  {
    name: 'run a schedule that enqueues',
    sizes: SINGLE,
    calls: RUN,
    play: (stage) => playRun(stage, createForQueue),
  },
  {
    name: 'look at the body of a schedule that is gone',
    sizes: SINGLE,
    calls: RUN,
    async play(stage) {
      await stage.each((cell) => create(cell, inMinutes(stage, 300), LARGE));
      await stage.each((cell) => ask(cell, 'DELETE'));
      await stage.service.advance(HOUR + SECOND);
      await stage.armed(() => actOnHints(stage));
    },
  },
];

interface Created {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Creates the schedule that has the name of a cell, and one tick in a year. */
async function create(
  cell: Cell,
  tick: number,
  { url = cell.url('ok'), headers, body = 'body' }: Created = {},
): Promise<void> {
  const at = new Date(tick);
  const date = `${at.getUTCMinutes()} ${at.getUTCHours()} ${at.getUTCDate()} ${at.getUTCMonth() + 1} *`;
  cell.stage.ledger.expectBody(url, body);
  const own = { 'Upstash-Cron': date, 'Upstash-Schedule-Id': cell.tag, 'Upstash-Timeout': '5s' };
  await cell.stage.ledger.insist('POST', `/v2/schedules/${url}`, { ...own, ...headers }, body);
}

const createForQueue = (cell: Cell, tick: number) =>
  create(cell, tick, { headers: { 'Upstash-Queue-Name': cell.tag } });

const endpoints = (cell: Cell) => [cell.url('ok'), cell.url('ok', 1)];

async function createForGroup(cell: Cell, tick: number): Promise<void> {
  const { ledger } = cell.stage;
  const body = JSON.stringify({ endpoints: endpoints(cell).map((url) => ({ url })) });
  await ledger.insist('POST', `/v2/topics/${cell.tag}/endpoints`, {}, body);
  for (const url of endpoints(cell)) ledger.expectBody(url, 'body');
  await create(cell, tick, { url: cell.tag });
}

const ask = (cell: Cell, method: string, verb = '') =>
  cell.stage.ledger.insist(method, `/v2/schedules/${cell.tag}${verb}`);

/** Has each cell's schedule run by a hint of its own. */
async function playRun(
  stage: Stage,
  prepare: (cell: Cell, tick: number) => Promise<void>,
  urlsOf?: (cell: Cell) => readonly string[],
): Promise<void> {
  const tick = inMinutes(stage, 5);
  await stage.each((cell) => prepare(cell, tick));
  await stage.service.advance(tick + SECOND - stage.service.clock.now());
  await stage.armed(() => actOnHints(stage));
  await expectRuns(stage, tick, urlsOf);
}

/** Has the hints acted on that are held back, and none of those that come of it. */
async function actOnHints(stage: Stage): Promise<void> {
  await stage.flush(0);
  await stage.service.whenIdle();
}

/** Gives every run the time that it needs, and writes down what must have come of each: one message for each URL. */
async function expectRuns(
  stage: Stage,
  tick: number,
  urlsOf: (cell: Cell) => readonly string[] = (cell) => [cell.url('ok')],
): Promise<void> {
  await stage.settle();
  await stage.advance(Math.max(tick - stage.service.clock.now(), 0) + 2 * MINUTE);
  await stage.advance(2 * MINUTE);
  const { messages } = readDump(await stage.dump());
  for (const cell of stage.cells) {
    for (const url of urlsOf(cell)) {
      const told = await stage.faults.unseen(() => ask(cell, 'GET'));
      const ids = Object.keys((told.body.lastScheduleStates ?? {}) as object);
      // Else a name that no message has: then it is missed.
      const messageId = ids.find((id) => messages.get(id)?.message.url === url) ?? `the run of ${cell.tag}`;
      stage.ledger.publishes.push({ url, status: 200, askedAt: tick, messageId });
    }
  }
}

function nextMinute({ service }: Stage): number {
  return (Math.floor(service.clock.now() / MINUTE) + 1) * MINUTE;
}

const inMinutes = (stage: Stage, minutes: number) => nextMinute(stage) + minutes * MINUTE;

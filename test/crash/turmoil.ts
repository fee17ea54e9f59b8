import type { StackAssembly } from '../../local/assembly/template';
import type { Violation } from './checker';
import { Disorder } from './disorder';
import type { Asked } from './ledger';
import { randomOf } from './random';
import { Stage } from './stage';

const MESSAGES = 40;

/** Retries and deletes of one dead letter at the same time. */
const RACES = [
  [2, 0],
  [1, 1],
  [1, 0],
  [0, 0],
] as const;

interface Kind {
  readonly script: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly asked?: Asked;
  /** Publishers at the same time. */
  readonly times?: number;
}

const NOW = { 'Upstash-Retries': '2', 'Upstash-Retry-Delay': '0' };
const NEVER = { 'Upstash-Retries': '0' };
const KINDS: readonly Kind[] = [
  { script: 'ok', headers: {} },
  { script: 'once', headers: { ...NOW, 'Upstash-Callback': 'ok' } },
  {
    script: 'fail',
    headers: { ...NEVER, 'Upstash-Failure-Callback': 'once', 'Upstash-Failure-Callback-Retry-Delay': '0' },
  },
  { script: 'ok', headers: { 'Upstash-Delay': '1s' }, asked: { delay: 1_000 } },
  { script: 'mend', headers: { ...NEVER, 'Upstash-Callback': 'ok' } },
  { script: 'ok', headers: { 'Upstash-Deduplication-Id': 'id' }, times: 3 },
  { script: 'slow', headers: { 'Upstash-Callback': 'ok' } },
  { script: 'once', headers: { 'Upstash-Retry-Delay': '1000' }, asked: { retryDelay: 1_000 } },
];

/** A service whose calls get into disorder while messages of every kind, cancels and retries of dead letters race. */
export class Turmoil {
  private disorder: Disorder | undefined;
  private stage: Stage | undefined;

  async start(assembly: StackAssembly): Promise<void> {
    this.stage = await Stage.start(assembly, 1, (call, execute) =>
      this.disorder === undefined ? execute() : this.disorder.intercept(call, execute),
    );
  }

  async close(): Promise<void> {
    await this.stage?.close();
  }

  /** Plays what a seed says, and then lets everything end in peace. */
  async play(seed: number): Promise<{ readonly violations: readonly Violation[]; readonly done: Disorder['done'] }> {
    const stage = this.stage!;
    const { ledger, service } = stage;
    const random = randomOf(seed);
    const disorder = new Disorder(seed);
    stage.open([]);
    this.disorder = disorder;
    const messages = Array.from({ length: MESSAGES }, async (_, index) => {
      const [cancels, before, between] = [random() < 0.3, 200 * random(), 150 * random()];
      await pause(before);
      const ids = await publish(stage, index);
      if (!cancels) return;
      await pause(between);
      // One of them twice at once.
      await Promise.all([...ids, ...ids.slice(0, 1)].map((id) => ledger.cancel(id)));
    });
    await Promise.all(messages);
    await service.whenIdle();
    await service.advance(2_000);
    stage.mend();
    const deadLetters = [...(await stage.deadLetters()).values()].flat();
    const requests = deadLetters.flatMap(({ dlqId }) => {
      const [retries = 0, deletes = 0] = RACES[Math.floor(RACES.length * random())]!;
      return [
        ...Array.from({ length: retries }, () => ledger.retry(dlqId)),
        ...Array.from({ length: deletes }, () => ledger.delete(dlqId)),
      ];
    });
    await Promise.all<unknown>(requests);
    await service.whenIdle();
    this.disorder = undefined;
    return { violations: await stage.finish(), done: disorder.done };
  }
}

/** The ids that the publishers were told. */
async function publish({ ledger }: Stage, index: number): Promise<string[]> {
  const { script, headers, asked, times = 1 } = KINDS[index % KINDS.length]!;
  const tag = `message${index}`;
  const own = Object.entries(headers).map(([name, value]) => {
    if (/Callback$/.test(name)) return [name, ledger.sink.url(`/${tag}/0/${value}/callback`)];
    return [name, value === 'id' ? tag : value];
  });
  const url = ledger.sink.url(`/${tag}/0/${script}`);
  const all = { 'Upstash-Timeout': '5s', ...Object.fromEntries(own) };
  const deduplication = times > 1 ? { deduplicationId: tag } : {};
  const told = Array.from({ length: times }, () => ledger.publish(url, all, { ...asked, ...deduplication }));
  return [...new Set(await Promise.all(told))].filter((id) => id !== undefined);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

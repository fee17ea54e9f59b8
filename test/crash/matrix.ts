import type { Violation } from './checker';
import { FAULTS, type Fault } from './fault-answers';
import type { CallSite, PlannedFault } from './faults';
import type { Scenario } from './scenarios';
import type { Stage } from './stage';
import type { Change } from './variant';

/** The SDK repeats a call at once; how long it waits before is no matter here. */
const QUICK_REPEATS: readonly Change[] = [
  {
    file: 'store/aws.ts',
    from: "import { SQSClient } from '@aws-sdk/client-sqs';",
    to: "import { SQSClient } from '@aws-sdk/client-sqs';\nimport { ConfiguredRetryStrategy } from '@smithy/core/retry';",
  },
  { file: 'store/aws.ts', from: 'maxAttempts: 4,', to: 'retryStrategy: new ConfiguredRetryStrategy(4, 1),' },
];

/** An attempt that lasts so long is told to the log while it lasts: ten seconds otherwise. */
const SHORT_PATIENCE: Change = { file: 'deliver/deliver-message.ts', from: '}, EARLY_EVENT_MS);', to: '}, 50);' };

/** What a stage for batches of `size` runs: fewer shards make fewer calls that are all alike, and in one ten are due together. */
export function changesFor(size: number): readonly Change[] {
  const shards = { file: 'message/message-id.ts', from: 'SHARDS = 8;', to: `SHARDS = ${size === 1 ? 2 : 1};` };
  return [...QUICK_REPEATS, SHORT_PATIENCE, shards];
}

/** Cells that share the time until everything has ended. */
const AT_A_TIME = 70;

/** What came of a scenario. */
export interface Outcome {
  readonly cells: readonly PlannedFault[];
  readonly violations: readonly (Violation & { readonly fault: PlannedFault | undefined })[];
  /** Faults whose call was not made. */
  readonly missed: readonly PlannedFault[];
}

/** What the SDK answers by repeating the call, which it does alike in every scenario. */
const OF_THE_SDK: ReadonlySet<Fault> = new Set(['lost', 'throttled', 'throttledOut']);

/**
 * Plays a scenario without a fault, and then once for every call of it and every way in which that can fail. What
 * `played` holds is left out, unless it is night, and what is played is added: each way in which the SDK repeats a
 * call.
 */
export async function failEachCall(stage: Stage, scenario: Scenario, played: Set<string>): Promise<Outcome> {
  const calls = await recordCalls(stage, scenario);
  const cells = plan(calls.sites, stage.size).filter(({ call, kind }) => {
    const isNew = !played.has(`${call}, ${kind}`);
    if (OF_THE_SDK.has(kind)) played.add(`${call}, ${kind}`);
    return isNew || process.env.NIGHTLY !== undefined;
  });
  const violations = calls.violations.map((violation) => ({
    ...violation,
    fault: undefined as PlannedFault | undefined,
  }));
  const missed: PlannedFault[] = [];
  const atATime = scenario.atATime ?? AT_A_TIME;
  for (let start = 0; start < cells.length; start += atATime) {
    stage.open(cells.slice(start, start + atATime));
    const opened = stage.cells;
    await scenario.play(stage);
    missed.push(...opened.filter(({ tag }) => !stage.faults.hasFired(tag)).map(({ fault }) => fault!));
    for (const violation of await stage.finish()) {
      const cell =
        opened.find(({ tag }) => violation.url?.includes(`/${tag}/`)) ?? (opened.length === 1 ? opened[0] : undefined);
      violations.push({ ...violation, fault: cell?.fault });
    }
  }
  return { cells, violations, missed };
}

/** The calls of a scenario in which none fails. */
export async function recordCalls(
  stage: Stage,
  scenario: Scenario,
): Promise<{ readonly sites: readonly CallSite[]; readonly violations: readonly Violation[] }> {
  stage.open([undefined]);
  await scenario.play(stage);
  const sites = stage.faults.callsOf(stage.cells[0]!.tag).filter(({ call }) => scenario.calls.test(call));
  return { sites, violations: await stage.finish() };
}

/** Every call with every way to fail; of the calls of a batch that are alike, another one for each way. */
function plan(sites: readonly CallSite[], size: number): PlannedFault[] {
  if (size === 1) return sites.flatMap(({ call, n, faults }) => faults.map((kind) => ({ call, n, kind })));
  const last = new Map(sites.map((site) => [site.call, site]));
  return [...last.values()].flatMap(({ call, n, faults }) =>
    faults.map((kind) => ({ call, n: 1 + ((FAULTS.indexOf(kind) * 3) % n), kind })),
  );
}

/** A line for each scenario: how many cells of each kind, and how many violations. */
export function tableOf(outcomes: ReadonlyMap<string, Outcome>): string {
  const count = ({ cells }: Outcome, kind: Fault) => cells.filter((cell) => cell.kind === kind).length;
  const rows = [...outcomes].map(([name, outcome]) => [
    name,
    ...FAULTS.map((kind) => String(count(outcome, kind) || '')),
    String(outcome.cells.length),
    String(outcome.violations.length),
  ]);
  const sum = (numbers: readonly number[]) => String(numbers.reduce((a, b) => a + b, 0));
  const all = [...outcomes.values()];
  const totals = [
    'all',
    ...FAULTS.map((kind) => sum(all.map((outcome) => count(outcome, kind)))),
    sum(all.map(({ cells }) => cells.length)),
    sum(all.map(({ violations }) => violations.length)),
  ];
  const table = [['scenario', ...FAULTS, 'cells', 'violations'], ...rows, totals];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join('  ');
  return `${table.map(line).join('\n')}\n`;
}

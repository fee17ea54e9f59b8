import { changesFor, failEachCall, type Outcome, recordCalls, tableOf } from './matrix';
import { SCENARIOS } from './scenarios';
import { Stage } from './stage';
import { buildVariant, removeVariants } from './variant';

const SIZES = [1, 10];
const outcomes = new Map<string, Outcome>();
const stages = new Map<number, Stage>();
const played = new Set<string>();

beforeAll(async () => {
  for (const size of SIZES) stages.set(size, await Stage.start(await buildVariant(changesFor(size)), size));
});

afterAll(async () => {
  for (const stage of stages.values()) await stage.close();
  removeVariants();
  process.stdout.write(tableOf(outcomes));
});

describe.each(SIZES)('with %i messages in a batch, whichever call fails of', (size) => {
  const scenarios = SCENARIOS.filter(({ sizes }) => sizes.includes(size));

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async (name, scenario) => {
      const outcome = await failEachCall(stages.get(size)!, scenario, played);
      outcomes.set(`${name}, ${size}`, outcome);
      const { cells, violations, missed } = outcome;
      expect({ violations, missed }).toEqual({ violations: [], missed: [] });
      expect(cells.length).toBeGreaterThan(0);
    },
    300_000,
  );
});

test('every call that the functions make fails in one of the scenarios', async () => {
  const failing = new Set<string>();
  for (const { faults } of stages.values()) faults.seen.clear();
  for (const scenario of SCENARIOS) {
    const { sites } = await recordCalls(stages.get(scenario.sizes[0]!)!, scenario);
    for (const { call } of sites) failing.add(call);
  }
  const made = [...stages.values()].flatMap(({ faults }) => [...faults.seen]);
  expect(made.filter((call) => !failing.has(call))).toEqual([]);
}, 120_000);

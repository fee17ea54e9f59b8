import { changesFor } from './matrix';
import { Turmoil } from './turmoil';
import { buildVariant, removeVariants } from './variant';

/** With the environment variable INTERLEAVING_SEED one of them is played again. */
const SEEDS =
  process.env.INTERLEAVING_SEED === undefined
    ? Array.from({ length: process.env.NIGHTLY === undefined ? 10 : 30 }, (_, index) => index + 1)
    : [Number(process.env.INTERLEAVING_SEED)];

const turmoil = new Turmoil();

beforeAll(async () => turmoil.start(await buildVariant(changesFor(1))));
afterAll(async () => {
  await turmoil.close();
  removeVariants();
});

test.each(SEEDS)(
  'late, lost, double and throttled calls, and what races with them, break no promise: seed %i',
  async (seed) => {
    const { violations, done } = await turmoil.play(seed);
    expect({ seed, violations }).toEqual({ seed, violations: [] });
    const { throttled, lost, doubled, shownAgain } = done;
    expect(throttled + lost + doubled + shownAgain).toBeGreaterThan(10);
  },
);

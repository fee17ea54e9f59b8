const { default: Sequencer } = require('@jest/test-sequencer');

/** What takes longest, longest first: begun last, it would run alone while the other core idles. */
const LONGEST = [
  'crash/crash-matrix',
  'crash/broken-services',
  'crash/kill',
  'crash/interleavings',
  'lambda/dlq/find-dead-letters',
  'e2e/schedule-times',
  'e2e/large-bodies',
  'e2e/logs',
  'bench/bench',
];

/** Jest goes by the size of test files it has not run before; in a fresh clone that is all of them. */
class LongestFirst extends Sequencer {
  async sort(tests) {
    const place = ({ path }) => {
      const index = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
      return index < 0 ? LONGEST.length : index;
    };
    // The order of the rest stays.
    return [...(await super.sort(tests))].sort((a, b) => place(a) - place(b));
  }
}

module.exports = LongestFirst;

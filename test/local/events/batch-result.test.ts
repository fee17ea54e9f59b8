import { succeeded } from '../../../local/events/batch-result';

const IDS = ['a', 'b', 'c'];
const answered = (value: unknown) => ({ ok: true, payload: JSON.stringify(value) ?? 'null' }) as const;
const failed = { ok: false, errorType: 'Error', errorMessage: 'as asked' } as const;
const failures = (...itemIdentifiers: unknown[]) => ({
  batchItemFailures: itemIdentifiers.map((itemIdentifier) => ({ itemIdentifier })),
});

test.each<[string, unknown, string[]]>([
  ['nothing', undefined, IDS],
  ['null', null, IDS],
  ['an empty object', {}, IDS],
  ['no failures', failures(), IDS],
  ['null for the failures', { batchItemFailures: null }, IDS],
  ['one failure', failures('b'), ['a', 'c']],
  ['the same failure twice', failures('b', 'b'), ['a', 'c']],
  ['all failures', failures(...IDS), []],
  ['an empty identifier', failures('a', ''), []],
  ['null for an identifier', failures('a', null), []],
  ['an identifier of nobody', failures('a', 'z'), []],
  ['a number for an identifier', failures(1), []],
  ['a failure with another key', { batchItemFailures: [{ itemId: 'a' }] }, []],
  ['a failure that is no object', { batchItemFailures: ['a'] }, []],
  ['null for a failure', { batchItemFailures: [null] }, []],
  ['failures that are no list', { batchItemFailures: 'a' }, []],
  ['an object with another key', { failures: [] }, []],
  ['a list', [], []],
  ['text', 'done', []],
])('a function that reports failures and answers %s', (_what, value, done) => {
  expect([...succeeded(IDS, answered(value), true)]).toEqual(done);
});

test.each([undefined, failures('a'), 'done'])('without partial failures any answer is success: %j', (value) => {
  expect([...succeeded(IDS, answered(value), false)]).toEqual(IDS);
});

test.each([true, false])('a function that fails has done nothing, partial failures or not (%s)', (partialFailures) => {
  expect(succeeded(IDS, failed, partialFailures).size).toBe(0);
});

import fc from 'fast-check';
import { parseRetryDelay, RetryDelayError } from '../../../lambda/retry/retry-delay';

const DAY_MS = 86_400_000;

describe('values', () => {
  test.each([
    ['1000', 0, 1000],
    ['1000 * (1 + retried)', 3, 4000],
    ['pow(2, retried) * 1000', 4, 16_000],
    ['max(1000, pow(2, retried) * 100)', 0, 1000],
    ['max(1000, pow(2, retried) * 100)', 5, 3200],
    ['min(5, 7)', 0, 5],
    ['exp(1) * 1000', 0, 2718],
    ['sqrt(1000000)', 0, 1000],
    ['abs(-7)', 0, 7],
    ['floor(1.9) + ceil(1.1) + round(1.4)', 0, 4],
    ['10 - 2 - 3', 0, 5],
    ['100 / 10 / 5', 0, 2],
    ['2 + 3 * 4', 0, 14],
    ['(2 + 3) * 4', 0, 20],
    ['17 % 5', 0, 2],
    ['--5', 0, 5],
    ['+5', 0, 5],
    ['3 - -2', 0, 5],
    ['.5 * 1e3', 0, 500],
    ['5.', 0, 5],
    ['  7  ', 0, 7],
    ['retried', 9, 9],
    ['1/0', 0, DAY_MS],
    ['0/0', 0, 0],
    ['-1/0', 0, 0],
    ['pow(10, 400)', 0, DAY_MS],
    ['sqrt(-1)', 0, 0],
    ['-5', 0, 0],
    ['86400001', 0, DAY_MS],
  ])('%s with retried=%i is %i ms', (expression, retried, expected) => {
    expect(parseRetryDelay(expression)(retried)).toBe(expected);
  });
});

describe('refusals', () => {
  test.each([
    '',
    '   ',
    '1000;process.exit()',
    'retried.constructor',
    'retried()',
    'RETRIED',
    'Pow(2, 3)',
    'pow(2,',
    'pow(2)',
    'pow(2, 3, 4)',
    'pow 2, 3',
    'sqrt()',
    'sqrt(1, 2)',
    'constructor(1)',
    'toString()',
    '__proto__',
    'random()',
    '1 2',
    '1 +',
    '* 2',
    '(1',
    '1)',
    '()',
    '1,2',
    '1..2',
    '1.2.3',
    '0x10',
    '"1"',
    '`1`',
    '[1]',
    '١٠',
    '2 ** 3',
    '1 === 1',
    'max',
    `${'('.repeat(10_000)}1`,
    `${'('.repeat(40)}1${')'.repeat(40)}`,
    '-'.repeat(100).concat('1'),
    '1'.repeat(1_000_000),
  ])('%.40s', (expression) => {
    expect(() => parseRetryDelay(expression)).toThrow(RetryDelayError);
  });
});

interface Sample {
  readonly text: string;
  readonly value: number;
}

/** Builds an expression and, apart from the parser, its value. */
const samples = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.integer({ min: 0, max: 5000 }).map((value) => ({ text: String(value), value })),
    fc.constant({ text: 'retried', value: 3 }),
    fc.tuple(tie('sample'), fc.constantFrom('+', '-', '*', '/', '%'), tie('sample')).map(([left, sign, right]) => ({
      text: `(${left.text}) ${sign} (${right.text})`,
      value: {
        '+': left.value + right.value,
        '-': left.value - right.value,
        '*': left.value * right.value,
        '/': left.value / right.value,
        '%': left.value % right.value,
      }[sign]!,
    })),
    fc.tuple(fc.constantFrom('min', 'max', 'pow'), tie('sample'), tie('sample')).map(([name, left, right]) => ({
      text: `${name}(${left.text},${right.text})`,
      value: { min: Math.min, max: Math.max, pow: Math.pow }[name]!(left.value, right.value),
    })),
  ),
}));

test('any expression has the value of its arithmetic, clamped', () => {
  fc.assert(
    fc.property(samples.sample, ({ text, value }) => {
      fc.pre(text.length <= 512);
      const expected = Number.isNaN(value) ? 0 : Math.round(Math.min(DAY_MS, Math.max(0, value)));
      expect(parseRetryDelay(text)(3)).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

test('any text is refused with its own error or gives whole milliseconds within a day', () => {
  const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'pow(max)retried+-*/%.,0123 e') }));
  fc.assert(
    fc.property(texts, fc.nat(1000), (text, retried) => {
      let delay: number;
      try {
        delay = parseRetryDelay(text)(retried);
      } catch (error) {
        expect(error).toBeInstanceOf(RetryDelayError);
        return;
      }
      expect(Number.isInteger(delay) && delay >= 0 && delay <= DAY_MS).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

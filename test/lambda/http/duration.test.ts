import fc from 'fast-check';
import { parseDuration } from '../../../lambda/http/duration';
import { HttpError } from '../../../lambda/http/http-error';

test.each([
  ['0', 0],
  ['0s', 0],
  ['10', 10],
  ['1.5', 1.5],
  ['10s', 10],
  ['1.5s', 1.5],
  [' 5s ', 5],
  ['2m', 120],
  ['3h', 10_800],
  ['1d', 86_400],
  ['1d10h30m', 86_400 + 36_000 + 1_800],
  ['1h30m3s', 5_403],
  ['30m1h', 5_400],
  ['0.5d', 43_200],
])('%s is %d seconds', (text, seconds) => {
  expect(parseDuration(text, 'Upstash-Delay')).toBe(seconds);
});

test.each([
  '',
  's',
  '-1s',
  '-5',
  '+5s',
  '1w',
  '1d1d',
  '1e3s',
  '1e3',
  '0x5',
  '١٠s',
  '5S',
  '5 s',
  '1h 30m',
  '1h30',
  '.5s',
  '5.s',
  '1..5s',
  '1,5s',
  'Infinity',
  '5ms',
  '1s\r\nX: y',
  '9'.repeat(1_000),
])('%.30j is a 400 that names the field', (text) => {
  const read = () => parseDuration(text, 'Upstash-Delay');
  expect(read).toThrow(HttpError);
  expect(read).toThrow(
    expect.objectContaining({ status: 400, message: expect.stringMatching(/^invalid Upstash-Delay: "/) }),
  );
});

test('the parts add up in any order', () => {
  const units = fc.shuffledSubarray(['s', 'm', 'h', 'd'] as const, { minLength: 1 });
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 };
  fc.assert(
    fc.property(units, fc.array(fc.nat(9999), { minLength: 4, maxLength: 4 }), (chosen, numbers) => {
      const text = chosen.map((unit, index) => `${numbers[index]}${unit}`).join('');
      const expected = chosen.reduce((sum, unit, index) => sum + numbers[index]! * seconds[unit], 0);
      expect(parseDuration(text, 'x')).toBe(expected);
    }),
  );
});

test('a refusal shows at most 64 printable characters of the value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      try {
        parseDuration(`${text}!`, 'F');
      } catch (error) {
        const shown = /"(.*)"/s.exec((error as HttpError).message)![1]!;
        expect(shown).toMatch(/^[\x20-\x7e]{0,64}$/);
        return;
      }
      throw new Error('was accepted');
    }),
  );
});

import fc from 'fast-check';
import { fitBody, fitList, fitPage, searchLimit } from '../../../lambda/http/page';
import { partOf } from '../../../lambda/message/shown-header';

/** Lambda's limit of an answer, 6 MB (Lambda quotas). */
const MAX_ANSWER = 6_291_556;

interface Entry {
  readonly id: string;
  readonly text: string;
}

const pageOf = (entries: readonly Entry[], cursor?: string, copies = 1) =>
  fitPage(
    entries,
    cursor,
    ({ id, text }) => ({ id, text }),
    ({ id }) => `after ${id}`,
    copies,
  );

const some = (texts: readonly string[]): Entry[] => texts.map((text, index) => ({ id: String(index), text }));

/** The answer as Lambda gets it: the body is a text inside of JSON. */
function answerOf({ entries, cursor }: ReturnType<typeof pageOf>, copies: number): number {
  const lists = Object.fromEntries(Array.from({ length: copies }, (_, copy) => [`list${copy}`, entries]));
  const body = JSON.stringify({ ...lists, ...cursor });
  return Buffer.byteLength(JSON.stringify({ statusCode: 200, headers: { 'content-type': 'application/json' }, body }));
}

test('a small page is whole, with the cursor that there was', () => {
  const entries = some(['a', 'b']);
  expect(pageOf(entries)).toEqual({ entries, cursor: {} });
  expect(pageOf(entries, 'more')).toEqual({ entries, cursor: { cursor: 'more' } });
  expect(pageOf([])).toEqual({ entries: [], cursor: {} });
  expect(pageOf([], 'more')).toEqual({ entries: [], cursor: { cursor: 'more' } });
});

test('a page that grows too large ends before, with the cursor of its last entry', () => {
  const { entries, cursor } = pageOf(some(Array(10).fill('x'.repeat(1_000_000))), 'more');
  expect(entries).toHaveLength(5);
  expect(cursor).toEqual({ cursor: 'after 4' });
});

test('an entry that is too large is a page of its own, so that a list never stands still', () => {
  const large = 'x'.repeat(8_000_000);
  expect(pageOf(some([large, 'a']))).toMatchObject({ entries: [{ id: '0' }], cursor: { cursor: 'after 0' } });
  expect(pageOf(some(['a', large]))).toMatchObject({ entries: [{ id: '0' }], cursor: { cursor: 'after 0' } });
});

test.each([
  ['plain text', 'x'],
  ['quotes', '"'],
  ['backslashes', '\\'],
  ['line ends', '\n'],
  ['control characters', '\u0001'],
  ['long characters', '語'],
  ['characters outside the first plane', '😀'],
])('a page of %s fits into an answer, and is no shorter than it must be', (_what, character) => {
  for (const copies of [1, 2]) {
    const all = some(Array(700).fill(character.repeat(8_192)));
    const page = pageOf(all, undefined, copies);
    const bytes = answerOf(page, copies);
    expect(bytes).toBeLessThanOrEqual(MAX_ANSWER);
    expect(page.entries.length === 700 || bytes > MAX_ANSWER - 1_000_000).toBe(true);
  }
});

test('from page to page every entry comes once', () => {
  const texts = fc.array(
    fc
      .tuple(fc.constantFrom('x', '"', '\u0001', '語'), fc.nat(400_000))
      .map(([character, length]) => character.repeat(length)),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(texts, (drawn) => {
      let rest = some(drawn);
      const seen: string[] = [];
      for (;;) {
        const { entries, cursor } = pageOf(rest);
        seen.push(...(entries as Entry[]).map(({ id }) => id));
        if (cursor.cursor === undefined) break;
        rest = rest.slice(rest.findIndex(({ id }) => `after ${id}` === cursor.cursor) + 1);
      }
      expect(seen).toEqual(some(drawn).map(({ id }) => id));
    }),
    { numRuns: 20 },
  );
});

describe('an answer with one body', () => {
  const fitted = (text: string) => {
    const json = fitBody(partOf(Buffer.from(text)), ({ bytes, isCut }) => ({
      text: Buffer.from(bytes).toString(),
      isCut,
    }));
    return { ...(json as { text: string; isCut: boolean }), size: answerOf({ entries: [json], cursor: {} }, 1) };
  };

  test('is whole where there is room for it', () => {
    for (const text of ['', 'x', 'x'.repeat(6_000_000)]) expect(fitted(text)).toMatchObject({ isCut: false });
  });

  test.each([
    ['plain text', 'x'],
    ['quotes', '"'],
    ['control characters', '\u0001'],
    ['long characters', '語'],
    ['what becomes costly at its end', `${'x'.repeat(5_000_000)}${'"'.repeat(5_000_000)}`],
    ['what is costly at its beginning', `${'"'.repeat(1_000_000)}${'x'.repeat(9_000_000)}`],
  ])('is cut where there is not, and has as much of %s as fits', (_what, pattern) => {
    const whole = pattern.length === 1 ? pattern.repeat(7_000_000) : pattern;
    const { text, isCut, size } = fitted(whole);
    expect(isCut).toBe(true);
    // The last character may be half of one.
    expect(whole.startsWith(text.slice(0, -1))).toBe(true);
    expect(size).toBeLessThanOrEqual(MAX_ANSWER);
    // But for a hundredth of a body that is more costly than others.
    expect(size).toBeGreaterThan(MAX_ANSWER - 0.01 * 7 * whole.length - 10_000);
  });
});

test('a search ends when its time is over', () => {
  const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
  const isOver = searchLimit(50);
  now.mockReturnValue(1_050);
  expect(isOver()).toBe(false);
  now.mockReturnValue(1_051);
  expect(isOver()).toBe(true);
  now.mockRestore();
});

describe('a list without pages', () => {
  const bodyOf = (bytes: number) => '\u0001'.repeat(bytes);

  test('shows bodies as lists do, where there is room for them', () => {
    const asked: number[] = [];
    const list = fitList(['a', 'b'], (id, maxBodyBytes) => {
      asked.push(maxBodyBytes);
      return { id };
    });
    expect([list, asked]).toEqual([
      [{ id: 'a' }, { id: 'b' }],
      [8_192, 8_192],
    ]);
    expect(fitList([], () => ({}))).toEqual([]);
  });

  test('shows less of all bodies where there is not, and none rather than no list', () => {
    for (const count of [1, 100, 1_000, 50_000]) {
      const ids = Array.from({ length: count }, (_, index) => index);
      const list = fitList(ids, (id, maxBodyBytes) => ({ id, body: bodyOf(maxBodyBytes) }));
      expect(list.map((entry) => (entry as { id: number }).id)).toEqual(ids);
      const body = JSON.stringify(list);
      const answer = JSON.stringify({ statusCode: 200, headers: { 'content-type': 'application/json' }, body });
      expect(Buffer.byteLength(answer)).toBeLessThanOrEqual(MAX_ANSWER);
    }
  });

  test('is refused where what is not a body is too large', () => {
    const large = 'x'.repeat(7_000_000);
    expect(() => fitList([1], () => ({ large }))).toThrow('the list is too large for one answer');
  });
});

import fc from 'fast-check';
import type { Answer } from '../../../local/aws-call';
import { type Item, L, M, N, type Probe, S, startingServers } from './probe';

/** What an item weighs by the rules of the developer guide, reckoned without the server's code. */
function bytesOf(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.from(name).length + weight(value), 0);
}

function weight(value: Item[string]): number {
  const digits = (number: string) =>
    number
      .replace(/^-?0*\.?0*/, '')
      .replace('.', '')
      .replace(/0*$/, '').length;
  const number = (text: string) => Math.ceil(digits(text) / 2) + 1 + (text.startsWith('-') ? 1 : 0);
  if (value.S !== undefined) return Buffer.from(value.S).length;
  if (value.N !== undefined) return number(value.N);
  if (value.B !== undefined) return value.B.length;
  if (value.SS !== undefined) return Buffer.from(value.SS.join('')).length;
  if (value.NS !== undefined) return value.NS.map(number).reduce((a, b) => a + b);
  if (value.L !== undefined) return value.L.reduce((sum, element) => sum + 1 + weight(element), 3);
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + bytesOf(value.M);
  return 1;
}

const kilobytes = (item: Item) => Math.ceil(bytesOf(item) / 1024);

/** What the three indexes of the shared table hold of an item. */
const ENTRIES: readonly ((item: Item) => { key: unknown; entry: Item } | undefined)[] = [
  (item) => (item.owner && item.at ? { key: [item.owner, item.at], entry: item } : undefined),
  ({ pk, sk, kind, title }) =>
    kind ? { key: kind, entry: { pk: pk!, sk: sk!, kind, ...(title ? { title } : {}) } } : undefined,
  ({ pk, sk, rank }) => (rank ? { key: rank, entry: { pk: pk!, sk: sk!, rank } } : undefined),
];

function indexUnits(before: Item | undefined, after: Item | undefined): number {
  return ENTRIES.reduce((sum, of) => {
    const [old, now] = [before && of(before), after && of(after)];
    if (old === undefined || now === undefined) return sum + kilobytes(old?.entry ?? now?.entry ?? {});
    if (JSON.stringify(old.key) !== JSON.stringify(now.key)) return sum + kilobytes(old.entry) + kilobytes(now.entry);
    const same = JSON.stringify(sorted(old.entry)) === JSON.stringify(sorted(now.entry));
    return sum + (same ? 0 : Math.max(kilobytes(old.entry), kilobytes(now.entry)));
  }, 0);
}

const sorted = (item: Item) => Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1));

const few = fc.constantFrom('x', 'y');
const item: fc.Arbitrary<Item> = fc.record(
  {
    owner: few.map(S),
    at: fc.constantFrom(N(1), N('-0.05')),
    kind: few.map(S),
    rank: fc.constantFrom(N(1), N(200)),
    title: fc.nat(2500).map((length) => S('t'.repeat(length))),
    body: fc.nat(3000).map((length) => S('é'.repeat(length))),
    more: fc.constantFrom<Item[string]>(
      { BOOL: true },
      { SS: ['a', 'é'] },
      { NS: ['1', '-2.50001'] },
      L(N('1234.5'), M({ é: { B: Buffer.alloc(700) }, n: { NULL: true } })),
    ),
  },
  { requiredKeys: [] },
);
const write = fc.record({ sk: few, item, kind: fc.constantFrom('put', 'update', 'delete', 'refused') });

describe('units are those of an independent calculation', () => {
  let answer: Answer;
  const start = startingServers();

  async function setUp(): Promise<Probe> {
    const { db } = await start({
      intercept: async (_call, execute) => {
        answer = await execute();
        return answer;
      },
    });
    return db;
  }

  function units(kind: 'read' | 'write'): number {
    if (answer === 'dropped') throw new Error('no answer');
    return Number(answer.headers[`x-consumed-${kind}-units`]);
  }

  test('of writes to a table with indexes, in a row', async () => {
    const db = await setUp();
    const table = await db.table();
    const check = async (writes: readonly { sk: string; item: Item; kind: string }[]) => {
      const pk = S(db.name());
      const items = new Map<string, Item>();
      for (const { sk, item: attributes, kind } of writes) {
        const key = { pk, sk: S(sk) };
        const before = items.get(sk);
        const whole = { ...key, ...attributes };
        let after: Item | undefined = whole;
        if (kind === 'put') await db.put(table, whole);
        if (kind === 'refused') {
          const rest = { ConditionExpression: 'absent = :v', ExpressionAttributeValues: { ':v': N(1) } };
          await expect(db.put(table, whole, rest)).rejects.toThrow();
        }
        if (kind === 'update') {
          const entries = Object.entries({ title: S('t'), ...attributes });
          const names = Object.fromEntries(entries.map(([name], i) => [`#${i}`, name]));
          const values = Object.fromEntries(entries.map(([, value], i) => [`:${i}`, value]));
          const expression = `SET ${entries.map((_, i) => `#${i} = :${i}`).join(', ')}`;
          await db.update(table, key, expression, values, { ExpressionAttributeNames: names });
          after = { ...key, ...before, ...Object.fromEntries(entries) };
        }
        if (kind === 'delete') {
          await db.delete(table, key);
          after = undefined;
        }
        const own = Math.max(1, kilobytes(before ?? {}), kilobytes(after ?? {}));
        expect(units('write')).toBe(own + (kind === 'refused' ? 0 : indexUnits(before, after)));
        if (kind === 'refused') continue;
        if (after === undefined) items.delete(sk);
        else items.set(sk, after);
      }
      await db.query(table, 'pk = :p', { ':p': pk });
      const bytes = [...items.values()].reduce((sum, one) => sum + bytesOf(one), 0);
      expect(units('read')).toBe(Math.max(1, Math.ceil(bytes / 4096)) / 2);
    };
    await fc.assert(fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 6 }), check), {
      seed: 1,
      numRuns: 120,
    });
  });

  test('of transactions, twice for the items and once for the indexes', async () => {
    const db = await setUp();
    const table = await db.table();
    const check = async (all: readonly Item[]) => {
      const pk = S(db.name());
      const items = all.map((attributes, i): Item => ({ pk, sk: S(`${i}`), ...attributes }));
      await db.transact(items.map((Item) => ({ Put: { TableName: table, Item } })));
      const expected = items.reduce((sum, one) => sum + 2 * kilobytes(one) + indexUnits(undefined, one), 0);
      expect(units('write')).toBe(expected);
    };
    await fc.assert(fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 5 }), check), { seed: 1, numRuns: 40 });
  });
});

import {
  type AttributeValue,
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  type QueryCommandInput,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Cases } from './dynamodb-conformance';
import { B, definitions, type Item, invalid, keySchema, N, type Probe, S } from './probe';

/** So large that four of them fill a page. */
const BODY = S('x'.repeat(300 * 1024));
const OWNER = { IndexName: 'byOwner', ExpressionAttributeNames: { '#o': 'owner' } };

/** All pages of a query. */
async function pages(
  db: Probe,
  table: string,
  condition: string,
  values: Item,
  rest: Partial<QueryCommandInput>,
): Promise<Item[][]> {
  const all: Item[][] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await db.query(table, condition, values, { ...rest, ExclusiveStartKey });
    all.push(page.Items!);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return all;
}

/** All items of a scan, page by page. */
async function scanned(db: Probe, table: string, rest: Partial<ScanCommandInput> = {}): Promise<Item[]> {
  const all: Item[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await db.scan(table, { ...rest, ExclusiveStartKey });
    all.push(...page.Items!);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return all;
}

/** A partition of the shared table with items of these sort keys. */
async function partition(db: Probe, sortKeys: readonly string[], more: (i: number) => Item = () => ({})) {
  const table = await db.table();
  const pk = S(db.name());
  await Promise.all(sortKeys.map((sk, i) => db.put(table, { pk, sk: S(sk), ...more(i) })));
  return { table, pk };
}

const sortKeys = (items: readonly Item[] | undefined) => (items ?? []).map(({ sk }) => sk!.S);
const numbers = (items: readonly Item[] | undefined, name: string) =>
  (items ?? []).map((item) => Number(item[name]!.N));

export const QUERY_CASES: Cases = {
  async 'a query returns one partition in the order of the sort key, or backwards'(db) {
    const keys = ['b', 'a', 'ab', 'B', 'é', '🚀', '￿', 'a/', 'a~', '~'];
    const { table, pk } = await partition(db, keys);
    await partition(db, ['other']);
    const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(sortKeys((await db.query(table, 'pk = :p', { ':p': pk })).Items)).toEqual(sorted);
    const { Items } = await db.query(table, 'pk = :p', { ':p': pk }, { ScanIndexForward: false });
    expect(sortKeys(Items)).toEqual([...sorted].reverse());
  },

  async 'every condition on the sort key selects what it says'(db) {
    const keys = ['a', 'ab', 'abc', 'b', 'ba', 'c'];
    const { table, pk } = await partition(db, keys);
    const select = async (condition: string, values: Item) =>
      sortKeys((await db.query(table, `pk = :p AND ${condition}`, { ':p': pk, ...values })).Items);
    expect(await select('sk = :v', { ':v': S('ab') })).toEqual(['ab']);
    expect(await select('sk < :v', { ':v': S('ab') })).toEqual(['a']);
    expect(await select('sk <= :v', { ':v': S('ab') })).toEqual(['a', 'ab']);
    expect(await select('sk > :v', { ':v': S('b') })).toEqual(['ba', 'c']);
    expect(await select('sk >= :v', { ':v': S('b') })).toEqual(['b', 'ba', 'c']);
    expect(await select(':v <= sk', { ':v': S('b') })).toEqual(['b', 'ba', 'c']);
    expect(await select('sk BETWEEN :v AND :w', { ':v': S('aa'), ':w': S('b') })).toEqual(['ab', 'abc', 'b']);
    expect(await select('begins_with(sk, :v)', { ':v': S('ab') })).toEqual(['ab', 'abc']);
    expect(await select('sk > :v', { ':v': S('zz') })).toEqual([]);
  },

  async 'numbers and binary sort by value, in an index too'(db) {
    const table = await db.newTable({
      AttributeDefinitions: definitions({ pk: 'S', sk: 'N', b: 'B' }),
      LocalSecondaryIndexes: [
        { IndexName: 'byB', KeySchema: keySchema('pk', 'b'), Projection: { ProjectionType: 'ALL' } },
      ],
    });
    const pk = S('p');
    const given = ['0', '-1', '-1.5', '-15', '-0.001', '1', '1.5', '15', '150', '1E120', '-1E120', '1E-120', '2', '10'];
    await Promise.all(
      given.map((n, i) =>
        db.put(table, {
          pk,
          sk: N(n),
          b: B(
            i
              .toString(16)
              .padStart(2, '0')
              .repeat((i % 3) + 1),
          ),
        }),
      ),
    );
    const sorted = given.map(Number).sort((a, b) => a - b);
    expect(numbers((await db.query(table, 'pk = :p', { ':p': pk })).Items, 'sk')).toEqual(sorted);
    const range = await db.query(table, 'pk = :p AND sk BETWEEN :a AND :b', { ':p': pk, ':a': N('-1.5'), ':b': N(15) });
    expect(numbers(range.Items, 'sk')).toEqual(sorted.filter((n) => n >= -1.5 && n <= 15));
    const { Items } = await db.query(table, 'pk = :p AND b > :b', { ':p': pk, ':b': B('0101') }, { IndexName: 'byB' });
    expect(Items!.map(({ b }) => Buffer.from(b!.B!)[0])).toEqual(given.map((_, i) => i).filter((i) => i > 1));
  },

  async 'pages follow each other without gap or overlap, both ways, filtered or not'(db) {
    const keys = Array.from({ length: 23 }, (_, i) => String(i).padStart(3, '0'));
    const { table, pk } = await partition(db, keys, (i) => ({ odd: { BOOL: i % 2 === 1 } }));
    for (const ScanIndexForward of [true, false]) {
      const sorted = ScanIndexForward ? keys : [...keys].reverse();
      const all = await pages(db, table, 'pk = :p', { ':p': pk }, { Limit: 5, ScanIndexForward });
      expect(all.map(({ length }) => length)).toEqual([5, 5, 5, 5, 3]);
      expect(sortKeys(all.flat())).toEqual(sorted);
      const filter = { FilterExpression: 'odd = :t', Limit: 4, ScanIndexForward };
      const odd = await pages(db, table, 'pk = :p', { ':p': pk, ':t': { BOOL: true } }, filter);
      expect(sortKeys(odd.flat())).toEqual(sorted.filter((key) => Number(key) % 2 === 1));
      expect(odd).toHaveLength(6);
    }
    const counts = await db.query(
      table,
      'pk = :p',
      { ':p': pk, ':t': { BOOL: true } },
      {
        FilterExpression: 'odd = :t',
        Limit: 5,
      },
    );
    expect(counts).toMatchObject({ Count: 2, ScannedCount: 5, LastEvaluatedKey: { pk, sk: S('004') } });
  },

  async 'a limit that the items just fill leaves a last key, and the next page is empty'(db) {
    const { table, pk } = await partition(db, ['a', 'b']);
    const first = await db.query(table, 'pk = :p', { ':p': pk }, { Limit: 2 });
    expect(first.LastEvaluatedKey).toEqual({ pk, sk: S('b') });
    const second = await db.query(table, 'pk = :p', { ':p': pk }, { ExclusiveStartKey: first.LastEvaluatedKey });
    expect(second).toMatchObject({ Items: [], Count: 0 });
    expect(second.LastEvaluatedKey).toBeUndefined();
    expect((await db.query(table, 'pk = :p', { ':p': pk }, { Limit: 3 })).LastEvaluatedKey).toBeUndefined();
  },

  async 'a page may start behind a key that is not there, and only within the conditions'(db) {
    const { table, pk } = await partition(db, ['a', 'c', 'e']);
    const from = async (ExclusiveStartKey: Item, condition = 'pk = :p', values: Item = {}) =>
      sortKeys((await db.query(table, condition, { ':p': pk, ...values }, { ExclusiveStartKey })).Items);
    expect(await from({ pk, sk: S('b') })).toEqual(['c', 'e']);
    await invalid(from({ pk: S('elsewhere'), sk: S('b') }));
    await invalid(from({ pk }));
    await invalid(from({ pk, sk: N(1) }));
    await invalid(from({ pk, sk: S('b'), more: S('m') }));
    await invalid(from({ pk, sk: S('a') }, 'pk = :p AND sk > :s', { ':s': S('b') }));
  },

  async 'a page ends at 1 MB'(db) {
    const { table, pk } = await partition(db, ['1', '2', '3', '4', '5', '6', '7', '8', '9'], () => ({ body: BODY }));
    const all = await pages(db, table, 'pk = :p', { ':p': pk }, {});
    expect(all.map(({ length }) => length)).toEqual([4, 4, 1]);
    expect(sortKeys(all.flat())).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  },

  async 'the 1 MB of a page are counted before filter and projection'(db) {
    const { table, pk } = await partition(db, ['1', '2', '3', '4', '5', '6'], () => ({ body: BODY }));
    const rest = { FilterExpression: 'body = :b', ProjectionExpression: 'sk' };
    const page = await db.query(table, 'pk = :p', { ':p': pk, ':b': S('no') }, rest);
    expect(page).toMatchObject({ Count: 0, ScannedCount: 4, LastEvaluatedKey: { pk, sk: S('4') } });
  },

  async 'a global index holds the items that have its keys, ties included, through every change'(db) {
    const table = await db.table();
    const [pk, owner] = [S(db.name()), S(db.name())];
    const at = [5, 100, 20, 20, 20, 3, -7, 0.5];
    await Promise.all(at.map((n, i) => db.put(table, { pk, sk: S(`${i}`), owner, at: N(n) })));
    await db.put(table, { pk, sk: S('sparse'), owner });
    const read = async (rest: Partial<QueryCommandInput> = {}) =>
      (
        await pages(
          db,
          table,
          '#o = :o AND #a <= :m',
          { ':o': owner, ':m': N(1000) },
          {
            ...OWNER,
            ExpressionAttributeNames: { '#o': 'owner', '#a': 'at' },
            Limit: 2,
            ...rest,
          },
        )
      ).flat();
    const sorted = [...at].sort((a, b) => a - b);
    expect(numbers(await read(), 'at')).toEqual(sorted);
    expect(numbers(await read({ ScanIndexForward: false }), 'at')).toEqual([...sorted].reverse());
    expect(new Set(sortKeys(await read())).size).toBe(at.length);
    await db.update(
      table,
      { pk, sk: S('0') },
      'SET #a = :a',
      { ':a': N(6) },
      { ExpressionAttributeNames: { '#a': 'at' } },
    );
    await db.update(table, { pk, sk: S('1') }, 'REMOVE #a', undefined, { ExpressionAttributeNames: { '#a': 'at' } });
    await db.put(table, { pk, sk: S('2'), owner: S('another'), at: N(20) });
    await db.delete(table, { pk, sk: S('3') });
    await db.update(table, { pk, sk: S('4') }, 'SET title = :t', { ':t': S('t') });
    const left = await read();
    expect(numbers(left, 'at')).toEqual([-7, 0.5, 3, 6, 20]);
    expect(left.at(-1)).toEqual({ pk, sk: S('4'), owner, at: N(20), title: S('t') });
  },

  async 'thousands of items under one index key all stay'(db) {
    const table = await db.newTable({
      AttributeDefinitions: definitions({ pk: 'S', sk: 'S', owner: 'S' }),
      GlobalSecondaryIndexes: [
        { IndexName: 'byOwner', KeySchema: keySchema('owner'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      ],
    });
    const owner = S('everybody');
    const total = 8000;
    for (let first = 0; first < total; first += 1000) {
      const chunks = Array.from({ length: 10 }, (_, chunk) =>
        Array.from({ length: 100 }, (_, i) => ({
          Put: { TableName: table, Item: { pk: S(`${first + 100 * chunk + i}`), sk: S('s'), owner } },
        })),
      );
      await Promise.all(chunks.map((chunk) => db.transact(chunk)));
    }
    const found = (await pages(db, table, '#o = :o', { ':o': owner }, OWNER)).flat();
    expect(new Set(found.map(({ pk }) => pk!.S)).size).toBe(total);
    expect(found).toHaveLength(total);
  },

  async 'an index shows what it projects, and a local one fetches the rest'(db) {
    const table = await db.table();
    const [pk, kind] = [S(db.name()), S(db.name())];
    await db.put(table, { pk, sk: S('s'), kind, rank: N(1), title: S('t'), body: S('b') });
    const byKind = (rest: Partial<QueryCommandInput> = {}) =>
      db.query(table, 'kind = :k', { ':k': kind }, { IndexName: 'byKind', ...rest });
    expect((await byKind()).Items).toEqual([{ pk, sk: S('s'), kind, title: S('t') }]);
    expect((await byKind({ ProjectionExpression: 'title' })).Items).toEqual([{ title: S('t') }]);
    await invalid(byKind({ Select: 'ALL_ATTRIBUTES' }));
    await invalid(byKind({ ProjectionExpression: 'body' }));
    await invalid(byKind({ ConsistentRead: true }));
    const byRank = (rest: Partial<QueryCommandInput> = {}) =>
      db.query(table, 'pk = :p', { ':p': pk }, { IndexName: 'byRank', ConsistentRead: true, ...rest });
    expect((await byRank()).Items).toEqual([{ pk, sk: S('s'), rank: N(1) }]);
    expect((await byRank({ Select: 'ALL_ATTRIBUTES' })).Items).toEqual([await db.get(table, { pk, sk: S('s') })]);
    expect((await byRank({ ProjectionExpression: 'body' })).Items).toEqual([{ body: S('b') }]);
    const filter = { FilterExpression: 'body = :b', ExpressionAttributeValues: { ':p': pk, ':b': S('b') } };
    await invalid(byRank(filter));
    await invalid(byRank({ IndexName: 'missing' }));
  },

  async 'a query can count, or return some attributes'(db) {
    const { table, pk } = await partition(db, ['a', 'b'], () => ({ a: N(1), b: N(2) }));
    const read = (rest: Partial<QueryCommandInput>) => db.query(table, 'pk = :p', { ':p': pk }, rest);
    const count = await read({ Select: 'COUNT' });
    expect(count).toMatchObject({ Count: 2, ScannedCount: 2 });
    expect(count.Items).toBeUndefined();
    expect((await read({ ProjectionExpression: 'a' })).Items).toEqual([{ a: N(1) }, { a: N(1) }]);
    await invalid(read({ ProjectionExpression: 'a', Select: 'COUNT' }));
    await invalid(read({ Select: 'SPECIFIC_ATTRIBUTES' }));
    await invalid(read({ Select: 'ALL_PROJECTED_ATTRIBUTES' }));
    await invalid(read({ Limit: 0 }));
  },

  async 'key conditions must suit the key'(db) {
    const { table, pk } = await partition(db, ['a']);
    const values = { ':p': pk };
    await invalid(db.query(table, 'sk = :p', values));
    await invalid(db.query(table, 'pk < :p', values));
    await invalid(db.query(table, 'pk = :p AND other = :p', values));
    await invalid(db.query(table, 'pk = :p AND sk <> :p', values));
    await invalid(db.query(table, 'pk = :p OR sk = :p', values));
    await invalid(db.query(table, 'pk = :p AND contains(sk, :p)', values));
    await invalid(db.query(table, 'pk = :p AND sk > :p AND sk < :p', values));
    await invalid(db.query(table, 'pk = :p', { ':p': N(1) }));
    await invalid(db.query(table, 'pk = :p', { ':p': S('') }));
    await invalid(db.query(table, 'pk = :p AND sk > :s', { ':p': pk, ':s': S('') }));
    await invalid(db.query(table, 'pk = :p', values, { FilterExpression: 'sk = :p' }));
  },

  async 'a scan sees every item once, in pages and in segments, of the table and of an index'(db) {
    const table = await db.newTable();
    const total = 60;
    await Promise.all(
      Array.from({ length: total }, (_, i) =>
        db.put(table, {
          pk: S(`p${i % 7}`),
          sk: S(`${i}`),
          i: N(i),
          ...(i % 2 ? { kind: S('odd'), title: S('t') } : {}),
        }),
      ),
    );
    const everything = Array.from({ length: total }, (_, i) => i);
    const sorted = (items: Item[]) => items.map(({ sk }) => Number(sk!.S)).sort((a, b) => a - b);
    expect(sorted(await scanned(db, table))).toEqual(everything);
    expect(sorted(await scanned(db, table, { Limit: 7 }))).toEqual(everything);
    const segments = [];
    for (let Segment = 0; Segment < 4; Segment++)
      segments.push(...(await scanned(db, table, { Segment, TotalSegments: 4, Limit: 5 })));
    expect(sorted(segments)).toEqual(everything);
    const odd = everything.filter((i) => i % 2 === 1);
    const kinds = await scanned(db, table, { IndexName: 'byKind', Limit: 8 });
    expect(sorted(kinds)).toEqual(odd);
    expect(Object.keys(kinds[0]!).sort()).toEqual(['kind', 'pk', 'sk', 'title']);
    const filter = { FilterExpression: 'i < :n', ExpressionAttributeValues: { ':n': N(10) } };
    expect(sorted(await scanned(db, table, { ...filter, ProjectionExpression: 'sk', Limit: 9 }))).toEqual(
      everything.slice(0, 10),
    );
    await invalid(db.scan(table, { Segment: 4, TotalSegments: 4 }));
    await invalid(db.scan(table, { Segment: 1 }));
    await invalid(db.scan(table, { IndexName: 'byKind', ConsistentRead: true }));
  },

  async 'PartiQL selects by partition, by condition and from an index, in pages'(db) {
    const table = await db.newTable();
    const owner = S("it's");
    for (let i = 1; i <= 5; i++) {
      const more: Item = i === 2 ? { flag: { BOOL: true } } : {};
      await db.put(table, { pk: S('p'), sk: S(`${i}`), owner, at: N(i), m: { M: { x: N(i) } }, ...more });
    }
    await db.put(table, { pk: S('q'), sk: S('6') });
    const run = (statement: string, rest: Partial<ExecuteStatementCommandInput> = {}) =>
      db.client.send(new ExecuteStatementCommand({ Statement: statement.replace('$', `"${table}"`), ...rest }));
    const select = async (where: string, Parameters?: AttributeValue[]) =>
      sortKeys((await run(`SELECT sk FROM $ ${where}`, { Parameters })).Items).sort();
    expect((await run("SELECT * FROM $ WHERE pk = 'q'")).Items).toEqual([{ pk: S('q'), sk: S('6') }]);
    expect(await select('WHERE pk = ? AND sk > ?', [S('p'), S('3')])).toEqual(['4', '5']);
    expect(await select(`WHERE "owner" = 'it''s' AND m.x IN [1, 3] AND NOT "at" = 3`)).toEqual(['1']);
    expect(await select('WHERE flag IS NOT MISSING OR m.x BETWEEN 4 AND 9')).toEqual(['2', '4', '5']);
    expect(await select("WHERE pk = 'p' AND flag IS MISSING AND begins_with(sk, '5')")).toEqual(['5']);
    expect(await select('WHERE flag = true')).toEqual(['2']);
    const indexed = await run('SELECT sk FROM $."byOwner" WHERE "owner" = ? AND "at" >= 4', { Parameters: [owner] });
    expect(sortKeys(indexed.Items)).toEqual(['4', '5']);
    const first = await run("SELECT sk FROM $ WHERE pk = 'p'", { Limit: 2 });
    const second = await run("SELECT sk FROM $ WHERE pk = 'p'", { NextToken: first.NextToken });
    expect([first, second].map(({ Items }) => sortKeys(Items))).toEqual([
      ['1', '2'],
      ['3', '4', '5'],
    ]);
    expect(second.NextToken).toBeUndefined();
    await invalid(select('WHERE pk = ?'));
    await invalid(run('SELEC * FROM $'));
  },
};

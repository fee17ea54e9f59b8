import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { Cases } from './dynamodb-conformance';
import { B, type Item, invalid, L, M, N, type Probe, refusal, S } from './probe';

const FAILED = 'ConditionalCheckFailedException';

const SUBJECT: Item = {
  text: S('READY'),
  wide: S('￿'),
  wider: S('🚀'),
  count: N(5),
  bytes: B('616263'),
  yes: { BOOL: true },
  no: { BOOL: false },
  nothing: { NULL: true },
  list: L(S('q'), N(1), M({ in: N(2) })),
  map: M({ a: N(1), 'b.c': S('dotted') }),
  texts: { SS: ['a', 'b'] },
  numbers: { NS: ['1', '2'] },
  binaries: { BS: [Buffer.from('01', 'hex')] },
};
// All that is a reserved word among them.
const NAMES = {
  '#text': 'text',
  '#bytes': 'bytes',
  '#count': 'count',
  '#list': 'list',
  '#map': 'map',
  '#no': 'no',
  '#in': 'in',
};

/** Holds conditions to an item: those that are met, and those that are not. */
async function conditions(db: Probe, met: Record<string, Item>, unmet: Record<string, Item>): Promise<void> {
  const table = await db.table();
  const key = { pk: S(db.name()), sk: S('s') };
  await db.put(table, { ...key, ...SUBJECT });
  const check = (ConditionExpression: string, values: Item) => {
    const used = Object.entries(NAMES).filter(([name]) => new RegExp(`${name}\\b`).test(ConditionExpression));
    return db.transact([
      {
        ConditionCheck: {
          TableName: table,
          Key: key,
          ConditionExpression,
          ExpressionAttributeNames: used.length > 0 ? Object.fromEntries(used) : undefined,
          ExpressionAttributeValues: Object.keys(values).length > 0 ? values : undefined,
        },
      },
    ]);
  };
  for (const [condition, values] of Object.entries(met)) {
    await check(condition, values).catch((error) => {
      throw new Error(`${condition}: ${error}`);
    });
  }
  for (const [condition, values] of Object.entries(unmet)) {
    const { name, message } = await refusal(check(condition, values));
    expect([condition, name, message]).toEqual([
      condition,
      'TransactionCanceledException',
      expect.stringContaining('ConditionalCheckFailed'),
    ]);
  }
}

/** What an update makes of an item. */
async function updated(
  db: Probe,
  item: Item,
  expression: string,
  values?: Item,
  rest: Partial<UpdateItemCommandInput> = {},
): Promise<Item> {
  const table = await db.table();
  const key = { pk: S(db.name()), sk: S('s') };
  await db.put(table, { ...key, ...item });
  const { Attributes } = await db.update(table, key, expression, values, { ReturnValues: 'ALL_NEW', ...rest });
  expect(await db.get(table, key)).toEqual(Attributes);
  const { pk, sk, ...others } = Attributes!;
  return others;
}

/** The refusal of an update, which must leave the item alone. */
async function refused(db: Probe, item: Item, expression: string, values?: Item): Promise<string> {
  const table = await db.table();
  const key = { pk: S(db.name()), sk: S('s') };
  await db.put(table, { ...key, ...item });
  const message = await invalid(db.update(table, key, expression, values));
  expect(await db.get(table, key)).toEqual({ ...key, ...item });
  return message;
}

export const EXPRESSION_CASES: Cases = {
  async 'comparisons go by number, UTF-8 bytes and bytes, within a type'(db) {
    await conditions(
      db,
      {
        '#text = :v': { ':v': S('READY') },
        '#text <> :v AND #text > :w AND #text >= :w AND :w < #text': { ':v': S('ready'), ':w': S('READX') },
        'wide < wider': {},
        '#count < :v AND #count <= :v AND #count BETWEEN :u AND :v': { ':u': N('4.99'), ':v': N(40) },
        '#bytes BETWEEN :u AND :v': { ':u': B('61'), ':v': B('7f') },
        '#count <> :v AND NOT #count = :v': { ':v': S('5') },
        'absent <> :v AND NOT absent = :v': { ':v': S('5') },
        'yes <> #no': {},
      },
      {
        '#count = :v': { ':v': S('5') },
        '#count < :v OR #count > :v OR #count BETWEEN :v AND :w': { ':v': S('4'), ':w': S('6') },
        'absent = :v OR absent < :v OR absent > :v OR absent BETWEEN :v AND :v': { ':v': N(1) },
        '#list < #count OR #list > #count OR yes < #no': {},
      },
    );
  },

  async 'only strings, numbers and binary can be compared by order'(db) {
    const table = await db.table();
    const key = { pk: S(db.name()), sk: S('s') };
    for (const value of [L(), M({}), { BOOL: true }, { NULL: true as const }, { SS: ['a'] }]) {
      for (const ConditionExpression of ['a < :v', ':v >= a', 'a BETWEEN :v AND b', 'NOT (a > :v) OR a = :v']) {
        const rest = { ConditionExpression, ExpressionAttributeValues: { ':v': value } };
        expect(await invalid(db.put(table, key, rest))).toMatch(/Incorrect operand type/);
      }
    }
  },

  async 'sets, lists and maps are equal by their content'(db) {
    await conditions(
      db,
      {
        'texts = :v': { ':v': { SS: ['b', 'a'] } },
        'binaries = :v': { ':v': { BS: [Buffer.from('01', 'hex')] } },
        '#list = :v': { ':v': L(S('q'), N('1.0'), M({ in: N(2) })) },
        '#map = :v': { ':v': M({ 'b.c': S('dotted'), a: N(1) }) },
        'nothing = :v': { ':v': { NULL: true } },
      },
      {
        'texts = :v': { ':v': { SS: ['a'] } },
        'texts = :w': { ':w': L(S('a'), S('b')) },
        '#list = :v': { ':v': L(N(1), S('q'), M({ in: N(2) })) },
        '#map = :v': { ':v': M({ a: N(1) }) },
      },
    );
  },

  async 'IN finds equal values, false and empty ones too'(db) {
    await conditions(
      db,
      {
        '#text IN (:v, :w)': { ':v': S('X'), ':w': S('READY') },
        '#no IN (:v)': { ':v': { BOOL: false } },
        '#list IN (:v)': { ':v': L(S('q'), N(1), M({ in: N(2) })) },
      },
      { '#count IN (:v, :w)': { ':v': S('5'), ':w': N(6) }, 'absent IN (:v)': { ':v': N(1) } },
    );
  },

  async 'NOT binds closest, then AND, then OR, whatever the case'(db) {
    const [t, f] = ['#count = :five', '#count = :six'];
    const values = { ':five': N(5), ':six': N(6) };
    await conditions(
      db,
      {
        [`${t} or ${f} and ${f}`]: values,
        [`NOT ${f} AND ${t}`]: values,
        [`not (${f} OR ${f}) And (${t})`]: values,
      },
      { [`(${t} OR ${f}) AND ${f}`]: values, [`NOT (${t} AND NOT ${f})`]: values },
    );
  },

  async 'functions ask for existence, type, size and parts'(db) {
    await conditions(
      db,
      {
        'attribute_exists(#no) AND attribute_exists(#map.a) AND attribute_exists(#list[2].#in) AND attribute_not_exists(absent)':
          {},
        'attribute_type(nothing, :n) AND attribute_type(texts, :ss) AND NOT attribute_type(absent, :n)': {
          ':n': S('NULL'),
          ':ss': S('SS'),
        },
        'size(#text) = :five AND size(#bytes) = :three AND size(#list) = :three AND size(#map) = :two AND size(texts) = :two':
          { ':five': N(5), ':three': N(3), ':two': N(2) },
        'begins_with(#text, :v) AND begins_with(#bytes, :w)': { ':v': S('RE'), ':w': B('6162') },
        'contains(#text, :a) AND contains(#bytes, :b) AND contains(texts, :c) AND contains(numbers, :d)': {
          ':a': S('EAD'),
          ':b': B('6263'),
          ':c': S('b'),
          ':d': N('2.0'),
        },
        'contains(#list, :v) AND contains(#list, :w) AND contains(binaries, :b)': {
          ':v': N(1),
          ':w': M({ in: N(2) }),
          ':b': B('01'),
        },
      },
      {
        'attribute_exists(#map.absent) OR attribute_exists(#list[3]) OR attribute_exists(#text.a)': {},
        'begins_with(#count, :v) OR begins_with(absent, :v)': { ':v': S('5') },
        'contains(#count, :v) OR contains(absent, :v) OR contains(texts, :w)': { ':v': S('5'), ':w': N(1) },
        'size(#count) > :v OR size(absent) >= :v': { ':v': N(0) },
      },
    );
  },

  async 'expressions that cannot be read are refused'(db) {
    const table = await db.table();
    const key = { pk: S(db.name()), sk: S('s') };
    const check = (ConditionExpression: string, values?: Item, names?: Record<string, string>) =>
      invalid(
        db.put(table, key, {
          ConditionExpression,
          ExpressionAttributeValues: values,
          ExpressionAttributeNames: names,
        }),
      );
    expect(await check('')).toMatch(/empty/);
    expect(await check('a =')).toMatch(/Syntax error/);
    expect(await check('status = :v', { ':v': N(1) })).toMatch(/reserved keyword: status/);
    expect(await check('a = :v', { ':w': N(1) })).toMatch(/not defined; attribute value: :v/);
    expect(await check('#a = :v', { ':v': N(1) })).toMatch(/not defined; attribute name: #a/);
    expect(await check('a = :v', { ':v': N(1), ':w': N(1) })).toMatch(/unused in expressions: keys: \{:w\}/);
    expect(await check('a = :v', { ':v': N(1) }, { '#b': 'b' })).toMatch(/unused in expressions: keys: \{#b\}/);
    expect(await check('nonsense(a)')).toMatch(/Invalid function name; function: nonsense/);
    expect(await check('size(a)')).toMatch(/not allowed to be used this way/);
    expect(await check('begins_with(a, :v)', { ':v': N(1) })).toMatch(/Incorrect operand type/);
    expect(await check('contains(a)')).toMatch(/Incorrect number of operands/);
    expect(await check('a = a')).toMatch(/first operand must be distinct/);
    expect(await check('a BETWEEN :v AND :w', { ':v': N(2), ':w': N(1) })).toMatch(/upper bound/);
    expect(await check('a BETWEEN :v AND :w', { ':v': N(2), ':w': S('3') })).toMatch(/same data type/);
    expect(await check('((a = :v))', { ':v': N(1) })).toMatch(/redundant parentheses/);
    expect(await check(`a = :v${' '.repeat(4096)}`, { ':v': N(1) })).toMatch(/Expression size/);
  },

  async 'SET writes values, sums, copies, defaults and joined lists'(db) {
    const item = { n: N(10), l: L(N(1)), m: M({ a: N(1) }) };
    const values = { ':two': N(2), ':v': S('v'), ':l': L(N(2)), ':none': L() };
    const expression =
      'SET n = n - :two, a = :v, b = n, c = if_not_exists(n, :v), d = if_not_exists(absent, :v), m.a = m.a + :two, ' +
      'm.b = :v, l = list_append(l, :l), k = list_append(:l, if_not_exists(k, :none)), ' +
      'h = if_not_exists(hits, :two) + :two';
    expect(await updated(db, item, expression, values)).toEqual({
      n: N(8),
      a: S('v'),
      b: N(10),
      c: N(10),
      d: S('v'),
      m: M({ a: N(3), b: S('v') }),
      l: L(N(1), N(2)),
      k: L(N(2)),
      h: N(4),
    });
  },

  async 'sums are exact, and refused when they have too many digits'(db) {
    const sum = async (a: string, b: string) => (await updated(db, { n: N(a) }, 'SET n = n + :b', { ':b': N(b) })).n!.N;
    expect(await sum('0.1', '0.2')).toBe('0.3');
    expect(await sum('-1', '0.95')).toBe('-0.05');
    expect(await sum('99999999999999999999999999999999999999', '1')).toBe(`1${'0'.repeat(38)}`);
    expect(await sum('12345678901234567890', '1000000000000000000000')).toBe('1012345678901234567890');
    const add = (n: string, v: string) => refused(db, { n: N(n) }, 'SET n = n + :v', { ':v': N(v) });
    await add('9'.repeat(38), '0.1');
    expect(await add(`9${'0'.repeat(125)}`, `9${'0'.repeat(125)}`)).toMatch(/overflow/);
    expect(await add(`0.${'0'.repeat(129)}11`, '-1E-130')).toMatch(/underflow/);
  },

  async 'a sum has no zeros that do not count'(db) {
    const { n, m } = await updated(db, { n: N('-0.5') }, 'SET n = n + :half, m = :more + :half', {
      ':half': N('0.5'),
      ':more': N('1.25'),
    });
    expect([n, m]).toEqual([N(0), N('1.75')]);
    expect(await updated(db, { n: N('0.5') }, 'ADD n :half', { ':half': N('0.5') })).toEqual({ n: N(1) });
  },

  async 'every operand means the item as it was'(db) {
    const item = { n: N(1), m: M({ a: N(1) }), l: L(N(0), N(1), N(2), N(3)) };
    const expression = 'SET o = n, k = m, j = l[3], l[1] = l[2] ADD n :one REMOVE m.a, l[0], l[2]';
    expect(await updated(db, item, expression, { ':one': N(1) })).toEqual({
      n: N(2),
      o: N(1),
      m: M({}),
      k: M({ a: N(1) }),
      j: N(3),
      l: L(N(2), N(3)),
    });
  },

  async 'list indexes beyond the end append in order, and remove nothing'(db) {
    const values = { ':a': S('a'), ':b': S('b') };
    expect(await updated(db, { l: L(N(0)) }, 'SET l[9] = :a, l[7] = :b', values)).toEqual({
      l: L(N(0), S('b'), S('a')),
    });
    expect(await updated(db, { l: L(N(0)) }, 'REMOVE l[4]')).toEqual({ l: L(N(0)) });
    expect(await updated(db, { l: L(N(0)) }, 'REMOVE absent')).toEqual({ l: L(N(0)) });
  },

  async 'ADD adds numbers and members of sets, DELETE takes members away'(db) {
    const item = { n: N(1), s: { SS: ['a', 'b'] }, t: { NS: ['1'] }, m: M({ n: N(1) }) };
    const values = { ':n': N('0.5'), ':s': { SS: ['b', 'c'] }, ':t': { NS: ['1', '2'] } };
    const { s, ...rest } = await updated(db, item, 'ADD n :n, k :n, m.n :n, s :s DELETE t :t, absent :t', values);
    expect(s!.SS!.sort()).toEqual(['a', 'b', 'c']);
    expect(rest).toEqual({ n: N('1.5'), k: N('0.5'), m: M({ n: N('1.5') }) });
  },

  async 'an update creates the item that is not there'(db) {
    const table = await db.table();
    const key = { pk: S(db.name()), sk: S('s') };
    const values = { ':one': N(1) };
    expect((await db.update(table, key, 'ADD n :one', values, { ReturnValues: 'ALL_OLD' })).Attributes).toBeUndefined();
    expect(await db.get(table, key)).toEqual({ ...key, n: N(1) });
    const rest = { ConditionExpression: 'attribute_exists(pk)' };
    const other = { ...key, sk: S('other') };
    expect(await refusal(db.update(table, other, 'ADD n :one', values, rest))).toMatchObject({ name: FAILED });
    expect(await db.get(table, other)).toBeUndefined();
  },

  async 'an update returns the old or new item, or what it changed of it'(db) {
    const returned = async (ReturnValues: UpdateItemCommandInput['ReturnValues']) => {
      const table = await db.table();
      const key = { pk: S(db.name()), sk: S('s') };
      await db.put(table, { ...key, a: N(1), b: N(1), c: N(1) });
      const { Attributes } = await db.update(
        table,
        key,
        'SET a = :v, d = :v REMOVE b',
        { ':v': N(2) },
        { ReturnValues },
      );
      const { pk, sk, ...rest } = Attributes ?? {};
      return rest;
    };
    expect(await returned('NONE')).toEqual({});
    expect(await returned('ALL_OLD')).toEqual({ a: N(1), b: N(1), c: N(1) });
    expect(await returned('ALL_NEW')).toEqual({ a: N(2), c: N(1), d: N(2) });
    expect(await returned('UPDATED_OLD')).toEqual({ a: N(1), b: N(1) });
    expect(await returned('UPDATED_NEW')).toEqual({ a: N(2), d: N(2) });
  },

  async 'an update that does not suit the item is refused and changes nothing'(db) {
    const item = { s: S('s'), n: N(1), l: L(N(1)), m: M({}) };
    const one = { ':one': N(1) };
    expect(await refused(db, item, 'SET a = absent + :one', one)).toMatch(/does not exist in the item/);
    expect(await refused(db, item, 'SET a = absent')).toMatch(/does not exist in the item/);
    expect(await refused(db, item, 'SET n = n + :one, a = s + :one', one)).toMatch(/incorrect data type/);
    expect(await refused(db, item, 'SET l = list_append(l, n)')).toMatch(/incorrect data type/);
    expect(await refused(db, item, 'ADD s :one', one)).toMatch(/incorrect data type/);
    expect(await refused(db, item, 'ADD n :set', { ':set': { SS: ['a'] } })).toMatch(/incorrect data type/);
    expect(await refused(db, item, 'DELETE n :set', { ':set': { SS: ['a'] } })).toMatch(/incorrect data type/);
    for (const path of ['absent.a', 'n.a', 'n[0]', 'm[0]', 'l.a', 'm.a.b'])
      expect(await refused(db, item, `SET ${path} = :one`, one)).toMatch(/document path .* is invalid for update/);
    expect(await refused(db, item, 'REMOVE absent.a')).toMatch(/document path .* is invalid for update/);
  },

  async 'updates that cannot be read, overlap or touch the key are refused'(db) {
    const one = { ':one': N(1) };
    expect(await refused(db, {}, 'SET pk = :one', one)).toMatch(/part of the key/);
    expect(await refused(db, {}, 'REMOVE sk')).toMatch(/part of the key/);
    expect(await refused(db, {}, 'SET a = :one, a = :one', one)).toMatch(/overlap/);
    expect(await refused(db, {}, 'SET m.a = :one REMOVE m', one)).toMatch(/overlap/);
    expect(await refused(db, {}, 'SET m.a = :one, m[0] = :one', one)).toMatch(/conflict/);
    expect(await refused(db, {}, 'SET a = :one SET b = :one', one)).toMatch(/"SET" section can only be used once/);
    expect(await refused(db, {}, 'ADD a :s', { ':s': S('a') })).toMatch(/Incorrect operand type/);
    expect(await refused(db, {}, 'DELETE a :one', one)).toMatch(/Incorrect operand type/);
    expect(await refused(db, {}, 'SET a :one', one)).toMatch(/Syntax error/);
    await refused(db, {}, `SET ${Array.from({ length: 300 }, (_, i) => `attribute${i} = :one`).join(', ')}`, one);
  },
};

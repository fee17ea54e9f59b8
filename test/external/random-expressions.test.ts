import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { type Item, L, M, N, Probe, S, type ServerUnderTest, startEmbedded } from '../local/dynamodb/probe';
import { startDynamoDbLocal } from './dynamodb-local';

const RUNS = { seed: 1, numRuns: 300 };

// Few names and values, so that they meet often.
const paths = ['a', 'b', 'c', 'a.x', 'b.x', 'b.y', 'c[0]', 'c[1]', 'c[2]', 'b.x.y', 'c[0].x', 'd'];
const path = fc.constantFrom(...paths);
const number = fc.constantFrom('0', '1', '-1', '2.5', '10', '-0.25', '99999999999999999999999999999999999999');
const text = fc.constantFrom('', 'a', 'ab', 'b', 'é', 'N', 'SS');

const { value } = fc.letrec<{ value: Item[string] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    text.map(S),
    number.map(N),
    fc.constantFrom<Item[string]>({ BOOL: true }, { BOOL: false }, { NULL: true }),
    fc.constantFrom('00', '01', '0102').map((hex) => ({ B: Buffer.from(hex, 'hex') })),
    fc.uniqueArray(text, { minLength: 1 }).map((SS) => ({ SS })),
    fc.uniqueArray(number, { minLength: 1 }).map((NS) => ({ NS })),
    fc.array(tie('value'), { maxLength: 3 }).map((elements) => L(...elements)),
    fc.dictionary(fc.constantFrom('x', 'y'), tie('value')).map(M),
  ),
}));
const item = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value);
const values: fc.Arbitrary<Item> = fc.record({
  ':v': value,
  ':w': value,
  ':n': number.map(N),
  ':s': fc.constant({ SS: ['a', 'é'] }),
});
const literal = fc.constantFrom(':v', ':w', ':n', ':s');
const operand = fc.oneof(
  path,
  literal,
  path.map((one) => `size(${one})`),
);

const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    fc.tuple(operand, fc.constantFrom('=', '<>', '<', '<=', '>', '>='), operand).map((parts) => parts.join(' ')),
    fc.tuple(operand, operand, operand).map(([of, low, high]) => `${of} BETWEEN ${low} AND ${high}`),
    fc.tuple(operand, fc.array(operand, { minLength: 1, maxLength: 3 })).map(([of, all]) => `${of} IN (${all})`),
    path.map((one) => `attribute_exists(${one})`),
    path.map((one) => `attribute_not_exists(${one})`),
    fc.tuple(path, literal).map(([one, type]) => `attribute_type(${one}, ${type})`),
    fc.tuple(path, fc.oneof(path, literal)).map(([one, prefix]) => `begins_with(${one}, ${prefix})`),
    fc.tuple(path, fc.oneof(path, literal)).map(([one, part]) => `contains(${one}, ${part})`),
    fc.tuple(tie('condition'), fc.constantFrom('AND', 'OR'), tie('condition')).map(([l, op, r]) => `(${l}) ${op} ${r}`),
    tie('condition').map((one) => `NOT (${one})`),
  ),
}));

const term = fc.oneof(
  path,
  literal,
  fc.tuple(path, literal).map(([one, other]) => `if_not_exists(${one}, ${other})`),
  fc.tuple(fc.oneof(path, literal), fc.oneof(path, literal)).map(([one, other]) => `list_append(${one}, ${other})`),
);
const assignment = fc
  .tuple(path, term, fc.constantFrom('', '', ' + :n', ' - a'))
  .map(([target, from, more]) => `${target} = ${from}${more}`);
const list = (element: fc.Arbitrary<string>) => fc.array(element, { maxLength: 2 });
const update = fc
  .record({
    SET: list(assignment),
    REMOVE: list(path),
    ADD: list(fc.tuple(path, fc.constantFrom(':n', ':s', ':v')).map((parts) => parts.join(' '))),
    DELETE: list(path.map((one) => `${one} :s`)),
  })
  .map((sections) =>
    Object.entries(sections)
      .flatMap(([name, all]) => (all.length > 0 ? `${name} ${all}` : []))
      .join(' '),
  )
  .filter((expression) => expression !== '');

function usedValues(expression: string, all: Item): Item | undefined {
  const used = Object.entries(all).filter(([name]) => expression.includes(name));
  return used.length > 0 ? Object.fromEntries(used) : undefined;
}

/** What both must agree on: sets have no order, DynamoDB Local keeps zeros that do not count. */
function comparable(part: unknown): unknown {
  if (part instanceof Uint8Array) return Buffer.from(part).toString('hex');
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map(comparable);
  const entries = Object.entries(part).map(([name, inner]): [string, unknown] => {
    if (name === 'N')
      return [
        name,
        String(inner)
          .replace(/(\.\d*?)0+$/, '$1')
          .replace(/\.$/, ''),
      ];
    const plain = comparable(inner);
    return [name, /^[SNB]S$/.test(name) ? (plain as string[]).sort() : plain];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('random expressions mean the same to the embedded server and to DynamoDB Local', () => {
  let servers: ServerUnderTest[] = [];
  let probes: Probe[] = [];

  beforeAll(async () => {
    servers = await Promise.all([startEmbedded(), startDynamoDbLocal()]);
    probes = servers.map((server) => new Probe(server));
  });

  afterAll(async () => {
    for (const probe of probes) probe.client.destroy();
    await Promise.all(servers.map((server) => server.stop()));
  });

  /** The item after a request on both, or what the refusal says. */
  async function onBoth(run: (db: Probe, table: string, key: Item) => Promise<unknown>, before: Item) {
    return Promise.all(
      probes.map(async (db) => {
        const table = await db.table();
        const key = { pk: S('random'), sk: S('s') };
        await db.put(table, { ...key, ...before });
        const outcome = await run(db, table, key).then(() => 'done', outcomeOf);
        return [outcome, comparable(await db.get(table, key))];
      }),
    );
  }

  test('conditions', async () => {
    const check = async (before: Item, expression: string, all: Item) => {
      const ConditionExpression = expression;
      const ExpressionAttributeValues = usedValues(expression, all);
      const [embedded, local] = await onBoth(
        (db, TableName, Key) =>
          db.client.send(
            new TransactWriteItemsCommand({
              TransactItems: [{ ConditionCheck: { TableName, Key, ConditionExpression, ExpressionAttributeValues } }],
            }),
          ),
        before,
      );
      expect(embedded).toEqual(local);
    };
    await fc.assert(fc.asyncProperty(item, condition, values, check), RUNS);
  });

  test('updates', async () => {
    const check = async (before: Item, expression: string, all: Item) => {
      const [embedded, local] = await onBoth(
        (db, table, key) => db.update(table, key, expression, usedValues(expression, all)),
        before,
      );
      expect(embedded).toEqual(local);
    };
    await fc.assert(fc.asyncProperty(item, update, values, check), RUNS);
  });
});

/** A refusal without its words, which differ. */
function outcomeOf({ name, message }: Error): string {
  return name === 'TransactionCanceledException' ? message.replace(/.*\[/, '[') : name;
}

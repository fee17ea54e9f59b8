import { createHash } from 'node:crypto';
import type { ServiceClock } from '../clock';
import { itemSize } from './attribute-value';
import type { Operation } from './database';
import { DynamoDbError, invalid } from './dynamodb-error';
import type { Engine } from './engine';
import { itemKey } from './keys';
import { checkGet, readItem } from './reads';
import { type GetRequest, parse, SCHEMAS, type Schema, type WriteRequest } from './request';
import { tableNamed } from './tables';
import type { Reporting, Usage } from './usage';
import { checkWrite, decide, keyOf, type WriteKind } from './writes';

interface TransactInput {
  readonly TransactItems?: unknown;
}

interface TransactRequest<T> {
  readonly TransactItems: readonly Readonly<Record<string, T>>[];
  readonly ClientRequestToken?: string;
  readonly ReturnConsumedCapacity?: Reporting;
}

/** What is kept of a transaction that is done. */
interface Done {
  readonly digest: string;
  /** Service time in whole milliseconds. */
  readonly at: number;
}

const MAX_ITEMS = 100;
const MAX_BYTES = 4 * 1024 * 1024;
const TOKEN_KEPT_MS = 10 * 60_000;
// A transaction prepares and commits each item. Indexes follow later, at the usual price.
const FACTOR = 2;

const WRITES: Readonly<Record<WriteKind, Schema>> = {
  Put: SCHEMAS.PutItem,
  Update: SCHEMAS.UpdateItem,
  Delete: SCHEMAS.DeleteItem,
  ConditionCheck: {
    ...SCHEMAS.DeleteItem,
    types: { ...SCHEMAS.DeleteItem.types, ConditionExpression: { type: 'String', notNull: true } },
  },
};
const TRANSACT_WRITE = transactSchema('TransactWriteItem', WRITES);
const TRANSACT_GET = transactSchema('TransactGetItem', { Get: SCHEMAS.GetItem });

function transactSchema(name: string, kinds: Readonly<Record<string, Schema>>): Schema {
  const { ReturnConsumedCapacity } = SCHEMAS.PutItem.types as Record<string, unknown>;
  const children = Object.fromEntries(
    Object.entries(kinds).map(([kind, { types }]) => [kind, { type: `FieldStruct<${kind}>`, children: types }]),
  );
  return {
    types: {
      ReturnConsumedCapacity,
      ClientRequestToken: { type: 'String', lengthGreaterThanOrEqual: 1, lengthLessThanOrEqual: 36 },
      TransactItems: {
        type: 'List',
        notNull: true,
        lengthGreaterThanOrEqual: 1,
        lengthLessThanOrEqual: MAX_ITEMS,
        children: { type: `ValueStruct<${name}>`, children },
      },
    },
    custom({ TransactItems }, store) {
      for (const item of TransactItems as Record<string, object>[]) {
        const [kind, ...more] = Object.keys(item);
        if (kind === undefined || more.length > 0)
          return `TransactItems can only contain one of ${Object.keys(kinds).join(', ')}`;
        const problem = kinds[kind]!.custom?.(item[kind] as Record<string, unknown>, store);
        if (problem) return problem;
      }
      return undefined;
    },
  };
}

/** Carries out TransactWriteItems: all of it as one, or nothing. */
export function transactWriteItems(engine: Engine, input: TransactInput, usage: Usage): Promise<object> {
  // Before parsing, which changes what it gets.
  const digest = createHash('sha256').update(canonical(input.TransactItems)).digest('hex');
  const request = parse<TransactRequest<WriteRequest>>(TRANSACT_WRITE, input);
  const { TransactItems, ClientRequestToken: token, ReturnConsumedCapacity } = request;
  const result = () => ({ ConsumedCapacity: usage.ofTables(ReturnConsumedCapacity, true) });
  return engine.database.turn(async () => {
    const writes = TransactItems.map((item) => {
      const [kind, write] = Object.entries(item)[0] as [WriteKind, WriteRequest];
      return { kind, write, table: tableNamed(engine.database, write.TableName) };
    });
    eachOrCancel(writes, ({ table, kind, write }) => checkWrite(table, kind, write));
    if (token !== undefined && isDone(engine, token, digest)) {
      for (const { table, write } of writes) readItem(engine, table, { Key: keyOf(write) }, usage, FACTOR);
      return { operations: [], result: result() };
    }
    checkDistinct(writes.map(({ table, write }) => itemKey(table, keyOf(write))));
    const changes = eachOrCancel(writes, ({ table, kind, write }) => decide(engine, table, kind, write, usage, FACTOR));
    const bytes = changes.reduce((sum, { after = {} }) => sum + itemSize(after), 0);
    if (bytes > MAX_BYTES) throw invalid(`Transaction payload size cannot exceed 4MB. Payload Size: ${bytes}`);
    const changing = changes.filter((_, i) => writes[i]!.kind !== 'ConditionCheck');
    const operations = changing.flatMap((change) => engine.operations(change, usage));
    if (token !== undefined) operations.push(...(await tokenOperations(engine, token, digest)));
    return { operations, result: result() };
  });
}

/** Carries out TransactGetItems: the items as they are between two writes. */
export function transactGetItems(engine: Engine, input: object, usage: Usage): Promise<object> {
  const { TransactItems, ReturnConsumedCapacity } = parse<TransactRequest<GetRequest>>(TRANSACT_GET, input);
  return engine.database.turn(() => {
    const reads = TransactItems.map((item) => {
      const read = item.Get!;
      return { read, table: tableNamed(engine.database, read.TableName) };
    });
    eachOrCancel(reads, ({ table, read }) => checkGet(table, read));
    checkDistinct(reads.map(({ table, read }) => itemKey(table, read.Key)));
    const Responses = reads.map(({ table, read }) => ({ Item: readItem(engine, table, read, usage, FACTOR) }));
    return {
      operations: [],
      result: { Responses, ConsumedCapacity: usage.ofTables(ReturnConsumedCapacity, true) },
    };
  });
}

function checkDistinct(keys: readonly string[]): void {
  if (new Set(keys).size < keys.length)
    throw invalid('Transaction request cannot include multiple operations on one item');
}

/** Does something for every item; if it is refused for any, throws one refusal that has the reason of each. */
function eachOrCancel<T, R>(items: readonly T[], run: (item: T) => R): R[] {
  const results: R[] = [];
  const CancellationReasons = items.map((item) => {
    try {
      results.push(run(item));
      return { Code: 'None' };
    } catch (error) {
      if (!(error instanceof DynamoDbError)) throw error;
      return {
        Code: error.name.replace(/Exception$/, '').replace(/^Validation$/, 'ValidationError'),
        Message: error.message,
        ...error.details,
      };
    }
  });
  if (results.length === items.length) return results;
  throw new DynamoDbError(
    'TransactionCanceledException',
    'Transaction cancelled, please refer cancellation reasons for specific reasons ' +
      `[${CancellationReasons.map(({ Code }) => Code).join(', ')}]`,
    { CancellationReasons },
  );
}

function isDone({ database, clock }: Engine, token: string, digest: string): boolean {
  const done = database.get<Done>(`token~${token}`);
  if (done === undefined || done.at <= forgottenAt(clock)) return false;
  if (done.digest !== digest)
    throw new DynamoDbError(
      'IdempotentParameterMismatchException',
      'The request uses the same client token as a previous, but non-identical request.',
    );
  return true;
}

/** Tokens of this time and before have been kept long enough. */
function forgottenAt(clock: ServiceClock): number {
  return Math.floor(clock.now()) - TOKEN_KEPT_MS;
}

/** What keeps a token, and forgets those that have had their time. */
async function tokenOperations({ database, clock }: Engine, token: string, digest: string): Promise<Operation[]> {
  const at = Math.floor(clock.now());
  const timeKey = (time: number) => `token-time~${String(time).padStart(15, '0')}`;
  const done: Done = { digest, at };
  const operations: Operation[] = [];
  const old = { gte: 'token-time~', lt: timeKey(forgottenAt(clock) + 1) };
  for await (const [key, forgotten] of database.entries<string>(old)) {
    operations.push({ type: 'del', key }, { type: 'del', key: `token~${forgotten}` });
  }
  operations.push({ type: 'put', key: `token~${token}`, value: done });
  operations.push({ type: 'put', key: `${timeKey(at)}~${token}`, value: token });
  return operations;
}

/** JSON that does not depend on the order of members. */
function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

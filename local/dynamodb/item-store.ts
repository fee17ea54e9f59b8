import db from 'dynalite/db/index.js';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws-call';
import { type AttributeMap, equal, itemSize } from './attribute-value';
import { invalid, Refusal } from './refusal';

/** What a write makes of one item; both absent when it touches an item that isn't there. */
export interface Change {
  readonly table: db.Table;
  readonly before: AttributeMap | undefined;
  readonly after: AttributeMap | undefined;
}

interface Batch {
  readonly operations: db.Operation[];
  readonly done: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Items and tables in LevelDB, laid out as dynalite does it. A write decides and is staged in one
 * synchronous step, so that writes and transactions are serial without a lock; everything staged while
 * one batch is being written goes into the next one. A batch is all or nothing, over a kill too, and
 * holds a change's item, index entries and expiry entry together.
 *
 * Deciding sees staged changes, reading sees written ones only: nobody acts on what a kill may take back.
 */
export class ItemStore {
  /** Further operations that belong to a change, such as those of the expiry index. */
  derive: (change: Change) => db.Operation[] = () => [];
  private readonly level: db.Level;
  private readonly staged = new Map<string, db.Operation>();
  private readonly tables = new Map<string, db.Table>();
  private next: Batch | undefined;
  private writing: Promise<void> | undefined;
  private failure: unknown;

  private constructor(readonly dynalite: db.Store) {
    this.level = dynalite.db;
    dynalite.tableDb.awsAccountId = LOCAL_ACCOUNT;
    dynalite.tableDb.awsRegion = LOCAL_REGION;
  }

  /** Opens the store in `dir`, or in memory. Rejects when another process has the directory open. */
  static async open(dir?: string): Promise<ItemStore> {
    const timing = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
    const store = db.create(dir === undefined ? timing : { ...timing, path: dir });
    await store.db.open();
    return new ItemStore(store);
  }

  /** The table, which must be ready for use. */
  table(name: string): db.Table {
    let table = this.tables.get(name);
    if (table === undefined) {
      table = this.latest(`table~${name}`) as db.Table | undefined;
      if (table === undefined || table.TableStatus === 'CREATING' || table.TableStatus === 'DELETING')
        throw new Refusal('ResourceNotFoundException', 'Requested resource not found');
      this.tables.set(name, table);
    }
    return table;
  }

  /** The description of a table in any state. */
  description(name: string): db.Table | undefined {
    return this.latest(`table~${name}`) as db.Table | undefined;
  }

  /** Has to be called around everything that changes a table. */
  forgetTables(): void {
    this.tables.clear();
  }

  /** A value with what is staged but not written yet. */
  latest(key: string): unknown {
    const operation = this.staged.get(key);
    return operation === undefined ? this.level.getSync(key) : operation.value;
  }

  /** An item as written. */
  item(table: string, key: string, snapshot?: db.Snapshot): AttributeMap | undefined {
    const options = snapshot === undefined ? undefined : { snapshot };
    return this.level.getSync(itemPrefix(table) + key, options) as AttributeMap | undefined;
  }

  /** An item as it will be once everything staged is written. */
  latestItem(table: string, key: string): AttributeMap | undefined {
    return this.latest(itemPrefix(table) + key) as AttributeMap | undefined;
  }

  snapshot(): db.Snapshot {
    return this.level.snapshot();
  }

  values(prefix: string, bounds: db.Bounds): db.Iterator<unknown> {
    return this.level.values(within(prefix, bounds));
  }

  keys(prefix: string, bounds: db.Bounds & { limit?: number }): db.Iterator<string> {
    return this.level.keys(within(prefix, bounds));
  }

  /** Stages the changes and further operations as one unit; resolves when they are written. */
  commit(changes: readonly Change[], further: readonly db.Operation[] = []): Promise<void> {
    const operations = changes.flatMap((change) => this.operations(change)).concat(further);
    if (operations.length === 0) return this.settled();
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.next ??= newBatch();
    for (const operation of operations) {
      this.next.operations.push(operation);
      this.staged.set(operation.key, operation);
    }
    const { done } = this.next;
    this.writing ??= this.write();
    return done;
  }

  /** Resolves when everything that is staged now is written. */
  async settled(): Promise<void> {
    await (this.next?.done ?? this.writing);
  }

  async close(): Promise<void> {
    await this.settled().catch(() => {});
    await this.dynalite.lifecycleManager.gracefulClose();
  }

  /** Operations that write every index entry of one index anew for an item. */
  indexOperations(table: db.Table, index: db.Index, isLocal: boolean, change: Change): db.Operation[] {
    const before = change.before && indexEntry(change.before, table, index);
    const after = change.after && indexEntry(change.after, table, index);
    const prefix = indexPrefix(table.TableName, index.IndexName, isLocal);
    const operations: db.Operation[] = [];
    if (before !== undefined && before.key !== after?.key) operations.push({ type: 'del', key: prefix + before.key });
    if (after !== undefined && !(before !== undefined && sameEntry(before, after)))
      operations.push({ type: 'put', key: prefix + after.key, value: after.item });
    return operations;
  }

  private operations(change: Change): db.Operation[] {
    const { table, before, after } = change;
    const item = after ?? before;
    if (item === undefined) return [];
    const key = itemPrefix(table.TableName) + db.createKey(item, table);
    const operations: db.Operation[] = [
      after === undefined ? { type: 'del', key } : { type: 'put', key, value: after },
    ];
    for (const index of table.GlobalSecondaryIndexes ?? [])
      operations.push(...this.indexOperations(table, index, false, change));
    for (const index of table.LocalSecondaryIndexes ?? [])
      operations.push(...this.indexOperations(table, index, true, change));
    operations.push(...this.derive(change));
    return operations;
  }

  private async write(): Promise<void> {
    while (this.next !== undefined) {
      const batch: Batch = this.next;
      this.next = undefined;
      try {
        if (this.failure !== undefined) throw this.failure;
        await this.level.batch(batch.operations);
        batch.resolve();
      } catch (error) {
        // What was staged after it may rest on it, so nothing more is written.
        this.failure = error;
        batch.reject(error);
      }
      for (const operation of batch.operations)
        if (this.staged.get(operation.key) === operation) this.staged.delete(operation.key);
    }
    this.writing = undefined;
  }
}

function newBatch(): Batch {
  const settle = {} as Pick<Batch, 'resolve' | 'reject'>;
  const done = new Promise<void>((resolve, reject) => Object.assign(settle, { resolve, reject }));
  // Whoever waits for it hears of a failure; a batch that nobody waits for must not end the process.
  done.catch(() => {});
  return { operations: [], done, ...settle };
}

export function itemPrefix(table: string): string {
  return `item-${table}~`;
}

export function indexPrefix(table: string, index: string, isLocal: boolean): string {
  return `index-${isLocal ? 'local' : 'global'}~${table}~${index}~`;
}

function within(prefix: string, { gt, gte, lt, lte, ...rest }: db.Bounds & { limit?: number }) {
  const range: db.Bounds & { limit?: number } = { ...rest };
  if (gt !== undefined) range.gt = prefix + gt;
  else range.gte = prefix + (gte ?? '');
  if (lt !== undefined) range.lt = prefix + lt;
  else range.lte = prefix + (lte ?? '\uffff');
  return range;
}

interface IndexEntry {
  readonly key: string;
  readonly item: AttributeMap;
}

/** What an index holds of an item, or undefined when the item lacks one of its keys. */
function indexEntry(item: AttributeMap, table: db.Table, index: db.Index): IndexEntry | undefined {
  if (index.KeySchema.some(({ AttributeName }) => item[AttributeName] === undefined)) return undefined;
  const projected = projection(item, table, index);
  return { key: db.createIndexKey(item, table, index.KeySchema), item: projected };
}

function projection(item: AttributeMap, table: db.Table, index: db.Index): AttributeMap {
  if (index.Projection.ProjectionType === 'ALL') return item;
  const names = [...index.KeySchema, ...table.KeySchema].map(({ AttributeName }) => AttributeName);
  names.push(...(index.Projection.NonKeyAttributes ?? []));
  return Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
}

function sameEntry(a: IndexEntry, b: IndexEntry): boolean {
  return a.key === b.key && equal({ M: a.item }, { M: b.item });
}

/** Write units that the indexes take for a change: none where what they hold of the item stays the same. */
export function indexWriteUnits({ table, before, after }: Change): Map<string, number> {
  const units = new Map<string, number>();
  for (const index of [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])]) {
    const [old, now] = [before, after].map((item) => item && indexEntry(item, table, index));
    const sizes = [old, now].map((entry) => (entry === undefined ? 0 : Math.ceil(itemSize(entry.item) / 1024)));
    const moved = old?.key !== now?.key;
    const same = old !== undefined && now !== undefined && sameEntry(old, now);
    const taken = same ? 0 : moved ? sizes[0]! + sizes[1]! : Math.max(...sizes);
    if (taken > 0) units.set(index.IndexName, taken);
  }
  return units;
}

/** Refuses an item whose index key is an empty string or empty binary. */
export function validateIndexKeys(item: AttributeMap, table: db.Table): void {
  for (const index of [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])])
    for (const { AttributeName } of index.KeySchema) {
      const value = item[AttributeName];
      if (value?.S === '' || value?.B === '')
        throw invalid(
          'One or more parameter values are not valid. A value specified for a secondary index key is not supported. ' +
            `The AttributeValue for a key attribute cannot contain an empty ${value.S === '' ? 'string' : 'binary'} ` +
            `value. IndexName: ${index.IndexName}, IndexKey: ${AttributeName}`,
        );
    }
}

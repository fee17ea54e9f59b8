import { createHash } from 'node:crypto';
import type { ServiceClock } from '../clock';
import type { AttributeMap } from './attribute-value';
import { type Change, changeOperations } from './change';
import { type Database, type Operation, startingWith } from './database';
import { itemKey, itemPrefix } from './keys';
import type { Table } from './table';
import { Usage } from './usage';

/** What the expiry index holds of an item: its table and its key in the database. */
interface Entry {
  readonly table: string;
  readonly item: string;
}

const PREFIX = 'expiry~';
const FIVE_YEARS_S = 5 * 365 * 86_400;
const LATEST_S = 999_999_999_999;
const MAX_LATENESS_S = 30;
const SWEPT_AT_ONCE = 500;

/**
 * Deletes items after the time that their expiry attribute says. AWS does it within days and promises nothing;
 * here an item goes some seconds late, differently each time, so that nobody comes to rely on either. The index
 * is in the database, ordered by time and written together with the items; one timer waits for its beginning.
 */
export class Expiry {
  private timer: { readonly at: number; readonly cancel: () => void } | undefined;
  private sweeping: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly clock: ServiceClock,
    private readonly tableOf: (name: string) => Table | undefined,
  ) {}

  /** Whether items are being deleted now. */
  get active(): boolean {
    return this.sweeping !== undefined;
  }

  /** What a change writes to the expiry index. */
  operations({ table, before, after }: Change): Operation[] {
    const old = before && entryKey(table, before);
    const now = after && entryKey(table, after);
    if (old === now) return [];
    const operations: Operation[] = old === undefined ? [] : [{ type: 'del', key: old }];
    // AWS leaves alone what lies years back: that is rather another unit than a time.
    if (now !== undefined && secondsOf(now) > this.clock.now() / 1000 - FIVE_YEARS_S) {
      const value: Entry = { table: table.TableName, item: itemKey(table, after!) };
      operations.push({ type: 'put', key: now, value });
      this.wakeFor(now);
    }
    return operations;
  }

  /** What takes all items of a table into the index, or out of it. */
  async allOperations(table: Table, taken: boolean): Promise<Operation[]> {
    if (table.timeToLive === undefined) return [];
    const operations: Operation[] = [];
    for await (const [, item] of this.database.entries<AttributeMap>(startingWith(itemPrefix(table)))) {
      const change = taken ? { before: undefined, after: item } : { before: item, after: undefined };
      operations.push(...this.operations({ table, ...change }));
    }
    return operations;
  }

  /** Waits for the item that expires first. */
  async start(): Promise<void> {
    for await (const [key] of this.database.entries({ ...startingWith(PREFIX), limit: 1 })) this.wakeFor(key);
  }

  /** Resolves when what is being deleted is gone; nothing is deleted after it. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.sweeping;
  }

  private wakeFor(key: string): void {
    const lateness = 1 + (createHash('md5').update(key).digest()[0]! % MAX_LATENESS_S);
    const at = (secondsOf(key) + lateness) * 1000;
    if (this.stopped || (this.timer !== undefined && this.timer.at <= at)) return;
    this.timer?.cancel();
    const cancel = this.clock.schedule(at, () => {
      this.timer = undefined;
      this.sweeping = this.sweep().finally(() => {
        this.sweeping = undefined;
      });
    });
    this.timer = { at, cancel };
  }

  private async sweep(): Promise<void> {
    let swept: number;
    do swept = await this.database.turn(() => this.sweepSome());
    while (swept === SWEPT_AT_ONCE);
    await this.start();
  }

  private async sweepSome(): Promise<{ operations: Operation[]; result: number }> {
    const lt = keyAt(Math.ceil(this.clock.now() / 1000));
    const operations: Operation[] = [];
    let result = 0;
    for await (const [key, entry] of this.database.entries<Entry>({ gte: PREFIX, lt, limit: SWEPT_AT_ONCE })) {
      result++;
      operations.push({ type: 'del', key });
      const table = this.tableOf(entry.table)!;
      const before = this.database.get<AttributeMap>(entry.item);
      operations.push(...changeOperations({ table, before, after: undefined }, new Usage()));
    }
    return { operations, result };
  }
}

function entryKey(table: Table, item: AttributeMap): string | undefined {
  const number = table.timeToLive === undefined ? undefined : item[table.timeToLive]?.N;
  const seconds = number === undefined ? Number.NaN : Math.floor(Number(number));
  return seconds >= 0 && seconds <= LATEST_S ? `${keyAt(seconds)}~${itemKey(table, item)}` : undefined;
}

function keyAt(seconds: number): string {
  return PREFIX + String(seconds).padStart(12, '0');
}

function secondsOf(key: string): number {
  return Number(key.slice(PREFIX.length, PREFIX.length + 12));
}

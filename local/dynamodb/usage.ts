import type { Index, Table } from './table';

/** Units of a table, of an index, or of all. */
interface Units {
  read: number;
  write: number;
}

interface TableUsage {
  readonly table: Units;
  readonly GlobalSecondaryIndexes: Record<string, Units>;
  readonly LocalSecondaryIndexes: Record<string, Units>;
}

/** Which units an answer lists, as `ReturnConsumedCapacity` says it. */
export type Reporting = 'INDEXES' | 'TOTAL' | 'NONE' | undefined;

/** Counts the capacity units that one request uses up, also one that is refused in the end. */
export class Usage {
  private readonly tables = new Map<string, TableUsage>();

  /** Adds what was read from or written to a table or one of its indexes. */
  add(kind: keyof Units, table: Table, units: number, index?: Index): void {
    const all = this.of(table.TableName);
    if (index === undefined) {
      all.table[kind] += units;
    } else {
      const isLocal = table.LocalSecondaryIndexes?.some(({ IndexName }) => IndexName === index.IndexName);
      const indexes = all[isLocal ? 'LocalSecondaryIndexes' : 'GlobalSecondaryIndexes'];
      indexes[index.IndexName] ??= { read: 0, write: 0 };
      indexes[index.IndexName]![kind] += units;
    }
  }

  /** All units of the request. */
  get total(): Readonly<Units> {
    return sum([...this.tables.values()].flatMap(parts));
  }

  /** `ConsumedCapacity` of a request for one table. */
  ofTable(reporting: Reporting): object | undefined {
    return this.ofTables(reporting)?.[0];
  }

  /** `ConsumedCapacity` of a request for several tables; `split` tells reads from writes, as transactions do. */
  ofTables(reporting: Reporting, split = false): object[] | undefined {
    if (reporting !== 'TOTAL' && reporting !== 'INDEXES') return undefined;
    const shown = ({ read, write }: Units) => ({
      CapacityUnits: read + write,
      ...(split && read > 0 ? { ReadCapacityUnits: read } : {}),
      ...(split && write > 0 ? { WriteCapacityUnits: write } : {}),
    });
    return [...this.tables].map(([TableName, usage]) => {
      const total = { TableName, ...shown(sum(parts(usage))) };
      if (reporting === 'TOTAL') return total;
      const { table, ...indexes } = usage;
      const listed = Object.entries(indexes).filter(([, units]) => Object.keys(units).length > 0);
      return {
        ...total,
        Table: shown(table),
        ...Object.fromEntries(
          listed.map(([kind, units]) => [
            kind,
            Object.fromEntries(Object.entries(units).map(([name, unit]) => [name, shown(unit)])),
          ]),
        ),
      };
    });
  }

  private of(table: string): TableUsage {
    const known = this.tables.get(table);
    if (known !== undefined) return known;
    const usage = { table: { read: 0, write: 0 }, GlobalSecondaryIndexes: {}, LocalSecondaryIndexes: {} };
    this.tables.set(table, usage);
    return usage;
  }
}

function parts(usage: TableUsage): Units[] {
  return [usage.table, ...Object.values(usage.GlobalSecondaryIndexes), ...Object.values(usage.LocalSecondaryIndexes)];
}

function sum(all: readonly Units[]): Units {
  const total = { read: 0, write: 0 };
  for (const { read, write } of all) {
    total.read += read;
    total.write += write;
  }
  return total;
}

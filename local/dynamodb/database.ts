import db from 'dynalite/db/index.js';

/** A key to be written or deleted. */
export type Operation = db.Put | db.Delete;

/** Part of the keys; `gt` or `gte`, and `lt`, are given in full. */
export type Range = db.Range;

/** What a turn has decided: what to write, and what its caller gets once it is written. */
export interface Decision<T> {
  readonly operations: readonly Operation[];
  readonly result: T;
}

const READ_AHEAD = 25;

/**
 * Keys and JSON values in LevelDB. Writing goes turn by turn: a turn reads what all before it have written,
 * decides, and what it decided is written as one batch, all or nothing, over a kill of the process too.
 */
export class Database {
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly level: db.Level,
    private readonly closeLevel: () => Promise<void>,
  ) {}

  /** Opens the database in `dir`, or in memory. Rejects when another process has the directory open. */
  static async open(dir?: string): Promise<Database> {
    const { db: level, lifecycleManager } = db.create(dir === undefined ? {} : { path: dir });
    await level.open();
    return new Database(level, () => lifecycleManager.gracefulClose());
  }

  /** The value of a key, as written. */
  get<T>(key: string): T | undefined {
    return this.level.getSync(key) as T | undefined;
  }

  /** Keys and values of a range in order, as they were when it began. */
  async *entries<T>(range: Range): AsyncGenerator<readonly [key: string, value: T]> {
    const iterator = this.level.iterator(range);
    try {
      for (;;) {
        const entries = await iterator.nextv(READ_AHEAD);
        if (entries.length === 0) return;
        yield* entries as [string, T][];
      }
    } finally {
      await iterator.close();
    }
  }

  /** Waits for its turn, decides, writes. Resolves when written; rejects, and writes nothing, when `decide` throws. */
  turn<T>(decide: () => Decision<T> | Promise<Decision<T>>): Promise<T> {
    const turn = this.last.then(async () => {
      const { operations, result } = await decide();
      if (operations.length > 0) await this.level.batch(operations);
      return result;
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Lets the turns that wait finish, and closes. */
  async close(): Promise<void> {
    await this.last;
    await this.closeLevel();
  }
}

/** The range of all keys that begin with `prefix`; what follows it must sort before `~`. */
export function startingWith(prefix: string): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix}~` };
}

/** The parts of dynalite 4.0.0 that the stand-in builds on; none of them is public, so its version is pinned. */
declare module 'dynalite/db/index.js' {
  namespace db {
    interface Put {
      readonly type: 'put';
      readonly key: string;
      readonly value: unknown;
    }
    interface Delete {
      readonly type: 'del';
      readonly key: string;
    }
    interface Range {
      readonly gt?: string;
      readonly gte?: string;
      readonly lt?: string;
      readonly reverse?: boolean;
      readonly limit?: number;
    }
    interface Iterator {
      nextv(size: number): Promise<[key: string, value: unknown][]>;
      close(): Promise<void>;
    }
    /** LevelDB in a directory or in memory, with values in JSON. */
    interface Level {
      open(): Promise<void>;
      getSync(key: string): unknown;
      /** All or nothing, also when the process is killed meanwhile. */
      batch(operations: readonly (Put | Delete)[]): Promise<void>;
      iterator(range: Range): Iterator;
    }
  }
  const db: {
    create(options: { path?: string }): {
      readonly db: db.Level;
      readonly lifecycleManager: { gracefulClose(): Promise<void> };
    };
  };
  export = db;
}

declare module 'dynalite/validations/index.js' {
  const validations: {
    /** A copy with what `types` lists; throws an error with `body` for a value of another type. */
    checkTypes(input: object, types: object): object;
    /** Throws an error with `body` for a value out of bounds; `check` returns a message, and parses expressions. */
    checkValidations(data: object, types: object, check: unknown, store: object): void;
  };
  export = validations;
}

declare module 'dynalite/validations/*' {
  const validation: import('./request').Schema;
  export = validation;
}

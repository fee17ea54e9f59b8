/** The parts of dynalite 4.0.0 that the stand-in builds on; none of them is public, so its version is pinned. */
declare module 'dynalite/db/index.js' {
  type AttributeMap = import('./attribute-value').AttributeMap;
  type AttributeValue = import('./attribute-value').AttributeValue;

  namespace db {
    interface KeyElement {
      AttributeName: string;
      KeyType: string;
    }
    interface Index {
      IndexName: string;
      KeySchema: KeyElement[];
      Projection: { ProjectionType: string; NonKeyAttributes?: string[] };
      IndexStatus?: string;
      [more: string]: unknown;
    }
    interface Table {
      TableName: string;
      TableStatus: string;
      TableArn: string;
      KeySchema: KeyElement[];
      AttributeDefinitions: { AttributeName: string; AttributeType: string }[];
      GlobalSecondaryIndexes?: Index[];
      LocalSecondaryIndexes?: Index[];
      [more: string]: unknown;
    }
    interface DynaliteError extends Error {
      statusCode?: number;
      body?: { __type: string; message?: string; [more: string]: unknown };
    }
    type Callback<T> = (error?: DynaliteError | null, result?: T) => void;
    type Path = (string | number)[];
    interface Expression {
      type: string;
      name?: string;
      args: Operand[];
    }
    type Operand = Path | Expression | AttributeValue;
    interface Projection {
      paths: Path[];
      nestedPaths: Record<string, boolean>;
    }
    /** A request after validation, with its expressions parsed. */
    interface Request {
      TableName: string;
      IndexName?: string;
      Item?: AttributeMap;
      Key?: AttributeMap;
      Limit?: number;
      ConsistentRead?: boolean;
      Select?: string;
      AttributesToGet?: string[];
      QueryFilter?: object;
      ScanFilter?: object;
      ConditionalOperator?: string;
      ReturnConsumedCapacity?: string;
      _condition?: { expression: Expression };
      _filter?: { expression: Expression };
      _projection?: Projection;
      [more: string]: unknown;
    }
    /** Bounds of a scan, relative to the keys of one table or index. */
    interface Bounds {
      gt?: string;
      gte?: string;
      lt?: string;
      lte?: string;
      reverse?: boolean;
    }
    interface ItemDb {
      lock(key: string, run: (release: <T>(callback: T) => T) => void): void;
      get(key: string, callback: Callback<AttributeMap>): void;
      put(key: string, item: AttributeMap, callback: Callback<void>): void;
      del(key: string, callback: Callback<void>): void;
    }
    /** What actions on items ask of a store. */
    interface ItemStoreView {
      readonly options: { maxItemSize: number };
      getTable(name: string, callback: Callback<Table>): void;
      getItemDb(table: string): ItemDb;
    }
    interface Operation {
      type: 'put' | 'del';
      key: string;
      value?: unknown;
    }
    interface Iterator<T> extends AsyncIterable<T> {
      nextv(size: number): Promise<T[]>;
      close(): Promise<void>;
    }
    interface Snapshot {
      close(): Promise<void>;
    }
    interface Level {
      open(): Promise<void>;
      getSync(key: string, options?: { snapshot?: Snapshot }): unknown;
      batch(operations: Operation[]): Promise<void>;
      snapshot(): Snapshot;
      values(range: Bounds & { limit?: number }): Iterator<unknown>;
      keys(range: Bounds & { limit?: number }): Iterator<string>;
    }
    interface Store {
      readonly options: { maxItemSize: number };
      readonly db: Level;
      readonly tableDb: { awsAccountId: string; awsRegion: string };
      readonly lifecycleManager: { gracefulClose(): Promise<void> };
    }
    interface Internals {
      create(options: { path?: string; createTableMs: number; deleteTableMs: number; updateTableMs: number }): Store;
      validateKey(key: AttributeMap, table: Table): DynaliteError | null | undefined;
      validateItem(item: AttributeMap, table: Table): DynaliteError | null | undefined;
      validateKeyPaths(nested: Record<string, boolean> | undefined, table: Table): DynaliteError | null | undefined;
      createKey(item: AttributeMap, table: Table, schema?: KeyElement[]): string;
      createIndexKey(item: AttributeMap, table: Table, schema: KeyElement[]): string;
      itemSize(item: AttributeMap): number;
      mapPath(path: Path, item: AttributeMap): AttributeValue | null | undefined;
      mapPaths(paths: (Path | string)[], item: AttributeMap): AttributeMap;
      compare(operator: string, left: AttributeValue | null | undefined, right: unknown): boolean | undefined;
      matchesFilter(item: AttributeMap, filter: object, operator?: string): boolean;
      checkConditional(request: Request, existing: AttributeMap | null | undefined): Error | null | undefined;
      updateIndexes(
        store: unknown,
        table: Table,
        before: AttributeMap | null | undefined,
        after: AttributeMap | null | undefined,
        callback: Callback<void>,
      ): void;
      queryTable(
        store: unknown,
        table: Table,
        request: Request,
        bounds: Bounds,
        isLocal: boolean | undefined,
        fetchFromItemDb: boolean,
        startKeyNames: string[],
        callback: Callback<object>,
      ): void;
    }
  }
  const db: db.Internals;
  export = db;
}

declare module 'dynalite/validations/index.js' {
  const validations: {
    checkTypes(input: object, types: object): Record<string, unknown>;
    checkValidations(data: object, types: object, custom: unknown, store: unknown): void;
  };
  export = validations;
}

declare module 'dynalite/validations/*' {
  const validation: { types: Record<string, unknown>; custom?: unknown };
  export = validation;
}

declare module 'dynalite/actions/*' {
  import type db from 'dynalite/db/index.js';

  const action: <T>(store: unknown, data: object, callback: db.Callback<T>) => void;
  export = action;
}

import { type Database, type Operation, startingWith } from './database';
import { DynamoDbError } from './dynamodb-error';
import type { Table } from './table';

const PREFIX = 'table~';

/** A table by its name. Throws `ResourceNotFoundException`. */
export function tableNamed(database: Database, name: string): Table {
  const table = findTable(database, name);
  if (table === undefined)
    throw new DynamoDbError('ResourceNotFoundException', `Requested resource not found: Table: ${name} not found`);
  return table;
}

/** A table by its name, or undefined. */
export function findTable(database: Database, name: string): Table | undefined {
  return database.get<Table>(PREFIX + name);
}

/** All tables, by name. */
export async function allTables(database: Database): Promise<Table[]> {
  const tables: Table[] = [];
  for await (const [, table] of database.entries<Table>(startingWith(PREFIX))) tables.push(table);
  return tables;
}

/** What makes a table known, or changes it. */
export function putTable(table: Table): Operation {
  return { type: 'put', key: PREFIX + table.TableName, value: table };
}

/** What makes a table unknown. */
export function removeTable(table: Table): Operation {
  return { type: 'del', key: PREFIX + table.TableName };
}

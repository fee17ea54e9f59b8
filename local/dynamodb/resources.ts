import { tableArn } from './table';

/** ARNs of the tables and indexes that a request names, wherever it names them. */
export function resourcesOf(input: Readonly<Record<string, unknown>>): string[] {
  if (typeof input.TableName === 'string') {
    const index = typeof input.IndexName === 'string' ? `/index/${input.IndexName}` : '';
    return [`${arnOf(input.TableName)}${index}`];
  }
  if (Array.isArray(input.TransactItems)) {
    const tables = input.TransactItems.flatMap((item: object | null) =>
      Object.values(item ?? {}).map((request: { TableName?: unknown } | null) => String(request?.TableName)),
    );
    return [...new Set(tables)].map(arnOf);
  }
  return Object.keys(input.RequestItems ?? {}).map(arnOf);
}

function arnOf(table: string): string {
  return table.startsWith('arn:') ? table : tableArn(table);
}

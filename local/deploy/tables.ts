import type { Stack, StackResource } from '../assembly/stack';
import { type Dictionary, isDictionary } from '../assembly/template';
import type { StandIns } from '../stand-ins';

/** A table of the template, as CreateTable and UpdateTimeToLive take it. */
export interface TableDefinition {
  readonly input: {
    readonly TableName: string;
    readonly AttributeDefinitions: readonly unknown[];
    readonly KeySchema: readonly unknown[];
    readonly BillingMode: 'PAY_PER_REQUEST';
    readonly GlobalSecondaryIndexes?: readonly Dictionary[];
    readonly LocalSecondaryIndexes?: readonly Dictionary[];
  };
  /** The attribute that items expire by. */
  readonly timeToLiveAttribute: string | undefined;
}

/** Creates the tables of the template, unless a data directory kept them. */
export async function createTables(stack: Stack, standIns: StandIns): Promise<void> {
  for (const table of stack.ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')) {
    await standIns.createTable(tableDefinition(stack.ref(table), table)).catch((error: Error) => {
      table.stop(`is refused: ${error.message}`);
    });
  }
}

/** Reads a table. Capacity is always on demand: local mode imitates no throttling. */
export function tableDefinition(name: string, table: StackResource): TableDefinition {
  const indexes = (property: string) => table.list(property).filter(isDictionary).map(indexDefinition);
  const global = indexes('GlobalSecondaryIndexes');
  const local = indexes('LocalSecondaryIndexes');
  const { AttributeName, Enabled } = table.dictionary('TimeToLiveSpecification');
  return {
    input: {
      TableName: name,
      AttributeDefinitions: table.list('AttributeDefinitions'),
      KeySchema: table.list('KeySchema'),
      BillingMode: 'PAY_PER_REQUEST',
      ...(global.length > 0 ? { GlobalSecondaryIndexes: global } : {}),
      ...(local.length > 0 ? { LocalSecondaryIndexes: local } : {}),
    },
    timeToLiveAttribute: String(Enabled) === 'true' ? String(AttributeName) : undefined,
  };
}

function indexDefinition({ IndexName, KeySchema, Projection }: Dictionary): Dictionary {
  return { IndexName, KeySchema, Projection };
}

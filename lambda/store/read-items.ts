import { BatchGetItemCommand, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { dynamodb } from './aws';
import { type Item, S } from './keys';

/** DynamoDB's limit of keys in one BatchGetItem. */
const BATCH_GET_KEYS = 100;

/** One item by key, strongly consistent. */
export async function getItem(key: Item): Promise<Item | undefined> {
  const answer = await dynamodb.send(
    new GetItemCommand({ TableName: requireEnv('TABLE_NAME'), Key: key, ConsistentRead: true }),
  );
  return answer.Item;
}

/** Items by key, strongly consistent, in no order; what does not exist is absent. Repeats what DynamoDB left over. */
export async function getItems(keys: readonly Item[]): Promise<Item[]> {
  const table = requireEnv('TABLE_NAME');
  const unique = [...new Map(keys.map((key) => [`${key.pk!.S}\n${key.sk!.S}`, key])).values()];
  const found: Item[] = [];
  for (let start = 0; start < unique.length; start += BATCH_GET_KEYS) {
    let pending: Item[] | undefined = unique.slice(start, start + BATCH_GET_KEYS);
    for (let round = 0; pending !== undefined && pending.length > 0; round++) {
      if (round > 20) throw new Error('DynamoDB keeps leaving keys of a BatchGetItem unprocessed');
      if (round > 1) await new Promise((resolve) => setTimeout(resolve, 25 * round));
      const answer: { Responses?: Record<string, Item[]>; UnprocessedKeys?: Record<string, { Keys?: Item[] }> } =
        await dynamodb.send(
          new BatchGetItemCommand({ RequestItems: { [table]: { Keys: pending, ConsistentRead: true } } }),
        );
      found.push(...(answer.Responses?.[table] ?? []));
      pending = answer.UnprocessedKeys?.[table]?.Keys;
    }
  }
  return found;
}

/** One page of a partition, strongly consistent. */
export interface PartitionPage {
  readonly items: Item[];
  /** Sort key after which the next page starts; absent at the end. */
  readonly lastSort?: string;
}

export interface PartitionRange {
  readonly partition: string;
  /** Inclusive bounds of the sort key; nothing lies between bounds in the wrong order. */
  readonly from: string;
  readonly to: string;
  readonly newestFirst?: boolean;
  /** Sort key of the last item already seen. */
  readonly after?: string;
  /** Items to examine at most in one page. */
  readonly limit?: number;
  /** Default: true. Half the price without, and blind to the last second's writes. */
  readonly consistent?: boolean;
  /** Names of the attributes to return; default: all. */
  readonly attributes?: readonly string[];
  readonly filter?: { readonly expression: string; readonly names: Record<string, string>; readonly values: Item };
}

export async function queryPartition(range: PartitionRange): Promise<PartitionPage> {
  // DynamoDB would refuse the query.
  if (range.from > range.to) return { items: [] };
  const attributes = range.attributes?.map((name): [string, string] => [`#a_${name}`, name]);
  const names = { ...range.filter?.names, ...Object.fromEntries(attributes ?? []) };
  const answer = await dynamodb.send(
    new QueryCommand({
      TableName: requireEnv('TABLE_NAME'),
      ConsistentRead: range.consistent ?? true,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      FilterExpression: range.filter?.expression,
      ProjectionExpression: attributes?.map(([placeholder]) => placeholder).join(', '),
      ExpressionAttributeNames: Object.keys(names).length === 0 ? undefined : names,
      ExpressionAttributeValues: {
        ':pk': S(range.partition),
        ':from': S(range.from),
        ':to': S(range.to),
        ...range.filter?.values,
      },
      ScanIndexForward: range.newestFirst !== true,
      Limit: range.limit,
      ExclusiveStartKey: range.after === undefined ? undefined : { pk: S(range.partition), sk: S(range.after) },
    }),
  );
  return { items: answer.Items ?? [], lastSort: answer.LastEvaluatedKey?.sk?.S };
}

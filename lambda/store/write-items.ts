import {
  DeleteItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { dynamodb } from './aws';
import type { Item } from './keys';

/** Writes an item, whatever was there before. */
export async function putItem(item: Item): Promise<void> {
  await dynamodb.send(new PutItemCommand({ TableName: requireEnv('TABLE_NAME'), Item: item }));
}

/** Deletes an item, if it is there; says whether it was. */
export async function deleteItem(key: Item): Promise<boolean> {
  const answer = await dynamodb.send(
    new DeleteItemCommand({ TableName: requireEnv('TABLE_NAME'), Key: key, ReturnValues: 'ALL_OLD' }),
  );
  return answer.Attributes !== undefined;
}

/** Why a transaction was refused: for each of its writes whether its condition failed, and the item in its way. */
export type Refusal = readonly { readonly failed: boolean; readonly item?: Item }[];

const MAX_CONFLICTS = 5;

/**
 * Writes all or nothing. A failed condition is an answer, not an error; a conflict with another writer is
 * tried again. Doing it twice for one call of this function is doing it once.
 */
export async function transact(writes: TransactWriteItem[]): Promise<Refusal | 'written'> {
  const command = new TransactWriteItemsCommand({ TransactItems: writes, ClientRequestToken: crypto.randomUUID() });
  for (let conflicts = 0; ; conflicts++) {
    try {
      await dynamodb.send(command);
      return 'written';
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
        return reasons.map(({ Code, Item }) => ({ failed: Code === 'ConditionalCheckFailed', item: Item }));
      }
      if (conflicts === MAX_CONFLICTS || !reasons.some(({ Code }) => Code === 'TransactionConflict')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** conflicts * (1 + Math.random())));
    }
  }
}

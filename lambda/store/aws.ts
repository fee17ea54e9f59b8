import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';

/**
 * A call that hangs must fail inside the time a handler keeps for recording what happened. The SDK repeats
 * what it may: every write here is idempotent or conditional.
 */
export const clientOptions = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

export const dynamodb = new DynamoDBClient(clientOptions);
export const sqs = new SQSClient(clientOptions);

const MAX_CONFLICTS = 5;

// Unlike a throttled write, the SDK gives up one that meets a transaction on the same item.
dynamodb.middlewareStack.add(
  (next) => async (args) => {
    for (let conflicts = 0; ; conflicts++) {
      try {
        return await next(args);
      } catch (error) {
        if ((error as Error).name !== 'TransactionConflictException' || conflicts === MAX_CONFLICTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** conflicts * (1 + Math.random())));
      }
    }
  },
  { step: 'initialize', name: 'retryTransactionConflicts' },
);

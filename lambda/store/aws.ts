import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';

/**
 * A call that hangs must fail inside the time a handler keeps for recording what happened. The SDK repeats
 * what it may: every write here is idempotent or conditional.
 */
export const clientOptions = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000 },
};

export const dynamodb = new DynamoDBClient(clientOptions);
export const sqs = new SQSClient(clientOptions);

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';

/** A call that hangs must fail inside the time a handler keeps for recording what happened. */
const requestHandler = { connectionTimeout: 2_000, requestTimeout: 5_000 };

/** The SDK retries what is safe to retry; every write here is idempotent or conditional. */
export const dynamodb = new DynamoDBClient({ maxAttempts: 4, requestHandler });
export const sqs = new SQSClient({ maxAttempts: 4, requestHandler });

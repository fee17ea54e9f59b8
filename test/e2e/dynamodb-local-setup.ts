import { startDynamoDbLocal } from '../external/dynamodb-local';

/** Starts DynamoDB Local before all test files, which find its address in their environment. */
export default async function setup(): Promise<void> {
  const server = await startDynamoDbLocal();
  process.env.DYNAMODB_ENDPOINT = server.endpoint;
  Object.assign(globalThis, { stopDynamoDbLocal: server.stop });
}

import path from 'node:path';
import type { Interceptor } from './aws-call';
import type { ServiceClock } from './clock';
import type { ServiceEndpoints } from './deploy/functions';
import type { TableDefinition } from './deploy/tables';
import { DynamoDbServer } from './dynamodb/dynamodb-server';
import { DynamoDbProxy } from './dynamodb-proxy';
import { SecretsManagerServer } from './secrets/secrets-manager-server';
import { SqsServer } from './sqs/sqs-server';

/** The stand-ins of one local service: DynamoDB, SQS and Secrets Manager, each in its part of `dataDir`. */
export class StandIns {
  readonly secrets: SecretsManagerServer;
  readonly sqs: SqsServer;
  private readonly dynamodb: DynamoDbServer | DynamoDbProxy;

  constructor(
    clock: ServiceClock,
    dataDir: string | undefined,
    intercept: Interceptor,
    dynamoDbEndpoint: string | undefined,
  ) {
    const options = (name: string) => ({
      clock,
      intercept,
      ...(dataDir === undefined ? {} : { dir: path.join(dataDir, name) }),
    });
    this.sqs = new SqsServer(options('sqs'));
    this.secrets = new SecretsManagerServer(options('secrets'));
    this.dynamodb =
      dynamoDbEndpoint === undefined
        ? new DynamoDbServer(options('dynamodb'))
        : new DynamoDbProxy(dynamoDbEndpoint, intercept);
  }

  async listen(): Promise<ServiceEndpoints> {
    const [dynamodb, sqs, secretsManager] = await Promise.all(
      [this.dynamodb, this.sqs, this.secrets].map(async (server) => `http://127.0.0.1:${await server.listen()}`),
    );
    return { dynamodb: dynamodb!, sqs: sqs!, secretsManager: secretsManager! };
  }

  /** Creates a table unless the data directory has it, and sets what its items expire by. */
  async createTable({ input, timeToLiveAttribute }: TableDefinition): Promise<void> {
    await this.dynamodb.createTable(input);
    if (this.dynamodb instanceof DynamoDbServer && timeToLiveAttribute !== undefined) {
      await this.dynamodb.setTimeToLive(input.TableName, timeToLiveAttribute);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.dynamodb.close(), this.sqs.close(), this.secrets.close()]);
  }
}

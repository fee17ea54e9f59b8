import path from 'node:path';
import type { Interceptor } from './aws-call';
import type { ServiceClock } from './clock';
import { DataDirectoryError } from './data-directory';
import type { ServiceEndpoints } from './deploy/functions';
import type { TableDefinition } from './deploy/tables';
import { DynamoDbServer } from './dynamodb/dynamodb-server';
import { DynamoDbProxy } from './dynamodb-proxy';
import { S3Server } from './s3/s3-server';
import { SecretsManagerServer } from './secrets/secrets-manager-server';
import { CorruptJournalError } from './sqs/journal';
import { SqsServer } from './sqs/sqs-server';

/** How stand-ins are opened. */
export interface StandInOptions {
  readonly clock: ServiceClock;
  readonly intercept: Interceptor;
  /** Where each has a directory of its own; in memory when absent. */
  readonly dataDir?: string | undefined;
  /** A DynamoDB that runs elsewhere, in place of the embedded one. */
  readonly dynamoDbEndpoint?: string | undefined;
}

/** The stand-ins of one local service: DynamoDB, SQS, S3 and Secrets Manager. */
export class StandIns {
  private constructor(
    readonly sqs: SqsServer,
    readonly s3: S3Server,
    readonly secrets: SecretsManagerServer,
    private readonly dynamodb: DynamoDbServer | DynamoDbProxy,
    /** Where they listen. */
    readonly endpoints: ServiceEndpoints,
  ) {}

  /** Rejects with {@link DataDirectoryError} when another process has the directory, or it is damaged. */
  static async open({ clock, intercept, dataDir, dynamoDbEndpoint }: StandInOptions): Promise<StandIns> {
    const options = (name: string) => ({
      clock,
      intercept,
      dir: dataDir === undefined ? undefined : path.join(dataDir, name),
    });
    const dynamodb =
      dynamoDbEndpoint === undefined
        ? new DynamoDbServer(options('dynamodb'))
        : new DynamoDbProxy(dynamoDbEndpoint, intercept);
    try {
      // First, since its lock keeps a second process away from the whole directory.
      const dynamoDbPort = await dynamodb.listen();
      const sqs = new SqsServer(options('sqs'));
      const s3 = new S3Server(options('s3'));
      const secrets = new SecretsManagerServer(options('secrets'));
      return new StandIns(sqs, s3, secrets, dynamodb, {
        dynamodb: `http://127.0.0.1:${dynamoDbPort}`,
        sqs: `http://127.0.0.1:${await sqs.listen()}`,
        s3: `http://127.0.0.1:${await s3.listen()}`,
        secretsManager: `http://127.0.0.1:${await secrets.listen()}`,
      });
    } catch (error) {
      await dynamodb.close();
      throw dataDir === undefined ? error : (directoryError(dataDir, error) ?? error);
    }
  }

  /** Creates a table unless the data directory has it, and sets what its items expire by. */
  async createTable({ input, timeToLiveAttribute }: TableDefinition): Promise<void> {
    await this.dynamodb.createTable(input);
    if (this.dynamodb instanceof DynamoDbServer) {
      await this.dynamodb.setTimeToLive(input.TableName, timeToLiveAttribute);
    }
  }

  /** Whether expired items are being deleted. */
  get expiring(): boolean {
    return this.dynamodb instanceof DynamoDbServer && this.dynamodb.expiring;
  }

  async close(): Promise<void> {
    await Promise.all([this.dynamodb, this.sqs, this.s3, this.secrets].map((standIn) => standIn.close()));
  }
}

/** What is wrong with the data directory, when that is why it cannot be opened. */
function directoryError(dataDir: string, error: unknown): DataDirectoryError | undefined {
  const { cause } = error as { cause?: { code?: string } };
  if (cause?.code === 'LEVEL_LOCKED') {
    return new DataDirectoryError(`${dataDir} is in use by another process: end that one, or take another directory.`);
  }
  return error instanceof CorruptJournalError ? new DataDirectoryError(error.message) : undefined;
}

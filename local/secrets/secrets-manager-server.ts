import type { IncomingMessage } from 'node:http';
import { isDictionary } from '../assembly/template';
import { type Answer, accessKeyIdOf, errorAnswer, type Interceptor, LOCAL_ACCOUNT, LOCAL_REGION } from '../aws-call';
import { AwsServer } from '../aws-server';
import type { ServiceClock } from '../clock';
import { type Secret, SecretStore, type SecretVersion } from './secret-store';

interface Options {
  readonly clock: ServiceClock;
  /** Where the secrets are kept; in memory when absent. */
  readonly dir?: string | undefined;
  readonly intercept?: Interceptor | undefined;
}

type Input = Readonly<Record<string, unknown>>;

class SecretsError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const NOT_FOUND = 'ResourceNotFoundException';

/**
 * Secrets Manager on 127.0.0.1, as far as the service needs it: GetSecretValue, PutSecretValue,
 * DescribeSecret and CreateSecret, with versions and the stages AWSCURRENT and AWSPREVIOUS.
 */
export class SecretsManagerServer {
  private readonly store: SecretStore;
  private readonly server = new AwsServer((request, body) => this.answer(request, body.toString()));

  constructor(private readonly options: Options) {
    this.store = new SecretStore(options.dir);
  }

  /** The port it listens on. */
  listen(): Promise<number> {
    return this.server.listen();
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** Creates a secret; `initial` is its value unless it already has one. */
  create(arn: string, name: string, initial?: string): void {
    const now = this.options.clock.now();
    const secret = this.store.create(arn, name, now);
    if (initial !== undefined && secret.versions.length === 0) this.store.put(secret, { secretString: initial }, now);
  }

  /** The current text of a secret, or undefined when it has no value. */
  current(arn: string): string | undefined {
    return this.store.find(arn)?.versions.find(({ stages }) => stages.includes('AWSCURRENT'))?.secretString;
  }

  private async answer(request: IncomingMessage, body: string): Promise<Answer> {
    const operation = String(request.headers['x-amz-target'] ?? '').replace(/^secretsmanager\./, '');
    const input = parse(body);
    if (input === undefined) return errorAnswer(400, 'SerializationException', 'The request is no JSON object.');
    const id = String(input.SecretId ?? input.Name ?? '');
    const call = {
      service: 'secretsmanager' as const,
      operation,
      accessKeyId: accessKeyIdOf(request.headers.authorization),
      resources: [this.store.find(id)?.arn ?? id],
      input,
    };
    const execute = async () => this.execute(operation, input);
    return this.options.intercept === undefined ? execute() : this.options.intercept(call, execute);
  }

  private execute(operation: string, input: Input): Answer {
    try {
      const body = Buffer.from(JSON.stringify(this.run(operation, input)));
      return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body };
    } catch (error) {
      if (error instanceof SecretsError) return errorAnswer(400, error.code, error.message, { Message: error.message });
      throw error;
    }
  }

  private run(operation: string, input: Input): object {
    switch (operation) {
      case 'GetSecretValue':
        return this.getSecretValue(input);
      case 'PutSecretValue':
        return this.putSecretValue(this.secret(input), input);
      case 'DescribeSecret':
        return describe(this.secret(input));
      case 'CreateSecret':
        return this.createSecret(input);
      default:
        throw new SecretsError('InvalidRequestException', `Local mode has no operation ${operation}.`);
    }
  }

  private secret({ SecretId }: Input): Secret {
    const secret = this.store.find(String(SecretId));
    if (secret === undefined) throw new SecretsError(NOT_FOUND, "Secrets Manager can't find the specified secret.");
    return secret;
  }

  private getSecretValue(input: Input): object {
    const secret = this.secret(input);
    const stage = String(input.VersionStage ?? 'AWSCURRENT');
    const version = secret.versions.find(({ versionId, stages }) =>
      input.VersionId === undefined ? stages.includes(stage) : versionId === input.VersionId,
    );
    if (version === undefined) {
      const label = input.VersionId === undefined ? `staging label: ${stage}` : `VersionId: ${String(input.VersionId)}`;
      throw new SecretsError(NOT_FOUND, `Secrets Manager can't find the specified secret value for ${label}`);
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.versionId,
      VersionStages: version.stages,
      CreatedDate: version.createdAt / 1000,
      SecretString: version.secretString,
      SecretBinary: version.secretBinary,
    };
  }

  private putSecretValue(secret: Secret, input: Input): object {
    const versionId = text(input.ClientRequestToken);
    const repeated = secret.versions.find((version) => version.versionId === versionId);
    if (repeated !== undefined && !sameValue(repeated, input)) {
      throw new SecretsError('ResourceExistsException', `The version ${versionId} exists with another value.`);
    }
    const stages = Array.isArray(input.VersionStages) ? input.VersionStages.map(String) : undefined;
    const value = { secretString: text(input.SecretString), secretBinary: text(input.SecretBinary) };
    if (value.secretString === undefined && value.secretBinary === undefined) {
      throw new SecretsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
    }
    const version = repeated ?? this.store.put(secret, { versionId, stages, ...value }, this.options.clock.now());
    return { ARN: secret.arn, Name: secret.name, VersionId: version.versionId, VersionStages: version.stages };
  }

  private createSecret(input: Input): object {
    const name = String(input.Name);
    if (this.store.find(name) !== undefined) {
      throw new SecretsError(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    const secret = this.store.create(
      `arn:aws:secretsmanager:${LOCAL_REGION}:${LOCAL_ACCOUNT}:secret:${name}-local0`,
      name,
      this.options.clock.now(),
    );
    if (input.SecretString === undefined && input.SecretBinary === undefined) return { ARN: secret.arn, Name: name };
    return this.putSecretValue(secret, input);
  }
}

function describe(secret: Secret): object {
  return {
    ARN: secret.arn,
    Name: secret.name,
    CreatedDate: secret.createdAt / 1000,
    VersionIdsToStages: Object.fromEntries(secret.versions.map(({ versionId, stages }) => [versionId, stages])),
  };
}

function sameValue(version: SecretVersion, input: Input): boolean {
  return version.secretString === text(input.SecretString) && version.secretBinary === text(input.SecretBinary);
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isDictionary(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}

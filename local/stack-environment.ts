import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Why the variables of a deployed stack cannot be told. Shown without a stack trace. */
export class EnvironmentError extends Error {}

/** What an SDK needs to use a deployed service. */
export interface StackEnvironment {
  readonly url: string;
  readonly token: string;
  readonly signingKeys: { readonly current: string; readonly next: string };
}

interface DeployedResource {
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
}

interface DeployedStack {
  readonly region: string;
  readonly outputs: readonly string[];
  readonly resources: readonly DeployedResource[];
}

/**
 * Reads address, token and signing keys of a service in a deployed stack, with the caller's own AWS
 * credentials: cloudformation:DescribeStacks, cloudformation:DescribeStackResources and
 * secretsmanager:GetSecretValue. `constructPath` says which service when the stack has several. Rejects with
 * {@link EnvironmentError}.
 */
export async function readStackEnvironment(
  stackName: string,
  constructPath: string | undefined,
  region: string | undefined,
): Promise<StackEnvironment> {
  try {
    const stack = await describeStack(stackName, region);
    const find = (type: string, id: string) => findResource(stack.resources, stackName, type, id, constructPath);
    const tokenSecret = find('AWS::SecretsManager::Secret', 'TokenSecret');
    const keySecret = find('AWS::SecretsManager::Secret', 'SigningKeySecret');
    if (tokenSecret === undefined || keySecret === undefined) {
      throw new EnvironmentError(`The stack ${stackName} has no QStash service${below(constructPath)}.`);
    }
    const secrets = new SecretsManagerClient({ region: stack.region });
    const [{ token }, { current, next }] = (await Promise.all(
      [tokenSecret, keySecret].map(async ({ physicalId }) => {
        const { SecretString = '{}' } = await secrets.send(new GetSecretValueCommand({ SecretId: physicalId }));
        return JSON.parse(SecretString) as Record<string, string | undefined>;
      }),
    )) as [Record<string, string | undefined>, Record<string, string | undefined>];
    if (token === undefined || current === undefined || next === undefined) {
      throw new EnvironmentError(`The secrets of ${stackName} are not filled: has its deployment ended?`);
    }
    const url = addressOf(stack, find('AWS::ApiGatewayV2::Api', 'HttpApi'), stackName);
    return { url, token, signingKeys: { current, next } };
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    const { name, message } = error as Error;
    throw new EnvironmentError(`AWS refused to tell about ${stackName}: ${name}: ${message}`);
  }
}

async function describeStack(stackName: string, region: string | undefined): Promise<DeployedStack> {
  const { CloudFormationClient, DescribeStackResourcesCommand, DescribeStacksCommand } = await import(
    '@aws-sdk/client-cloudformation'
  );
  const client = new CloudFormationClient(region === undefined ? {} : { region });
  const [{ Stacks = [] }, { StackResources = [] }] = await Promise.all([
    client.send(new DescribeStacksCommand({ StackName: stackName })),
    client.send(new DescribeStackResourcesCommand({ StackName: stackName })),
  ]);
  return {
    region: Stacks[0]?.StackId?.split(':')[3] ?? (await client.config.region()),
    outputs: (Stacks[0]?.Outputs ?? []).flatMap(({ OutputValue }) => OutputValue ?? []),
    resources: StackResources.map(({ LogicalResourceId, PhysicalResourceId, ResourceType }) => ({
      logicalId: LogicalResourceId ?? '',
      physicalId: PhysicalResourceId ?? '',
      type: ResourceType ?? '',
    })),
  };
}

/**
 * A resource by the end of its construct path. CDK makes a logical id of the path's parts without the stack,
 * run together, and a hash of eight characters.
 */
function findResource(
  resources: readonly DeployedResource[],
  stackName: string,
  type: string,
  id: string,
  constructPath: string | undefined,
): DeployedResource | undefined {
  const parts = (constructPath ?? '').split('/').filter(Boolean).slice(1);
  const start = parts.map((part) => part.replaceAll(/[^A-Za-z0-9]/g, '')).join('');
  const pattern = new RegExp(
    `^${start}${constructPath === undefined ? '.*' : '(Secrets|FrontDoor)?'}${id}[0-9A-F]{8}$`,
  );
  const found = resources.filter((resource) => resource.type === type && pattern.test(resource.logicalId));
  if (found.length > 1) {
    const ids = found.map(({ logicalId }) => logicalId).join(', ');
    throw new EnvironmentError(`The stack ${stackName} has several services (${ids}): say which with --path.`);
  }
  return found[0];
}

function addressOf(stack: DeployedStack, api: DeployedResource | undefined, stackName: string): string {
  if (api !== undefined) {
    const suffix = stack.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    return `https://${api.physicalId}.execute-api.${stack.region}.${suffix}`;
  }
  const url = stack.outputs.find((value) => /^https:\/\/[^/]+\.lambda-url\.[^/]+\/?$/.test(value));
  if (url !== undefined) return url.replace(/\/$/, '');
  throw new EnvironmentError(
    `The address of a Function URL is told by an output only: add new CfnOutput(stack, 'Url', { value: qstash.url }) to ${stackName}.`,
  );
}

function below(constructPath: string | undefined): string {
  return constructPath === undefined ? '' : ` below ${constructPath}`;
}

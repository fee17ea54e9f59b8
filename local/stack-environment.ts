import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

/** Why the variables of a deployed stack cannot be told. Shown without a stack trace. */
export class EnvironmentError extends Error {}

/** What an SDK needs to use a deployed service. */
export interface StackEnvironment {
  readonly url: string;
  readonly token: string;
  readonly signingKeys: { readonly current: string; readonly next: string };
}

/** How the logical id of the token secret goes on after the part that is the service's. */
const TOKEN_SECRET = 'SecretsTokenSecret';

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
 * credentials: cloudformation:DescribeStacks, cloudformation:ListStackResources and
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
    const service = serviceOf(stack, stackName, constructPath);
    const secrets = new SecretsManagerClient({ region: stack.region });
    const read = (id: string) => readSecret(secrets, find(stack, 'AWS::SecretsManager::Secret', `${service}${id}`));
    const [{ token }, { current, next }] = await Promise.all([read(TOKEN_SECRET), read('SecretsSigningKeySecret')]);
    if (token === undefined || current === undefined || next === undefined) {
      throw new EnvironmentError(`The secrets of ${stackName} are not filled: has its deployment ended?`);
    }
    const api = find(stack, 'AWS::ApiGatewayV2::Api', `${service}FrontDoorHttpApi`);
    const url = api === undefined ? functionUrlOf(stack, stackName) : httpApiUrl(api, stack.region);
    return { url, token, signingKeys: { current, next } };
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    const { name, message } = error as Error;
    throw new EnvironmentError(`AWS refused to tell about ${stackName}: ${name}: ${message}`);
  }
}

async function describeStack(stackName: string, region: string | undefined): Promise<DeployedStack> {
  const { CloudFormationClient, DescribeStacksCommand, paginateListStackResources } = await import(
    '@aws-sdk/client-cloudformation'
  );
  const client = new CloudFormationClient(region === undefined ? {} : { region });
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
  const resources: DeployedResource[] = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources(
    { client },
    { StackName: stackName },
  )) {
    for (const { LogicalResourceId = '', PhysicalResourceId = '', ResourceType = '' } of StackResourceSummaries) {
      resources.push({ logicalId: LogicalResourceId, physicalId: PhysicalResourceId, type: ResourceType });
    }
  }
  return {
    region: await client.config.region(),
    outputs: (Stacks[0]?.Outputs ?? []).flatMap(({ OutputValue }) => OutputValue ?? []),
    resources,
  };
}

/**
 * What the logical ids of a service's resources begin with: CDK makes them of the parts of the construct path
 * below the stack, run together, and a hash of eight characters.
 */
function serviceOf({ resources }: DeployedStack, stackName: string, constructPath: string | undefined): string {
  const pattern = new RegExp(`^(.+)${TOKEN_SECRET}[0-9A-F]{8}$`);
  const all = resources
    .filter(({ type }) => type === 'AWS::SecretsManager::Secret')
    .flatMap(({ logicalId }) => pattern.exec(logicalId)?.[1] ?? []);
  if (constructPath !== undefined) {
    // The path begins with the stack, and perhaps with a stage before it.
    const parts = constructPath.split('/').map((part) => part.replaceAll(/[^A-Za-z0-9]/g, ''));
    const endings = parts.map((_part, index) => parts.slice(index).join(''));
    const meant = endings.find((service) => all.includes(service));
    if (meant !== undefined) return meant;
    throw new EnvironmentError(`The stack ${stackName} has no QStash service at ${constructPath}.`);
  }
  const [only, ...others] = all;
  if (only === undefined) throw new EnvironmentError(`The stack ${stackName} has no QStash service.`);
  if (others.length === 0) return only;
  throw new EnvironmentError(
    `The stack ${stackName} has several QStash services (${all.join(', ')}): say which with --path.`,
  );
}

function find({ resources }: DeployedStack, type: string, id: string): string | undefined {
  const pattern = new RegExp(`^${id}[0-9A-F]{8}$`);
  return resources.find((resource) => resource.type === type && pattern.test(resource.logicalId))?.physicalId;
}

/** The fields of a secret; none while it is empty. */
async function readSecret(
  client: SecretsManagerClient,
  arn: string | undefined,
): Promise<Readonly<Record<string, string | undefined>>> {
  if (arn === undefined) return {};
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    return JSON.parse(SecretString) as Record<string, string>;
  } catch (error) {
    // The parser's own error would quote the secret.
    if (error instanceof ResourceNotFoundException || error instanceof SyntaxError) return {};
    throw error;
  }
}

function httpApiUrl(apiId: string, region: string): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://${apiId}.execute-api.${region}.${suffix}`;
}

function functionUrlOf({ outputs }: DeployedStack, stackName: string): string {
  const urls = outputs
    .filter((value) => /^https:\/\/[^/]+\.lambda-url\.[^/]+\/?$/.test(value))
    .map((value) => value.replace(/\/$/, ''));
  const [url, ...others] = new Set(urls);
  if (url !== undefined && others.length === 0) return url;
  throw new EnvironmentError(
    url === undefined
      ? `The address of a Function URL is told by an output only: add new CfnOutput(stack, 'Url', { value: qstash.url }) to ${stackName}.`
      : `The outputs of ${stackName} are the addresses of several Function URLs (${[url, ...others].join(', ')}): which one is meant cannot be told.`,
  );
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { complete, endAll } from './cli';

interface Resource {
  readonly id: string;
  readonly type?: string;
  readonly physicalId: string;
}

/** What the AWS that the command asks knows. */
interface Aws {
  stacks: Record<string, { resources: Resource[]; outputs?: string[] }>;
  /** Values by ARN; an error's name in place of a value for one that is refused. */
  secrets: Record<string, string | undefined>;
  refusal?: string;
}

const SECRET = 'AWS::SecretsManager::Secret';
const KEYS = JSON.stringify({ current: 'sig_current', next: 'sig_next', version: 1 });

let aws: Aws;
let server: Server;
let endpoint: string;
let asked: string[];

beforeEach(async () => {
  asked = [];
  aws = {
    stacks: { Shop: { resources: service('QStash') } },
    secrets: { 'arn:QStash:token': '{"token":"the-token","readOnlyToken":"x"}', 'arn:QStash:keys': KEYS },
  };
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const region = /\/(\w{2}-\w+-\d)\//.exec(request.headers.authorization ?? '')?.[1];
    const target = request.headers['x-amz-target'];
    const [status, text] =
      target === undefined ? cloudFormation(new URLSearchParams(body), region) : secretsManager(body);
    response.writeHead(status, { 'content-type': target === undefined ? 'text/xml' : 'application/x-amz-json-1.1' });
    response.end(text);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await endAll();
  server.close();
  server.closeAllConnections();
});

/** The resources of a service at this construct id, with logical ids as CDK makes them. */
function service(id: string, door: 'httpApi' | 'functionUrl' = 'httpApi'): Resource[] {
  return [
    { id: `${id}Table5ABADF3D`, type: 'AWS::DynamoDB::Table', physicalId: 'table' },
    { id: `${id}SecretsTokenSecret8BADB29A`, type: SECRET, physicalId: `arn:${id}:token` },
    { id: `${id}SecretsSigningKeySecret971F2B7F`, type: SECRET, physicalId: `arn:${id}:keys` },
    door === 'httpApi'
      ? { id: `${id}FrontDoorHttpApi3FC9BF2B`, type: 'AWS::ApiGatewayV2::Api', physicalId: `api${id}`.toLowerCase() }
      : { id: `${id}FrontDoorFunctionUrl3FC9BF2B`, type: 'AWS::Lambda::Url', physicalId: 'arn:function' },
  ];
}

function cloudFormation(query: URLSearchParams, region: string | undefined): [number, string] {
  const action = query.get('Action')!;
  asked.push(`${action} in ${region}`);
  const refuse = (code: string, message: string): [number, string] => [
    400,
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  ];
  if (aws.refusal !== undefined) return refuse('AccessDenied', aws.refusal);
  const name = query.get('StackName')!;
  const stack = aws.stacks[name];
  if (stack === undefined) return refuse('ValidationError', `Stack with id ${name} does not exist`);
  const answer = (content: string): [number, string] => [
    200,
    `<${action}Response><${action}Result>${content}</${action}Result></${action}Response>`,
  ];
  if (action === 'DescribeStacks') {
    const outputs = (stack.outputs ?? []).map((value) => `<member><OutputValue>${value}</OutputValue></member>`);
    return answer(
      `<Stacks><member><StackName>${name}</StackName><Outputs>${outputs.join('')}</Outputs></member></Stacks>`,
    );
  }
  // In pages of three, so that whoever reads one page only misses most.
  const start = Number(query.get('NextToken') ?? 0);
  const page = stack.resources
    .slice(start, start + 3)
    .map(
      ({ id, type, physicalId }) =>
        `<member><LogicalResourceId>${id}</LogicalResourceId><ResourceType>${type}</ResourceType><PhysicalResourceId>${physicalId}</PhysicalResourceId></member>`,
    );
  const next = start + 3 < stack.resources.length ? `<NextToken>${start + 3}</NextToken>` : '';
  return answer(`<StackResourceSummaries>${page.join('')}</StackResourceSummaries>${next}`);
}

function secretsManager(body: string): [number, string] {
  const { SecretId } = JSON.parse(body) as { SecretId: string };
  const value = aws.secrets[SecretId];
  if (value === undefined) {
    const message = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    return [400, JSON.stringify({ __type: 'ResourceNotFoundException', Message: message })];
  }
  if (value === 'AccessDeniedException') {
    return [400, JSON.stringify({ __type: value, Message: `not authorized to get ${SecretId}` })];
  }
  return [200, JSON.stringify({ ARN: SecretId, SecretString: value })];
}

function env(...args: string[]) {
  return complete(['env', ...args], {
    AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    AWS_ACCESS_KEY_ID: 'me',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_REGION: 'eu-central-1',
    AWS_MAX_ATTEMPTS: '1',
  });
}

const variables = (url: string, token = 'the-token') =>
  [
    `export QSTASH_URL='${url}'`,
    `export QSTASH_TOKEN='${token}'`,
    "export QSTASH_CURRENT_SIGNING_KEY='sig_current'",
    "export QSTASH_NEXT_SIGNING_KEY='sig_next'",
    '',
  ].join('\n');

/** The message of a command that fails; it must have printed nothing else. */
async function refusal(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await env(...args);
  expect([code, stdout]).toEqual([1, '']);
  return stderr;
}

test('the variables of a deployed stack are printed for a shell', async () => {
  const { code, stdout } = await env('--stack', 'Shop');
  expect([code, stdout]).toEqual([0, variables('https://apiqstash.execute-api.eu-central-1.amazonaws.com')]);
});

test('a token that a shell would read in another way is quoted', async () => {
  aws.secrets['arn:QStash:token'] = JSON.stringify({ token: "it's $HOME" });
  const { stdout } = await env('--stack', 'Shop');
  expect(stdout).toContain(`export QSTASH_TOKEN='it'\\''s $HOME'\n`);
});

test('the region may be another', async () => {
  const { stdout } = await env('--stack', 'Shop', '--region', 'cn-north-1');
  expect(stdout).toContain("QSTASH_URL='https://apiqstash.execute-api.cn-north-1.amazonaws.com.cn'");
  expect(new Set(asked)).toEqual(new Set(['DescribeStacks in cn-north-1', 'ListStackResources in cn-north-1']));
});

test('other secrets and APIs of the stack are not the service’s', async () => {
  aws.stacks.Shop!.resources.unshift(
    { id: 'TokenSecret0A0A0A0A', type: SECRET, physicalId: 'arn:mine' },
    { id: 'MyTokenSecret0B0B0B0B', type: SECRET, physicalId: 'arn:mine' },
    { id: 'HttpApi0C0C0C0C', type: 'AWS::ApiGatewayV2::Api', physicalId: 'mine' },
    { id: 'QStashSecretsTokenSecret0D0D0D0D', type: 'AWS::SSM::Parameter', physicalId: 'arn:mine' },
  );
  expect((await env('--stack', 'Shop')).stdout).toBe(
    variables('https://apiqstash.execute-api.eu-central-1.amazonaws.com'),
  );
});

describe('of several services', () => {
  beforeEach(() => {
    aws.stacks.Shop!.resources = [...service('QStash'), ...service('OrdersQStash')];
    Object.assign(aws.secrets, { 'arn:OrdersQStash:token': '{"token":"orders"}', 'arn:OrdersQStash:keys': KEYS });
  });

  test('the path says which, with the stack and a stage before it', async () => {
    const orders = variables('https://apiordersqstash.execute-api.eu-central-1.amazonaws.com', 'orders');
    expect((await env('--stack', 'Shop', '--path', 'Shop/Orders/QStash')).stdout).toBe(orders);
    expect((await env('--stack', 'Shop', '--path', 'Prod/Shop/Orders/QStash')).stdout).toBe(orders);
    expect((await env('--stack', 'Shop', '--path', 'Shop/QStash')).stdout).toContain("QSTASH_TOKEN='the-token'");
  });

  test('one has to be said', async () => {
    expect(await refusal('--stack', 'Shop')).toBe(
      'The stack Shop has several QStash services (QStash, OrdersQStash): say which with --path.\n',
    );
    expect(await refusal('--stack', 'Shop', '--path', 'Shop/Other')).toBe(
      'The stack Shop has no QStash service at Shop/Other.\n',
    );
  });
});

describe('the address of a Function URL', () => {
  const url = 'https://abc.lambda-url.eu-central-1.on.aws';

  beforeEach(() => {
    aws.stacks.Shop!.resources = service('QStash', 'functionUrl');
  });

  test('is told by an output', async () => {
    aws.stacks.Shop!.outputs = ['https://example.com', `${url}/`, url, 'some text'];
    expect((await env('--stack', 'Shop')).stdout).toBe(variables(url));
  });

  test('has to be told, and only once', async () => {
    expect(await refusal('--stack', 'Shop')).toBe(
      "The address of a Function URL is told by an output only: add new CfnOutput(stack, 'Url', { value: qstash.url }) to Shop.\n",
    );
    const other = url.replace('abc', 'def');
    aws.stacks.Shop!.outputs = [url, other];
    expect(await refusal('--stack', 'Shop')).toBe(
      `The outputs of Shop are the addresses of several Function URLs (${url}, ${other}): which one is meant cannot be told.\n`,
    );
  });
});

test('a stack without a service is told', async () => {
  aws.stacks.Shop!.resources = [{ id: 'TokenSecret0A0A0A0A', type: SECRET, physicalId: 'arn:mine' }];
  expect(await refusal('--stack', 'Shop')).toBe('The stack Shop has no QStash service.\n');
});

test.each([
  ['nothing', undefined],
  ['an empty object', '{}'],
  ['no JSON', 'half-a-secret'],
])('secrets that hold %s are not filled, and not quoted', async (_what, value) => {
  aws.secrets['arn:QStash:token'] = value;
  expect(await refusal('--stack', 'Shop')).toBe('The secrets of Shop are not filled: has its deployment ended?\n');
});

test('what AWS refuses is told in its words', async () => {
  expect(await refusal('--stack', 'Gone')).toBe(
    'AWS refused to tell about Gone: ValidationError: Stack with id Gone does not exist\n',
  );
  aws.secrets['arn:QStash:keys'] = 'AccessDeniedException';
  expect(await refusal('--stack', 'Shop')).toBe(
    'AWS refused to tell about Shop: AccessDeniedException: not authorized to get arn:QStash:keys\n',
  );
  aws.refusal = 'You may not';
  expect(await refusal('--stack', 'Shop')).toContain('AccessDenied: You may not\n');
});

test('a region and credentials that are missing are told', async () => {
  const { code, stderr } = await complete(['env', '--stack', 'Shop'], {
    AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: '/nonexistent',
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^AWS refused to tell about Shop: .*Region is missing\n$/);
});

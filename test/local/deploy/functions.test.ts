import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Stack } from '../../../local/assembly/stack';
import { AssemblyError, type Dictionary } from '../../../local/assembly/template';
import { callerOf, functionOptions, variablesOf } from '../../../local/deploy/functions';
import { Roles } from '../../../local/iam/roles';
import { temporaryDirectory } from '../fixtures/directory';
import { resource, roleFor, stackOf } from '../fixtures/template';

const ENDPOINTS = {
  dynamodb: 'http://dynamodb',
  sqs: 'http://sqs',
  s3: 'http://s3',
  secretsManager: 'http://secrets',
};
const CLOCK = new SharedArrayBuffer(8);

let code: string;

beforeAll(() => {
  code = temporaryDirectory();
  for (const file of ['index.mjs', 'other.cjs', 'plain.js']) writeFileSync(path.join(code, file), '');
});

function stackWith(properties: Dictionary): Stack {
  const lambda = resource('AWS::Lambda::Function', {
    Code: { S3Bucket: 'assets', S3Key: 'hash.zip' },
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    ...properties,
  });
  return stackOf({ Lambda: lambda, Role: roleFor('sqs:SendMessage') }, { hash: code });
}

function read(properties: Dictionary = {}, eventSourceConcurrency?: number) {
  const stack = stackWith(properties);
  return functionOptions(stack, stack.ofType('AWS::Lambda::Function')[0]!, CLOCK, ENDPOINTS, eventSourceConcurrency);
}

test('a function is read with what Lambda does where the template is silent', () => {
  expect(read()).toEqual({
    logicalId: 'Lambda',
    path: 'Lambda',
    setup: {
      clock: CLOCK,
      file: path.join(code, 'index.mjs'),
      exportName: 'handler',
      functionName: 'Shop-Lambda',
      functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Shop-Lambda',
      memorySize: 128,
    },
    timeoutMs: 3000,
    environment: {
      AWS_REGION: 'us-east-1',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_LAMBDA_FUNCTION_NAME: 'Shop-Lambda',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://dynamodb',
      AWS_ENDPOINT_URL_SQS: 'http://sqs',
      AWS_ENDPOINT_URL_S3: 'http://s3',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://secrets',
    },
  });
});

test('timeout, memory, name, variables and handler are the ones of the template', () => {
  const { setup, timeoutMs, environment } = read({
    FunctionName: 'orders',
    Timeout: 900,
    MemorySize: '512',
    Handler: 'other.run',
    Environment: { Variables: { NUMBER: 5, NAME: { Ref: 'Lambda' } } },
  });
  expect(setup).toMatchObject({ functionName: 'orders', memorySize: 512, exportName: 'run' });
  expect(setup.file).toBe(path.join(code, 'other.cjs'));
  expect(timeoutMs).toBe(900_000);
  expect(environment).toMatchObject({ NUMBER: '5', NAME: 'orders' });
  expect(read({ Handler: 'plain.handler' }).setup.file).toBe(path.join(code, 'plain.js'));
});

test.each([
  [undefined, undefined, undefined],
  [5, undefined, 5],
  [undefined, 7, 7],
  [5, 7, 5],
  [9, 7, 7],
])('event sources that ask for %s and a reservation of %s give a concurrency of %s', (asked, reserved, expected) => {
  expect(read({ ReservedConcurrentExecutions: reserved }, asked).maxConcurrency).toBe(expected);
});

test.each<[string, Dictionary, string]>([
  ['another runtime', { Runtime: 'python3.13' }, 'has the runtime python3.13; local mode runs Node.js only.'],
  ['no runtime', { Runtime: undefined }, 'has the runtime (none); local mode runs Node.js only.'],
  ['no handler', { Handler: undefined }, 'has no Handler.'],
  ['a handler without its export', { Handler: 'index' }, 'has the handler index, which is no FILE.EXPORT.'],
  ['inline code', { Code: { ZipFile: 'x' } }, 'has inline code; local mode runs file assets only.'],
  [
    'code of another assembly',
    { Code: { S3Key: 'gone.zip' } },
    'has the code gone.zip, which is no asset of the assembly.',
  ],
  ['a module that is missing', { Handler: 'gone.handler' }, 'has the handler module gone, which '],
  [
    'a reservation of nothing',
    { ReservedConcurrentExecutions: 0 },
    'is switched off by its ReservedConcurrentExecutions of 0.',
  ],
  ['a timeout that is none', { Timeout: 'long' }, 'has a Timeout that is no number: "long".'],
  [
    'too many variables',
    { Environment: { Variables: { A: 'x'.repeat(4096) } } },
    'has 4097 bytes of environment variables; Lambda takes 4096.',
  ],
])('a function with %s stops', (_what, properties, message) => {
  expect(() => read(properties)).toThrow(AssemblyError);
  expect(() => read(properties)).toThrow(`Lambda (AWS::Lambda::Function, Lambda) ${message}`);
});

test.each([
  '_HANDLER',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_FUNCTION_NAME',
  'LAMBDA_TASK_ROOT',
])('the variable %s is not the template’s to set', (name) => {
  expect(() => read({ Environment: { Variables: { [name]: 'x' } } })).toThrow(
    `sets the variable ${name}, which Lambda keeps for itself.`,
  );
});

test('the variables are what the template gives, and as many bytes as Lambda takes', () => {
  const variables = { AWS_NODEJS_CONNECTION_REUSE_ENABLED: '1', HANDLER: 'x', A: 'x'.repeat(4000) };
  expect(read({ Environment: { Variables: variables } }).environment).toMatchObject(variables);
  const stack = stackWith({});
  expect(variablesOf(stack.ofType('AWS::Lambda::Function')[0]!)).toEqual({});
});

test('a caller is known by its role', () => {
  const stack = stackWith({});
  const [lambda] = stack.ofType('AWS::Lambda::Function');
  expect(callerOf(stack, new Roles(stack), lambda!)).toMatchObject({
    functionName: 'Shop-Lambda',
    path: 'Lambda',
    logicalId: 'Lambda',
    roleName: 'Shop-Role',
    identity: [{ effect: 'Allow', actions: ['sqs:SendMessage'] }],
  });
});

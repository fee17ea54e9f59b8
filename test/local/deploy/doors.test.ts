import { AssemblyError, type Dictionary } from '../../../local/assembly/template';
import { doorResources, readDoor } from '../../../local/deploy/doors';
import { resource, stackOf } from '../fixtures/template';

type Changes = Readonly<Record<string, Dictionary | undefined>>;

const LAMBDA = { Lambda: resource('AWS::Lambda::Function') };

const HTTP_API: Readonly<Record<string, [string, Dictionary]>> = {
  Api: ['AWS::ApiGatewayV2::Api', { ProtocolType: 'HTTP' }],
  Stage: ['AWS::ApiGatewayV2::Stage', { ApiId: { Ref: 'Api' }, StageName: '$default' }],
  Route: [
    'AWS::ApiGatewayV2::Route',
    {
      ApiId: { Ref: 'Api' },
      RouteKey: '$default',
      Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
    },
  ],
  Integration: [
    'AWS::ApiGatewayV2::Integration',
    {
      ApiId: { Ref: 'Api' },
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: { 'Fn::GetAtt': ['Lambda', 'Arn'] },
      PayloadFormatVersion: '2.0',
    },
  ],
  Permission: [
    'AWS::Lambda::Permission',
    {
      Action: 'lambda:InvokeFunction',
      FunctionName: { 'Fn::GetAtt': ['Lambda', 'Arn'] },
      Principal: 'apigateway.amazonaws.com',
      SourceArn: { 'Fn::Sub': `arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/*/*` },
    },
  ],
};

const FUNCTION_URL: typeof HTTP_API = {
  Url: ['AWS::Lambda::Url', { AuthType: 'NONE', TargetFunctionArn: { 'Fn::GetAtt': ['Lambda', 'Arn'] } }],
  InvokeUrl: [
    'AWS::Lambda::Permission',
    { Action: 'lambda:InvokeFunctionUrl', FunctionName: { Ref: 'Lambda' }, Principal: '*' },
  ],
  Invoke: [
    'AWS::Lambda::Permission',
    { Action: 'lambda:InvokeFunction', FunctionName: { Ref: 'Lambda' }, Principal: '*' },
  ],
};

/** Reads the one door of a template; a change replaces properties of a resource, `undefined` removes it. */
function read(door: typeof HTTP_API, changes: Changes = {}) {
  const changed = Object.entries(door)
    .filter(([id]) => !(id in changes && changes[id] === undefined))
    .map(([id, [type, properties]]) => [id, resource(type, { ...properties, ...changes[id] })]);
  const stack = stackOf({ ...LAMBDA, ...Object.fromEntries(changed) });
  return readDoor(stack, doorResources(stack)[0]!);
}

test('an HTTP API leads to its function, with the time that it gives it', () => {
  expect(read(HTTP_API)).toMatchObject({ kind: 'httpApi', functionId: 'Lambda', timeoutMs: undefined });
  expect(read(HTTP_API, { Integration: { TimeoutInMillis: 5000 } }).timeoutMs).toBe(5000);
  expect(read(HTTP_API, { Permission: { SourceArn: undefined } }).functionId).toBe('Lambda');
});

test('a Function URL leads to its function', () => {
  expect(read(FUNCTION_URL)).toMatchObject({ kind: 'functionUrl', functionId: 'Lambda', timeoutMs: undefined });
});

const ELSEWHERE = 'arn:aws:lambda:us-east-1:000000000000:function:Elsewhere';

test.each<[string, Changes, string]>([
  ['another protocol', { Api: { ProtocolType: 'WEBSOCKET' } }, 'Api (AWS::ApiGatewayV2::Api, Api) is no HTTP API.'],
  [
    'no stage',
    { Stage: undefined },
    'Api (AWS::ApiGatewayV2::Api, Api) has no stage $default, so all its paths are Not Found.',
  ],
  ['another stage', { Stage: { StageName: 'prod' } }, 'has no stage $default'],
  ['the stage of another API', { Stage: { ApiId: 'Other' } }, 'has no stage $default'],
  [
    'no route',
    { Route: undefined },
    'Api (AWS::ApiGatewayV2::Api, Api) has no route $default, so all its paths are Not Found.',
  ],
  [
    'another route',
    { Route: { RouteKey: 'GET /a' } },
    'Route (AWS::ApiGatewayV2::Route, Route) has the key GET /a; local mode knows $default only.',
  ],
  ['an authorizer', { Route: { AuthorizationType: 'JWT' } }, 'has an authorizer, which local mode lacks.'],
  [
    'no integration',
    { Integration: undefined, Route: { Target: 'integrations/Gone' } },
    'leads to the integration Gone, which the template lacks.',
  ],
  [
    'another integration',
    { Integration: { IntegrationType: 'HTTP_PROXY' } },
    'Integration (AWS::ApiGatewayV2::Integration, Integration) is no Lambda proxy with payload format 2.0.',
  ],
  ['another payload', { Integration: { PayloadFormatVersion: '1.0' } }, 'is no Lambda proxy with payload format 2.0.'],
  [
    'a function elsewhere',
    { Integration: { IntegrationUri: ELSEWHERE } },
    `leads to ${ELSEWHERE}, which is no function of the template.`,
  ],
  [
    'no permission',
    { Permission: undefined },
    'Api (AWS::ApiGatewayV2::Api, Api) needs an AWS::Lambda::Permission for API Gateway to invoke Lambda.',
  ],
  [
    'the permission for another service',
    { Permission: { Principal: 'events.amazonaws.com' } },
    'needs an AWS::Lambda::Permission',
  ],
  [
    'the permission for something else',
    { Permission: { Action: 'lambda:GetFunction' } },
    'needs an AWS::Lambda::Permission',
  ],
  [
    'the permission for another function',
    { Permission: { FunctionName: ELSEWHERE } },
    'needs an AWS::Lambda::Permission',
  ],
  [
    'the permission for another API',
    { Permission: { SourceArn: 'arn:aws:execute-api:us-east-1:000000000000:Other/*/*' } },
    'needs an AWS::Lambda::Permission',
  ],
])('an HTTP API with %s stops', (_what, changes, message) => {
  expect(() => read(HTTP_API, changes)).toThrow(AssemblyError);
  expect(() => read(HTTP_API, changes)).toThrow(message);
});

test.each<[string, Changes, string]>([
  [
    'IAM',
    { Url: { AuthType: 'AWS_IAM' } },
    'Url (AWS::Lambda::Url, Url) signs its requests with IAM, which local mode does not check.',
  ],
  ['streaming', { Url: { InvokeMode: 'RESPONSE_STREAM' } }, 'streams answers, which local mode does not.'],
  [
    'a function elsewhere',
    { Url: { TargetFunctionArn: ELSEWHERE } },
    `leads to ${ELSEWHERE}, which is no function of the template.`,
  ],
  [
    'no permission for its address',
    { InvokeUrl: undefined },
    'Url (AWS::Lambda::Url, Url) needs an AWS::Lambda::Permission for everybody to lambda:InvokeFunctionUrl on Lambda.',
  ],
  ['no permission for its function', { Invoke: undefined }, 'for everybody to lambda:InvokeFunction on Lambda.'],
  [
    'a permission for somebody only',
    { Invoke: { Principal: '123456789012' } },
    'for everybody to lambda:InvokeFunction',
  ],
])('a Function URL with %s stops', (_what, changes, message) => {
  expect(() => read(FUNCTION_URL, changes)).toThrow(AssemblyError);
  expect(() => read(FUNCTION_URL, changes)).toThrow(message);
});

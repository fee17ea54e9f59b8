import type { Stack, StackResource } from '../assembly/stack';
import type { DoorKind } from '../http/http-event';
import { matches } from '../iam/policy';

/** A front door of the template and the function behind it. */
export interface DoorDefinition {
  readonly kind: DoorKind;
  readonly resource: StackResource;
  readonly functionId: string;
  readonly timeoutMs: number | undefined;
}

/** The resources that get an address of their own: HTTP APIs and Function URLs. */
export function doorResources(stack: Stack): StackResource[] {
  return stack.ofType('AWS::ApiGatewayV2::Api', 'AWS::Lambda::Url');
}

/** Reads a front door; stops when requests could not reach its function on AWS. */
export function readDoor(stack: Stack, door: StackResource): DoorDefinition {
  return door.type === 'AWS::Lambda::Url' ? readFunctionUrl(stack, door) : readHttpApi(stack, door);
}

function readFunctionUrl(stack: Stack, door: StackResource): DoorDefinition {
  if (door.text('AuthType') !== 'NONE') door.stop('signs its requests with IAM, which local mode does not check');
  if ((door.text('InvokeMode') ?? 'BUFFERED') !== 'BUFFERED') door.stop('streams answers, which local mode does not');
  const target = functionBehind(stack, door, door.requiredText('TargetFunctionArn'));
  for (const action of ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']) {
    const permitted = permissions(stack, target).some(
      (permission) => permission.text('Action') === action && permission.text('Principal') === '*',
    );
    if (!permitted) door.stop(`needs an AWS::Lambda::Permission for everybody to ${action} on ${target.logicalId}`);
  }
  return { kind: 'functionUrl', resource: door, functionId: target.logicalId, timeoutMs: undefined };
}

function readHttpApi(stack: Stack, door: StackResource): DoorDefinition {
  if (door.text('ProtocolType') !== 'HTTP') door.stop('is no HTTP API');
  const id = stack.ref(door);
  const of = (type: string) => stack.ofType(type).filter((resource) => resource.text('ApiId') === id);
  const stages = of('AWS::ApiGatewayV2::Stage').map((stage) => stage.text('StageName'));
  if (!stages.includes('$default')) door.stop('has no stage $default, so all its paths are Not Found');
  const routes = of('AWS::ApiGatewayV2::Route');
  const other = routes.find((route) => route.text('RouteKey') !== '$default');
  if (other !== undefined) other.stop(`has the key ${other.text('RouteKey')}; local mode knows $default only`);
  const route = routes[0] ?? door.stop('has no route $default, so all its paths are Not Found');
  if ((route.text('AuthorizationType') ?? 'NONE') !== 'NONE') route.stop('has an authorizer, which local mode lacks');
  const integrationId = route.requiredText('Target').replace(/^integrations\//, '');
  const integration =
    of('AWS::ApiGatewayV2::Integration').find((candidate) => stack.ref(candidate) === integrationId) ??
    route.stop(`leads to the integration ${integrationId}, which the template lacks`);
  if (integration.text('IntegrationType') !== 'AWS_PROXY' || integration.text('PayloadFormatVersion') !== '2.0') {
    integration.stop('is no Lambda proxy with payload format 2.0');
  }
  const target = functionBehind(stack, integration, integration.requiredText('IntegrationUri'));
  const source = `${stack.executeApiArn(door)}/$default/$default`;
  const permitted = permissions(stack, target).some(
    (permission) =>
      permission.text('Principal') === 'apigateway.amazonaws.com' &&
      permission.text('Action') === 'lambda:InvokeFunction' &&
      matches(permission.text('SourceArn') ?? '*', source),
  );
  if (!permitted) door.stop(`needs an AWS::Lambda::Permission for API Gateway to invoke ${target.logicalId}`);
  const timeoutMs = integration.number('TimeoutInMillis');
  return { kind: 'httpApi', resource: door, functionId: target.logicalId, timeoutMs };
}

function functionBehind(stack: Stack, from: StackResource, arn: string): StackResource {
  const target = stack.find(arn, 'AWS::Lambda::Function');
  return target ?? from.stop(`leads to ${arn}, which is no function of the template`);
}

function permissions(stack: Stack, target: StackResource): StackResource[] {
  return stack
    .ofType('AWS::Lambda::Permission')
    .filter((permission) => [stack.ref(target), stack.arn(target)].includes(permission.requiredText('FunctionName')));
}

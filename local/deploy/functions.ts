import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Stack, StackResource } from '../assembly/stack';
import { LOCAL_REGION } from '../aws-call';
import type { LambdaFunctionOptions } from '../functions/lambda-function';
import type { Caller } from '../iam/check-permissions';
import type { Roles } from '../iam/roles';

/** Addresses of the stand-ins that functions call. */
export interface ServiceEndpoints {
  readonly dynamodb: string;
  readonly sqs: string;
  readonly s3: string;
  readonly secretsManager: string;
}

const DEFAULT_TIMEOUT_SECONDS = 3;
const DEFAULT_MEMORY_MB = 128;
const MAX_VARIABLES_BYTES = 4096;
/** What Lambda sets itself, and a template may not. */
const RESERVED_VARIABLES =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_.*|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/;

/** A function's variables, exactly as the template gives them. */
export function variablesOf(resource: StackResource): Record<string, string> {
  const { Variables = {} } = resource.dictionary('Environment') as { Variables?: Record<string, unknown> };
  return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, String(value)]));
}

/** Reads a function; stops when its code, runtime or handler cannot run here. */
export function functionOptions(
  stack: Stack,
  resource: StackResource,
  clock: SharedArrayBuffer,
  endpoints: ServiceEndpoints,
  eventSourceConcurrency: number | undefined,
): LambdaFunctionOptions {
  const runtime = resource.text('Runtime') ?? '(none)';
  if (!runtime.startsWith('nodejs')) resource.stop(`has the runtime ${runtime}; local mode runs Node.js only`);
  const name = stack.ref(resource);
  const [, module, exportName] = /^(.+)\.([^./]+)$/.exec(resource.requiredText('Handler')) ?? [];
  if (module === undefined || exportName === undefined) {
    return resource.stop(`has the handler ${resource.text('Handler')}, which is no FILE.EXPORT`);
  }
  const reserved = resource.number('ReservedConcurrentExecutions');
  if (reserved === 0) resource.stop('is switched off by its ReservedConcurrentExecutions of 0');
  const limits = [eventSourceConcurrency, reserved].filter((limit) => limit !== undefined);
  return {
    logicalId: resource.logicalId,
    path: resource.path,
    setup: {
      clock,
      file: moduleFile(stack, resource, module),
      exportName,
      functionName: name,
      functionArn: stack.arn(resource),
      memorySize: resource.number('MemorySize') ?? DEFAULT_MEMORY_MB,
    },
    timeoutMs: (resource.number('Timeout') ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
    environment: {
      ...checkedVariables(resource),
      AWS_REGION: LOCAL_REGION,
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      AWS_ENDPOINT_URL_SQS: endpoints.sqs,
      // The address is a number, so the client puts the bucket into the path by itself.
      AWS_ENDPOINT_URL_S3: endpoints.s3,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    },
    ...(limits.length > 0 ? { maxConcurrency: Math.min(...limits) } : {}),
  };
}

function checkedVariables(resource: StackResource): Record<string, string> {
  const variables = variablesOf(resource);
  const reserved = Object.keys(variables).find((name) => RESERVED_VARIABLES.test(name));
  if (reserved !== undefined) resource.stop(`sets the variable ${reserved}, which Lambda keeps for itself`);
  const bytes = Buffer.byteLength(Object.entries(variables).flat().join(''));
  if (bytes > MAX_VARIABLES_BYTES) {
    resource.stop(`has ${bytes} bytes of environment variables; Lambda takes ${MAX_VARIABLES_BYTES}`);
  }
  return variables;
}

/** What a function may do, for the check of its calls. */
export function callerOf(stack: Stack, roles: Roles, resource: StackResource): Caller {
  const roleArn = resource.requiredText('Role');
  return {
    functionName: stack.ref(resource),
    path: resource.path,
    logicalId: resource.logicalId,
    roleName: roleArn.replace(/^.*\//, ''),
    identity: roles.statementsOf(roleArn, resource),
    resources: roles.resourceStatements(roleArn),
  };
}

function moduleFile(stack: Stack, resource: StackResource, module: string): string {
  const key = resource.dictionary('Code').S3Key;
  if (typeof key !== 'string') return resource.stop('has inline code; local mode runs file assets only');
  const directory = stack.assetDirectory(path.basename(key).replace(/\.\w+$/, ''));
  if (directory === undefined || !existsSync(directory)) {
    return resource.stop(`has the code ${key}, which is no asset of the assembly`);
  }
  const file = ['mjs', 'js', 'cjs'].map((type) => path.join(directory, `${module}.${type}`)).find(existsSync);
  return file ?? resource.stop(`has the handler module ${module}, which ${directory} lacks`);
}

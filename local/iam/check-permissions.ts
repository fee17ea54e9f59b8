import { isDictionary } from '../assembly/template';
import { type Answer, type AwsCall, errorAnswer, type Interceptor, LOCAL_ACCOUNT } from '../aws-call';
import { S3Error } from '../s3/s3-error';
import { evaluate, list, type Statement } from './policy';

/** A function, and what it may do. */
export interface Caller {
  readonly functionName: string;
  /** Construct path of the function. */
  readonly path: string;
  readonly logicalId: string;
  readonly roleName: string;
  /** Statements of its role. */
  readonly identity: readonly Statement[];
  /** Statements about its role in the policies of queues and buckets, by their ARN. */
  readonly resources: ReadonlyMap<string, readonly Statement[]>;
}

/** An action as IAM names it, and the resource that it is done to. */
interface Access {
  readonly action: string;
  readonly resource: string;
}

const SAME_AS_SINGLE = /^(SendMessage|DeleteMessage|ChangeMessageVisibility)Batch$/;
const TRANSACTION_ACTIONS: Readonly<Record<string, string>> = {
  Put: 'dynamodb:PutItem',
  Update: 'dynamodb:UpdateItem',
  Delete: 'dynamodb:DeleteItem',
  ConditionCheck: 'dynamodb:ConditionCheckItem',
  Get: 'dynamodb:GetItem',
};

/** Every permission that a call needs. A transaction needs the one of each of its items. */
export function accessesOf(call: AwsCall): Access[] {
  const { service, operation, resources, input } = call;
  if (service === 'dynamodb' && /^Transact(Write|Get)Items$/.test(operation)) {
    return list(input.TransactItems).flatMap((item) => transactionAccesses(item, resources));
  }
  const single = service === 'sqs' ? operation.replace(SAME_AS_SINGLE, '$1') : operation;
  // To ask for the head of an object is to ask for the object.
  const action = `${service}:${service === 's3' ? single.replace('HeadObject', 'GetObject') : single}`;
  return (resources.length === 0 ? ['*'] : resources).map((resource) => ({ action, resource }));
}

function transactionAccesses(item: unknown, resources: readonly string[]): Access[] {
  if (!isDictionary(item)) return [];
  return Object.entries(item).flatMap(([kind, request]) => {
    const action = TRANSACTION_ACTIONS[kind];
    if (action === undefined || !isDictionary(request)) return [];
    const table = String(request.TableName);
    const resource = resources.find((arn) => arn === table || arn.endsWith(`:table/${table}`)) ?? table;
    return [{ action, resource }];
  });
}

/**
 * An interceptor that holds each call of a function to its role, and refuses as AWS would what it does not allow.
 * Calls with an access key of no function are the developer's own and may do everything.
 */
export function checkPermissions(
  callerOf: (accessKeyId: string) => Caller | undefined,
  onDenied: (caller: Caller, message: string) => void,
): Interceptor {
  return async (call, execute) => {
    const caller = callerOf(call.accessKeyId);
    if (caller === undefined) return execute();
    const deny = (problem: string) => {
      onDenied(caller, problem);
      return call.service === 's3'
        ? new S3Error('AccessDenied', problem).answer()
        : errorAnswer(400, 'AccessDeniedException', problem, { Message: problem });
    };
    const problem = firstRefusal(caller, accessesOf(call));
    if (problem !== undefined) return deny(problem);
    const answer = await execute();
    // S3 tells only who may list a bucket that an object is not there.
    const concealed = isMissingObject(call, answer) ? firstRefusal(caller, [listingOf(call)]) : undefined;
    return concealed === undefined ? answer : deny(concealed);
  };
}

function isMissingObject({ service }: AwsCall, answer: Answer): boolean {
  return service === 's3' && answer !== 'dropped' && answer.status === 404 && answer.body.includes('NoSuchKey');
}

function listingOf({ input }: AwsCall): Access {
  return { action: 's3:ListBucket', resource: `arn:aws:s3:::${String(input.Bucket)}` };
}

function firstRefusal(caller: Caller, accesses: readonly Access[]): string | undefined {
  for (const { action, resource } of accesses) {
    const problem = refusal(caller, action, resource);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function refusal(caller: Caller, action: string, resource: string): string | undefined {
  const own = evaluate(caller.identity, action, resource);
  // Objects are under the policy of their bucket.
  const policy = caller.resources.get(resource) ?? caller.resources.get(resource.replace(/\/.*$/s, ''));
  const theirs = evaluate(policy ?? [], action, resource);
  if (own !== 'denied' && theirs !== 'denied' && (own === 'allowed' || theirs === 'allowed')) return undefined;
  const reason =
    own === 'denied'
      ? 'with an explicit deny in an identity-based policy'
      : theirs === 'denied'
        ? 'with an explicit deny in a resource-based policy'
        : `because no identity-based policy allows the ${action} action`;
  const user = `arn:aws:sts::${LOCAL_ACCOUNT}:assumed-role/${caller.roleName}/${caller.functionName}`;
  return `User: ${user} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
}

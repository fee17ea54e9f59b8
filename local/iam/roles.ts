import type { Stack, StackResource } from '../assembly/stack';
import { isDictionary } from '../assembly/template';
import { evaluate, list, matches, readStatements, type Statement, strings } from './policy';

/** Managed policies of AWS that grant nothing that local mode emulates. */
const LOG_AND_NETWORK_POLICIES = [
  'AWSLambdaBasicExecutionRole',
  'AWSLambdaVPCAccessExecutionRole',
  'AWSXRayDaemonWriteAccess',
  'AmazonAPIGatewayPushToCloudWatchLogs',
];

/** Policies of resources: their type, and the property that says whose they are. */
const RESOURCE_POLICIES = [
  { type: 'AWS::SQS::QueuePolicy', property: 'Queues', of: 'AWS::SQS::Queue' },
  { type: 'AWS::S3::BucketPolicy', property: 'Bucket', of: 'AWS::S3::Bucket' },
];

/** The policies of the roles, queues and buckets of a stack. */
export class Roles {
  private readonly statements = new Map<string, Statement[]>();

  constructor(private readonly stack: Stack) {}

  /** Statements of the role with this ARN: inline, attached by name and managed. */
  statementsOf(roleArn: string, user: StackResource): readonly Statement[] {
    let statements = this.statements.get(roleArn);
    if (statements === undefined) {
      statements = this.read(roleArn, user);
      this.statements.set(roleArn, statements);
    }
    return statements;
  }

  /** Statements about this role, or about everybody, of the policies of queues and buckets, by their ARN. */
  resourceStatements(roleArn: string): ReadonlyMap<string, readonly Statement[]> {
    const byArn = new Map<string, Statement[]>();
    for (const { type, property, of } of RESOURCE_POLICIES) {
      for (const policy of this.stack.ofType(type)) {
        const statements = this.statementsAbout(roleArn, policy);
        for (const reference of strings(policy.properties[property])) {
          const resource = this.stack.find(reference, of);
          if (resource === undefined) continue;
          const arn = this.stack.arn(resource);
          byArn.set(arn, [...(byArn.get(arn) ?? []), ...statements]);
        }
      }
    }
    return byArn;
  }

  /** Stops the start unless the role may do `action` to `resource`: what AWS refuses when it creates `user`. */
  require(roleArn: string, user: StackResource, actions: readonly string[], resource: string): void {
    const statements = this.statementsOf(roleArn, user);
    const missing = actions.filter((action) => evaluate(statements, action, resource) !== 'allowed');
    if (missing.length > 0) user.stop(`needs a role that allows ${missing.join(', ')} on ${resource}`);
  }

  private statementsAbout(roleArn: string, policy: StackResource): Statement[] {
    const all = list(policy.dictionary('PolicyDocument').Statement).filter(isDictionary);
    if (all.some(({ NotPrincipal }) => NotPrincipal !== undefined)) {
      policy.stop('has a statement with NotPrincipal, which local mode does not evaluate');
    }
    const about = all.filter(({ Principal }) => principals(Principal).some((name) => means(name, roleArn)));
    return readStatements({ Statement: about }, policy.logicalId);
  }

  private read(roleArn: string, user: StackResource): Statement[] {
    const role = this.stack.find(roleArn, 'AWS::IAM::Role');
    if (role === undefined)
      return user.stop(`has the role ${roleArn}, which is not in the part of the template that runs`);
    const name = this.stack.ref(role);
    const inline = role
      .list('Policies')
      .filter(isDictionary)
      .flatMap((policy) => readStatements(policy.PolicyDocument, role.logicalId));
    const attached = this.stack
      .ofType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy')
      .filter((policy) => strings(policy.properties.Roles).includes(name))
      .flatMap((policy) => readStatements(policy.properties.PolicyDocument, policy.logicalId));
    const managed = strings(role.properties.ManagedPolicyArns).flatMap((arn) => this.readManaged(arn, role));
    return [...inline, ...attached, ...managed];
  }

  private readManaged(arn: string, role: StackResource): Statement[] {
    if (LOG_AND_NETWORK_POLICIES.some((name) => arn.endsWith(`/${name}`))) return [];
    const policy = this.stack.ofType('AWS::IAM::ManagedPolicy').find((candidate) => this.stack.ref(candidate) === arn);
    if (policy === undefined)
      return role.stop(`has the managed policy ${arn}, whose statements local mode does not know`);
    return readStatements(policy.properties.PolicyDocument, policy.logicalId);
  }
}

function principals(principal: unknown): string[] {
  return isDictionary(principal) ? strings(principal.AWS) : strings(principal);
}

function means(principal: string, roleArn: string): boolean {
  const account = roleArn.split(':')[4];
  return principal === account || principal.endsWith(`:${account}:root`) || matches(principal, roleArn);
}

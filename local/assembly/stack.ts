import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws-call';
import { constructPathOf, liesIn } from './read-assembly';
import { Resolver, type ResourceValues } from './resolver';
import { resourceType } from './resource-types';
import { AssemblyError, type Dictionary, isDictionary, type StackAssembly, type TemplateResource } from './template';

/** Addresses that only exist once the stand-ins listen. */
export interface Endpoints {
  /** Base URL of the SQS stand-in, without a slash at the end. */
  readonly sqs: string;
  /** URL of the front door of an HTTP API or a Function URL, without a slash at the end. */
  frontDoor(logicalId: string): string;
}

/** A resource in scope, with typed access to its resolved properties. */
export class StackResource {
  private resolved: Dictionary | undefined;

  constructor(
    readonly logicalId: string,
    readonly type: string,
    /** Construct path, such as `MyStack/QStash/Deliver/Resource`. */
    readonly path: string,
    private readonly resolve: () => Dictionary,
  ) {}

  get properties(): Dictionary {
    this.resolved ??= this.resolve();
    return this.resolved;
  }

  text(name: string): string | undefined {
    const value = this.properties[name];
    return value === undefined ? undefined : String(value);
  }

  requiredText(name: string): string {
    return this.text(name) ?? this.stop(`has no ${name}`);
  }

  number(name: string): number | undefined {
    const value = this.properties[name];
    if (value === undefined) return undefined;
    const number = Number(value);
    return Number.isFinite(number) ? number : this.stop(`has a ${name} that is no number: ${JSON.stringify(value)}`);
  }

  dictionary(name: string): Dictionary {
    const value = this.properties[name] ?? {};
    return isDictionary(value) ? value : this.stop(`has a ${name} that is no object`);
  }

  list(name: string): readonly unknown[] {
    const value = this.properties[name] ?? [];
    return Array.isArray(value) ? value : this.stop(`has a ${name} that is no list`);
  }

  /** Ends the start with a message that names this resource. */
  stop(problem: string): never {
    throw new AssemblyError(`${this.logicalId} (${this.type}, ${this.path}) ${problem}.`);
  }
}

/**
 * The resources of one stack that local mode runs: those whose condition holds and, with `scope`, whose
 * construct lies there. Construction checks every type against the table, so an unknown one stops here.
 */
export class Stack {
  readonly name: string;
  private readonly resolver: Resolver;
  private readonly resources = new Map<string, StackResource>();
  private readonly customData = new Map<string, ResourceValues>();

  constructor(
    private readonly assembly: StackAssembly,
    private readonly endpoints: Endpoints,
    scope?: string,
  ) {
    this.name = assembly.stackName;
    this.resolver = new Resolver(assembly, (logicalId) => this.valuesOf(logicalId));
    for (const [logicalId, resource] of Object.entries(assembly.template.Resources ?? {})) {
      const constructPath = constructPathOf(assembly, logicalId);
      if (scope !== undefined && !liesIn(constructPath, scope)) continue;
      if (resource.Condition !== undefined && !this.resolver.condition(resource.Condition, logicalId)) continue;
      this.resources.set(logicalId, this.accept(logicalId, constructPath, resource));
    }
  }

  /** Resources of the given types, in the order of the template. */
  ofType(...types: string[]): StackResource[] {
    return [...this.resources.values()].filter((resource) => types.includes(resource.type));
  }

  /** Functions, but for those that only make custom resources that have no effect here. */
  functions(): StackResource[] {
    const providers = this.customs('inert').map((resource) => {
      return this.find(resource.requiredText('ServiceToken'), 'AWS::Lambda::Function');
    });
    return this.ofType('AWS::Lambda::Function').filter((resource) => !providers.includes(resource));
  }

  /** Custom resources that work: `Custom::…` and `AWS::CloudFormation::CustomResource`. */
  customResources(): StackResource[] {
    return this.customs('emulated');
  }

  private customs(support: 'emulated' | 'inert'): StackResource[] {
    return [...this.resources.values()].filter(
      ({ type }) => /^Custom::|::CustomResource$/.test(type) && resourceType(type)!.support === support,
    );
  }

  /** All resources in scope. */
  all(): StackResource[] {
    return [...this.resources.values()];
  }

  /** ARN of the stack itself. */
  get arnOfStack(): string {
    return String(this.resolver.resolve({ Ref: 'AWS::StackId' }, this.name));
  }

  ref(resource: StackResource): string {
    return this.values(resource).ref;
  }

  arn(resource: StackResource): string {
    const { ref, attributes } = this.values(resource);
    return String(attributes?.Arn ?? ref);
  }

  /** Everything that `Fn::GetAtt` gives of a resource. */
  attributes(resource: StackResource): Dictionary {
    return this.values(resource).attributes ?? {};
  }

  /** The ARN that a front door calls functions with. */
  executeApiArn(api: StackResource): string {
    return `arn:aws:execute-api:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${this.ref(api)}`;
  }

  /** The resource of the given types that an ARN, a name or a URL means. */
  find(reference: string, ...types: string[]): StackResource | undefined {
    return this.ofType(...types).find((resource) => {
      const { ref, attributes } = this.values(resource);
      return reference === ref || Object.values(attributes ?? {}).includes(reference);
    });
  }

  /** Directory of a file asset. */
  assetDirectory(hash: string): string | undefined {
    return this.assembly.assets[hash];
  }

  /** What a custom resource answered, for `Ref` and `Fn::GetAtt`. */
  setCustomValues(logicalId: string, values: ResourceValues): void {
    this.customData.set(logicalId, values);
  }

  private accept(logicalId: string, constructPath: string, resource: TemplateResource): StackResource {
    const accepted = new StackResource(
      logicalId,
      resource.Type,
      constructPath,
      () => this.resolver.resolve(resource.Properties ?? {}, logicalId) as Dictionary,
    );
    const known = resourceType(resource.Type);
    if (known === undefined) {
      return accepted.stop(
        'is of a type that local mode does not know; run only the part without it (--path Stack/Construct)',
      );
    }
    if (known.heeds !== undefined) {
      const understood = [...known.heeds, ...(known.ignores ?? [])];
      const unknown = Object.keys(resource.Properties ?? {}).find((name) => !understood.includes(name));
      if (unknown !== undefined) accepted.stop(`has the property ${unknown}, which local mode does not imitate`);
    }
    return accepted;
  }

  private values(resource: StackResource): ResourceValues {
    return this.valuesOf(resource.logicalId) ?? resource.stop('cannot be referred to');
  }

  private valuesOf(logicalId: string): ResourceValues | undefined {
    const resource = this.assembly.template.Resources?.[logicalId];
    if (resource === undefined) return undefined;
    const given = this.customData.get(logicalId);
    if (given !== undefined) return given;
    const nameProperty = resourceType(resource.Type)?.nameProperty;
    const explicit = nameProperty === undefined ? undefined : resource.Properties?.[nameProperty];
    const name =
      explicit === undefined
        ? physicalName(this.name, logicalId, resource)
        : String(this.resolver.resolve(explicit, logicalId));
    return this.standardValues(resource.Type, logicalId, name);
  }

  private standardValues(type: string, logicalId: string, name: string): ResourceValues {
    const arn = (service: string, resource: string) =>
      `arn:aws:${service}:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${resource}`;
    switch (type) {
      case 'AWS::DynamoDB::Table':
      case 'AWS::DynamoDB::GlobalTable':
        return { ref: name, attributes: { Arn: arn('dynamodb', `table/${name}`) } };
      case 'AWS::SQS::Queue': {
        const url = `${this.endpoints.sqs}/${LOCAL_ACCOUNT}/${name}`;
        return { ref: url, attributes: { Arn: arn('sqs', name), QueueName: name, QueueUrl: url } };
      }
      case 'AWS::S3::Bucket':
        return { ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } };
      case 'AWS::Lambda::Function':
        return { ref: name, attributes: { Arn: arn('lambda', `function:${name}`) } };
      case 'AWS::Lambda::Url': {
        const url = `${this.endpoints.frontDoor(logicalId)}/`;
        return { ref: url, attributes: { FunctionUrl: url } };
      }
      case 'AWS::ApiGatewayV2::Api':
        return { ref: logicalId, attributes: { ApiId: logicalId, ApiEndpoint: this.endpoints.frontDoor(logicalId) } };
      case 'AWS::SecretsManager::Secret': {
        const tail = createHash('sha256').update(name).digest('hex').slice(0, 6);
        const secretArn = arn('secretsmanager', `secret:${name}-${tail}`);
        return { ref: secretArn, attributes: { Id: secretArn } };
      }
      case 'AWS::IAM::Role':
        return {
          ref: name,
          attributes: { Arn: `arn:aws:iam::${LOCAL_ACCOUNT}:role/${name}`, RoleId: `AROA${logicalId}` },
        };
      case 'AWS::IAM::ManagedPolicy':
        return { ref: `arn:aws:iam::${LOCAL_ACCOUNT}:policy/${name}` };
      case 'AWS::Logs::LogGroup':
        return { ref: name, attributes: { Arn: `${arn('logs', `log-group:${name}`)}:*` } };
      case 'AWS::CloudWatch::Alarm':
      case 'AWS::CloudWatch::CompositeAlarm':
        return { ref: name, attributes: { Arn: arn('cloudwatch', `alarm:${name}`) } };
      case 'AWS::Scheduler::Schedule':
        return { ref: name, attributes: { Arn: arn('scheduler', `schedule/default/${name}`) } };
      case 'AWS::Scheduler::ScheduleGroup':
        return { ref: name, attributes: { Arn: arn('scheduler', `schedule-group/${name}`) } };
      case 'AWS::SNS::Topic':
        return { ref: arn('sns', name), attributes: { TopicArn: arn('sns', name), TopicName: name } };
      case 'AWS::KMS::Key':
        return { ref: logicalId, attributes: { Arn: arn('kms', `key/${logicalId}`), KeyId: logicalId } };
      case 'AWS::EC2::SecurityGroup':
        return { ref: `sg-${logicalId}`, attributes: { GroupId: `sg-${logicalId}`, VpcId: 'vpc-local' } };
      default:
        return { ref: name };
    }
  }
}

/** The name CloudFormation would make up, without its random tail, so that it outlives a restart. */
function physicalName(stackName: string, logicalId: string, { Type, Properties }: TemplateResource): string {
  const suffix = Properties?.FifoQueue === true ? '.fifo' : '';
  const isBucket = Type === 'AWS::S3::Bucket';
  const longest = (isBucket ? 63 : 64) - suffix.length;
  const full = `${stackName}-${logicalId}`.replaceAll(/[^\w-]/g, '-');
  const tail = createHash('sha256').update(full).digest('hex').slice(0, 8);
  const name = full.length <= longest ? full : `${full.slice(0, longest - 9)}-${tail}`;
  return isBucket ? name.toLowerCase() : name + suffix;
}

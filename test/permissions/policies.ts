import type { StackAssembly, TemplateResource } from '../../local/assembly/template';
import type { LocalService } from '../../local/start-local';

/** That a function may do, or does, an action to a resource. */
export interface Permission {
  /** Logical id of the function, without what CDK appends to it. */
  readonly who: string;
  readonly action: string;
  /** Logical id of the resource, likewise. */
  readonly resource: string;
}

export const textOf = ({ who, action, resource }: Permission): string => `${who} ${action} ${resource}`;

/** A logical id as it was before CDK appended a hash to it. */
export const nameOf = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');

/** Everything that the roles of the functions allow, one action and resource at a time. */
export function permissionsOf({ template }: StackAssembly): Permission[] {
  const resources = Object.entries(template.Resources!);
  const ofType = (type: string) => resources.filter(([, { Type }]) => Type === type);
  return ofType('AWS::Lambda::Function').flatMap(([functionId, { Properties }]) => {
    const role = referenced(Properties!.Role);
    const policies = ofType('AWS::IAM::Policy').filter(([, policy]) => rolesOf(policy).includes(role));
    return policies.flatMap(([, policy]) =>
      statementsOf(policy).flatMap(({ Action, Resource }) =>
        [Action].flat().flatMap((action) =>
          [Resource].flat().map((resource) => ({
            who: nameOf(functionId),
            action,
            resource: resourceName(resource),
          })),
        ),
      ),
    );
  });
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

function statementsOf({ Properties }: TemplateResource): Statement[] {
  const { Statement: statements } = Properties!.PolicyDocument as { Statement: Statement[] };
  for (const { Effect } of statements) if (Effect !== 'Allow') throw new Error(`a role has a statement of ${Effect}`);
  return statements;
}

function rolesOf({ Properties }: TemplateResource): string[] {
  return (Properties!.Roles as unknown[]).map(referenced);
}

/** Name of a resource; of objects, that of their bucket with what their keys begin with: `Bodies/hold/*`. */
function resourceName(value: unknown): string {
  const { 'Fn::Join': join } = value as { 'Fn::Join'?: [string, [unknown, string]] };
  return join === undefined ? nameOf(referenced(value)) : nameOf(referenced(join[1][0])) + join[1][1];
}

/** The logical id that `Ref` or `Fn::GetAtt` names. */
function referenced(value: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
  const id = Ref ?? (attribute?.[1] === 'Arn' ? attribute[0] : undefined);
  if (id === undefined) throw new Error(`not a reference to one resource: ${JSON.stringify(value)}`);
  return id;
}

/** Names of resources of a running service, by their ARN. */
export function namesByArn({ resources }: LocalService): ReadonlyMap<string, string> {
  return new Map(Object.values(resources).map(({ arn, logicalId }) => [arn, nameOf(logicalId)]));
}

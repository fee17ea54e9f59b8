/** Why an assembly cannot run locally: names the resource and what to do. Shown without a stack trace. */
export class AssemblyError extends Error {}

export type Dictionary = Readonly<Record<string, unknown>>;

/** One resource of a CloudFormation template, unresolved. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Dictionary;
  readonly Condition?: string;
  readonly Metadata?: Dictionary;
}

/** A value that a deployment may give. */
export interface TemplateParameter {
  readonly Type: string;
  readonly Default?: unknown;
}

/** A CloudFormation template, as far as local mode reads it. */
export interface Template {
  readonly Resources?: Readonly<Record<string, TemplateResource>>;
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>;
  readonly Conditions?: Dictionary;
  readonly Mappings?: Dictionary;
}

/** One stack: its template and where its assets lie. */
export interface StackAssembly {
  readonly stackName: string;
  readonly template: Template;
  /** Directory of a file asset by its hash (the object key without extension). */
  readonly assets: Readonly<Record<string, string>>;
  /** Construct path by logical id; fills in where the template has no `aws:cdk:path` metadata. */
  readonly paths?: Readonly<Record<string, string>>;
}

export function isDictionary(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws-call';
import { AssemblyError, type Dictionary, isDictionary, type StackAssembly, type TemplateParameter } from './template';

/** What `Ref` and `Fn::GetAtt` of one resource give. */
export interface ResourceValues {
  readonly ref: string;
  readonly attributes?: Dictionary;
}

/** Marks a property that `AWS::NoValue` removes. */
const NO_VALUE = Symbol('AWS::NoValue');

/**
 * Evaluates CloudFormation's intrinsic functions. `valuesOf` says what a resource refers to; `where` in the
 * messages is the logical id of the resource being resolved. A function or reference it doesn't know is an
 * {@link AssemblyError}.
 */
export class Resolver {
  private readonly pseudo: Dictionary;

  constructor(
    private readonly stack: StackAssembly,
    private readonly valuesOf: (logicalId: string) => ResourceValues | undefined,
  ) {
    this.pseudo = {
      'AWS::Region': LOCAL_REGION,
      'AWS::AccountId': LOCAL_ACCOUNT,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stack.stackName,
      'AWS::StackId': `arn:aws:cloudformation:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stack/${stack.stackName}/local`,
      'AWS::NotificationARNs': [],
      'AWS::NoValue': NO_VALUE,
    };
  }

  /** The value with every intrinsic function replaced. */
  resolve(value: unknown, where: string): unknown {
    const resolved = this.evaluate(value, where);
    return resolved === NO_VALUE ? undefined : resolved;
  }

  /** The value of a named condition. */
  condition(name: string, where: string): boolean {
    const expression = this.stack.template.Conditions?.[name];
    if (expression === undefined) throw new AssemblyError(`${where}: the template has no condition ${name}.`);
    return this.truth(expression, where);
  }

  private evaluate(value: unknown, where: string): unknown {
    if (Array.isArray(value)) {
      return value.map((entry) => this.evaluate(entry, where)).filter((entry) => entry !== NO_VALUE);
    }
    if (!isDictionary(value)) return value;
    const keys = Object.keys(value);
    const key = keys[0];
    if (keys.length === 1 && key !== undefined && (key === 'Ref' || key.startsWith('Fn::'))) {
      return this.call(key, value[key], where);
    }
    const result: Record<string, unknown> = {};
    for (const [name, entry] of Object.entries(value)) {
      const resolved = this.evaluate(entry, where);
      if (resolved !== NO_VALUE) result[name] = resolved;
    }
    return result;
  }

  private call(name: string, argument: unknown, where: string): unknown {
    switch (name) {
      case 'Ref':
        return this.ref(String(argument), where);
      case 'Fn::GetAtt':
        return this.attribute(argument, where);
      case 'Fn::Sub':
        return this.substitute(argument, where);
      case 'Fn::If': {
        const [condition, then, otherwise] = argument as [string, unknown, unknown];
        return this.evaluate(this.condition(condition, where) ? then : otherwise, where);
      }
      case 'Fn::Equals':
      case 'Fn::And':
      case 'Fn::Or':
      case 'Fn::Not':
        return this.truth({ [name]: argument }, where);
    }
    const args = this.evaluate(argument, where);
    if (name === 'Fn::Base64') return Buffer.from(String(args)).toString('base64');
    if (Array.isArray(args)) {
      const [first, second, third] = args as unknown[];
      if (name === 'Fn::Join') return this.join(second, String(first), where);
      if (name === 'Fn::Split') return String(second).split(String(first));
      if (name === 'Fn::Select') return this.select(second, Number(first), where);
      if (name === 'Fn::FindInMap') return this.mapped([String(first), String(second), String(third)], where);
    }
    throw new AssemblyError(`${where}: local mode does not know the function ${name}.`);
  }

  private truth(expression: unknown, where: string): boolean {
    if (!isDictionary(expression)) throw new AssemblyError(`${where}: not a condition: ${JSON.stringify(expression)}.`);
    const [name, argument] = Object.entries(expression)[0] ?? [];
    if (name === 'Condition') return this.condition(String(argument), where);
    const list = argument as unknown[];
    if (name === 'Fn::Equals') return String(this.evaluate(list[0], where)) === String(this.evaluate(list[1], where));
    if (name === 'Fn::And') return list.every((entry) => this.truth(entry, where));
    if (name === 'Fn::Or') return list.some((entry) => this.truth(entry, where));
    if (name === 'Fn::Not') return !this.truth(list[0], where);
    throw new AssemblyError(`${where}: local mode does not know the condition function ${name}.`);
  }

  private ref(name: string, where: string): unknown {
    if (name in this.pseudo) return this.pseudo[name];
    const parameter = this.stack.template.Parameters?.[name];
    if (parameter !== undefined) return this.parameter(name, parameter, where);
    return this.values(name, where).ref;
  }

  private parameter(name: string, { Type, Default }: TemplateParameter, where: string): unknown {
    const none = (why: string) => new AssemblyError(`${where}: ${why}, so local mode has no value for it.`);
    if (Type.startsWith('AWS::SSM::')) throw none(`the parameter ${name} lies in the parameter store of AWS`);
    if (Default === undefined) throw none(`the parameter ${name} has no default`);
    return /^(CommaDelimitedList|List<)/.test(Type) ? String(Default).split(/ *, */) : String(Default);
  }

  private attribute(argument: unknown, where: string): unknown {
    const [logicalId = '', ...rest] = (Array.isArray(argument) ? argument.join('.') : String(argument)).split('.');
    const attribute = rest.join('.');
    const value = this.values(logicalId, where).attributes?.[attribute];
    if (value === undefined) {
      const type = this.stack.template.Resources?.[logicalId]?.Type;
      throw new AssemblyError(`${where}: local mode has no attribute ${attribute} of ${logicalId} (${type}).`);
    }
    return value;
  }

  private substitute(argument: unknown, where: string): string {
    const [text, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [string, Dictionary];
    return text.replace(/\$\{(!?)([^}]*)\}/g, (_match, literal: string, inner: string) => {
      const name = inner.trim();
      if (literal !== '') return `\${${inner}}`;
      if (name in variables) return String(this.evaluate(variables[name], where));
      return String(name.includes('.') ? this.attribute(name, where) : this.ref(name, where));
    });
  }

  private join(list: unknown, delimiter: string, where: string): string {
    if (!Array.isArray(list)) throw new AssemblyError(`${where}: Fn::Join joins no list: ${JSON.stringify(list)}.`);
    return list.map(String).join(delimiter);
  }

  private select(list: unknown, index: number, where: string): unknown {
    const value = Array.isArray(list) ? (list as unknown[])[index] : undefined;
    if (value === undefined) throw new AssemblyError(`${where}: Fn::Select finds nothing at ${index}.`);
    return value;
  }

  private mapped(keys: readonly string[], where: string): unknown {
    let value: unknown = this.stack.template.Mappings;
    for (const key of keys) value = isDictionary(value) ? value[key] : undefined;
    if (value === undefined) throw new AssemblyError(`${where}: Fn::FindInMap finds nothing at ${keys.join('.')}.`);
    return value;
  }

  private values(logicalId: string, where: string): ResourceValues {
    const values = this.valuesOf(logicalId);
    if (values === undefined) throw new AssemblyError(`${where} refers to ${logicalId}, which the template lacks.`);
    return values;
  }
}

import { AssemblyError, type Dictionary, isDictionary } from '../assembly/template';
import { LOCAL_ACCOUNT } from '../aws-call';

/** One statement of a policy, resolved; conditions are evaluated when it is read. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly resources: readonly string[];
  readonly notResources: readonly string[];
}

/** What holds for every local request, whoever makes it: the keys that a condition may use. */
const CONDITION_CONTEXT: Readonly<Record<string, string>> = {
  // The stand-ins listen on loopback only: nobody but this machine sees the traffic.
  'aws:SecureTransport': 'true',
  'aws:SourceAccount': LOCAL_ACCOUNT,
  'aws:PrincipalAccount': LOCAL_ACCOUNT,
  'aws:ResourceAccount': LOCAL_ACCOUNT,
};

/**
 * Reads the statements of a resolved policy document. `where` names it in the errors: for what IAM itself would
 * refuse, and for a condition that has no local value.
 */
export function readStatements(document: unknown, where: string): Statement[] {
  const statements = isDictionary(document) ? list(document.Statement) : [];
  return statements
    .filter(isDictionary)
    .filter((statement) => conditionHolds(statement, where))
    .map((statement) => {
      const { Effect, Action, NotAction, Resource, NotResource } = statement;
      const complete = (Action ?? NotAction) !== undefined && (Resource ?? NotResource) !== undefined;
      if ((Effect !== 'Allow' && Effect !== 'Deny') || !complete) {
        throw new AssemblyError(
          `${where} has a statement that IAM refuses: it needs Effect (Allow or Deny), Action and Resource.`,
        );
      }
      return {
        effect: Effect,
        actions: strings(Action),
        notActions: strings(NotAction),
        resources: strings(Resource),
        notResources: strings(NotResource),
      };
    });
}

/** IAM's rule: an explicit Deny wins, then an Allow is needed. */
export function evaluate(
  statements: readonly Statement[],
  action: string,
  resource: string,
): 'allowed' | 'denied' | 'not allowed' {
  const matching = statements.filter((statement) => applies(statement, action, resource));
  if (matching.some(({ effect }) => effect === 'Deny')) return 'denied';
  return matching.some(({ effect }) => effect === 'Allow') ? 'allowed' : 'not allowed';
}

/** Whether `text` matches a pattern with `*` and `?`. */
export function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()|[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

export function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

export function strings(value: unknown): string[] {
  return list(value).map(String);
}

function applies(statement: Statement, action: string, resource: string): boolean {
  const named = (patterns: readonly string[]) =>
    patterns.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase()));
  const meant = (patterns: readonly string[]) => patterns.some((pattern) => matches(pattern, resource));
  const actionApplies = statement.notActions.length > 0 ? !named(statement.notActions) : named(statement.actions);
  const { notResources, resources } = statement;
  const resourceApplies = notResources.length > 0 ? !meant(notResources) : meant(resources);
  return actionApplies && resourceApplies;
}

function conditionHolds(statement: Dictionary, where: string): boolean {
  if (!isDictionary(statement.Condition)) return true;
  return Object.entries(statement.Condition).every(([operator, keys]) =>
    Object.entries(keys as Dictionary).every(([key, expected]) => {
      const actual = CONDITION_CONTEXT[key];
      const test = OPERATORS[operator];
      if (actual === undefined || test === undefined) {
        throw new AssemblyError(`${where} has the condition ${operator} ${key}, which local mode cannot evaluate.`);
      }
      return test(actual, strings(expected));
    }),
  );
}

const OPERATORS: Readonly<Record<string, (actual: string, expected: readonly string[]) => boolean>> = {
  Bool: (actual, expected) => expected.includes(actual),
  BoolIfExists: (actual, expected) => expected.includes(actual),
  StringEquals: (actual, expected) => expected.includes(actual),
  StringNotEquals: (actual, expected) => !expected.includes(actual),
  StringLike: (actual, expected) => expected.some((pattern) => matches(pattern, actual)),
};

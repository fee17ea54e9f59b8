import type { AttributeMap, AttributeValue } from './attribute-value';
import { invalid } from './dynamodb-error';
import type { Engine } from './engine';
import { isPath, type Operation } from './expression';
import { readPage, sourceOf } from './queries';
import { parse, type ReadRequest, SCHEMAS } from './request';
import type { Usage } from './usage';

interface StatementRequest {
  readonly Statement: string;
  readonly Parameters?: readonly AttributeValue[];
  readonly ConsistentRead?: boolean;
  readonly Limit?: number;
  readonly NextToken?: string;
  readonly ReturnConsumedCapacity?: ReadRequest['ReturnConsumedCapacity'];
}

const { ConsistentRead, Limit, ReturnConsumedCapacity } = SCHEMAS.Scan.types as Record<string, unknown>;
const EXECUTE_STATEMENT = {
  types: {
    Statement: { type: 'String', notNull: true, lengthGreaterThanOrEqual: 1, lengthLessThanOrEqual: 8192 },
    Parameters: { type: 'List', lengthGreaterThanOrEqual: 1, children: 'AttrStruct<ValueStruct>' },
    NextToken: 'String',
    ConsistentRead,
    Limit,
    ReturnConsumedCapacity,
  },
};

const SELECT = /^\s*SELECT\s+(.+?)\s+FROM\s+"?([\w.-]+?)"?(?:\."([\w.-]+)")?(?:\s+WHERE\s+(.+?))?[\s;]*$/is;
/** A string, a name in quotes, a number, a word, or any other character. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*|[\s\S]/g;
const WORDS = /^(AND|OR|NOT|IN|BETWEEN|IS|MISSING|begins_with|contains|attribute_type|size)$/i;

const UNMATCHED = "Number of parameters in request and statement don't match.";

/** Turns names and literals of PartiQL into those of expressions. */
class Translation {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, AttributeValue> = {};
  private count = 0;
  private readonly parameters: AttributeValue[];

  constructor(parameters: readonly AttributeValue[] = []) {
    this.parameters = [...parameters];
  }

  /** An expression with the meaning of this part of a statement. */
  expression(part: string): string {
    return part
      .replace(TOKEN, (token) => this.translated(token))
      .replace(/(\S+)\s+IS\s+NOT\s+MISSING/gi, 'attribute_exists($1)')
      .replace(/(\S+)\s+IS\s+MISSING/gi, 'attribute_not_exists($1)')
      .replace(/\bIN\s*\[([^\]]*)\]/gi, 'IN ($1)')
      .replace(/!=/g, '<>');
  }

  /** Throws when the statement has fewer places than there are parameters. */
  finish(): void {
    if (this.parameters.length > 0) throw invalid(UNMATCHED);
  }

  private translated(token: string): string {
    if (token === '?') {
      const value = this.parameters.shift();
      if (value === undefined) throw invalid(UNMATCHED);
      return this.value(value);
    }
    if (token.startsWith("'")) return this.value({ S: token.slice(1, -1).replaceAll("''", "'") });
    if (/^-?\d/.test(token)) return this.value({ N: token });
    if (/^(true|false)$/i.test(token)) return this.value({ BOOL: token.toLowerCase() === 'true' });
    if (/^null$/i.test(token)) return this.value({ NULL: true });
    if (/^\w/.test(token)) return WORDS.test(token) ? token : this.name(token);
    return token.startsWith('"') ? this.name(token.slice(1, -1).replaceAll('""', '"')) : token;
  }

  private name(name: string): string {
    const placeholder = `#n${this.count++}`;
    this.names[placeholder] = name;
    return placeholder;
  }

  private value(value: AttributeValue): string {
    const placeholder = `:v${this.count++}`;
    this.values[placeholder] = value;
    return placeholder;
  }
}

/**
 * Carries out ExecuteStatement for `SELECT ... FROM "table"[."index"] [WHERE ...]`: a query when the condition fixes
 * the partition key, else a scan. Refuses other statements.
 */
export async function executeStatement(engine: Engine, input: object, usage: Usage): Promise<object> {
  const statement = parse<StatementRequest>(EXECUTE_STATEMENT, input);
  const { Statement, Parameters, NextToken, ...rest } = statement;
  const [, columns, TableName, IndexName, where] = SELECT.exec(Statement) ?? [];
  if (columns === undefined) throw invalid("Statement wasn't well formed, or is other than the SELECT supported here");
  if (/[.[]/.test(columns)) throw invalid(`Only whole attributes can be selected here, which ${columns} are not`);
  const translation = new Translation(Parameters);
  const ProjectionExpression = columns === '*' ? undefined : translation.expression(columns);
  const FilterExpression = where && translation.expression(where);
  translation.finish();
  const { names, values } = translation;
  const request = parse<ReadRequest>(SCHEMAS.Scan, {
    ...rest,
    TableName,
    IndexName,
    ProjectionExpression,
    FilterExpression,
    ExclusiveStartKey: NextToken && keyOf(NextToken),
    ExpressionAttributeNames: Object.keys(names).length > 0 ? names : undefined,
    ExpressionAttributeValues: Object.keys(values).length > 0 ? values : undefined,
  });
  const source = sourceOf(engine, request);
  const [partition] = source.keyNames;
  const value = request._filter && fixedValue(request._filter.expression, partition!);
  const KeyConditions = value && { [partition!]: { ComparisonOperator: 'EQ' as const, AttributeValueList: [value] } };
  const range = KeyConditions ? source.queryRange({ ...request, KeyConditions }) : source.scanRange(request);
  const { Items, LastEvaluatedKey, ConsumedCapacity } = await readPage(engine, source, request, range, usage);
  const token = LastEvaluatedKey && Buffer.from(JSON.stringify(LastEvaluatedKey)).toString('base64');
  return { Items, NextToken: token, ConsumedCapacity };
}

/** The value that an attribute must have for a condition to be met, when there is one. */
function fixedValue({ type, args }: Operation, name: string): AttributeValue | undefined {
  if (type === 'and') return fixedValue(args[0] as Operation, name) ?? fixedValue(args[1] as Operation, name);
  const [left, right] = args;
  const isName = type === '=' && isPath(left!) && left.length === 1 && left[0] === name;
  return isName && !isPath(right!) && !('type' in right!) ? right : undefined;
}

function keyOf(token: string): AttributeMap {
  try {
    return JSON.parse(Buffer.from(token, 'base64').toString()) as AttributeMap;
  } catch {
    throw invalid('NextToken does not come from a statement like this');
  }
}

import { type Answer, type AwsCall, errorAnswer } from '../../local/aws-call';
import { callAws } from '../../local/aws-json';
import { S3Error } from '../../local/s3/s3-error';

type Attributes = Readonly<Record<string, { readonly S?: string }>>;
type Write = Readonly<{ Key?: Attributes; Item?: Attributes } & Record<string, unknown>>;
type TransactWrite = Readonly<Record<string, Write>>;

/**
 * How a call fails: the function dies before it or after it; its answer is lost, so that the SDK repeats it; it
 * is throttled once, or until the SDK gives up; its condition fails although nobody wrote; its transaction meets
 * another; its batch is done in part.
 */
export const FAULTS = [
  'before',
  'after',
  'lost',
  'throttled',
  'throttledOut',
  'refused',
  'conflict',
  'partial',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Refused only when the item is gone, and nobody deletes those of a message that is not closed. */
const NEVER_REFUSED = /^UpdateItem (state|message) if attribute_exists\(pk\)$/;

/** The ways in which a call can fail. To have died after a read is to have died before it. */
export function faultsOf(call: AwsCall): readonly Fault[] {
  const { operation, input } = call;
  const reads = /^(BatchGet|Get|Query|Receive)/.test(operation);
  const conditional =
    JSON.stringify(input).includes('"ConditionExpression"') && !NEVER_REFUSED.test(describeCall(call));
  const may: Readonly<Partial<Record<Fault, boolean>>> = {
    after: !reads,
    refused: conditional,
    conflict: operation === 'TransactWriteItems',
    partial: /^Batch|Batch$/.test(operation),
  };
  return FAULTS.filter((fault) => may[fault] ?? true);
}

/** What a call does to what, and under which condition: `UpdateItem state if attribute_not_exists(st)`. */
export function describeCall({ operation, input }: AwsCall): string {
  const condition = input.ConditionExpression === undefined ? '' : ` if ${input.ConditionExpression}`;
  return `${operation} ${subjectsOf(operation, input).join(' + ')}${condition}`;
}

function subjectsOf(operation: string, input: AwsCall['input']): string[] {
  // Of an object the kind is what its key begins with.
  if (typeof input.Key === 'string') return [`body ${input.Key.split('/')[0]}`];
  const { Key, Item, TransactItems, RequestItems, ExpressionAttributeValues, QueueUrl, SecretId, VersionStage } =
    input as {
      readonly Key?: Attributes;
      readonly Item?: Attributes;
      readonly TransactItems?: readonly TransactWrite[];
      readonly RequestItems?: Readonly<Record<string, unknown>>;
      readonly ExpressionAttributeValues?: Attributes;
      readonly QueueUrl?: string;
      readonly SecretId?: string;
      readonly VersionStage?: string;
    };
  if (QueueUrl !== undefined) return [/(Deliveries|Failures|Redrive|Wakes)/.exec(QueueUrl)![1]!.toLowerCase()];
  if (SecretId !== undefined) return [/Token/.test(SecretId) ? 'tokens' : 'signing keys', VersionStage ?? ''];
  if (TransactItems !== undefined) {
    return TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, write]) => `${kind} ${kindOf((write.Key ?? write.Item)!)}`),
    );
  }
  if (RequestItems !== undefined) {
    const keys = [...JSON.stringify(RequestItems).matchAll(/"pk":\{"S":"([^"]*)"\},"sk":\{"S":"([^"]*)"\}/g)];
    const kinds = keys.map(([, pk, sk]) => kindOf({ pk: { S: pk! }, sk: { S: sk! } }));
    return [...new Set(kinds)].sort();
  }
  if (operation === 'Query') {
    const { ':pk': pk, ':from': from, ':prefix': prefix } = ExpressionAttributeValues!;
    return [kindOf({ pk: pk!, sk: prefix ?? from! })];
  }
  return [kindOf((Key ?? Item)!)];
}

const KIND_OF_SUFFIX: Readonly<Record<string, string>> = { s: 'state', a: 'attempt', b: 'begin', c: 'cancel' };

function kindOf({ pk, sk }: Attributes): string {
  const kind = pk!.S!.split('#')[0]!;
  if (kind === 'queue' || kind === 'flow') return `${kind} ${sk!.S!.split('#')[0]}`;
  if (kind !== 'm') return kind;
  return KIND_OF_SUFFIX[sk!.S!.split('#')[1] ?? ''] ?? 'message';
}

/** The service's answer when it is asked too much. */
export function throttling({ service }: AwsCall): Answer {
  if (service === 's3') return new S3Error('SlowDown', 'Please reduce your request rate.').answer();
  const code = {
    dynamodb: 'ProvisionedThroughputExceededException',
    sqs: 'RequestThrottled',
    secretsmanager: 'ThrottlingException',
  };
  return errorAnswer(400, code[service], 'Rate exceeded');
}

/** A condition that failed, with the items as they are. */
export async function refusal(call: AwsCall, endpoint: string): Promise<Answer> {
  const { operation, input } = call;
  if (operation !== 'TransactWriteItems') {
    const item = await itemAt(endpoint, input);
    return errorAnswer(400, 'ConditionalCheckFailedException', 'The conditional request failed', item);
  }
  return canceled(call, async (write) => {
    if (write.ConditionExpression === undefined) return { Code: 'None' };
    return {
      Code: 'ConditionalCheckFailed',
      Message: 'The conditional request failed',
      ...(await itemAt(endpoint, write)),
    };
  });
}

/** A transaction that met another one. */
export function conflict(call: AwsCall): Promise<Answer> {
  return canceled(call, async () => ({ Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' }));
}

async function canceled({ input }: AwsCall, reasonOf: (write: Write) => Promise<{ Code: string }>): Promise<Answer> {
  const writes = (input.TransactItems as TransactWrite[]).flatMap((item) => Object.values(item));
  const CancellationReasons = await Promise.all(writes.map(reasonOf));
  const codes = CancellationReasons.map(({ Code }) => Code).join(', ');
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return errorAnswer(400, 'TransactionCanceledException', message, { Message: message, CancellationReasons });
}

async function itemAt(endpoint: string, write: Readonly<Record<string, unknown>>): Promise<{ Item?: unknown }> {
  if (write.ReturnValuesOnConditionCheckFailure !== 'ALL_OLD') return {};
  const { pk, sk } = (write.Key ?? write.Item) as Attributes;
  const input = { TableName: write.TableName, Key: { pk, sk }, ConsistentRead: true };
  const { Item } = await callAws(endpoint, 'DynamoDB_20120810.GetItem', input);
  return Item === undefined ? {} : { Item };
}

/** A batch of which the last entries are left over. */
export async function partial({ operation, input }: AwsCall, execute: () => Promise<Answer>): Promise<Answer> {
  switch (operation) {
    case 'BatchGetItem': {
      const requests = input.RequestItems as Record<string, { readonly Keys: readonly Attributes[] }>;
      const [table, { Keys, ...rest }] = Object.entries(requests)[0]!;
      const left = Keys.slice(Math.floor(Keys.length / 2));
      const output = await bodyOf<{ Responses: Record<string, Attributes[]> }>(execute);
      const isLeft = ({ pk, sk }: Attributes) => left.some((key) => key.pk!.S === pk!.S && key.sk!.S === sk!.S);
      const Responses = { [table]: output.Responses[table]!.filter((item) => !isLeft(item)) };
      return json({ Responses, UnprocessedKeys: { [table]: { ...rest, Keys: left } } });
    }
    case 'BatchWriteItem':
      return json({ UnprocessedItems: input.RequestItems });
    default: {
      const entries = input.Entries as { readonly Id: string }[];
      const left = entries.splice(Math.floor(entries.length / 2));
      const Failed = left.map(({ Id }) => ({ Id, Code: 'InternalError', Message: 'Try again', SenderFault: false }));
      const output = entries.length === 0 ? { Successful: [] } : await bodyOf<{ Successful: unknown[] }>(execute);
      return json({ Successful: output.Successful, Failed });
    }
  }
}

async function bodyOf<T>(execute: () => Promise<Answer>): Promise<T> {
  const answer = await execute();
  if (answer === 'dropped') throw new Error('the stand-in dropped a call');
  return JSON.parse(answer.body.toString()) as T;
}

export function json(output: object): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: Buffer.from(JSON.stringify(output)),
  };
}

import type { Answer, AwsCall, Interceptor } from '../local/aws-call';

/** One call as a stand-in saw it. */
export interface LoggedCall {
  readonly service: AwsCall['service'];
  readonly operation: string;
  /** Whether it is made to a FIFO queue. */
  readonly isFifo: boolean;
  /** Name of the function that made it, from its access key. */
  readonly caller: string;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Of an object put: its bytes, and the days that it is kept, by the prefix of its key. */
  readonly put: { readonly bytes: number; readonly days: number } | undefined;
  /** Write units by the sizes of the items in the request, where the request tells them all. */
  readonly expectedWriteUnits: number | undefined;
}

/** Keeps what the stand-ins are asked: the functions' own word is not needed. */
export class RequestLog {
  readonly calls: LoggedCall[] = [];

  readonly intercept: Interceptor = async (call, execute) => {
    const answer = await execute();
    this.calls.push({
      service: call.service,
      operation: call.operation,
      isFifo: isFifo(call),
      caller: call.accessKeyId.replace(/\.\d+$/, ''),
      readUnits: unitsOf(answer, 'x-consumed-read-units'),
      writeUnits: unitsOf(answer, 'x-consumed-write-units'),
      put: putOf(call),
      expectedWriteUnits: expectedWriteUnits(call),
    });
    return answer;
  };

  /** Forgets what came so far. */
  reset(): void {
    this.calls.length = 0;
  }
}

/** Whether a call is made to a FIFO queue. */
export function isFifo({ input }: AwsCall): boolean {
  return String(input.QueueUrl).endsWith('.fifo');
}

function unitsOf(answer: Answer, header: string): number {
  return answer === 'dropped' ? 0 : Number(answer.headers[header] ?? 0);
}

function putOf({ service, operation, input }: AwsCall): LoggedCall['put'] {
  if (service !== 's3' || operation !== 'PutObject') return undefined;
  const [, days] = /^d(\d+)\//.exec(String(input.Key)) ?? [];
  if (days === undefined) throw new Error(`nobody knows how long ${String(input.Key)} is kept`);
  return { bytes: Number(input.ContentLength), days: Number(days) };
}

/** One unit for each KB begun of an item put; twice as many in a transaction (DynamoDB pricing). */
function expectedWriteUnits({ service, operation, input }: AwsCall): number | undefined {
  if (service !== 'dynamodb' || operation !== 'PutItem') return undefined;
  return Math.ceil(sizeOf(input.Item as Attributes) / 1024);
}

type Attribute = Readonly<Record<string, unknown>>;
type Attributes = Readonly<Record<string, Attribute>>;

/** Bytes of an item (DynamoDB developer guide, "Item sizes and formats"). */
function sizeOf(item: Attributes): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueSize(value);
  return bytes;
}

function valueSize(value: Attribute): number {
  const [[type, content] = []] = Object.entries(value);
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(content));
    case 'B':
      return Buffer.from(String(content), 'base64').length;
    case 'N':
      return 1 + Math.ceil(String(content).replace(/^-|\.|0+$/g, '').length / 2);
    case 'L':
      return 3 + (content as Attribute[]).reduce((sum, element) => sum + 1 + valueSize(element), 0);
    default:
      throw new Error(`the size of an attribute of type ${type} is not known here`);
  }
}

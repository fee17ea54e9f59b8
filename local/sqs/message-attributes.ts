import { createHash } from 'node:crypto';
import { invalidValue } from './sqs-error';

/** One typed value that travels beside a body; binary values are base64. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

/** Message attributes by name. */
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

const MAX_ATTRIBUTES = 10;
const NAME = /^(?!\.)(?!.*\.\.)(?!(aws|amazon)\.)[a-z0-9_.-]{1,256}(?<!\.)$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function bytesOf(attribute: MessageAttribute): Buffer {
  return attribute.BinaryValue === undefined
    ? Buffer.from(attribute.StringValue!)
    : Buffer.from(attribute.BinaryValue, 'base64');
}

function readAttribute(name: string, input: unknown): MessageAttribute {
  const at = `MessageAttributes.${name}`;
  const { DataType, StringValue, BinaryValue } = (input ?? {}) as Record<string, unknown>;
  if (typeof DataType !== 'string' || !/^(String|Number|Binary)(\..{1,249})?$/s.test(DataType)) {
    throw invalidValue(at, DataType, 'The attribute type must be String, Number or Binary.');
  }
  const binary = DataType.startsWith('Binary');
  const value = binary ? BinaryValue : StringValue;
  if (typeof value !== 'string' || value === '' || (binary ? StringValue : BinaryValue) !== undefined) {
    throw invalidValue(at, DataType, 'The attribute must contain a non-empty value that matches its type.');
  }
  if (DataType.startsWith('Number') && !NUMBER.test(value.trim())) {
    throw invalidValue(at, value, 'The attribute is not a number.');
  }
  return binary ? { DataType, BinaryValue: value } : { DataType, StringValue: value };
}

/** Reads and checks the `MessageAttributes` of a request; undefined when there are none. */
export function readMessageAttributes(input: unknown): MessageAttributes | undefined {
  const entries = Object.entries((input ?? {}) as Record<string, unknown>);
  if (entries.length === 0) return undefined;
  if (entries.length > MAX_ATTRIBUTES) {
    throw invalidValue('MessageAttributes', entries.length, `At most ${MAX_ATTRIBUTES} attributes are allowed.`);
  }
  for (const [name] of entries) {
    if (!NAME.test(name)) throw invalidValue('MessageAttributes', name, 'The attribute name is malformed.');
  }
  return Object.fromEntries(entries.map(([name, value]) => [name, readAttribute(name, value)]));
}

/** Reads and checks `MessageSystemAttributes`, of which SQS knows one: the X-Ray trace header. */
export function readSystemAttributes(input: unknown): MessageAttributes | undefined {
  const attributes = readMessageAttributes(
    Object.fromEntries(
      Object.entries((input ?? {}) as Record<string, unknown>).map(([name, value]) => {
        if (name !== 'AWSTraceHeader') throw invalidValue('MessageSystemAttributes', name, 'The name is unknown.');
        return [name, value];
      }),
    ),
  );
  if (attributes && attributes.AWSTraceHeader!.DataType !== 'String') {
    throw invalidValue('AWSTraceHeader', attributes.AWSTraceHeader!.DataType, 'The type must be String.');
  }
  return attributes;
}

/** Bytes that attributes add to a message: names, types and values. */
export function attributesSize(attributes: MessageAttributes | undefined): number {
  let size = 0;
  for (const [name, attribute] of Object.entries(attributes ?? {})) {
    size += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + bytesOf(attribute).length;
  }
  return size;
}

/** MD5 of a body in hex. */
export function md5OfBody(body: string): string {
  return createHash('md5').update(body).digest('hex');
}

/** MD5 of attributes as the SDKs check it: sorted by name, each part with its length before it. */
export function md5OfAttributes(attributes: MessageAttributes | undefined): string | undefined {
  const names = Object.keys(attributes ?? {}).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const part = (bytes: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const attribute = attributes![name]!;
    part(Buffer.from(name));
    part(Buffer.from(attribute.DataType));
    hash.update(Buffer.from([attribute.BinaryValue === undefined ? 1 : 2]));
    part(bytesOf(attribute));
  }
  return hash.digest('hex');
}

/** The attributes that a receive asks for: `All`, `.*`, exact names, or a prefix before `.*`. */
export function selectAttributes(
  attributes: MessageAttributes | undefined,
  names: readonly string[],
): MessageAttributes | undefined {
  const wanted = Object.entries(attributes ?? {}).filter(([name]) =>
    names.some(
      (asked) => asked === 'All' || asked === name || (asked.endsWith('.*') && name.startsWith(asked.slice(0, -2))),
    ),
  );
  return wanted.length > 0 ? Object.fromEntries(wanted) : undefined;
}

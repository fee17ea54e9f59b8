import { invalidValue, SqsError } from './sqs-error';

/** One request as parsed JSON, or one entry of a batch. */
export type Input = Readonly<Record<string, unknown>>;

/** Most bytes of one message, and of all messages of a batch together. */
export const MAX_MESSAGE_BYTES = 1_048_576;

const MAX_ENTRIES = 10;
// The characters that XML 1.0 allows; a lone surrogate matches, so it is refused.
const FORBIDDEN_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

function wrongType(name: string, type: string): SqsError {
  return new SqsError('SerializationException', `${name} must be ${type}.`);
}

/** A string that may be absent. */
export function optionalString(input: Input, name: string): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(name, 'a string');
  return value;
}

/** A string that must be there. */
export function requiredString(input: Input, name: string): string {
  const value = optionalString(input, name);
  if (value === undefined || value === '') {
    throw new SqsError('MissingRequiredParameterException', `The request must contain the parameter ${name}.`);
  }
  return value;
}

/** A whole number within bounds that may be absent. */
export function optionalInteger(input: Input, name: string, min: number, max: number): number | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(name, 'a whole number');
  if (value < min || value > max) throw invalidValue(name, value, `Must be between ${min} and ${max}, if provided.`);
  return value;
}

/** A list of strings; empty when absent. */
export function stringList(input: Input, name: string): string[] {
  const value = input[name] ?? [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw wrongType(name, 'a string list');
  return value as string[];
}

/** A map of strings; empty when absent. */
export function stringMap(input: Input, name: string): Readonly<Record<string, string>> {
  const value = input[name] ?? {};
  if (typeof value !== 'object' || Object.values(value as object).some((item) => typeof item !== 'string')) {
    throw wrongType(name, 'a map of strings');
  }
  return value as Readonly<Record<string, string>>;
}

/** The entries of a batch request, checked as a batch: 1 to 10, with distinct well-formed ids. */
export function batchEntries(input: Input): Input[] {
  const entries = input.Entries ?? [];
  if (!Array.isArray(entries)) throw wrongType('Entries', 'a list');
  if (entries.length === 0) throw new SqsError('EmptyBatchRequest', 'There should be at least one entry.');
  if (entries.length > MAX_ENTRIES) {
    throw new SqsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${entries.length}.`,
    );
  }
  const ids = new Set<string>();
  for (const entry of entries as Input[]) {
    const id = requiredString(entry ?? {}, 'Id');
    if (!/^[\w-]{1,80}$/.test(id)) {
      throw new SqsError(
        'InvalidBatchEntryId',
        'A batch entry id holds 1 to 80 letters, digits, hyphens, underscores.',
      );
    }
    if (ids.has(id)) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`);
    ids.add(id);
  }
  return entries as Input[];
}

/** A body that SQS accepts. */
export function messageBody(input: Input): string {
  const body = requiredString(input, 'MessageBody');
  if (FORBIDDEN_CHARACTER.test(body)) {
    throw new SqsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are those of XML.',
    );
  }
  return body;
}

/** A message group id or deduplication id: up to 128 letters, digits and punctuation. */
export function token(input: Input, name: string): string | undefined {
  const value = optionalString(input, name);
  if (value !== undefined && !/^[!-~]{1,128}$/.test(value)) {
    throw invalidValue(name, value, `${name} can only include alphanumeric and punctuation characters, 1 to 128.`);
  }
  return value;
}

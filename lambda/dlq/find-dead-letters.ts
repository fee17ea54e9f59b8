import type { MessageFilter } from '../message/message-filter';
import { ALL_SHARDS } from '../message/message-id';
import { dlqPartition, type Item, N, S } from '../store/keys';
import { type MergedRange, MergedScan } from '../store/merge-partitions';
import { type DeadLetter, decodeDeadLetter } from './dead-letter-item';

/** Which dead letters are meant; the dates are those of the failure. */
export interface DeadLetterFilter extends Omit<MessageFilter, 'host' | 'path'> {
  readonly responseStatus?: readonly number[];
}

export interface DeadLetterQuery {
  readonly filter: DeadLetterFilter;
  /** From 1. */
  readonly count: number;
  /** Id of the last dead letter of the page before. */
  readonly cursor?: string;
  readonly latestFirst?: boolean;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[];
  /** Present when there may be more; a page with fewer than asked for without it is the last. */
  readonly cursor?: string;
}

/**
 * Lists dead letters in order of failure. Searches all of them, however few match, until the page is full or
 * `isOver` says that it has lasted long enough: then the page is short and has a cursor.
 */
export async function findDeadLetters(
  query: DeadLetterQuery,
  now: number,
  isOver: () => boolean,
): Promise<DeadLetterPage> {
  const { count, cursor } = query;
  const scan = new MergedScan(ALL_SHARDS.map(dlqPartition), { ...rangeOf(query, now), isOver });
  const deadLetters: DeadLetter[] = [];
  for (;;) {
    const item = await scan.next();
    if (item === undefined) break;
    if (item.sk!.S === cursor) continue;
    if (deadLetters.length === count) return { deadLetters, cursor: deadLetters.at(-1)!.dlqId };
    deadLetters.push(decodeDeadLetter(item));
  }
  return { deadLetters, ...(scan.scannedTo === undefined ? {} : { cursor: scan.scannedTo }) };
}

function rangeOf({ filter, count, cursor, latestFirst }: DeadLetterQuery, now: number): MergedRange {
  const from = String(filter.fromDate ?? 0).padStart(13, '0');
  const to = `${String(filter.toDate ?? 9_999_999_999_999).padStart(13, '0')}-~`;
  const conditions = conditionsOf(filter);
  return {
    from: cursor !== undefined && !latestFirst && cursor > from ? cursor : from,
    to: cursor !== undefined && latestFirst && cursor < to ? cursor : to,
    newestFirst: latestFirst,
    // Without conditions nearly all that is examined is returned.
    limit: conditions.texts.length === 0 ? count + 2 : undefined,
    filter: {
      expression: ['#ttl > :now', ...conditions.texts].join(' AND '),
      names: { '#ttl': 'ttl', ...conditions.names },
      values: { ':now': N(now / 1000), ...conditions.values },
    },
  };
}

/** Attribute of a dead letter's item that a field is compared with. */
const ATTRIBUTES = {
  messageId: 'm',
  url: 'url',
  callerIp: 'ip',
  topicName: 'topic',
  queueName: 'queue',
  scheduleId: 'schedule',
  flowControlKey: 'flow',
  responseStatus: 'rs',
} as const;

/** DynamoDB takes 4 KB of text: placeholders are short, so that a hundred values of every field fit. */
function conditionsOf(filter: DeadLetterFilter) {
  const texts: string[] = [];
  const names: Record<string, string> = {};
  const values: Item = {};
  const forName = (attribute: string) => {
    const placeholder = `#${Object.keys(names).length}`;
    names[placeholder] = attribute;
    return placeholder;
  };
  const forValue = (value: string | number) => {
    const placeholder = `:${Object.keys(values).length.toString(36)}`;
    values[placeholder] = typeof value === 'number' ? N(value) : S(value);
    return placeholder;
  };
  for (const [field, attribute] of Object.entries(ATTRIBUTES)) {
    const wanted = filter[field as keyof typeof ATTRIBUTES];
    if (wanted !== undefined) texts.push(`${forName(attribute)} IN (${wanted.map(forValue).join(',')})`);
  }
  if (filter.label !== undefined) {
    const labels = forName('labels');
    texts.push(`(${filter.label.map((label) => `contains(${labels},${forValue(label)})`).join(' OR ')})`);
  }
  return { texts, names, values };
}

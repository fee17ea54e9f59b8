import { LIMITS_SORT, SLOT_PREFIX } from '../../lambda/store/keys';
import { type Arrival, groupBy, type History, type StoredMessage } from './history';

type Findings = Iterable<readonly [messageId: string, text: string]>;

/** What the rules of slots look at. */
export interface SlotFacts {
  readonly history: History;
  readonly messages: readonly StoredMessage[];
  arrivalsOf(message: StoredMessage): readonly Arrival[];
}

/** What a request takes on its way at most, and by how much two clocks differ: an interval is shorter by it. */
const TRANSIT_MS = 1_000;

/** No flow-control key has more attempts under way, or begun in a period, than its messages allow. */
export function* limitsAreKept(facts: SlotFacts): Findings {
  const byKey = groupBy(facts.messages, ({ message }) => message.flowControl?.key);
  for (const [key, own] of byKey) {
    const { parallelism, rate, period } = own[0]!.message.flowControl!;
    const arrivals = own.flatMap((stored) => facts.arrivalsOf(stored));
    for (const { messageId, arrivedAt } of arrivals) {
      const isUnder = (call: Arrival) => call.arrivedAt <= arrivedAt && (call.answeredAt ?? 0) > arrivedAt;
      const atOnce = arrivals.filter(isUnder).length;
      if (atOnce > (parallelism ?? Number.POSITIVE_INFINITY)) yield [messageId, `${atOnce} calls at once for ${key}`];
      const end = arrivedAt + period * 1000 - TRANSIT_MS;
      const begun = arrivals.filter((other) => other.arrivedAt >= arrivedAt && other.arrivedAt < end).length;
      if (begun > 2 * (rate ?? Number.POSITIVE_INFINITY)) yield [messageId, `${begun} calls in a period of ${key}`];
    }
  }
}

/** Nobody holds a slot, or waits for one, when everything has ended. Until then the tick may be what looks after it. */
export function* slotsAreFree({ history: { dump } }: SlotFacts): Findings {
  if (!dump.drained) return;
  for (const item of dump.table) {
    const sort = item.sk!.S!;
    if (!/^(queue|flow)#/.test(item.pk!.S!) || sort === LIMITS_SORT) continue;
    yield [item.m!.S!, `still ${sort.startsWith(SLOT_PREFIX) ? 'holds a slot of' : 'waits in'} ${item.pk!.S}`];
  }
}

/**
 * Of a queue that lets one message through at a time, none is delivered before another with all its callbacks has
 * ended, nor before one that was enqueued earlier.
 */
export function* queuesKeepTheirOrder(facts: SlotFacts): Findings {
  const { history, messages } = facts;
  const byQueue = groupBy(messages, ({ message }) => message.queue?.name);
  for (const [name, own] of byQueue) {
    const row = history.dump.table.find(({ pk, sk }) => pk!.S === `queue#${name}` && sk!.S === LIMITS_SORT);
    if (row?.parallelism?.N !== '1') continue;
    const spans = own.flatMap((stored) => {
      const arrivals = familyOf(stored.message.messageId, messages).flatMap((each) => facts.arrivalsOf(each));
      if (arrivals.length === 0) return [];
      const from = Math.min(...arrivals.map(({ arrivedAt }) => arrivedAt));
      const to = Math.max(...arrivals.map(({ arrivedAt, answeredAt }) => answeredAt ?? arrivedAt));
      return [{ stored, from, to }];
    });
    for (const one of spans) {
      const { messageId, queue } = one.stored.message;
      for (const other of spans) {
        if (other === one) continue;
        if (one.from < other.from && one.to > other.from) yield [messageId, `is delivered beside another of ${name}`];
        const [mine, theirs] = [one, other].map(({ stored }) => publishOf(history, stored.message.messageId));
        const isBefore = mine !== undefined && theirs !== undefined && mine.answeredAt! <= theirs.askedAt;
        if (isBefore && queue!.seq < other.stored.message.queue!.seq && one.from > other.from) {
          yield [messageId, `is delivered after what was enqueued later in ${name}`];
        }
      }
    }
  }
}

function publishOf({ publishes }: History, messageId: string) {
  const found = publishes.filter((publish) => publish.messageId === messageId && publish.answeredAt !== undefined);
  return found.length === 1 ? found[0] : undefined;
}

/** A message, its callbacks, and theirs. */
function familyOf(messageId: string, messages: readonly StoredMessage[]): StoredMessage[] {
  return messages.flatMap((stored) => {
    if (stored.message.messageId === messageId) return [stored];
    return stored.message.source?.messageId === messageId ? familyOf(stored.message.messageId, messages) : [];
  });
}

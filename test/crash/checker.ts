import { LEASE_SLACK_MS } from '../../lambda/deliver/claim-attempt';
import { callbacksMayWait } from '../../lambda/message/closing';
import { messageIdOf } from '../../lambda/message/message-id';
import { isTerminal, type MessageState } from '../../lambda/message/message-state';
import { decodeSchedule } from '../../lambda/schedule/schedule';
import { isHeld } from '../../lambda/store/body-key';
import { WAITING_PREFIX } from '../../lambda/store/keys';
import { SWEEP_AFTER_MS } from '../../lambda/wait/sweep-orphans';
import { HELD_BODIES } from '../../lib/names';
import { type Arrival, callbacksOf, groupBy, type History, readDump, type Stored, type StoredMessage } from './history';
import { limitsAreKept, queuesKeepTheirOrder, slotsAreFree } from './slot-rules';

/** Something that a service which keeps its promises never does. */
export interface Violation {
  readonly rule: Rule;
  readonly messageId: string;
  /** Where the message goes, where it is known. */
  readonly url?: string;
  readonly text: string;
}

/**
 * The promises by number: 1 no loss, 3 one end, 4 truthful ends, 5 attempt budget, 6 timing, 7 cancel, 8 limits and
 * slots, 9 order of queues, 10 callbacks, 11 dead letters, 12 their retries, 13 deduplication, 16 hints are given up last, 17 the redrive
 * queue, 18 expiry, 19 liveness.
 */
export type Rule = `I${1 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 16 | 17 | 18 | 19}`;

/** Timers fire a little early, and two clocks read one after the other differ. */
const TOLERANCE_MS = 5;
/** A tick sweeps what was accepted this long ago, and one may be left out. */
const SWEPT_BY_MS = SWEEP_AFTER_MS + 3 * 60_000;
const DEDUPLICATION_MS = 600_000;

/** Finds every broken promise in a history; none for one that a correct service can leave, whatever was killed. */
export function check(history: History): Violation[] {
  const facts = new Facts(history);
  return FINDERS.flatMap(([rule, find]) => {
    return [...find(facts)].map(([messageId, text]) => {
      const url = facts.stored.messages.get(messageId)?.message.url;
      return { rule, messageId, text, ...(url === undefined ? {} : { url }) };
    });
  });
}

type Findings = Iterable<readonly [messageId: string, text: string]>;

const FINDERS: readonly (readonly [Rule, (facts: Facts) => Findings])[] = [
  ['I1', nothingIsLost],
  ['I3', oneEnd],
  ['I4', endsAreTrue],
  ['I5', attemptsAreBudgeted],
  ['I6', nothingIsEarly],
  ['I7', canceledStaysCanceled],
  ['I8', limitsAreKept],
  ['I8', slotsAreFree],
  ['I9', queuesKeepTheirOrder],
  ['I10', callbacksAreMade],
  ['I11', deadLettersAreFailures],
  ['I12', deadLettersMove],
  ['I13', duplicatesAreOne],
  ['I16', hintsAreGivenUpLast],
  ['I17', redriveIsEmptied],
  ['I18', nothingOpenExpires],
  ['I19', everythingEnds],
];

/** Every promise that {@link check} looks after. */
export const RULES: readonly Rule[] = [...new Set(FINDERS.map(([rule]) => rule))];

/** A history, indexed. */
class Facts {
  readonly stored: Stored;
  readonly messages: readonly StoredMessage[];
  private readonly arrivals: ReadonlyMap<string, readonly Arrival[]>;

  constructor(readonly history: History) {
    this.stored = readDump(history.dump);
    this.messages = [...this.stored.messages.values()];
    this.arrivals = groupBy(history.arrivals, ({ messageId }) => messageId);
  }

  /** Requests of a message at its destination, in their order. */
  arrivalsOf({ message }: StoredMessage): readonly Arrival[] {
    return this.arrivals.get(message.messageId) ?? [];
  }

  /** Whether somebody will look at a message as it stands, so that what is missing will be made up for. */
  isHinted(messageId: string): boolean {
    const due = this.stored.due.map(({ hint }) => hint);
    return [...this.stored.hints, ...due].some((hint) => hint.messageId === messageId);
  }

  /** Callbacks that report on a message. */
  callbacksFor({ message }: StoredMessage): StoredMessage[] {
    return this.messages.filter((other) => other.message.source?.messageId === message.messageId);
  }

  requests(dlqId: string, action: 'retry' | 'delete') {
    return this.history.deadLetterRequests.filter((asked) => asked.dlqId === dlqId && asked.action === action);
  }
}

const isSuccess = (status: number | undefined) => status !== undefined && status >= 200 && status <= 299;
/** Whether the service may have done it without saying so. */
const isUnknown = (status: number) => status === 0 || status >= 500;
const mayHaveWorked = ({ status }: { readonly status: number }) => isSuccess(status) || isUnknown(status);

function* nothingIsLost({ history, stored }: Facts): Findings {
  for (const { messageId, url } of history.publishes) {
    if (messageId !== undefined && !stored.messages.has(messageId)) yield [messageId, `acknowledged and gone: ${url}`];
  }
  for (const { successor, dlqId } of history.deadLetterRequests) {
    if (successor !== undefined && !stored.messages.has(successor)) yield [successor, `retry of ${dlqId} is gone`];
  }
  for (const { message, expiry = Number.POSITIVE_INFINITY } of stored.messages.values()) {
    const key = message.stored?.key;
    const { now, objects } = history.dump;
    if (key !== undefined && expiry > now && !objects.includes(key))
      yield [message.messageId, `its body ${key} is gone`];
  }
  for (const item of history.dump.table.filter(({ pk }) => pk!.S!.startsWith('schedule#'))) {
    const { scheduleId, version, stored: body } = decodeSchedule(item);
    if (body !== undefined && !history.dump.objects.includes(body.key))
      yield [version, `the body of ${scheduleId} is gone`];
  }
  for (const { messageId, retried, isGarbled } of history.arrivals) {
    if (isGarbled === true) yield [messageId, `attempt ${retried} came with another body`];
  }
}

const END_OF_OUTCOME = { delivered: 'DELIVERED', failed: 'FAILED', canceled: 'CANCELED' } as const;
const OUTCOME_OF_END: Readonly<Record<string, string>> = {
  DELIVERED: 'delivered',
  FAILED: 'failed',
  CANCELED: 'canceled',
};

/** A state as text, without what is still noted of callbacks after the end. */
function endOf({ openCallbacks: _, isSettled: _settled, ...state }: MessageState): string {
  return JSON.stringify(state);
}

function* oneEnd({ history, messages }: Facts): Findings {
  const before = history.earlier && readDump(history.earlier).messages;
  for (const { message, state, records, logsCancel } of messages) {
    const { messageId } = message;
    const was = before?.get(messageId)?.state;
    if (was !== undefined && isTerminal(was) && endOf(was) !== endOf(state)) {
      yield [messageId, `was ${was.state} and became ${state.state}`];
    }
    const ends = records.flatMap((record) => (record === undefined || record.outcome === 'retry' ? [] : [record]));
    for (const { attempt, outcome } of ends) {
      if (attempt !== records.length - 1) yield [messageId, `went on after attempt ${attempt} ended as ${outcome}`];
      const end = END_OF_OUTCOME[outcome as keyof typeof END_OF_OUTCOME];
      if (end !== state.state) yield [messageId, `is ${state.state}, but attempt ${attempt} ended as ${outcome}`];
    }
    const wanted = OUTCOME_OF_END[state.state ?? ''];
    if (wanted !== undefined && state.canceledAt === undefined && records.length === 0) {
      yield [messageId, `is ${state.state} without an attempt`];
    }
    if (logsCancel && state.state !== 'CANCELED') yield [messageId, `is ${state.state}, but was logged as canceled`];
    if (history.log !== undefined) {
      const told = history.log.filter((entry) => entry.messageId === messageId).map((entry) => entry.state);
      const ended = told.filter((name) => name in OUTCOME_OF_END);
      const expected = wanted === undefined ? '' : state.state;
      if (ended.join() !== expected) yield [messageId, `is ${state.state}, but its log ends in [${ended}]`];
    }
  }
}

/** Attempts of which the service knows no answer, so that they may have had any. */
function unobserved({ state, records }: StoredMessage): number {
  const lapsed = state.canceledAt !== undefined && (state.startedAt ?? 0) > (state.ends.at(-1) ?? 0) ? 1 : 0;
  const underWay = state.state === 'ACTIVE' || state.state === 'CANCEL_REQUESTED' ? 1 : 0;
  return state.crashes + lapsed + underWay + records.filter((record) => record?.status === 0).length;
}

function* endsAreTrue(facts: Facts): Findings {
  for (const stored of facts.messages) {
    const { message, state } = stored;
    const successes = facts.arrivalsOf(stored).filter(({ status }) => isSuccess(status)).length;
    if (state.state === 'DELIVERED') {
      if (successes === 0) yield [message.messageId, 'is DELIVERED, but no request was answered with success'];
    } else if (successes > unobserved(stored)) {
      yield [message.messageId, `is ${state.state ?? 'CREATED'}, but ${successes} requests were answered with success`];
    }
    const wanted = stored.records.at(-1)?.error === 'its body is no longer stored' ? message.stored?.key : undefined;
    if (wanted !== undefined && facts.history.dump.objects.includes(wanted)) {
      yield [message.messageId, `ended for want of its body ${wanted}, which is there`];
    }
  }
}

function* attemptsAreBudgeted(facts: Facts): Findings {
  for (const stored of facts.messages) {
    const { message, state, records } = stored;
    const { messageId, maxRetries } = message;
    if (records.length > 1 + maxRetries) yield [messageId, `${records.length} attempts with ${maxRetries} retries`];
    const arrivals = facts.arrivalsOf(stored);
    const answered = records.filter((record) => record === undefined || record.status !== 0).length;
    const most = answered + unobserved(stored);
    if (arrivals.length > most) yield [messageId, `${arrivals.length} requests, but ${most} attempts`];
    let last = 0;
    for (const [at, { retried, arrivedAt }] of arrivals.entries()) {
      const before = arrivals.slice(0, at).findLast((arrival) => arrival.retried === retried);
      const after = before && Math.round(arrivedAt - before.arrivedAt);
      // A lease outlives the longest that an attempt may take, and ends no sooner because its holder has died.
      if (after !== undefined && after < LEASE_SLACK_MS - TOLERANCE_MS) {
        yield [messageId, `attempt ${retried} came again after ${after} ms, while somebody had its lease`];
      }
      if (retried < last) yield [messageId, `attempt ${retried} came after attempt ${last}`];
      if (retried > state.attempt) yield [messageId, `attempt ${retried} came, but the last is ${state.attempt}`];
      last = Math.max(last, retried);
    }
  }
}

function* nothingIsEarly(facts: Facts): Findings {
  const published = groupBy(facts.history.publishes, ({ url }) => url);
  for (const stored of facts.messages) {
    const { message, records } = stored;
    const { messageId } = message;
    // The first publish of a deduplication id is the one that made the message.
    const [publish] = published.get(message.url) ?? [];
    const isPublished = published.get(message.url)?.some((told) => told.messageId === messageId) ?? false;
    const arrivals = facts.arrivalsOf(stored);
    for (const { retried, arrivedAt } of arrivals) {
      const record = records[retried - 1];
      const before = arrivals.findLast((arrival) => arrival.retried === retried - 1 && arrival.arrivedAt < arrivedAt);
      const earliest = Math.max(
        message.notBefore,
        isPublished ? publish!.askedAt + (publish!.delay ?? 0) : 0,
        record?.nextAt ?? 0,
        (before?.answeredAt ?? 0) + (isPublished ? (publish!.retryDelay ?? 0) : 0),
      );
      const early = Math.round(earliest - arrivedAt);
      if (early > TOLERANCE_MS) yield [messageId, `attempt ${retried} came ${early} ms early`];
    }
  }
}

function* canceledStaysCanceled(facts: Facts): Findings {
  const { history, stored } = facts;
  for (const { messageId, status, cancelled, answeredAt } of history.cancels) {
    const found = stored.messages.get(messageId);
    if (!isSuccess(status) || cancelled !== 1 || found === undefined) continue;
    const { state, records } = found;
    const ended = state.state === 'CANCELED' || state.state === 'DELIVERED';
    if (!ended && (history.dump.drained || state.state !== 'CANCEL_REQUESTED')) {
      yield [messageId, `was canceled and is ${state.state ?? 'CREATED'}`];
    }
    for (const { retried, arrivedAt } of facts.arrivalsOf(found)) {
      const startedAt = records[retried]?.startedAt ?? (state.attempt === retried ? state.startedAt : undefined);
      const begun = startedAt !== undefined && startedAt <= answeredAt;
      // What was under way may arrive late, but whoever cancels between attempts is told that there is none.
      const mayArrive = begun && state.cancelRequestedAt !== undefined;
      if (arrivedAt > answeredAt + TOLERANCE_MS && !mayArrive) {
        yield [messageId, `attempt ${retried} came ${Math.round(arrivedAt - answeredAt)} ms after its cancel`];
      }
    }
  }
}

function* callbacksAreMade(facts: Facts): Findings {
  for (const stored of facts.messages) {
    const { message, state, records } = stored;
    const { messageId } = message;
    const made = facts.callbacksFor(stored);
    for (const { lane } of callbacksOf(message)) {
      for (const [attempt, record] of records.entries()) {
        const isLast = attempt === records.length - 1;
        const canceled = state.state === 'CANCELED' && state.canceledAt === undefined && isLast;
        const wanted = lane === 'failures' ? isLast && state.state === 'FAILED' : !canceled;
        const own = made.filter(({ message: { lane: on, source } }) => on === lane && source!.attempt === attempt);
        const what = `${lane === 'failures' ? 'failure callback' : 'callback'} of attempt ${attempt}`;
        if (!wanted && own.length > 0) yield [messageId, `is ${state.state}, but has a ${what}`];
        if (wanted && own.length > 1) yield [messageId, `has ${own.length} messages for the ${what}`];
        if (wanted && own.length === 0 && !facts.isHinted(messageId)) yield [messageId, `has no ${what}`];
        for (const { message: callback } of own) {
          if (callback.source!.endedAt !== state.ends[attempt]) yield [messageId, `the ${what} names another end`];
          if (lane === 'failures' && callback.source!.dlqId !== state.dlqId) {
            yield [messageId, `the ${what} names the dead letter ${callback.source!.dlqId}`];
          }
          if (record === undefined) yield [messageId, `the record of the ${what} is gone`];
        }
      }
    }
    for (const { message: callback } of made) {
      if (!callbacksOf(message).some(({ lane }) => lane === callback.lane)) {
        yield [messageId, `has a callback on ${callback.lane} that nobody asked for`];
      }
      if (callback.source!.attempt >= records.length) {
        yield [messageId, `has a callback of attempt ${callback.source!.attempt}, which has not ended`];
      }
    }
    const { source } = message;
    if (source !== undefined && !facts.stored.messages.has(source.messageId)) {
      yield [messageId, `is a callback of ${source.messageId}, which is gone`];
    }
  }
}

function* deadLettersAreFailures(facts: Facts): Findings {
  const { deadLetters, messages } = facts.stored;
  for (const { dlqId, messageId } of deadLetters.values()) {
    const state = messages.get(messageId)?.state;
    if (state?.state !== 'FAILED') yield [messageId, `is ${state?.state ?? 'gone'}, but has the dead letter ${dlqId}`];
    else if (state.dlqId !== dlqId) yield [messageId, `has the dead letter ${dlqId} beside ${state.dlqId}`];
  }
  for (const { message, state } of facts.messages) {
    if (state.state !== 'FAILED') continue;
    const dlqId = state.dlqId ?? '';
    const moved =
      [...facts.requests(dlqId, 'retry').filter(mayHaveWorked), ...facts.requests(dlqId, 'delete')].length > 0;
    if (!deadLetters.has(dlqId) && !moved) yield [message.messageId, `is FAILED, but has no dead letter ${dlqId}`];
  }
}

function* deadLettersMove(facts: Facts): Findings {
  const { history, stored, messages } = facts;
  /** How many messages there must be for each URL, callbacks aside: least and most. */
  const expected = new Map<string, { least: number; most: number }>();
  const expect = (url: string, least: number, most: number) => {
    const sum = expected.get(url) ?? { least: 0, most: 0 };
    expected.set(url, { least: sum.least + least, most: sum.most + most });
  };
  for (const [url, publishes] of groupBy(history.publishes, (publish) => publish.url)) {
    const told = new Set(publishes.flatMap(({ messageId }) => messageId ?? [])).size;
    const unknown = publishes.filter(({ status }) => isUnknown(status));
    // A duplicate of what was published without anybody knowing is answered with the id of the first.
    const hidden = told > 0 ? unknown.filter(({ deduplicationId }) => deduplicationId === undefined) : unknown;
    expect(url, told, told + hidden.length);
  }
  for (const { message, state } of messages) {
    const dlqId = state.dlqId;
    if (dlqId === undefined) continue;
    const retries = facts.requests(dlqId, 'retry');
    const retried = retries.filter(({ status }) => isSuccess(status)).length;
    const deleted = facts.requests(dlqId, 'delete').filter(({ status }) => isSuccess(status)).length;
    if (retried + deleted > 1)
      yield [message.messageId, `${dlqId} was retried ${retried} and deleted ${deleted} times`];
    if (retried + deleted > 0 && stored.deadLetters.has(dlqId)) yield [message.messageId, `${dlqId} is still there`];
    if (stored.deadLetters.has(dlqId) || deleted > 0) continue;
    const maybeRetried = retries.some(({ status }) => isUnknown(status));
    // A delete whose answer the SDK lost finds nothing left to delete the second time.
    const maybeDeleted = facts.requests(dlqId, 'delete').length > 0;
    expect(message.url, retried > 0 || (maybeRetried && !maybeDeleted) ? 1 : 0, retried > 0 || maybeRetried ? 1 : 0);
  }
  const own = messages.filter(({ message }) => message.source === undefined);
  for (const [url, rows] of groupBy(own, ({ message }) => message.url)) {
    const { least, most } = expected.get(url) ?? { least: 0, most: 0 };
    const last = rows.at(-1)!.message.messageId;
    if (rows.length < least || rows.length > most)
      yield [last, `${rows.length} messages to ${url}, not ${least} to ${most}`];
  }
  for (const [url, { least }] of expected) {
    if (least > 0 && !own.some(({ message }) => message.url === url)) yield ['', `no message to ${url}, not ${least}`];
  }
}

function* duplicatesAreOne({ history }: Facts): Findings {
  const published = history.publishes.filter(({ deduplicationId }) => deduplicationId !== undefined);
  for (const [id, same] of groupBy(published, ({ deduplicationId }) => deduplicationId!)) {
    const told = same.filter(({ messageId }) => messageId !== undefined);
    const [first] = told;
    for (const { messageId, askedAt } of told) {
      const within = askedAt - first!.askedAt < DEDUPLICATION_MS;
      if (within && messageId !== first!.messageId) yield [messageId!, `has the deduplication id ${id} of another`];
      if (!within && messageId === first!.messageId) yield [messageId!, `still stands for the deduplication id ${id}`];
    }
  }
}

function* hintsAreGivenUpLast(facts: Facts): Findings {
  const { history, stored, messages } = facts;
  const waking = [...stored.hints, ...stored.due.map(({ hint }) => hint)];
  const waiting = new Set(
    history.dump.table.filter(({ sk }) => sk!.S!.startsWith(WAITING_PREFIX)).map(({ m }) => m!.S!),
  );
  for (const { message, state } of messages) {
    if (isTerminal(state)) continue;
    const { messageId, source } = message;
    // A hint for an attempt under way is good for that attempt alone; any other look goes on from the row.
    const wakes = waking.some(
      (hint) =>
        hint.messageId === messageId &&
        (state.startedAt === undefined || state.state === 'RETRY' || hint.attempt === state.attempt),
    );
    const isSwept = state.state === undefined && history.dump.now - message.createdAt < SWEPT_BY_MS;
    const isSettled = source !== undefined && facts.isHinted(source.messageId);
    // Who looks at a list may be its holder or the tick: that nobody is left in it shows when all has ended.
    if (!wakes && !isSwept && !isSettled && !waiting.has(messageId)) {
      yield [messageId, `is ${state.state ?? 'CREATED'} at attempt ${state.attempt}, and nothing will wake it`];
    }
  }
  for (const text of history.lines) {
    if (!text.startsWith('{')) yield ['', `an exception left a handler: ${text}`];
  }
}

function* redriveIsEmptied({ history: { dump } }: Facts): Findings {
  if (!dump.drained) return;
  for (const body of dump.queues.redrive) yield ['', `the redrive queue still holds ${body}`];
}

function* nothingOpenExpires(facts: Facts): Findings {
  const { stored, messages, history } = facts;
  for (const { message, state, expiry, stateExpiry, records } of messages) {
    const { messageId, source } = message;
    if (!isTerminal(state)) {
      if (stateExpiry !== undefined) yield [messageId, `is ${state.state ?? 'CREATED'}, but its state expires`];
      if (expiry !== undefined && expiry <= history.dump.now)
        yield [messageId, `expired as ${state.state ?? 'CREATED'}`];
      const reported = source && stored.messages.get(source.messageId);
      if (reported?.expiry !== undefined && reported.expiry <= history.dump.now) {
        yield [messageId, `reports on ${source!.messageId}, which has expired`];
      }
      continue;
    }
    // Until its callbacks have ended, where nobody can foresee when that is.
    const isClosed = history.dump.drained || !callbacksMayWait(message);
    if (stateExpiry === undefined && isClosed) yield [messageId, `is ${state.state}, but its state never expires`];
    if (!history.dump.drained) continue;
    if (expiry === undefined) yield [messageId, `is ${state.state}, but never expires`];
    // What has no state counts as open.
    else if (stateExpiry !== undefined && stateExpiry < expiry) yield [messageId, 'its state expires before it does'];
    const deadLetter = stored.deadLetters.get(state.dlqId ?? '');
    if (deadLetter === undefined) continue;
    if ((deadLetter.expiry ?? Number.POSITIVE_INFINITY) > (expiry ?? 0)) {
      yield [messageId, `expires before its dead letter ${deadLetter.dlqId}`];
    }
    if (records.at(-1) === undefined) yield [messageId, `the record of its dead letter ${deadLetter.dlqId} is gone`];
  }
}

function* everythingEnds({ history: { dump }, stored, messages }: Facts): Findings {
  if (!dump.drained) return;
  for (const { message, state } of messages) {
    if (!isTerminal(state))
      yield [message.messageId, `is still ${state.state ?? 'CREATED'} at attempt ${state.attempt}`];
  }
  for (const { hint, at } of stored.due) {
    if (at <= dump.now) yield [hint.messageId, `was due ${Math.round((dump.now - at) / 1000)} s ago`];
  }
  for (const { messageId } of stored.hints) yield [messageId, 'its hint is still on its way'];
  for (const body of stored.malformed) yield ['', `a queue still holds ${body}`];
  for (const key of dump.objects.filter(isHeld)) {
    const messageId = messageIdOf(key.slice(HELD_BODIES.length));
    const isOpen = stored.messages.has(messageId) && stored.messages.get(messageId)!.expiry === undefined;
    const isOfSchedule = dump.table.some(({ pk, v }) => pk!.S!.startsWith('schedule#') && v?.S === messageId);
    if (!isOpen && !isOfSchedule && !stored.released.has(messageId))
      yield [messageId, `nobody will ever delete its body ${key}`];
  }
}

import fc from 'fast-check';
import {
  EARLY_EVENT_MS,
  isEarly,
  isTerminal,
  look,
  MAX_CRASHES,
  type MessageState,
  NO_STATE,
  type StateName,
} from '../../../lambda/message/message-state';

const NOW = 1_780_000_000_000;
const BEFORE = NOW - 1;
const AFTER = NOW + 1;

const STATES = [undefined, 'ACTIVE', 'RETRY', 'DELIVERED', 'FAILED', 'CANCEL_REQUESTED', 'CANCELED'] as const;

/** A row at attempt 2, whatever its state, as far as the state has such fields. */
function stateOf(state: StateName | undefined, fields: Partial<MessageState> = {}): MessageState {
  return { ...NO_STATE, state, attempt: 2, ends: [NOW - 9_000, NOW - 5_000], ...fields };
}

const claim = { kind: 'claim' };
const settle = { kind: 'settle' };
const early = { kind: 'early', due: AFTER };
const busy = { kind: 'busy', until: AFTER };
const reclaim = { kind: 'reclaim', lease: 'theirs' };
const crashed = { kind: 'crashed', lease: 'theirs' };
const cancel = { kind: 'cancel', lease: 'theirs' };

/**
 * What a hint of the row's own attempt finds, by state and the time that the state goes by: due (of the retry, or
 * of the message where there was no attempt) or end of the lease, each past, present or to come.
 */
const OWN_ATTEMPT: readonly (readonly [StateName | undefined, number, object])[] = [
  [undefined, BEFORE, claim],
  [undefined, NOW, claim],
  [undefined, AFTER, early],
  ['RETRY', BEFORE, claim],
  ['RETRY', NOW, claim],
  ['RETRY', AFTER, early],
  ['ACTIVE', BEFORE, reclaim],
  ['ACTIVE', NOW, reclaim],
  ['ACTIVE', AFTER, busy],
  ['CANCEL_REQUESTED', BEFORE, cancel],
  ['CANCEL_REQUESTED', NOW, cancel],
  ['CANCEL_REQUESTED', AFTER, busy],
  ['DELIVERED', BEFORE, settle],
  ['DELIVERED', NOW, settle],
  ['DELIVERED', AFTER, settle],
  ['FAILED', BEFORE, settle],
  ['FAILED', NOW, settle],
  ['FAILED', AFTER, settle],
  ['CANCELED', BEFORE, settle],
  ['CANCELED', NOW, settle],
  ['CANCELED', AFTER, settle],
];

function fieldsAt(state: StateName | undefined, time: number): Partial<MessageState> {
  if (state === undefined) return {};
  return state === 'RETRY' ? { due: time } : { due: time, lease: 'theirs', leaseUntil: time };
}

test.each(OWN_ATTEMPT)('%s at %d', (state, time, expected) => {
  const row = stateOf(state, fieldsAt(state, time));
  expect(look(row, 2, state === undefined ? time : BEFORE, NOW)).toEqual(expected);
});

test('every state is in the table', () => {
  expect(new Set(OWN_ATTEMPT.map(([state]) => state))).toEqual(new Set(STATES));
});

describe.each([0, 1, 3, 999])('a hint of attempt %i where the row is at 2', (hintAttempt) => {
  test.each(OWN_ATTEMPT)('%s at %d is settled', (state, time) => {
    expect(look(stateOf(state, fieldsAt(state, time)), hintAttempt, BEFORE, NOW)).toEqual(settle);
  });
});

test.each([
  [0, reclaim],
  [MAX_CRASHES - 1, reclaim],
  [MAX_CRASHES, crashed],
  [MAX_CRASHES + 1, crashed],
])('a holder that is gone after %i others', (crashes, expected) => {
  const row = stateOf('ACTIVE', { ...fieldsAt('ACTIVE', BEFORE), crashes });
  expect(look(row, 2, BEFORE, NOW)).toEqual(expected);
});

test('crashes count neither while somebody is at it, nor where a cancel waits', () => {
  const fields = { crashes: MAX_CRASHES + 5 };
  expect(look(stateOf('ACTIVE', { ...fieldsAt('ACTIVE', AFTER), ...fields }), 2, BEFORE, NOW)).toEqual(busy);
  expect(look(stateOf('CANCEL_REQUESTED', { ...fieldsAt('ACTIVE', BEFORE), ...fields }), 2, BEFORE, NOW)).toEqual(
    cancel,
  );
});

test('a retry goes by its own time, whatever the message said of its first', () => {
  expect(look(stateOf('RETRY', { due: BEFORE }), 2, AFTER + 9_000, NOW)).toEqual(claim);
  expect(look(stateOf('RETRY', { due: AFTER }), 2, BEFORE, NOW)).toEqual(early);
});

test('a message that was redriven and never begun is claimed like any other', () => {
  expect(look({ ...NO_STATE, redriven: 3 }, 0, NOW, NOW)).toEqual(claim);
});

test('who holds a lease that lasts is never disturbed, and who has ended never begins again', () => {
  const rows = fc.record({
    state: fc.constantFrom(...STATES),
    attempt: fc.nat(3),
    due: fc.integer({ min: NOW - 3, max: NOW + 3 }),
    lease: fc.constantFrom('a', 'b'),
    leaseUntil: fc.integer({ min: NOW - 3, max: NOW + 3 }),
    crashes: fc.nat(5),
    redriven: fc.nat(5),
    ends: fc.constant([]),
    openCallbacks: fc.constant([]),
    isSettled: fc.boolean(),
  });
  fc.assert(
    fc.property(rows, fc.nat(3), fc.integer({ min: NOW - 3, max: NOW + 3 }), (row, attempt, notBefore) => {
      const { kind } = look(row, attempt, notBefore, NOW);
      if (isTerminal(row)) expect(kind).toBe('settle');
      const held = row.state === 'ACTIVE' || row.state === 'CANCEL_REQUESTED';
      if (held && row.leaseUntil > NOW) expect(['busy', 'settle']).toContain(kind);
      if (kind === 'claim') expect([undefined, 'RETRY']).toContain(row.state);
      if (kind === 'reclaim' || kind === 'crashed') expect(row.state).toBe('ACTIVE');
    }),
    { numRuns: 2_000 },
  );
});

test('only delivered, failed and canceled messages have ended', () => {
  expect(STATES.filter((state) => isTerminal(stateOf(state)))).toEqual(['DELIVERED', 'FAILED', 'CANCELED']);
});

test('early is what comes within ten seconds of the acceptance', () => {
  const message = { createdAt: NOW };
  expect([0, 1, EARLY_EVENT_MS].map((after) => isEarly(message, NOW + after))).toEqual([true, true, true]);
  expect(isEarly(message, NOW + EARLY_EVENT_MS + 1)).toBe(false);
});

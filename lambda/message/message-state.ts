import type { HeaderMap } from './message';

/** States as QStash's log names them. A message without a state item is CREATED. */
export type StateName = 'ACTIVE' | 'RETRY' | 'DELIVERED' | 'FAILED' | 'CANCEL_REQUESTED' | 'CANCELED';

/** What is kept of one ended attempt. */
export interface AttemptRecord {
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly status: number;
  readonly header: HeaderMap;
  readonly body: Uint8Array;
  readonly truncated?: boolean;
  readonly error?: string;
  readonly outcome: 'delivered' | 'retry' | 'failed' | 'canceled';
  /** When the next attempt may start, if there is one. */
  readonly nextAt?: number;
}

/** The small item beside a message that says where it stands; all decisions are conditional writes on it. */
export interface MessageState {
  readonly state: StateName | undefined;
  /** The attempt under way, to come, or, in a terminal state, the last one; counts from 0. */
  readonly attempt: number;
  /** RETRY: when that attempt may start. */
  readonly due?: number;
  /** Whose attempt it is: a random token, so that a lost answer is recognised. */
  readonly lease?: string;
  readonly leaseUntil?: number;
  readonly startedAt?: number;
  /** When attempt 0 began. */
  readonly firstStartedAt?: number;
  /** Attempts that ended without an outcome. */
  readonly crashes: number;
  /** Times its hint came back from the redrive queue. */
  readonly redriven: number;
  /** End times of the attempts that have an outcome; the index is the attempt. */
  readonly ends: readonly number[];
  /** Grants given up to this time, milliseconds, can begin no attempt any more. */
  readonly spent?: number;
  /** Callbacks that have to end before the message is closed. */
  readonly openCallbacks: readonly string[];
  /** The message has ended, and all its callbacks are among the open ones or have ended. */
  readonly isSettled: boolean;
  /** The record of attempt 0, when it is small and early enough to live here. */
  readonly first?: AttemptRecord;
  readonly dlqId?: string;
  readonly cancelRequestedAt?: number;
  /** When it was canceled between attempts; where one was under way, its end says it. */
  readonly canceledAt?: number;
  /** Which request cancelled, so that a lost answer is recognised. */
  readonly cancelToken?: string;
}

export const NO_STATE: MessageState = {
  state: undefined,
  attempt: 0,
  crashes: 0,
  redriven: 0,
  ends: [],
  openCallbacks: [],
  isSettled: false,
};

const TERMINAL: ReadonlySet<StateName | undefined> = new Set(['DELIVERED', 'FAILED', 'CANCELED']);

export function isTerminal(state: MessageState): boolean {
  return TERMINAL.has(state.state);
}

/** What happens this soon after a message was accepted is found in its state item, beside the message. */
export const EARLY_EVENT_MS = 10_000;

export function isEarly(message: { readonly createdAt: number }, at: number): boolean {
  return at - message.createdAt <= EARLY_EVENT_MS;
}

/** More crashes than this are a dead letter: a destination that kills us must not do so for ever. */
export const MAX_CRASHES = 3;
/** Hints that came back from the redrive queue this often are a dead letter. */
export const MAX_REDRIVES = 6;
/** A hint this little ahead of its time waits inside the attempt instead of making another trip. */
export const EARLY_MS = 2_000;

/** What a hint for `attempt` finds when it looks at the row. */
export type Look =
  /** Due and unclaimed. */
  | { readonly kind: 'claim' }
  /** The holder of the lease is gone: repeat the same attempt. */
  | { readonly kind: 'reclaim'; readonly lease: string }
  /** The holder is gone for the last time we allow. */
  | { readonly kind: 'crashed'; readonly lease: string }
  /** The holder is gone and a cancel is waiting. */
  | { readonly kind: 'cancel'; readonly lease: string }
  /** Somebody is at it. */
  | { readonly kind: 'busy'; readonly until: number }
  /** Too early. */
  | { readonly kind: 'early'; readonly due: number }
  /** Terminal, or ahead of the hint: make sure that what follows exists. */
  | { readonly kind: 'settle' };

/** A hint is only a reason to look: the row decides. `notBefore` is that of the message. */
export function look(state: MessageState, hintAttempt: number, notBefore: number, now: number): Look {
  if (isTerminal(state) || state.attempt !== hintAttempt) return { kind: 'settle' };
  if (state.state === 'ACTIVE' || state.state === 'CANCEL_REQUESTED') {
    const until = state.leaseUntil ?? 0;
    if (until > now) return { kind: 'busy', until };
    const lease = state.lease ?? '';
    if (state.state === 'CANCEL_REQUESTED') return { kind: 'cancel', lease };
    return { kind: state.crashes + 1 > MAX_CRASHES ? 'crashed' : 'reclaim', lease };
  }
  const due = state.state === 'RETRY' ? (state.due ?? 0) : notBefore;
  return due > now ? { kind: 'early', due } : { kind: 'claim' };
}

import type { Lane, Message } from './message';
import { mustPlace } from './message-id';

/** What lets only so many through: a queue by its name, or a flow-control key. */
export interface WaitList {
  readonly kind: 'queue' | 'flow';
  readonly name: string;
}

/** Who waits for a slot of a list. */
export interface Waiting {
  /** Place in the list, sorts as text: who comes first is served first. */
  readonly order: string;
  readonly messageId: string;
  readonly attempt: number;
  /** When the attempt was due, milliseconds. */
  readonly due: number;
  readonly lane: Lane;
  /** Key of the flow control that comes after a queue, if the message has one. */
  readonly flowKey?: string;
}

/** Who holds a slot of a list. */
export interface Slot extends Waiting {
  /** When it was given, milliseconds. Names it: of two for the same attempt the later one counts. */
  readonly at: number;
  /** The attempt must begin before this, milliseconds; absent where no rate is limited. */
  readonly until?: number;
}

/** What a hint says of the slot that its attempt was given. */
export interface Grant extends Pick<Slot, 'order' | 'at' | 'until'> {
  readonly list: WaitList;
}

/** Digits of the largest whole number that JSON keeps exact. */
const SEQ_DIGITS = 16;
const ATTEMPT_DIGITS = 4;

/**
 * The list that an attempt must still pass before it may begin; undefined when none is left. A queue's slot is
 * taken once, before the first attempt, and lasts; a flow control is passed by every attempt. The queue comes first.
 */
export function nextList(
  { queue, flowControl }: Pick<Message, 'queue' | 'flowControl'>,
  attempt: number,
  passed: WaitList['kind'] | undefined,
): WaitList | undefined {
  if (queue !== undefined && attempt === 0 && passed === undefined) return { kind: 'queue', name: queue.name };
  if (flowControl === undefined || passed === 'flow') return undefined;
  return { kind: 'flow', name: flowControl.key };
}

/** Whether a message may have to wait for a slot, for as long as that takes. */
export function isGated({ queue, flowControl }: Pick<Message, 'queue' | 'flowControl'>): boolean {
  return queue !== undefined || flowControl !== undefined;
}

/** Place of an enqueued message in its queue, which it has for itself even if another has the same number. */
export function queueOrder(messageId: string, seq: number): string {
  return `${String(seq).padStart(SEQ_DIGITS, '0')}#${mustPlace(messageId).token}`;
}

/** Place of an attempt in the list of its flow-control key: older messages come first. */
export function flowOrder(messageId: string, attempt: number): string {
  return `${mustPlace(messageId).token}#${String(attempt).padStart(ATTEMPT_DIGITS, '0')}`;
}

/** An attempt as it waits in a list that {@link nextList} named. */
export function waitingIn({ kind }: WaitList, message: Message, attempt: number, due: number): Waiting {
  const { messageId, lane, queue, flowControl } = message;
  const entry = { messageId, attempt, due, lane };
  if (kind === 'flow') return { ...entry, order: flowOrder(messageId, attempt) };
  const flowKey = flowControl === undefined ? {} : { flowKey: flowControl.key };
  return { ...entry, order: queueOrder(messageId, queue!.seq), ...flowKey };
}

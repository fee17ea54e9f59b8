import type { CallbackOptions, Message } from './message';

/*
 * A message is closed when it has ended and its callbacks are closed: an enqueued one gives its slot up then, and
 * one whose callbacks wait for a flow control may be forgotten. Others need not be told of their callbacks' ends.
 */

type Callbacks = Pick<CallbackOptions, 'callback' | 'failureCallback'>;

/** Whether callbacks of a message, or theirs, wait for a flow control, so that nobody can foresee when they end. */
export function callbacksMayWait({ callback, failureCallback }: Callbacks): boolean {
  return [callback, failureCallback].some(
    (options) => options !== undefined && (options.flowControl !== undefined || callbacksMayWait(options)),
  );
}

/** Whether the message that a callback reports on is closed only after it. */
export function keepsOpen(callback: Pick<Message, 'holds' | 'flowControl'> & Callbacks): boolean {
  return callback.holds !== undefined || callback.flowControl !== undefined || callbacksMayWait(callback);
}

/** Whether a message is closed only after its callbacks. */
export function waitsForCallbacks(message: Pick<Message, 'queue' | 'holds'> & Callbacks): boolean {
  const holdsSlot = message.queue !== undefined || message.holds !== undefined;
  const hasCallbacks = message.callback !== undefined || message.failureCallback !== undefined;
  return (holdsSlot && hasCallbacks) || callbacksMayWait(message);
}

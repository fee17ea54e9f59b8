import { followMessage, newFlowLimits } from '../message/flow-limits';
import type { CallbackOptions, FlowControl } from '../message/message';
import { changeFlowLimits } from './change-flow-limits';

/** Keys that are changed at once. */
const SIDE_BY_SIDE = 10;

/** A message or a callback, with what it says of its own callbacks. */
type Bringer = Pick<CallbackOptions, 'flowControl' | 'callback' | 'failureCallback'>;

/**
 * Has the limits of keys follow the messages that bring them, for themselves or for their callbacks; of several with
 * the same key the last counts. To be done before the messages are stored: who has published one finds its keys.
 */
export async function followMessages(messages: readonly Bringer[], now: number): Promise<void> {
  const brought = messages.flatMap(broughtBy);
  const waiting = [...new Map(brought.map((flowControl) => [flowControl.key, flowControl])).values()];
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { key, ...own } = next;
      await changeFlowLimits(key, now, (limits) =>
        limits === undefined ? newFlowLimits(own) : followMessage(limits, own),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, waiting.length) }, work));
}

function broughtBy({ flowControl, callback, failureCallback }: Bringer): FlowControl[] {
  const callbacks = [callback, failureCallback].flatMap((options) => options ?? []);
  return [...callbacks.flatMap(broughtBy), ...(flowControl === undefined ? [] : [flowControl])];
}

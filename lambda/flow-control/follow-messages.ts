import { followMessage, newFlowLimits } from '../message/flow-limits';
import type { Message } from '../message/message';
import { changeFlowLimits } from './change-flow-limits';

/** Keys that are changed at once. */
const SIDE_BY_SIDE = 10;

/**
 * Has the limits of keys follow the messages that bring them; of several with the same key the last counts. To be
 * done before the messages are stored: who has published one finds its key.
 */
export async function followMessages(messages: readonly Pick<Message, 'flowControl'>[], now: number): Promise<void> {
  const brought = messages.flatMap(({ flowControl }) => flowControl ?? []);
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

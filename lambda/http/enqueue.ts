import { requireNumber } from '../config';
import type { NewMessage } from '../publish/publish-messages';
import { countQueues } from '../queue/find-queues';
import { takePlaces } from '../queue/take-places';
import { isName } from './destination';
import { badRequest, overLimit } from './http-error';
import { printable } from './printable';

export function readQueueName(text: string): string {
  if (isName(text)) return text;
  throw badRequest(`invalid queue name: "${printable(text)}" may hold letters, digits, ".", "_" and "-", 256 at most`);
}

/** A queue has an order, which a delay would break. */
export function refuseDelay(contents: readonly NewMessage[], now: number): void {
  if (contents.every(({ notBefore }) => notBefore <= now)) return;
  throw badRequest(
    'invalid Upstash-Delay or Upstash-Not-Before: what is enqueued is delivered in its order, without a delay',
  );
}

/** The messages with their places in a queue, which is made if it is not there. A 412 when it would be one too many. */
export async function enqueued(
  queueName: string,
  contents: readonly NewMessage[],
  now: number,
): Promise<readonly NewMessage[]> {
  const places = await takePlaces(queueName, contents.length, now, refuseTooManyQueues);
  return contents.map((content, index) => ({ ...content, queue: places[index]! }));
}

/** Refuses one queue more than there may be. */
export async function refuseTooManyQueues(): Promise<void> {
  const maximum = requireNumber('MAX_QUEUES');
  if ((await countQueues()) < maximum) return;
  throw overLimit(`too many queues: this service has ${maximum} at most`);
}

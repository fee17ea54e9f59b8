import { callbacksMayWait } from './closing';
import type { CallbackOptions, Message } from './message';
import { isGated } from './wait-list';

/** How long dead letters and log entries are kept, in milliseconds. */
export interface Retention {
  readonly dlqMs: number;
  readonly logMs: number;
}

const DAY_MS = 86_400_000;
/** Backoff and server-directed delays never exceed a day (QStash docs, "Retry"). */
const LONGEST_BACKOFF_MS = DAY_MS;
/** A message that may be under way longer than this carries no expiry until it has ended. */
const LONGEST_FORESEEN_MS = 30 * DAY_MS;

function attemptsMs(retries: number, timeoutMs: number): number {
  return (1 + retries) * timeoutMs + retries * LONGEST_BACKOFF_MS;
}

/** The longest that callbacks may take, with their own callbacks; what sets no retries has those of its source. */
function callbacksMs(
  { callback, failureCallback }: Pick<CallbackOptions, 'callback' | 'failureCallback'>,
  retries: number,
  longestAttemptMs: number,
): number {
  const each = [callback, failureCallback].map((options) => {
    if (options === undefined) return 0;
    const own = options.retries ?? retries;
    return (
      (options.delay ?? 0) * 1000 + attemptsMs(own, longestAttemptMs) + callbacksMs(options, own, longestAttemptMs)
    );
  });
  return Math.max(...each);
}

/**
 * When a message's item may be deleted, milliseconds; undefined while that can't be foreseen. Nothing
 * unfinished ever expires: the worst case of every attempt and callback comes first, then the retention.
 */
export function messageExpiry(
  message: Pick<Message, 'notBefore' | 'maxRetries' | 'callback' | 'failureCallback' | 'queue' | 'flowControl'>,
  longestAttemptMs: number,
  retention: Retention,
): number | undefined {
  // There is no worst case of waiting for a slot.
  if (isGated(message) || callbacksMayWait(message)) return undefined;
  const worst =
    attemptsMs(message.maxRetries, longestAttemptMs) + callbacksMs(message, message.maxRetries, longestAttemptMs);
  if (worst > LONGEST_FORESEEN_MS) return undefined;
  return message.notBefore + worst + Math.max(retention.dlqMs, retention.logMs);
}

/** When the items of an ended message may be deleted, milliseconds; undefined while that can't be foreseen. */
export function endedExpiry(
  message: Pick<Message, 'maxRetries' | 'callback' | 'failureCallback'>,
  endedAt: number,
  longestAttemptMs: number,
  retention: Retention,
): number | undefined {
  if (callbacksMayWait(message)) return undefined;
  const callbacks = callbacksMs(message, message.maxRetries, longestAttemptMs);
  return endedAt + callbacks + Math.max(retention.dlqMs, retention.logMs);
}

import type { AttemptResult, Message } from '../message/message';
import { defaultBackoff } from './backoff';
import { serverDelay } from './retry-after';
import { parseRetryDelay, RetryDelayError } from './retry-delay';

/** With this status and the header `Upstash-NonRetryable-Error: true` a destination forbids further attempts. */
const NON_RETRYABLE_STATUS = 489;

/** What follows an attempt. */
export type Decision =
  | { readonly kind: 'delivered' }
  /** `at` in milliseconds of the clock that `endedAt` was read from. */
  | { readonly kind: 'retry'; readonly at: number }
  | { readonly kind: 'failed'; readonly reason: 'exhausted' | 'nonRetryable' };

/**
 * Decides what follows attempt number `attempt` (the first is 0), which ended at `endedAt` with `result`.
 * Any 2xx is delivered, everything else failed, redirects included. A delay the destination asks for counts
 * before the message's own expression, and that before the default backoff.
 */
export function decideNext(
  message: Pick<Message, 'maxRetries' | 'retryDelayExpression'>,
  attempt: number,
  result: AttemptResult,
  endedAt: number,
): Decision {
  if (result.status >= 200 && result.status <= 299) return { kind: 'delivered' };
  if (isNonRetryable(result)) return { kind: 'failed', reason: 'nonRetryable' };
  if (attempt >= message.maxRetries) return { kind: 'failed', reason: 'exhausted' };
  const delay = serverDelay(result.header, endedAt) ?? ownDelay(message.retryDelayExpression, attempt);
  return { kind: 'retry', at: endedAt + delay };
}

function isNonRetryable(result: AttemptResult): boolean {
  const value = result.header['Upstash-Nonretryable-Error']?.[0];
  return result.status === NON_RETRYABLE_STATUS && value?.trim().toLowerCase() === 'true';
}

function ownDelay(expression: string | undefined, retried: number): number {
  if (expression === undefined) return defaultBackoff(retried + 1);
  try {
    return parseRetryDelay(expression)(retried);
  } catch (error) {
    // Publish refuses such an expression; a stored one from elsewhere must not stop its message.
    if (error instanceof RetryDelayError) return defaultBackoff(retried + 1);
    throw error;
  }
}

import type { Context } from 'aws-lambda';
import { promote, type TickResult } from './wait/promote';

/** The tick of every minute. */
export function handler(_event: unknown, context: Context): Promise<TickResult> {
  return promote(context.getRemainingTimeInMillis());
}

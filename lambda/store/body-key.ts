import { BODY_LIFETIMES, bodyPrefix, HELD_BODIES } from '../../lib/names';
import { mustPlace } from '../message/message-id';

const DAY_MS = 86_400_000;

/**
 * The key of a message's body: below the prefix that S3 empties a day or more after the message has expired, or,
 * where nobody can foresee that, below the one whose bodies the service deletes itself.
 */
export function bodyKey(messageId: string, expiresAt: number | undefined, now: number): string {
  const needed = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt + DAY_MS - now;
  const days = BODY_LIFETIMES.find((lifetime) => lifetime * DAY_MS >= needed);
  return days === undefined ? heldKey(messageId) : bodyPrefix(days) + tokenOf(messageId);
}

/** The key of a body that stays until the service deletes it. */
export function heldKey(messageId: string): string {
  return HELD_BODIES + tokenOf(messageId);
}

export function isHeld(key: string): boolean {
  return key.startsWith(HELD_BODIES);
}

const tokenOf = (messageId: string) => mustPlace(messageId).token;

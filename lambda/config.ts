import type { Env } from '../lib/names';
import type { Retention } from './message/expiry';

/** Reads a setting the template must give; its absence is a fault of the template, said at the first use. */
export function requireEnv(name: keyof typeof Env): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`environment variable ${name} is missing`);
  return value;
}

/** A setting that is a whole number. */
export function requireNumber(name: keyof typeof Env): number {
  const value = Number(requireEnv(name));
  if (!Number.isFinite(value)) throw new Error(`environment variable ${name} is not a number`);
  return value;
}

export function retention(): Retention {
  return { dlqMs: requireNumber('DLQ_RETENTION_SECONDS') * 1000, logMs: requireNumber('LOG_RETENTION_SECONDS') * 1000 };
}

/** Messages that may be published in one day (UTC); undefined without such a limit. */
export function messagesPerDay(): number | undefined {
  const text = requireEnv('MAX_MESSAGES_PER_DAY');
  return text === 'unlimited' ? undefined : requireNumber('MAX_MESSAGES_PER_DAY');
}

/** Whether every state change is kept for `/v2/events`. */
export function eventLogOn(): boolean {
  return requireEnv('EVENT_LOG') === 'on';
}

/** The longest attempt that the delivery functions have time for, in milliseconds. */
export function longestAttemptMs(): number {
  return requireNumber('MAX_TIMEOUT_SECONDS') * 1000;
}

/** Whether this runs on a developer's machine: local mode's workers say so, nothing on AWS does. */
export function isLocal(): boolean {
  return (globalThis as { [LOCAL]?: unknown })[LOCAL] === true;
}

const LOCAL = Symbol.for('cdk-qstash.local');

import type { Limits } from './dispatch-plan';
import type { FlowControl } from './message';

/** The limits of a flow-control key: as the latest message brought them, unless they are pinned. */
export interface FlowLimits extends Limits {
  readonly isPinnedParallelism: boolean;
  /** Rate and period. */
  readonly isPinnedRate: boolean;
}

/** What may be pinned; at least one of parallelism and rate. */
export interface Pins {
  readonly parallelism?: number;
  readonly rate?: number;
  /** Seconds; with a rate only. */
  readonly period?: number;
}

type Unset = { readonly [K in keyof FlowLimits]?: FlowLimits[K] | undefined };

/** The limits of a key that a message names first. */
export function newFlowLimits({ parallelism, rate, period }: Omit<FlowControl, 'key'>): FlowLimits {
  return changed(NEW, { parallelism, rate, period });
}

/** The limits after a message that brings its own: what is pinned stays. */
export function followMessage(limits: FlowLimits, message: Omit<FlowControl, 'key'>): FlowLimits {
  const { parallelism, rate, period } = message;
  return changed(limits, {
    ...(limits.isPinnedParallelism ? {} : { parallelism }),
    ...(limits.isPinnedRate ? {} : { rate, period }),
  });
}

/** Sets limits that messages do not change. A period in progress ends: the next one begins now. */
export function pin(limits: FlowLimits, { parallelism, rate, period }: Pins, now: number): FlowLimits {
  const pinned = changed(limits, {
    ...(parallelism === undefined ? {} : { parallelism, isPinnedParallelism: true }),
    ...(rate === undefined ? {} : { rate, period: period ?? limits.period, isPinnedRate: true }),
  });
  return resetRate(pinned, now);
}

/** Lets messages change limits again; until one does, they stay. */
export function unpin(
  limits: FlowLimits,
  which: { readonly parallelism: boolean; readonly rate: boolean },
): FlowLimits {
  return changed(limits, {
    isPinnedParallelism: limits.isPinnedParallelism && !which.parallelism,
    isPinnedRate: limits.isPinnedRate && !which.rate,
  });
}

/** Ends a period in progress: the next one begins now, with nothing counted. */
export function resetRate(limits: FlowLimits, now: number): FlowLimits {
  return changed(limits, { window: { start: now, count: 0 }, wakeAt: undefined });
}

const NEW: FlowLimits = { paused: false, period: 1, isPinnedParallelism: false, isPinnedRate: false };

/** The limits with other values; what becomes undefined is absent. */
function changed(limits: FlowLimits, values: Unset): FlowLimits {
  const entries = Object.entries({ ...limits, ...values }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as FlowLimits;
}

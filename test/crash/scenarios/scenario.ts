import { until } from '../../e2e/harness';
import type { Cell, Stage } from '../stage';

/** A part of a message's life in which each call is to fail once. */
export interface Scenario {
  readonly name: string;
  /** Messages that share one batch: 1, 10 or both. */
  readonly sizes: readonly number[];
  /** Which calls fail here; others are those of other scenarios. */
  readonly calls: RegExp;
  /** Cells that run side by side. Default: many. */
  readonly atATime?: number;
  /** Plays it with every cell of the stage. */
  play(stage: Stage): Promise<void>;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
/** What happens to a message this long after its acceptance has items of its own in the log. */
export const LATE = 11 * SECOND;

export const NO_RETRY = { 'Upstash-Retries': '0' };
export const RETRY_AT_ONCE = { 'Upstash-Retries': '1', 'Upstash-Retry-Delay': '0' };
/** Retries whose worst case nobody can foresee, so that the message expires only when it has ended. */
export const UNFORESEEN = { 'Upstash-Retries': '40' };

/** A body that the table does not take. */
export const LARGE = { body: 'large '.repeat(1_500) };

export const API = /^api (?!GetSecretValue)/;
export const DELIVERY = /^(deliver|fail) (?!GetSecretValue)/;

export const BOTH = [1, 10];
export const SINGLE = [1];
export const BATCH = [10];

/** Who cannot write an outcome leaves a claim behind. */
export const NO_OUTCOME = {
  call: 'deliver UpdateItem state if lease = :lease AND #st = :held',
  kind: 'throttledOut',
} as const;

export async function cancel({ known, stage }: Cell): Promise<void> {
  for (const id of known) await stage.ledger.cancel(id);
}

/** Starts the attempts at destinations that hold. */
export async function underWay(stage: Stage): Promise<void> {
  await stage.flush();
  await until(() => stage.ledger.arrivals.length === stage.cells.length * stage.size);
}

/** Leaves each attempt without an outcome, as if its function had died, and lets time pass until its lease has ended. */
export async function died(stage: Stage, meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
  const again = stage.faults.repeat();
  await stage.fault(NO_OUTCOME, () => stage.settle());
  // They would come back one by one, as their visibility ends.
  await stage.purge();
  await meanwhile();
  await stage.service.advance(2 * MINUTE);
  again();
}

import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { Metric } from '../../lib/names';
import { serviceNow, wallNow } from '../clock';
import { requireEnv } from '../config';
import { logFault, writeMetrics } from '../logs/write-line';
import { dynamodb } from '../store/aws';
import { N, PROMOTER_KEY } from '../store/keys';
import { promoteDue } from './promote-due';
import { promoteSchedules } from './promote-schedules';
import { redriveHints } from './redrive-hints';
import { SWEEP_AFTER_MS, sweepOrphans } from './sweep-orphans';

/**
 * Overlapping ticks would be harmless, but twice the work. Less than the minute to the next one, which else would
 * find the lease of one that died.
 */
const LEASE_MS = 55_000;
/** What a function's time is kept for beyond the work. */
const RESERVE_MS = 10_000;

export interface TickResult {
  /** When a tick has something to do next, milliseconds; null while nothing waits for one. */
  readonly nextWorkAt: number | null;
}

/**
 * The tick: sends the hints of schedules, moves what is due from the table to the queues, sends the hint of messages
 * whose publisher died before it, and brings hints back that our functions could not deal with. Each of the four
 * does its work though another fails.
 */
export async function promote(remainingMs: number): Promise<TickResult> {
  const now = serviceNow();
  const sweptTo = await attempt('takeLease', () => takeLease(now));
  if (sweptTo === undefined) return { nextWorkAt: now };
  const endsAt = wallNow() + remainingMs - RESERVE_MS;
  const isOver = () => wallNow() > endsAt;
  const schedules = await attempt('promoteSchedules', () => promoteSchedules(now));
  const due = await attempt('promoteDue', () => promoteDue(now, isOver));
  const sweep = await attempt('sweep', () => sweepOrphans(sweptTo, now, isOver));
  const redriven = await attempt('redrive', () => redriveHints(now, isOver));
  await attempt('endLease', () => endLease(sweep?.sweptTo ?? sweptTo));
  writeMetrics(now, {
    [Metric.PROMOTER_LAG]: due?.lagSeconds,
    [Metric.SWEPT]: sweep?.swept || undefined,
    [Metric.REDRIVEN]: redriven?.count || undefined,
  });
  if (!schedules || !due || !sweep || !redriven || redriven.count > 0) return { nextWorkAt: now };
  const next = [schedules.nextWorkAt, due.nextWorkAt, sweep.nextWorkAt].filter((at) => at !== undefined);
  return { nextWorkAt: next.length === 0 ? null : Math.min(...next) };
}

async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    logFault(doing, error);
    return undefined;
  }
}

/** Keeps ticks from overlapping; returns up to where the last one had swept, or undefined if one is under way. */
async function takeLease(now: number): Promise<number | undefined> {
  try {
    const { Attributes } = await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: PROMOTER_KEY,
        UpdateExpression: 'SET #until = :until, swept = if_not_exists(swept, :start)',
        ConditionExpression: 'attribute_not_exists(#until) OR #until <= :now',
        ExpressionAttributeNames: { '#until': 'until' },
        ExpressionAttributeValues: { ':until': N(now + LEASE_MS), ':now': N(now), ':start': N(now - SWEEP_AFTER_MS) },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Number(Attributes!.swept!.N);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

async function endLease(sweptTo: number): Promise<void> {
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: requireEnv('TABLE_NAME'),
      Key: PROMOTER_KEY,
      UpdateExpression: 'SET #until = :none, swept = :swept',
      ExpressionAttributeNames: { '#until': 'until' },
      ExpressionAttributeValues: { ':none': N(0), ':swept': N(sweptTo) },
    }),
  );
}

import type { SQSRecord } from 'aws-lambda';
import { serviceNow, wallNow } from '../clock';
import { requireEnv } from '../config';
import { logEvent, logFault } from '../logs/write-line';
import { listPartition } from '../store/keys';
import { dispatchWaiting } from './dispatch-waiting';
import { hideRecords, soonAgain } from './hide-records';
import { decodeWake, type Wake } from './wake';

/**
 * For how long the wakes of a list stay hidden while a dispatcher is at it, and with them all later ones: longer than
 * its function may run. So nobody else is at the list meanwhile, and it is not left alone for long if that dies.
 */
const HELD_SECONDS = 40;
/** What a function's time is kept for beyond the work. */
const RESERVE_MS = 10_000;

/** The wakes of one list in a batch. */
interface Woken {
  readonly wake: Wake;
  readonly records: readonly SQSRecord[];
}

/** Looks once at each list that a batch has wakes of. Returns the ids of the SQS messages that must come back. */
export async function dispatchBatch(records: readonly SQSRecord[], remainingMs: number): Promise<string[]> {
  const endsAt = wallNow() + remainingMs - RESERVE_MS;
  const woken = wokenBy(records);
  const held = new Set(await hold(woken.flatMap((list) => list.records)));
  const failed: SQSRecord[] = [];
  await Promise.all(
    woken.map(async ({ wake, records: own }) => {
      try {
        // A batch that was given out late may be somebody else's by now.
        if (!own.every((record) => held.has(record)))
          throw new Error('the wakes of the list are held by somebody else');
        await dispatchWaiting(wake, serviceNow, () => wallNow() > endsAt);
      } catch (error) {
        logFault('dispatch', error, { kind: wake.list.kind, list: wake.list.name });
        // In a group nothing may overtake what failed.
        failed.push(...own);
      }
    }),
  );
  await hide(failed.map((record) => ({ record, seconds: soonAgain(record) })));
  return failed.map(({ messageId }) => messageId);
}

function wokenBy(records: readonly SQSRecord[]): Woken[] {
  const woken = new Map<string, Woken>();
  for (const record of records) {
    const wake = decodeWake(record.body);
    if (wake === undefined) {
      logEvent('malformedWake', { sqsMessageId: record.messageId });
      continue;
    }
    const { list, due = 0 } = wake;
    const name = listPartition(list);
    const before = woken.get(name);
    // Who was at it before may have died.
    const check = wake.check === true || Number(record.attributes.ApproximateReceiveCount) > 1;
    woken.set(name, {
      wake: { list, check: check || before?.wake.check === true, due: Math.max(due, before?.wake.due ?? 0) },
      records: [...(before?.records ?? []), record],
    });
  }
  return [...woken.values()];
}

async function hold(records: readonly SQSRecord[]): Promise<SQSRecord[]> {
  return hide(records.map((record) => ({ record, seconds: HELD_SECONDS })));
}

async function hide(hidden: Parameters<typeof hideRecords>[1]): Promise<SQSRecord[]> {
  try {
    return await hideRecords(requireEnv('WAKES_QUEUE_URL'), hidden);
  } catch (error) {
    logFault('changeVisibility', error, { messages: hidden.length });
    return [];
  }
}

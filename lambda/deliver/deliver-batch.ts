import type { SQSRecord } from 'aws-lambda';
import { Metric } from '../../lib/names';
import { serviceNow, wallNow } from '../clock';
import { longestAttemptMs } from '../config';
import { signingKey } from '../keys/signing-keys';
import { logEvent, logFault, writeMetrics } from '../logs/write-line';
import type { Lane } from '../message/message';
import { mustPlace } from '../message/message-id';
import { EARLY_MS } from '../message/message-state';
import { runSchedule } from '../schedule/run-schedule';
import { type Item, KEYS_VERSION_KEY, messageKey } from '../store/keys';
import { rowsOf } from '../store/message-rows';
import { getItems } from '../store/read-items';
import { type Hidden, hideRecords, soonAgain } from '../wait/hide-records';
import { decodeBodyHint, decodeHint, decodeScheduleHint, type Hint } from '../wait/hint';
import { leaveListUnserved } from '../wait/leave-list';
import { queueUrlOf, scheduleWake } from '../wait/schedule-attempt';
import { decodeWake, sendWake, type Wake } from '../wait/wake';
import { AddressPolicy } from './address-policy';
import { type Delivery, deliverMessage, RECORDING_MS } from './deliver-message';
import { releaseBody } from './release-body';

/** Hints stay hidden this much longer than the longest attempt among them may take. */
const HIDDEN_SLACK_SECONDS = 60;

const policy = AddressPolicy.fromEnv(process.env);

/** A publisher that is writing a message may be this far from having done so when its entry in a list is found. */
const BEING_WRITTEN_MS = 60_000;

interface Received {
  readonly record: SQSRecord;
  readonly hint: Hint;
}

/** What is asked for besides the attempts of messages. */
interface Errand {
  readonly record: SQSRecord;
  readonly run: () => Promise<Delivery>;
}

/**
 * Acts on a batch of hints side by side and returns the ids of the SQS messages that must come back. A hint
 * is given up only when what makes it needless is stored; what goes wrong with one is no matter of its
 * neighbours.
 */
export async function deliverBatch(records: readonly SQSRecord[], lane: Lane, remainingMs: number): Promise<string[]> {
  const deadline = wallNow() + remainingMs - RECORDING_MS;
  const received = records.flatMap((record): Received[] => {
    const hint = decodeHint(record.body);
    return hint === undefined ? [] : [{ record, hint }];
  });
  const errands = records.flatMap(errandOf);
  const known = [...received, ...errands].map(({ record }) => record);
  for (const record of records) {
    if (!known.includes(record)) logEvent('malformedHint', { sqsMessageId: record.messageId });
  }
  if (known.length === 0) return [];
  const running = errands.map(({ record, run }) =>
    run().catch((error: unknown) => {
      logFault('deliver', error, { sqsMessageId: record.messageId });
      return comeBackSoon(record);
    }),
  );
  const deliveries = [...(await deliverAll(received, known, lane, deadline)), ...(await Promise.all(running))];
  countOutcomes(deliveries);
  const returning = known.flatMap((record, index) => {
    const { comeBackIn } = deliveries[index]!;
    return comeBackIn === undefined ? [] : [{ record, seconds: comeBackIn }];
  });
  await hide(lane, returning);
  return returning.map(({ record }) => record.messageId);
}

function errandOf(record: SQSRecord): Errand[] {
  const wake = decodeWake(record.body);
  if (wake !== undefined) return [{ record, run: () => passOn(wake) }];
  const schedule = decodeScheduleHint(record.body);
  if (schedule !== undefined) return [{ record, run: async () => ({ comeBackIn: await runSchedule(schedule) }) }];
  const body = decodeBodyHint(record.body);
  return body === undefined ? [] : [{ record, run: () => releaseBody(body).then(() => ({})) }];
}

/** Has a list looked at that was to be looked at now. */
async function passOn(wake: Wake): Promise<Delivery> {
  const now = serviceNow();
  const early = (wake.due ?? now) - now;
  if (early > EARLY_MS) {
    await scheduleWake(wake.list, wake.due!, now);
    return {};
  }
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  await sendWake(wake);
  return {};
}

/** Makes the attempts; `records` are all of the batch, which nobody else is to see meanwhile. */
async function deliverAll(
  received: readonly Received[],
  records: readonly SQSRecord[],
  lane: Lane,
  deadline: number,
): Promise<Delivery[]> {
  const hideAll = (seconds: number) =>
    hide(
      lane,
      records.map((record) => ({ record, seconds: Math.ceil(seconds) + HIDDEN_SLACK_SECONDS })),
    );
  if (received.length === 0) {
    await hideAll(0);
    return [];
  }
  try {
    const items = await getItems([KEYS_VERSION_KEY, ...received.map(({ hint }) => messageKey(hint.messageId))]);
    const rows = rowsOf(items.filter((item) => !isVersion(item)));
    const seconds = Math.max(
      ...[...rows.values()].map(({ message }) => message.timeout ?? longestAttemptMs() / 1000),
      0,
    );
    const hiding = hideAll(seconds);
    // What hides a failed hint for a moment must not be overtaken by this.
    const key = await signingKey(items.find(isVersion)).finally(() => hiding);
    await hiding;
    return await Promise.all(
      received.map(async ({ record, hint }) => {
        const row = rows.get(hint.messageId);
        const acting = row === undefined ? dropUnknown(hint) : deliverMessage(hint, row, { key, policy, deadline });
        return acting.catch((error: unknown) => {
          logFault('deliver', error, { messageId: hint.messageId, attempt: hint.attempt });
          return comeBackSoon(record);
        });
      }),
    );
  } catch (error) {
    logFault('deliver', error, { messages: received.length });
    return received.map(({ record }) => comeBackSoon(record));
  }
}

/** A message that does not exist keeps no slot, unless it is only about to. */
async function dropUnknown({ messageId, grant }: Hint): Promise<Delivery> {
  if (grant !== undefined) {
    // Far less than the ten receives after which SQS gives a hint up.
    if (serviceNow() - mustPlace(messageId).time < BEING_WRITTEN_MS) return { comeBackIn: 15 };
    await leaveListUnserved(grant.list, grant.order);
  }
  logEvent('unknownMessage', { messageId });
  return {};
}

const isVersion = (item: Item) => item.pk!.S === KEYS_VERSION_KEY.pk!.S;

const comeBackSoon = (record: SQSRecord): Delivery => ({ comeBackIn: soonAgain(record) });

/**
 * Sets for how long hints stay hidden. The queue's own visibility timeout, which counts without it, is six
 * times the function's timeout, as Lambda asks: too long for a fault that is over in a second.
 */
async function hide(lane: Lane, hidden: readonly Hidden[]): Promise<void> {
  try {
    await hideRecords(queueUrlOf(lane), hidden);
  } catch (error) {
    logFault('changeVisibility', error, { messages: hidden.length });
  }
}

function countOutcomes(deliveries: readonly Delivery[]): void {
  const count = (outcome: Delivery['outcome']) =>
    deliveries.filter((delivery) => delivery.outcome === outcome).length || undefined;
  const durations = deliveries.flatMap(({ durationMs }) => durationMs ?? []);
  writeMetrics(serviceNow(), {
    [Metric.DELIVERED]: count('delivered'),
    [Metric.RETRIED]: count('retry'),
    [Metric.FAILED]: count('failed'),
    [Metric.ATTEMPT_DURATION]: durations.length === 0 ? undefined : durations,
  });
}

import { ChangeMessageVisibilityBatchCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { Metric } from '../../lib/names';
import { serviceNow, wallNow } from '../clock';
import { longestAttemptMs } from '../config';
import { signingKey } from '../keys/signing-keys';
import { logEvent, logFault, writeMetrics } from '../logs/write-line';
import type { Lane } from '../message/message';
import { runSchedule } from '../schedule/run-schedule';
import { sqs } from '../store/aws';
import { type Item, KEYS_VERSION_KEY, messageKey } from '../store/keys';
import { rowsOf } from '../store/message-rows';
import { getItems } from '../store/read-items';
import { decodeBodyHint, decodeHint, decodeScheduleHint, type Hint } from '../wait/hint';
import { queueUrlOf } from '../wait/schedule-attempt';
import { AddressPolicy } from './address-policy';
import { type Delivery, deliverMessage, RECORDING_MS } from './deliver-message';
import { releaseBody } from './release-body';

/** Hints stay hidden this much longer than the longest attempt among them may take. */
const HIDDEN_SLACK_SECONDS = 60;

const policy = AddressPolicy.fromEnv(process.env);

interface Received {
  readonly record: SQSRecord;
  readonly hint: Hint;
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
    if (hint !== undefined) return [{ record, hint }];
    if (decodeBodyHint(record.body) === undefined && decodeScheduleHint(record.body) === undefined) {
      logEvent('malformedHint', { sqsMessageId: record.messageId });
    }
    return [];
  });
  const others = Promise.all(records.flatMap((record) => [release(record), runDue(record)]));
  const deliveries = received.length === 0 ? [] : await deliverAll(received, lane, deadline);
  countOutcomes(deliveries);
  const returning = [
    ...received.flatMap(({ record }, index) => comingBack(record, deliveries[index]!)),
    ...(await others).flat(),
  ];
  await hide(lane, returning);
  return returning.map(({ record }) => record.messageId);
}

interface Returning {
  readonly record: SQSRecord;
  /** Until it is to come back. */
  readonly seconds: number;
}

function comingBack(record: SQSRecord, { comeBackIn }: Delivery): Returning[] {
  return comeBackIn === undefined ? [] : [{ record, seconds: comeBackIn }];
}

/** Acts on a hint at a body that may not be needed any more, if it is one. */
async function release(record: SQSRecord): Promise<Returning[]> {
  const hint = decodeBodyHint(record.body);
  if (hint === undefined) return [];
  try {
    await releaseBody(hint);
    return [];
  } catch (error) {
    logFault('releaseBody', error, { messageId: hint.messageId });
    return comingBack(record, comeBackSoon(record));
  }
}

/** Acts on a hint at a schedule that may be due, if it is one. */
async function runDue(record: SQSRecord): Promise<Returning[]> {
  const hint = decodeScheduleHint(record.body);
  if (hint === undefined) return [];
  try {
    return comingBack(record, { comeBackIn: await runSchedule(hint) });
  } catch (error) {
    logFault('runSchedule', error, { scheduleId: hint.scheduleId });
    return comingBack(record, comeBackSoon(record));
  }
}

async function deliverAll(received: readonly Received[], lane: Lane, deadline: number): Promise<Delivery[]> {
  try {
    const items = await getItems([KEYS_VERSION_KEY, ...received.map(({ hint }) => messageKey(hint.messageId))]);
    const rows = rowsOf(items.filter((item) => !isVersion(item)));
    const seconds = Math.max(
      ...[...rows.values()].map(({ message }) => message.timeout ?? longestAttemptMs() / 1000),
      0,
    );
    const hiding = hide(
      lane,
      received.map(({ record }) => ({ record, seconds: Math.ceil(seconds) + HIDDEN_SLACK_SECONDS })),
    );
    // What hides a failed hint for a moment must not be overtaken by this.
    const key = await signingKey(items.find(isVersion)).finally(() => hiding);
    await hiding;
    return await Promise.all(
      received.map(async ({ record, hint }) => {
        const row = rows.get(hint.messageId);
        if (row === undefined) {
          logEvent('unknownMessage', { messageId: hint.messageId });
          return {};
        }
        return deliverMessage(hint, row, { key, policy, deadline }).catch((error: unknown) => {
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

const isVersion = (item: Item) => item.pk!.S === KEYS_VERSION_KEY.pk!.S;

/** Our own faults: soon again, and less soon the longer they last. */
function comeBackSoon(record: SQSRecord): Delivery {
  return { comeBackIn: Math.min(30, 5 * Number(record.attributes.ApproximateReceiveCount)) };
}

/**
 * Sets for how long hints stay hidden. The queue's own visibility timeout, which counts without it, is six
 * times the function's timeout, as Lambda asks: too long for a fault that is over in a second.
 */
async function hide(lane: Lane, hidden: readonly Returning[]): Promise<void> {
  if (hidden.length === 0) return;
  const Entries = hidden.map(({ record, seconds }, index) => ({
    Id: String(index),
    ReceiptHandle: record.receiptHandle,
    VisibilityTimeout: Math.max(1, seconds),
  }));
  try {
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrlOf(lane), Entries }));
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

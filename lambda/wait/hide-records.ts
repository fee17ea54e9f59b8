import { ChangeMessageVisibilityBatchCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { sqs } from '../store/aws';

/** An SQS message of a batch, and for how long nobody is to see it. */
export interface Hidden {
  readonly record: SQSRecord;
  readonly seconds: number;
}

/** Sets for how long messages of a batch stay hidden. Returns those that are: not the ones that somebody else has by now. */
export async function hideRecords(QueueUrl: string, hidden: readonly Hidden[]): Promise<SQSRecord[]> {
  if (hidden.length === 0) return [];
  const Entries = hidden.map(({ record, seconds }, index) => ({
    Id: String(index),
    ReceiptHandle: record.receiptHandle,
    VisibilityTimeout: Math.max(1, seconds),
  }));
  const { Successful = [] } = await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
  return Successful.map(({ Id }) => hidden[Number(Id)]!.record);
}

/** Our own faults: soon again, and less soon the longer they last. Seconds. */
export function soonAgain(record: SQSRecord): number {
  return Math.min(30, 5 * Number(record.attributes.ApproximateReceiveCount));
}

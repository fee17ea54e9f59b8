import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { dispatchBatch } from './wait/dispatch-batch';

/** Lets those through that wait in the queues and flow controls which the wakes name. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const failed = await dispatchBatch(event.Records, context.getRemainingTimeInMillis());
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

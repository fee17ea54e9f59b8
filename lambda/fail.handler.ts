import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deliverBatch } from './deliver/deliver-batch';

/** Calls the failure callbacks that the hints of the failures queue ask for. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const failed = await deliverBatch(event.Records, 'failures', context.getRemainingTimeInMillis());
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

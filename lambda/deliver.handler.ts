import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deliverBatch } from './deliver/deliver-batch';

/** Makes the attempts that the hints of the deliveries queue ask for. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const failed = await deliverBatch(event.Records, 'deliveries', context.getRemainingTimeInMillis());
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { sqs } from '../store/aws';
import { queueUrlOf } from '../wait/schedule-attempt';

/** Attempts under way in the whole service, as SQS knows it: about as many as it has handed out hints. */
export async function countAttempts(): Promise<number> {
  const counts = (['deliveries', 'failures'] as const).map(async (lane) => {
    const AttributeNames = ['ApproximateNumberOfMessagesNotVisible' as const];
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrlOf(lane), AttributeNames }),
    );
    return Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
import { buryMessage } from '../deliver/bury-message';
import { settle } from '../deliver/settle';
import { logEvent, logFault } from '../logs/write-line';
import { isTerminal, MAX_REDRIVES } from '../message/message-state';
import { dynamodb, sqs } from '../store/aws';
import { N, S, stateKey } from '../store/keys';
import { loadRow } from '../store/message-rows';
import { decodeBodyHint, decodeHint, decodeScheduleHint, type Hint } from './hint';
import { leavePassed } from './leave-list';
import { sendEncoded, sendHint } from './schedule-attempt';
import { decodeWake } from './wake';

const MAX_DELAY_SECONDS = 900;
const UNKNOWN_DELAY_SECONDS = 60;

/** Hints taken from the redrive queue, those among them that must wait there included. */
export interface Redrive {
  readonly count: number;
}

/**
 * Empties the redrive queue, where SQS puts hints that our functions could not deal with ten times: their own
 * fault or that of AWS, never the destination's. A message that has ended is settled; any other has its hint
 * sent again, after a longer time each time, and after the sixth becomes a dead letter.
 */
export async function redriveHints(now: number, isOver: () => boolean): Promise<Redrive> {
  const QueueUrl = requireEnv('REDRIVE_QUEUE_URL');
  let count = 0;
  while (!isOver()) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) break;
    count += Messages.length;
    await Promise.all(
      Messages.map(async ({ Body = '', ReceiptHandle }) => {
        try {
          const hint = decodeHint(Body);
          if (hint !== undefined) await redriveHint(hint, now);
          else if (isOfAnotherKind(Body)) await sendEncoded('deliveries', Body, MAX_DELAY_SECONDS);
          else logEvent('malformedHint', {});
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        } catch (error) {
          // It comes back to a later tick when its visibility ends.
          logFault('redrive', error);
        }
      }),
    );
  }
  return { count };
}

/** A hint at something that is never given up. */
function isOfAnotherKind(hint: string): boolean {
  return [decodeBodyHint, decodeScheduleHint, decodeWake].some((decode) => decode(hint) !== undefined);
}

async function redriveHint(hint: Hint, now: number): Promise<void> {
  const row = await loadRow(hint.messageId);
  if (row === undefined) {
    // Its slot is given up where it is known that the message will not come any more.
    if (hint.grant !== undefined) await sendHint('deliveries', hint, UNKNOWN_DELAY_SECONDS);
    return;
  }
  const { message, state } = row;
  if (isTerminal(state) || state.attempt > hint.attempt) {
    await leavePassed(hint.grant);
    return settle(row, now);
  }
  const redriven = await countRedrive(hint.messageId);
  // It has ended since it was loaded.
  if (redriven === undefined) return redriveHint(hint, now);
  logEvent('redriven', { messageId: hint.messageId, attempt: hint.attempt, redriven });
  if (redriven >= MAX_REDRIVES) {
    const error = `the service could not make this attempt, ${MAX_REDRIVES} times over`;
    if (await buryMessage(row, error, now)) return;
  }
  const delay = Math.min(MAX_DELAY_SECONDS, 60 * 2 ** redriven);
  await sendHint(message.lane, { ...hint, due: now + delay * 1000 }, delay);
}

/** Counts one more redrive of a message that has not ended; undefined when it has. */
async function countRedrive(messageId: string): Promise<number | undefined> {
  try {
    const { Attributes } = await dynamodb.send(
      new UpdateItemCommand({
        TableName: requireEnv('TABLE_NAME'),
        Key: stateKey(messageId),
        UpdateExpression: 'ADD redriven :one',
        ConditionExpression: 'attribute_not_exists(st) OR st IN (:active, :retry, :cancel)',
        ExpressionAttributeValues: {
          ':one': N(1),
          ':active': S('ACTIVE'),
          ':retry': S('RETRY'),
          ':cancel': S('CANCEL_REQUESTED'),
        },
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    return Number(Attributes!.redriven!.N);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

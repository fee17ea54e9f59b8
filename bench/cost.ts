import { ASSUMPTIONS, PRICES } from './prices';
import type { LoggedCall } from './request-log';

/** What one scenario did, for its number of messages. */
export interface Workload {
  readonly messages: number;
  readonly calls: readonly LoggedCall[];
  /** Requests to the API. */
  readonly apiRequests: number;
  /** Invocations of the functions that deliver, and attempts that they made. */
  readonly batches: number;
  readonly attempts: number;
  /** Invocations of the function that serves wait lists. */
  readonly dispatches: number;
  /** Of each body. */
  readonly bodyBytes: number;
}

/** Dollars for a million messages, by what they are paid for. */
export interface Bill {
  readonly lines: Readonly<Record<string, number>>;
  readonly total: number;
}

const MILLION = 1_000_000;
const DAYS_A_MONTH = 30.4;

/**
 * Prices a workload. Receives and deletes of the event sources, which no function makes, are priced by batch.
 * The secrets are left out: a container reads them once a minute, however many messages there are.
 */
export function billOf({ messages, calls, apiRequests, batches, attempts, dispatches, bodyBytes }: Workload): Bill {
  const perMessage = (count: number) => count / messages;
  const sum = (of: (call: LoggedCall) => number) => calls.reduce((total, call) => total + of(call), 0);
  const sqsCalls = calls.filter(({ service }) => service === 'sqs');
  const fifoCalls = sqsCalls.filter((call) => call.isFifo).length;
  const { gigabytes, ingestSeconds, ingestSecondsPerFurther, overheadSeconds, destinationSeconds, headBytes } =
    ASSUMPTIONS;
  const { dispatchSeconds } = ASSUMPTIONS;
  const ingest = apiRequests * ingestSeconds + (messages - apiRequests) * ingestSecondsPerFurther;
  const seconds = (time: number) => time * gigabytes * PRICES.lambdaGigabyteSecond * MILLION;
  const gets = calls.filter(({ operation }) => operation === 'GetObject').length;
  const puts = calls.flatMap(({ put }) => put ?? []);
  const gigabyteMonths = puts.reduce((total, { bytes, days }) => total + (bytes * 1e-9 * days) / DAYS_A_MONTH, 0);
  const lines = {
    'front door': perMessage(apiRequests) * PRICES.httpApiRequests,
    'publish function': perMessage(apiRequests) * PRICES.lambdaRequests + seconds(perMessage(ingest)),
    'deliver function': perMessage(batches) * (PRICES.lambdaRequests + seconds(overheadSeconds + destinationSeconds)),
    'dispatch function': perMessage(dispatches) * (PRICES.lambdaRequests + seconds(dispatchSeconds)),
    SQS: perMessage(sqsCalls.length - fifoCalls + 2 * batches) * PRICES.sqsRequests,
    'SQS FIFO': perMessage(fifoCalls + 2 * dispatches) * PRICES.fifoRequests,
    'DynamoDB writes': perMessage(sum((call) => call.writeUnits)) * PRICES.writeUnits,
    'DynamoDB reads': perMessage(sum((call) => call.readUnits)) * PRICES.readUnits,
    'S3 requests': perMessage(puts.length) * PRICES.s3Puts + perMessage(gets) * PRICES.s3Gets,
    'S3 storage': perMessage(gigabyteMonths) * MILLION * PRICES.s3GigabyteMonth,
    egress: perMessage(attempts) * (headBytes + bodyBytes) * 1e-9 * MILLION * PRICES.egressGigabyte,
  };
  return { lines, total: Object.values(lines).reduce((total, line) => total + line, 0) };
}

/** The parts of a template that cost something while nothing is published. */
export interface IdleParts {
  readonly polledQueues: number;
  readonly polledFifoQueues: number;
  readonly secrets: number;
  readonly alarmMetrics: number;
  /** Metrics that each tick sends. */
  readonly tickMetrics: number;
  /** Calls of one tick that finds nothing. */
  readonly tickCalls: readonly LoggedCall[];
}

/** Dollars a month of a service that nobody uses. */
export function idleBillOf(parts: IdleParts): Bill {
  const { polledQueues, polledFifoQueues, secrets, alarmMetrics, tickMetrics, tickCalls } = parts;
  const { idleQueueRequests, ticksPerMonth, tickSeconds, gigabytes } = ASSUMPTIONS;
  const month = (perTick: number) => (perTick * ticksPerMonth) / MILLION;
  const sum = (of: (call: LoggedCall) => number) => tickCalls.reduce((total, call) => total + of(call), 0);
  const lines = {
    'polled queues':
      (idleQueueRequests * (polledQueues * PRICES.sqsRequests + polledFifoQueues * PRICES.fifoRequests)) / MILLION,
    secrets: secrets * PRICES.secretMonth,
    alarms: alarmMetrics * PRICES.alarmMetricMonth,
    'custom metrics': tickMetrics * PRICES.customMetricMonth,
    'tick: function':
      month(PRICES.lambdaRequests) + ticksPerMonth * tickSeconds * gigabytes * PRICES.lambdaGigabyteSecond,
    'tick: calls':
      month(sum((call) => call.writeUnits)) * PRICES.writeUnits +
      month(sum((call) => call.readUnits)) * PRICES.readUnits +
      month(tickCalls.filter(({ service }) => service === 'sqs').length) * PRICES.sqsRequests,
  };
  return { lines, total: Object.values(lines).reduce((total, line) => total + line, 0) };
}

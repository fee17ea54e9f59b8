/**
 * List prices in us-east-1, in dollars, read in November 2026 from the services' pricing pages. Whatever the
 * bench says in dollars comes from these and from counted calls.
 */
export const PRICES = {
  /** HTTP API: a million requests of up to 512 KB. */
  httpApiRequests: 1.0,
  /** Lambda: a million invocations. */
  lambdaRequests: 0.2,
  /** Lambda on arm64: one GB-second. */
  lambdaGigabyteSecond: 0.0000133334,
  /** SQS standard queue: a million requests of up to 64 KB. */
  sqsRequests: 0.4,
  /** The same of a FIFO queue. */
  fifoRequests: 0.5,
  /** DynamoDB on demand: a million write request units, of 1 KB. */
  writeUnits: 0.625,
  /** DynamoDB on demand: a million read request units, of 4 KB. */
  readUnits: 0.125,
  /** S3 standard: a million puts, a million gets, and a GB kept for a month. Deletes cost nothing. */
  s3Puts: 5.0,
  s3Gets: 0.4,
  s3GigabyteMonth: 0.023,
  /** Secrets Manager: a secret a month. */
  secretMonth: 0.4,
  /** Data transfer out to the internet: a GB. */
  egressGigabyte: 0.09,
  /** CloudWatch: a metric of an alarm a month, and a custom metric that is sent all month. */
  alarmMetricMonth: 0.1,
  customMetricMonth: 0.3,
} as const;

/** What is assumed where a laptop can't measure AWS. */
export const ASSUMPTIONS = {
  /** Memory of the functions, GB. */
  gigabytes: 0.5,
  /** Seconds that api takes for a publish. */
  ingestSeconds: 0.015,
  /** Seconds that it takes more for each further message of a batch. */
  ingestSecondsPerFurther: 0.001,
  /** Seconds that deliver takes for a batch besides the calls to destinations. */
  overheadSeconds: 0.01,
  /** Seconds that dispatch takes for a batch. */
  dispatchSeconds: 0.02,
  /** Seconds that a destination takes to answer. */
  destinationSeconds: 0.1,
  /** Bytes that leave AWS for one attempt beside its body: headers and TLS. */
  headBytes: 1_476,
  /** Requests that Lambda makes to an idle queue in a month: five pollers, each of which waits 20 seconds. */
  idleQueueRequests: 648_000,
  /** Seconds that a tick takes which finds nothing to do. */
  tickSeconds: 0.1,
  /** Minutes of a month. */
  ticksPerMonth: 43_800,
} as const;

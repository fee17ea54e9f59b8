/**
 * The names that the constructs, the functions and local mode have in common: environment
 * variables, table keys and metrics. Imports nothing, so that every side may import it.
 */

/** Environment variables of the functions. Times in seconds unless the name says otherwise. */
export const Env = {
  TABLE_NAME: 'TABLE_NAME',
  DELIVERIES_QUEUE_URL: 'DELIVERIES_QUEUE_URL',
  FAILURES_QUEUE_URL: 'FAILURES_QUEUE_URL',
  REDRIVE_QUEUE_URL: 'REDRIVE_QUEUE_URL',
  /** Name of the bucket for bodies that are too large for the table. */
  BODIES_BUCKET: 'BODIES_BUCKET',
  WAKES_QUEUE_URL: 'WAKES_QUEUE_URL',
  TOKEN_SECRET_ARN: 'TOKEN_SECRET_ARN',
  SIGNING_KEY_SECRET_ARN: 'SIGNING_KEY_SECRET_ARN',
  /** The dimension that keeps two services of one account apart in CloudWatch. */
  SERVICE: 'SERVICE',
  DLQ_RETENTION_SECONDS: 'DLQ_RETENTION_SECONDS',
  LOG_RETENTION_SECONDS: 'LOG_RETENTION_SECONDS',
  DEFAULT_RETRIES: 'DEFAULT_RETRIES',
  MAX_RETRIES: 'MAX_RETRIES',
  MAX_DELAY_SECONDS: 'MAX_DELAY_SECONDS',
  MAX_MESSAGE_BYTES: 'MAX_MESSAGE_BYTES',
  MAX_URL_GROUPS: 'MAX_URL_GROUPS',
  MAX_SCHEDULES: 'MAX_SCHEDULES',
  /** A number, or `unlimited`. */
  MAX_MESSAGES_PER_DAY: 'MAX_MESSAGES_PER_DAY',
  MAX_QUEUES: 'MAX_QUEUES',
  MAX_QUEUE_PARALLELISM: 'MAX_QUEUE_PARALLELISM',
  /** Executions that each of the delivery functions may have at once. */
  MAX_CONCURRENCY: 'MAX_CONCURRENCY',
  /** The longest attempt that a delivery function has time for. */
  MAX_TIMEOUT_SECONDS: 'MAX_TIMEOUT_SECONDS',
  /** JSON array of strings: CIDR blocks with an optional port, such as `10.1.0.0/16` or `10.1.2.3/32:8080`. */
  ALLOWED_PRIVATE_DESTINATIONS: 'ALLOWED_PRIVATE_DESTINATIONS',
  /** `httpApi`, whose paths arrive decoded and are repaired, or `functionUrl`, whose paths arrive as sent. */
  FRONT_DOOR: 'FRONT_DOOR',
  /** `on` or `off`. */
  EVENT_LOG: 'EVENT_LOG',
  /** How long a replaced token is still accepted. */
  TOKEN_GRACE_SECONDS: 'TOKEN_GRACE_SECONDS',
} as const;

/** Primary key and expiry attribute of the one table. */
export const TableKey = { PARTITION: 'pk', SORT: 'sk', TTL: 'ttl' } as const;

/** Days after which S3 deletes bodies, by their prefix. */
export const BODY_LIFETIMES = [8, 40, 400] as const;

/** Bodies below this prefix are kept until the service deletes them. */
export const HELD_BODIES = 'hold/';

/** What the keys begin with of bodies that S3 deletes after so many days. */
export function bodyPrefix(days: number): string {
  return `d${days}/`;
}

/** CloudWatch namespace and metric names; the only dimension is {@link METRIC_DIMENSION}. */
export const METRIC_NAMESPACE = 'CdkQStash';
export const METRIC_DIMENSION = 'Service';
export const Metric = {
  PUBLISHED: 'Published',
  DELIVERED: 'Delivered',
  RETRIED: 'Retried',
  FAILED: 'Failed',
  /** Milliseconds one attempt took at the destination. */
  ATTEMPT_DURATION: 'AttemptDuration',
  /** Seconds by which the oldest due message waits beyond its time in the due index. */
  PROMOTER_LAG: 'PromoterLag',
  /** Messages whose hint had to be sent again by the sweep. */
  SWEPT: 'Swept',
  /** Hints taken from the redrive queue. */
  REDRIVEN: 'Redriven',
} as const;

/** `Custom::` type of the resource that fills the two secrets once. */
export const SECRETS_RESOURCE_TYPE = 'Custom::CdkQStashSecrets';

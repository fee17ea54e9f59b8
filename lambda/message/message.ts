/** Methods a destination can be called with (QStash docs, "Publish a message"). */
export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

/** Header names in canonical form (`Content-Type`), each with its values in order. */
export type HeaderMap = Record<string, string[]>;

/** Which queue a message's hints travel on: failure callbacks have their own, so nothing holds them up. */
export type Lane = 'deliveries' | 'failures';

/** The limits of a flow-control key, as a message brought them (QStash docs, "Flow Control"). */
export interface FlowControl {
  readonly key: string;
  /** Attempts under way at once, at most. */
  readonly parallelism?: number;
  /** Attempts started in one period, at most. */
  readonly rate?: number;
  /** Seconds. */
  readonly period: number;
}

/** What answers show as a hash, and deliveries as it is (QStash docs, "Redact fields"). */
export interface Redaction {
  readonly body?: true;
  /** All headers, or those of these canonical names. */
  readonly header?: true | readonly string[];
}

/** Where an enqueued message stands in its queue: `seq` counts what was ever enqueued there. */
export interface QueuePlace {
  readonly name: string;
  readonly seq: number;
}

/** Where a body is that is too large for the table. */
export interface StoredBody {
  /** Of the object in the bucket. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Of the whole body, in hexadecimal; where answers show the hash only. */
  readonly sha256?: string;
}

/** How a callback is to be called; what is absent falls back to the message it reports on. */
export interface CallbackOptions {
  readonly url: string;
  readonly method: Method;
  /** Headers to forward, canonical names, `Content-Type` included if the publisher set one. */
  readonly header: HeaderMap;
  readonly retries?: number;
  readonly retryDelayExpression?: string;
  /** Seconds one attempt may take. */
  readonly timeout?: number;
  /** Seconds to wait before the first attempt. */
  readonly delay?: number;
  readonly flowControl?: FlowControl;
  readonly redact?: Redaction;
  /** Callbacks of the callback; at most two levels deep. */
  readonly callback?: CallbackOptions;
  readonly failureCallback?: CallbackOptions;
}

/** The attempt that a callback reports. */
export interface CallbackSource {
  readonly messageId: string;
  readonly attempt: number;
  /** When that attempt ended, in milliseconds: part of the key of its record. */
  readonly endedAt: number;
  /** Present on failure callbacks. */
  readonly dlqId?: string;
}

/** A message as accepted. Never changes after publish; what happens to it is in its {@link MessageState}. */
export interface Message {
  readonly messageId: string;
  /** Service time of acceptance, milliseconds. */
  readonly createdAt: number;
  readonly url: string;
  readonly method: Method;
  readonly header: HeaderMap;
  /** Empty on callbacks and where {@link stored} says where the body is. */
  readonly body: Uint8Array;
  readonly stored?: StoredBody;
  /** Earliest start of the first attempt, milliseconds. */
  readonly notBefore: number;
  /** Retries after the first attempt. */
  readonly maxRetries: number;
  readonly retryDelayExpression?: string;
  /** Seconds one attempt may take; absent means the longest the service allows. */
  readonly timeout?: number;
  readonly callback?: CallbackOptions;
  readonly failureCallback?: CallbackOptions;
  readonly labels?: string[];
  readonly callerIp?: string;
  /** The URL group that it was published to, and the name of the endpoint there. */
  readonly topicName?: string;
  readonly endpointName?: string;
  readonly scheduleId?: string;
  readonly flowControl?: FlowControl;
  readonly redact?: Redaction;
  /** Set on enqueued messages, which are delivered only while they hold a slot of their queue. */
  readonly queue?: QueuePlace;
  /** Set on the callbacks of enqueued messages, and on theirs: whose slot lasts until they end. */
  readonly holds?: QueuePlace;
  readonly lane: Lane;
  /** Set on callbacks: their body is built from this at delivery. */
  readonly source?: CallbackSource;
}

/** What came of one attempt. `status` 0 means there was no response, and `error` says why. */
export interface AttemptResult {
  readonly status: number;
  readonly header: HeaderMap;
  readonly body: Uint8Array;
  /** The body was longer than what is kept. */
  readonly truncated?: boolean;
  readonly error?: string;
}

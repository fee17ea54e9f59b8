/** One request of the AWS SDK to a stand-in, before it is carried out. */
export interface AwsCall {
  readonly service: 'dynamodb' | 'sqs' | 's3' | 'secretsmanager';
  /** Operation name without version, such as `PutItem`. */
  readonly operation: string;
  /** Whose call it is: local mode gives every function, and every worker of it, its own access key. */
  readonly accessKeyId: string;
  /** ARNs of the resources that the call touches. */
  readonly resources: readonly string[];
  /** The request as parsed JSON; of one to S3 its parameters, without the object. */
  readonly input: Record<string, unknown>;
}

/** What goes back over the wire; `dropped` closes the connection without an answer. */
export type Answer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }
  | 'dropped';

/**
 * Stands between the SDK and a stand-in: permission checks, the request log of the bench and injected
 * faults are all interceptors. Calls `execute` once, several times or not at all.
 */
export type Interceptor = (call: AwsCall, execute: () => Promise<Answer>) => Promise<Answer>;

/** The access key id of a SigV4 `Authorization` header, or an empty string. */
export function accessKeyIdOf(authorization: string | undefined): string {
  return /Credential=([^/,\s]+)/.exec(authorization ?? '')?.[1] ?? '';
}

/** An AWS JSON protocol error answer. `code` is the exception name, such as `ThrottlingException`. */
export function errorAnswer(status: number, code: string, message: string, extra: object = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': code },
    body: Buffer.from(JSON.stringify({ __type: code, message, ...extra })),
  };
}

/** Region and account that local ARNs carry. */
export const LOCAL_REGION = 'us-east-1';
export const LOCAL_ACCOUNT = '000000000000';

import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { type Answer, type AwsCall, accessKeyIdOf, type Interceptor } from '../aws-call';
import { AwsServer } from '../aws-server';
import type { ServiceClock } from '../clock';
import { Bucket, type LifecycleRule } from './bucket';
import { OBJECT_OPERATIONS, refuseUnknown } from './object-operations';
import { noSuchBucket, S3Error } from './s3-error';

/** What an S3 server is made of. */
export interface S3ServerOptions {
  /** Objects expire by this clock. */
  readonly clock: ServiceClock;
  /** Directory of the objects, made if missing. In memory when left out. One server at a time may use it. */
  readonly dir?: string | undefined;
  /** Stands before every request over HTTP. */
  readonly intercept?: Interceptor | undefined;
}

/**
 * Amazon S3 on 127.0.0.1, as far as the service needs it: PutObject, GetObject with a range, HeadObject and
 * DeleteObject with path-style addresses, the checksums that SDKs send by default, and expiry by prefix and days.
 * Anything else is refused as S3 refuses what it has not.
 */
export class S3Server {
  private readonly server = new AwsServer(
    (request, body) => this.answer(request, body),
    (code, message) => new S3Error(code === 'InternalServerError' ? 'InternalError' : 'AccessDenied', message).answer(),
  );
  private readonly buckets = new Map<string, Bucket>();
  private timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(private readonly options: S3ServerOptions) {}

  /** Listens on 127.0.0.1 and returns the port; 0, the default, is a free one. */
  listen(port?: number): Promise<number> {
    return this.server.listen(port);
  }

  close(): Promise<void> {
    this.timer?.cancel();
    return this.server.close();
  }

  /** Creates a bucket, or opens the one that the directory has, and sets by which rules its objects expire. */
  ensureBucket(name: string, lifecycle: readonly LifecycleRule[] = []): void {
    const { dir } = this.options;
    const bucket = this.buckets.get(name) ?? new Bucket(dir === undefined ? undefined : path.join(dir, name));
    this.buckets.set(name, bucket);
    bucket.lifecycle = lifecycle;
    this.expire();
  }

  /** The keys of all objects of a bucket that exists. */
  keys(bucket: string): string[] {
    return this.buckets.get(bucket)!.keys;
  }

  private async answer(request: IncomingMessage, body: Buffer): Promise<Answer> {
    try {
      const [, bucket = '', key = '', query = ''] = /^\/([^/?]*)\/?([^?]*)\??(.*)$/s.exec(request.url ?? '') ?? [];
      const operation = OBJECT_OPERATIONS[request.method ?? ''];
      if (operation === undefined || key === '') {
        throw new S3Error('NotImplemented', 'Local mode puts, gets, heads and deletes single objects.');
      }
      refuseUnknown(request.headers, new URLSearchParams(query));
      const { intercept = (_call, execute) => execute() } = this.options;
      const call = callOf(operation.name, bucket, decoded(key), request, body);
      return await intercept(call, async () => this.execute(operation.run, call, request, body));
    } catch (error) {
      if (error instanceof S3Error) return error.answer();
      throw error;
    }
  }

  private execute(
    run: (typeof OBJECT_OPERATIONS)[string]['run'],
    { input }: AwsCall,
    { headers }: IncomingMessage,
    body: Buffer,
  ): Answer {
    const { Bucket: name, Key: key } = input as { readonly Bucket: string; readonly Key: string };
    try {
      const bucket = this.buckets.get(name);
      if (bucket === undefined) throw noSuchBucket(name);
      const answer = run({ bucket, key, headers, body, now: this.options.clock.now() });
      const info = bucket.info(key);
      if (info !== undefined) this.wakeAt(bucket.expiryOf(info));
      return answer;
    } catch (error) {
      if (error instanceof S3Error) return error.answer();
      throw error;
    }
  }

  /** Deletes what has expired, and waits for what expires next. */
  private expire(): void {
    this.timer?.cancel();
    this.timer = undefined;
    for (const bucket of this.buckets.values()) this.wakeAt(bucket.expire(this.options.clock.now()));
  }

  private wakeAt(at: number | undefined): void {
    if (at === undefined || (this.timer !== undefined && this.timer.at <= at)) return;
    this.timer?.cancel();
    this.timer = { at, cancel: this.options.clock.schedule(at, () => this.expire()) };
  }
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.", { URI: key });
  }
}

function callOf(operation: string, bucket: string, key: string, request: IncomingMessage, body: Buffer): AwsCall {
  const { authorization, range } = request.headers;
  return {
    service: 's3',
    operation,
    accessKeyId: accessKeyIdOf(authorization),
    resources: [`arn:aws:s3:::${bucket}/${key}`],
    input: {
      Bucket: bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: range }),
      ...(operation === 'PutObject' ? { ContentLength: body.length } : {}),
    },
  };
}

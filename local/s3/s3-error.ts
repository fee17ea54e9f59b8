import { randomBytes } from 'node:crypto';
import type { Answer } from '../aws-call';

const STATUSES: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  InternalError: 500,
  InvalidRange: 416,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NotImplemented: 501,
  SlowDown: 503,
};

/** A refusal by S3. Its code is the error's name in the SDK, such as `NoSuchKey`; `details` go into the XML. */
export class S3Error extends Error {
  constructor(
    readonly code: string,
    message: string,
    private readonly details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** This error on the wire; the answer to a HEAD request leaves the body out. */
  answer(): Answer {
    const identity = requestIdentity();
    const elements = {
      Code: this.code,
      Message: this.message,
      ...this.details,
      RequestId: identity['x-amz-request-id'],
      HostId: identity['x-amz-id-2'],
    };
    const xml = Object.entries(elements).map(([name, text]) => `<${name}>${escaped(text)}</${name}>`);
    return {
      status: STATUSES[this.code] ?? 400,
      headers: { ...identity, 'content-type': 'application/xml' },
      body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error>${xml.join('')}</Error>`),
    };
  }
}

/** The two headers that name a request to AWS; every answer has them. */
export function requestIdentity(): { readonly 'x-amz-request-id': string; readonly 'x-amz-id-2': string } {
  return {
    'x-amz-request-id': randomBytes(8).toString('hex').toUpperCase(),
    'x-amz-id-2': randomBytes(56).toString('base64'),
  };
}

export function noSuchBucket(BucketName: string): S3Error {
  return new S3Error('NoSuchBucket', 'The specified bucket does not exist', { BucketName });
}

export function noSuchKey(Key: string): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist.', { Key });
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

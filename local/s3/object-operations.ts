import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from '../aws-call';
import type { Bucket, ObjectInfo } from './bucket';
import { crc32 } from './crc32';
import { noSuchKey, requestIdentity, S3Error } from './s3-error';

/** One request for an object of a bucket. */
export interface ObjectRequest {
  readonly bucket: Bucket;
  readonly key: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Service time, milliseconds. */
  readonly now: number;
}

type Operation = (request: ObjectRequest) => Answer;

/** Operations by HTTP method. */
export const OBJECT_OPERATIONS: Readonly<Record<string, { readonly name: string; readonly run: Operation }>> = {
  PUT: { name: 'PutObject', run: putObject },
  GET: { name: 'GetObject', run: getObject },
  // The bytes are left out on the way.
  HEAD: { name: 'HeadObject', run: getObject },
  DELETE: { name: 'DeleteObject', run: deleteObject },
};

/** Headers of S3's own that are understood; any other asks for something that is not here. */
const UNDERSTOOD = new Set([
  'x-amz-checksum-crc32',
  'x-amz-checksum-mode',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-user-agent',
]);
/** Headers of HTTP that would change an object or the answer. */
const REFUSED =
  /^(if-(none-)?match|if-(un)?modified-since|cache-control|content-(disposition|encoding|language)|expires)$/;

/** Refuses a request that asks for more than local mode has. */
export function refuseUnknown(headers: IncomingHttpHeaders, query: URLSearchParams): void {
  const header = Object.keys(headers).find(
    (name) => REFUSED.test(name) || (name.startsWith('x-amz-') && !UNDERSTOOD.has(name)),
  );
  // The SDK names the operation once more.
  const parameter = [...query.keys()].find((name) => name !== 'x-id');
  const unknown = header ?? parameter;
  if (unknown === undefined) return;
  throw new S3Error('NotImplemented', `Local mode has no ${unknown}.`, {
    [header === undefined ? 'Parameter' : 'Header']: unknown,
  });
}

function putObject({ bucket, key, headers, body, now }: ObjectRequest): Answer {
  if (headers['content-length'] === undefined) {
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  const md5 = createHash('md5').update(body);
  checkDigests(headers, body);
  const checksum = headers['x-amz-checksum-crc32'];
  const info: ObjectInfo = {
    key,
    size: body.length,
    createdAt: now,
    contentType: headers['content-type'] ?? 'binary/octet-stream',
    md5: md5.digest('hex'),
    ...(checksum === undefined ? {} : { crc32: String(checksum) }),
  };
  bucket.put(info, body);
  const answered = { etag: etagOf(info), ...checksumOf(info) };
  return { status: 200, headers: { ...requestIdentity(), ...answered }, body: Buffer.alloc(0) };
}

function checkDigests(headers: IncomingHttpHeaders, body: Buffer): void {
  const sha256 = headers['x-amz-content-sha256'];
  if (/^[0-9a-f]{64}$/.test(String(sha256)) && createHash('sha256').update(body).digest('hex') !== sha256) {
    throw new S3Error(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  const md5 = headers['content-md5'];
  if (md5 !== undefined && createHash('md5').update(body).digest('base64') !== md5) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const checksum = headers['x-amz-checksum-crc32'];
  if (checksum !== undefined && crc32(body) !== checksum) {
    throw new S3Error('BadDigest', 'The CRC32 you specified did not match what we received.');
  }
}

function getObject({ bucket, key, headers }: ObjectRequest): Answer {
  const info = bucket.info(key);
  if (info === undefined) throw noSuchKey(key);
  const shared = {
    ...requestIdentity(),
    'accept-ranges': 'bytes',
    'content-type': info.contentType,
    etag: etagOf(info),
    'last-modified': new Date(info.createdAt).toUTCString(),
  };
  const range = rangeOf(headers.range, info.size);
  if (range === undefined) {
    const checksum = headers['x-amz-checksum-mode'] === 'ENABLED' ? checksumOf(info) : {};
    return { status: 200, headers: { ...shared, ...checksum }, body: bucket.read(key, 0, info.size) };
  }
  const { start, end } = range;
  const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${info.size}` };
  return { status: 206, headers: { ...shared, ...contentRange }, body: bucket.read(key, start, end) };
}

/** What a Range header means; S3 answers with the whole object where it is malformed or has several parts. */
function rangeOf(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (start < end) return { start, end };
  throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
    RangeRequested: String(header),
    ActualObjectSize: String(size),
  });
}

function deleteObject({ bucket, key }: ObjectRequest): Answer {
  bucket.delete(key);
  return { status: 204, headers: requestIdentity(), body: Buffer.alloc(0) };
}

const etagOf = ({ md5 }: ObjectInfo): string => `"${md5}"`;

function checksumOf({ crc32: checksum }: ObjectInfo): Readonly<Record<string, string>> {
  if (checksum === undefined) return {};
  return { 'x-amz-checksum-crc32': checksum, 'x-amz-checksum-type': 'FULL_OBJECT' };
}

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import path from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  type S3ServiceException,
} from '@aws-sdk/client-s3';
import type { AwsCall, Interceptor } from '../../../local/aws-call';
import { ServiceClock } from '../../../local/clock';
import { DataDirectoryError } from '../../../local/data-directory';
import { S3Server } from '../../../local/s3/s3-server';
import { TimeTravel } from '../../../local/time-travel';
import { temporaryDirectory } from '../fixtures/directory';

const Bucket = 'bodies';
const DAY = 86_400_000;

let clock: ServiceClock;
let server: S3Server;
let client: S3Client;
let port: number;
let intercept: Interceptor;

beforeEach(async () => {
  clock = new ServiceClock();
  intercept = (_call, execute) => execute();
  await open();
});

afterEach(async () => {
  await close();
  clock.stop();
});

async function open(dir?: string): Promise<void> {
  server = new S3Server({ clock, dir, intercept: (call, execute) => intercept(call, execute) });
  server.ensureBucket(Bucket, [
    { prefix: 'd8/', days: 8 },
    { prefix: 'd8/short/', days: 2 },
  ]);
  port = await server.listen();
  client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'Api.1', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

async function close(): Promise<void> {
  client.destroy();
  await server.close();
}

const put = (Key: string, Body: PutObjectCommandInput['Body'], more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key: string, more: Partial<GetObjectCommandInput> = {}) =>
  client.send(new GetObjectCommand({ Bucket, Key, ...more }));
const bytesOf = async (Key: string, Range?: string) => {
  const { Body } = await get(Key, { Range });
  return Buffer.from(await Body!.transformToByteArray());
};
/** What the client throws. */
const refused = async (sent: Promise<unknown>) => {
  const error = await sent.then(() => undefined).catch((thrown: S3ServiceException) => thrown);
  return error && { name: error.name, status: error.$metadata.httpStatusCode, message: error.message };
};

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** A request by bare HTTP, which no client corrects. */
function send(method: string, target: string, headers: OutgoingHttpHeaders = {}, body = ''): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ port, host: '127.0.0.1', method, path: target, headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        text: Buffer.concat(chunks).toString(),
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test.each([
  ['text', Buffer.from('text')],
  ['nothing', Buffer.alloc(0)],
  ['every byte', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
  ['6 MB', randomBytes(6 * 1024 * 1024)],
])('%s comes back as it was put', async (_what, body) => {
  const { ETag, ChecksumCRC32, $metadata } = await put('hold/one', body, { ContentType: 'text/x-test' });
  expect(ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
  expect(ChecksumCRC32).toMatch(/^[\w+/]{6}==$/);
  expect($metadata.requestId).toMatch(/^[0-9A-F]{16}$/);
  const { Body, ...rest } = await get('hold/one');
  expect(body.equals(await Body!.transformToByteArray())).toBe(true);
  expect(rest).toMatchObject({ ContentLength: body.length, ContentType: 'text/x-test', ETag });
  expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'hold/one' }))).toMatchObject({
    ContentLength: body.length,
    ETag,
    LastModified: new Date(Math.floor(rest.LastModified!.getTime() / 1000) * 1000),
  });
});

test('keys are any text', async () => {
  const keys = ['a', 'a/b', 'a//b', '../a', 'ä ö+&?=%/€', 'a/b/'];
  for (const key of keys) await put(key, key);
  for (const key of keys) expect((await bytesOf(key)).toString()).toBe(key);
});

test('what is put again takes the place of the first', async () => {
  await put('a', 'first');
  await put('a', 'second');
  expect((await bytesOf('a')).toString()).toBe('second');
});

test.each([
  ['bytes=0-3', '0123', 'bytes 0-3/10'],
  ['bytes=4-4', '4', 'bytes 4-4/10'],
  ['bytes=7-', '789', 'bytes 7-9/10'],
  ['bytes=-2', '89', 'bytes 8-9/10'],
  ['bytes=5-1000', '56789', 'bytes 5-9/10'],
  ['bytes=-1000', '0123456789', 'bytes 0-9/10'],
])('the range %s is %s', async (Range, text, ContentRange) => {
  await put('a', '0123456789');
  const { Body, ...rest } = await get('a', { Range });
  expect(await Body!.transformToString()).toBe(text);
  expect(rest).toMatchObject({ ContentRange, ContentLength: text.length, $metadata: { httpStatusCode: 206 } });
});

test.each(['bytes=3-1', 'bytes=0-1,4-5', 'bytes=-', 'lines=0-1'])('the range %s is none', async (Range) => {
  await put('a', '0123456789');
  expect((await bytesOf('a', Range)).toString()).toBe('0123456789');
});

test.each(['bytes=10-', 'bytes=10-12', 'bytes=-0'])('the range %s begins behind the end', async (Range) => {
  await put('a', '0123456789');
  expect(await refused(get('a', { Range }))).toMatchObject({ name: 'InvalidRange', status: 416 });
});

test('nothing of an empty object is a range', async () => {
  await put('a', Buffer.alloc(0));
  expect(await refused(get('a', { Range: 'bytes=0-8191' }))).toMatchObject({ name: 'InvalidRange' });
});

test('a deleted object is gone, and deleting it again says so no more', async () => {
  await put('a', 'text');
  for (let times = 0; times < 2; times++) {
    const { $metadata } = await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect($metadata.httpStatusCode).toBe(204);
  }
  expect(await refused(get('a'))).toEqual({
    name: 'NoSuchKey',
    status: 404,
    message: 'The specified key does not exist.',
  });
  expect(await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'a' })))).toMatchObject({
    name: 'NotFound',
    status: 404,
  });
});

test('a bucket that is not there is told by name', async () => {
  const elsewhere = { Bucket: 'elsewhere', Key: 'a' };
  const missing = { name: 'NoSuchBucket', status: 404, message: 'The specified bucket does not exist' };
  expect(await refused(client.send(new PutObjectCommand({ ...elsewhere, Body: 'x' })))).toEqual(missing);
  expect(await refused(client.send(new GetObjectCommand(elsewhere)))).toEqual(missing);
  expect(await refused(client.send(new DeleteObjectCommand(elsewhere)))).toEqual(missing);
});

test('errors are XML that names the request', async () => {
  const { status, headers, text } = await send('GET', '/bodies/a%26b');
  expect({ status, type: headers['content-type'] }).toEqual({ status: 404, type: 'application/xml' });
  expect(text).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>' +
      '<Message>The specified key does not exist.</Message><Key>a&#38;b</Key>' +
      `<RequestId>${headers['x-amz-request-id']}</RequestId><HostId>${headers['x-amz-id-2']}</HostId></Error>`,
  );
});

test.each([
  ['x-amz-checksum-crc32', 'AAAAAA==', 'BadDigest'],
  ['content-md5', 'AAAAAAAAAAAAAAAAAAAAAA==', 'BadDigest'],
  ['x-amz-content-sha256', '0'.repeat(64), 'XAmzContentSHA256Mismatch'],
])('a body that is not what %s says is refused and not kept', async (name, value, code) => {
  const answer = await send('PUT', '/bodies/a', { [name]: value, 'content-length': 4 }, 'text');
  expect(answer).toMatchObject({ status: 400, text: expect.stringContaining(`<Code>${code}</Code>`) });
  expect(await refused(get('a'))).toMatchObject({ name: 'NoSuchKey' });
});

test('the checksum is that of the standard, and the client refuses what does not fit it', async () => {
  // The check value of CRC-32 (ISO-HDLC).
  expect((await put('a', '123456789')).ChecksumCRC32).toBe(Buffer.from('cbf43926', 'hex').toString('base64'));
  intercept = async (_call, execute) => {
    const answer = await execute();
    return answer === 'dropped' ? answer : { ...answer, body: Buffer.from('123456780') };
  };
  await expect(bytesOf('a')).rejects.toThrow(/checksum/i);
});

test.each<[string, string, OutgoingHttpHeaders]>([
  ['PUT', '/bodies/a', { 'x-amz-acl': 'public-read' }],
  ['PUT', '/bodies/a', { 'content-encoding': 'aws-chunked' }],
  ['PUT', '/bodies/a', { 'if-none-match': '*' }],
  ['PUT', '/bodies/a?tagging', {}],
  ['GET', '/bodies/a?versionId=1', {}],
  ['GET', '/bodies/a', { 'if-match': '"x"' }],
  ['POST', '/bodies/a?uploads', {}],
  ['GET', '/bodies', {}],
  ['GET', '/', {}],
  ['DELETE', '/bodies/', {}],
])('%s %s with %j is refused as what is not there', async (method, target, headers) => {
  const answer = await send(method, target, { ...headers, 'content-length': 0 });
  expect(answer).toMatchObject({ status: 501, text: expect.stringContaining('<Code>NotImplemented</Code>') });
});

test('a list is refused, and so is a key that is no text', async () => {
  expect(await refused(client.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({ name: 'NotImplemented' });
  expect((await send('GET', '/bodies/%ff')).text).toContain('<Code>InvalidURI</Code>');
  expect(await send('PUT', '/bodies/a', { 'transfer-encoding': 'chunked' }, 'text')).toMatchObject({
    status: 411,
    text: expect.stringContaining('<Code>MissingContentLength</Code>'),
  });
});

test('only this machine is answered, and no web page', async () => {
  for (const headers of [{ host: 's3.example.com' }, { origin: 'https://example.com' }]) {
    const answer = await send('GET', '/bodies/a', headers);
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('<Code>AccessDenied</Code>') });
  }
});

test('who stands between sees each call without the object, and may answer in its place', async () => {
  const calls: AwsCall[] = [];
  intercept = (call, execute) => {
    calls.push(call);
    return execute();
  };
  await put('hold/a', 'text');
  await bytesOf('hold/a', 'bytes=0-1');
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'hold/a' }));
  const shared = { service: 's3', accessKeyId: 'Api.1', resources: ['arn:aws:s3:::bodies/hold/a'] };
  expect(calls).toEqual([
    { ...shared, operation: 'PutObject', input: { Bucket, Key: 'hold/a', ContentLength: 4 } },
    { ...shared, operation: 'GetObject', input: { Bucket, Key: 'hold/a', Range: 'bytes=0-1' } },
    { ...shared, operation: 'DeleteObject', input: { Bucket, Key: 'hold/a' } },
  ]);
  intercept = async () => 'dropped';
  await expect(put('a', 'text')).rejects.toThrow();
  intercept = async () => {
    throw new Error('as asked');
  };
  expect(await refused(get('a'))).toMatchObject({ name: 'InternalError', status: 500 });
});

describe('expiry', () => {
  const travel = () => new TimeTravel(clock, [], async () => undefined, undefined);
  const midnightAfter = (time: number) => Math.ceil(time / DAY) * DAY;

  test('objects go at the midnight after their days, each by the shortest rule of its prefix', async () => {
    const begin = clock.now();
    await put('d8/a', 'eight days');
    await put('d8/short/a', 'two days');
    await put('hold/a', 'for ever');
    await travel().to(midnightAfter(begin + 2 * DAY) - 1000);
    expect((await bytesOf('d8/short/a')).toString()).toBe('two days');
    await travel().to(midnightAfter(begin + 2 * DAY));
    expect(await refused(get('d8/short/a'))).toMatchObject({ name: 'NoSuchKey' });
    await travel().to(midnightAfter(begin + 8 * DAY) - 1000);
    expect((await bytesOf('d8/a')).toString()).toBe('eight days');
    await travel().to(midnightAfter(begin + 8 * DAY));
    expect(await refused(get('d8/a'))).toMatchObject({ name: 'NoSuchKey' });
    expect((await bytesOf('hold/a')).toString()).toBe('for ever');
  });

  test('a year has as many steps as midnights at which something expires', async () => {
    for (let object = 0; object < 20; object++) await put(`d8/${object}`, 'x');
    await travel().to(midnightAfter(clock.now()) + 1000);
    for (let object = 20; object < 40; object++) await put(`d8/${object}`, 'x');
    await put('hold/a', 'for ever');
    const { steps } = await travel().advance(365 * DAY);
    expect(steps).toBe(2);
    expect((await travel().advance(365 * DAY)).steps).toBe(0);
  });

  test('an object that was put again has its days from then', async () => {
    await put('d8/a', 'first');
    await travel().advance(7 * DAY);
    await put('d8/a', 'second');
    await travel().advance(7 * DAY);
    expect((await bytesOf('d8/a')).toString()).toBe('second');
  });
});

describe('with a directory', () => {
  let dir: string;
  beforeEach(async () => {
    dir = temporaryDirectory();
    await close();
    await open(dir);
  });
  const again = async () => {
    await close();
    await open(dir);
  };
  const files = () => readdirSync(path.join(dir, Bucket)).map((name) => path.join(dir, Bucket, name));

  test('objects outlive a restart, with all that is known of them', async () => {
    const body = randomBytes(100_000);
    const { ETag } = await put('hold/ä', body, { ContentType: 'text/x-test' });
    await put('hold/empty', Buffer.alloc(0));
    await put('gone', 'x');
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await again();
    const { Body, ...rest } = await get('hold/ä');
    expect(body.equals(await Body!.transformToByteArray())).toBe(true);
    expect(rest).toMatchObject({ ETag, ContentType: 'text/x-test', ContentLength: body.length });
    expect(await bytesOf('hold/ä', 'bytes=10-19')).toEqual(body.subarray(10, 20));
    expect(await bytesOf('hold/empty')).toHaveLength(0);
    expect(await refused(get('gone'))).toMatchObject({ name: 'NoSuchKey' });
    expect(files()).toHaveLength(2);
  });

  test('what expired meanwhile is gone, by the rules that hold then', async () => {
    await put('d8/a', 'eight days');
    await put('hold/a', 'for ever');
    await close();
    clock.advanceTo(clock.now() + 10 * DAY);
    await open(dir);
    expect(await refused(get('d8/a'))).toMatchObject({ name: 'NoSuchKey' });
    expect(files()).toHaveLength(1);
    server.ensureBucket(Bucket, [{ prefix: 'hold/', days: 1 }]);
    expect(await refused(get('hold/a'))).toMatchObject({ name: 'NoSuchKey' });
    expect(files()).toEqual([]);
  });

  test('a file that was never finished is removed', async () => {
    await put('a', 'text');
    writeFileSync(`${files()[0]}.x.partial`, 'unfinished');
    await again();
    expect(files()).toHaveLength(1);
    expect((await bytesOf('a')).toString()).toBe('text');
  });

  test('a damaged file is told by name', async () => {
    await put('a', 'text');
    const [file = ''] = files();
    truncateSync(file, readFileSync(file).length - 1);
    await client.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'other' }));
    const reopen = () => new S3Server({ clock, dir }).ensureBucket(Bucket);
    expect(reopen).toThrow(DataDirectoryError);
    expect(reopen).toThrow(`${file} is damaged: it has another length.`);
    writeFileSync(file, 'nonsense');
    expect(reopen).toThrow(/is damaged: .*Remove it to start without the object that it held/);
  });
});

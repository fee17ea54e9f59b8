import { createHash, randomBytes } from 'node:crypto';
import { DeleteObjectCommand, HeadObjectCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import { decodeMessage } from '../../lambda/store/message-items';
import { type AwsCall, errorAnswer, type Interceptor } from '../../local/aws-call';
import { cli, endAll } from '../bin/cli';
import { temporaryDirectory } from '../local/fixtures/directory';
import { closeAll, type Running, start, startSink, until } from './harness';
import type { Arrival, Destination, Reply, Sink } from './sink';

const KIB = 1024;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** What Lambda takes of a request as JSON, and what all but the body takes of it at most. */
const REQUEST_BYTES = 6_291_556;
const ROOM = 3_000;
const LISTED = 8 * KIB;

/** Nobody can foresee when a message with so many retries ends. */
const UNFORESEEN = { 'Upstash-Retries': '40' };

const calls: AwsCall[] = [];
/** Answers in place of the services, for faults. */
let fault: ((call: AwsCall) => boolean) | undefined;
const intercept: Interceptor = async (call, execute) => {
  calls.push(call);
  return fault?.(call) ? errorAnswer(400, 'ValidationException', 'planned') : execute();
};

let running: Running;
let sink: Sink;
let s3: S3Client;
let Bucket: string;

beforeAll(async () => {
  sink = await startSink();
  running = await start({ intercept });
  s3 = clientOf(running);
  Bucket = bucketOf(running);
});
afterEach(() => {
  fault = undefined;
});
afterAll(async () => {
  s3.destroy();
  await endAll();
  await closeAll();
});

function clientOf({ service }: Running): S3Client {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return new S3Client({ endpoint: service.endpoints.s3, region: 'us-east-1', credentials });
}

const bucketOf = ({ service }: Running) =>
  Object.values(service.resources).find(({ type }) => type === 'AWS::S3::Bucket')!.ref;

const text = (bytes: number) => 'x'.repeat(bytes);

async function publish(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const type: Record<string, string> =
    typeof body === 'string' ? { 'content-type': 'text/plain' } : { 'content-type': 'application/octet-stream' };
  const init = { method: 'POST', headers: { ...type, ...headers } };
  return running.json(`/v2/publish/${url}`, {
    ...init,
    body: typeof body === 'string' ? body : new Blob([new Uint8Array(body)]),
  });
}

async function accepted(url: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<string> {
  const answer = await publish(url, body, headers);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body.messageId;
}

const arrivalAt = ({ arrivals }: Destination): Promise<Arrival> => until(() => arrivals[0]);

/** The message as the table has it. */
async function rowOf(messageId: string) {
  const token = messageId.slice('msg_1'.length);
  const item = (await running.items()).find(({ pk, sk }) => pk!.S!.startsWith('m#') && sk!.S === token);
  return item && decodeMessage(item);
}

/** The key of a message's object; undefined where the table has the body. */
const keyOf = async (messageId: string) => (await rowOf(messageId))!.stored?.key;

async function isThere(Key: string, client = s3, bucket = Bucket): Promise<boolean> {
  try {
    await client.send(new HeadObjectCommand({ Bucket: bucket, Key }));
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

const deadLetterOf = async (messageId: string) =>
  (await running.client.dlq.listMessages({ filter: { messageId } })).messages[0]!;

describe('a body arrives byte for byte, and can be read:', () => {
  test.each<[string, string | Buffer, 'table' | 'bucket']>([
    ['8 KiB but a byte', text(8 * KIB - 1), 'table'],
    ['8 KiB', text(8 * KIB), 'table'],
    ['8 KiB and a byte', text(8 * KIB + 1), 'bucket'],
    ['8 KiB and a byte that are no text', randomBytes(8 * KIB + 1), 'bucket'],
    ['a megabyte of text', 'é'.repeat(512 * KIB), 'bucket'],
    ['4.5 MB that are no text', randomBytes(4_500_000), 'bucket'],
  ])('%s', async (_, body, where) => {
    const destination = sink.destination();
    const messageId = await accepted(destination.url, body);
    expect(Buffer.from(body).equals((await arrivalAt(destination)).body)).toBe(true);
    const key = await keyOf(messageId);
    expect(key === undefined ? 'table' : 'bucket').toBe(where);
    if (key !== undefined) expect(await isThere(key)).toBe(true);
    const { body: shown } = await running.json(`/v2/messages/${messageId}`);
    const got = typeof body === 'string' ? shown.body : Buffer.from(shown.bodyBase64, 'base64');
    expect(Buffer.from(body).equals(Buffer.from(got))).toBe(true);
    expect(shown.bodyTruncated).toBeUndefined();
  });

  test.each<[string, string | Buffer]>([
    ['as much text as a request takes', text(REQUEST_BYTES - ROOM)],
    ['as much text as a request takes, if each character counts twice', '"'.repeat((REQUEST_BYTES - ROOM) / 2)],
    ['as much of anything else as a request takes', randomBytes(Math.floor(((REQUEST_BYTES - ROOM) * 3) / 4))],
  ])('%s, though an answer has not the room for all of it', async (_, body) => {
    const destination = sink.destination(500);
    const messageId = await accepted(destination.url, body, { 'Upstash-Retries': '0' });
    expect(Buffer.from(body).equals((await arrivalAt(destination)).body)).toBe(true);
    await running.ended(messageId);
    const { dlqId } = await deadLetterOf(messageId);
    for (const path of [`/v2/messages/${messageId}`, `/v2/dlq/${dlqId}`]) {
      const response = await running.request(path);
      const answer = await response.text();
      const shown = JSON.parse(answer);
      const got = typeof body === 'string' ? Buffer.from(shown.body) : Buffer.from(shown.bodyBase64, 'base64');
      expect(response.status).toBe(200);
      expect(Buffer.from(body).subarray(0, got.length).equals(got)).toBe(true);
      expect(shown.bodyTruncated).toBe(got.length < Buffer.byteLength(body) ? true : undefined);
      // Whatever is left out, the answer is as large as it may be.
      if (shown.bodyTruncated) expect(Buffer.byteLength(JSON.stringify(answer))).toBeGreaterThan(6_000_000);
    }
  });
});

test.each([
  ['text', text(REQUEST_BYTES)],
  ['anything else', Buffer.alloc((REQUEST_BYTES * 3) / 4)],
])('more of %s than a request takes is refused with 413, and nothing is stored', async (_, body) => {
  const before = await running.items();
  calls.length = 0;
  const { status } = await publish(sink.destination().url, body);
  expect(status).toBe(413);
  expect(await running.items()).toEqual(before);
  expect(calls.filter(({ service }) => service === 's3')).toEqual([]);
});

describe('with a limit of 16 KiB', () => {
  test('a larger body is refused with 413, and nothing is stored', async () => {
    const seen: AwsCall[] = [];
    const limited = await start({
      environment: { MAX_MESSAGE_BYTES: String(16 * KIB) },
      intercept: (call, execute) => {
        seen.push(call);
        return execute();
      },
    });
    const send = (bytes: number) =>
      limited.json(`/v2/publish/${sink.destination().url}`, { method: 'POST', body: text(bytes) });
    expect(await send(16 * KIB + 1)).toMatchObject({
      status: 413,
      body: { error: expect.stringMatching(/16385.*16384/) },
    });
    expect(await limited.items()).toEqual([]);
    expect(seen.filter(({ operation }) => /^(Put|Transact|BatchWrite)/.test(operation))).toEqual([]);
    expect(await send(16 * KIB)).toMatchObject({ status: 200 });
    await limited.service.close();
  });
});

test('callbacks report the whole body', async () => {
  const body = randomBytes(1_000_000);
  const [destination, callback, failure] = [sink.destination(500), sink.destination(), sink.destination()];
  await accepted(destination.url, body, {
    'Upstash-Retries': '0',
    'Upstash-Callback': callback.url,
    'Upstash-Failure-Callback': failure.url,
  });
  for (const told of [callback, failure]) {
    const { sourceBody, status } = JSON.parse((await arrivalAt(told)).body.toString());
    expect(status).toBe(500);
    expect(Buffer.from(sourceBody, 'base64').equals(body)).toBe(true);
  }
});

test('of a response 256 KiB are kept, whatever the largest message is', async () => {
  const reply: Reply = { status: 500, body: Buffer.alloc(300 * KIB, 'r') };
  const [destination, callback] = [sink.destination(reply), sink.destination()];
  const headers = { 'Upstash-Retries': '0', 'Upstash-Callback': callback.url };
  const messageId = await accepted(destination.url, text(300 * KIB), headers);
  const report = JSON.parse((await arrivalAt(callback)).body.toString());
  expect(Buffer.from(report.body, 'base64').equals(Buffer.alloc(256 * KIB, 'r'))).toBe(true);
  await running.ended(messageId);
  const { dlqId } = await deadLetterOf(messageId);
  const { body } = await running.json(`/v2/dlq/${dlqId}`);
  expect(body.responseBody === 'r'.repeat(256 * KIB)).toBe(true);
});

describe('a dead letter', () => {
  test('is listed with the beginning of its body, of which no more is read, and retried with all of it', async () => {
    const body = text(LISTED - 1) + 'é'.repeat(100_000);
    const destination = sink.destination(500, 200);
    const messageId = await accepted(destination.url, body, { 'Upstash-Retries': '0' });
    await running.ended(messageId);
    calls.length = 0;
    const letter = await deadLetterOf(messageId);
    expect(letter).toMatchObject({ body: text(LISTED - 1), bodyTruncated: true });
    const gets = calls.filter(({ operation }) => operation === 'GetObject').map(({ input }) => input.Range);
    expect(gets).toEqual([`bytes=0-${LISTED - 1}`]);

    const { body: retried } = await running.json(`/v2/dlq/retry/${letter.dlqId}`, { method: 'POST' });
    await running.ended(retried.messageId);
    expect(destination.arrivals.map((arrival) => arrival.body.toString() === body)).toEqual([true, true]);
    const keys = [await keyOf(messageId), await keyOf(retried.messageId)];
    expect(new Set(keys).size).toBe(2);
  });

  test('of a callback is listed by the beginning of its report, and retried with all of it', async () => {
    const body = randomBytes(1_000_000);
    const [destination, callback] = [sink.destination(), sink.destination(500, 200)];
    const headers = { 'Upstash-Callback': callback.url, 'Upstash-Callback-Retries': '0' };
    const messageId = await accepted(destination.url, body, headers);
    await arrivalAt(callback);
    await running.service.whenIdle();
    const { messages } = await running.client.dlq.listMessages({ filter: { url: callback.url } });
    const report = callback.arrivals[0]!.body.toString();
    expect(messages[0]).toMatchObject({ body: report.slice(0, LISTED), bodyTruncated: true });
    await running.json(`/v2/dlq/retry/${messages[0]!.dlqId}`, { method: 'POST' });
    const again = await until(() => callback.arrivals[1]);
    expect(again.body.toString() === report).toBe(true);
    expect(JSON.parse(report).sourceMessageId).toBe(messageId);
  });

  test('is what becomes of a message whose object is gone; it is never delivered empty', async () => {
    const destination = sink.destination();
    const messageId = await accepted(destination.url, text(10_000), { 'Upstash-Delay': '10m' });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: await keyOf(messageId) }));
    await running.service.advance(601_000);
    expect((await running.ended(messageId)).at(-1)!.state).toBe('FAILED');
    expect(destination.arrivals).toEqual([]);
    const letter = await deadLetterOf(messageId);
    expect(letter).toMatchObject({
      responseStatus: 0,
      responseBody: 'its body is no longer stored',
      reason: 'internal',
    });
    expect(letter.body).toBeUndefined();
    expect((await running.json(`/v2/messages/${messageId}`)).status).toBe(200);
    expect((await running.json(`/v2/dlq/retry/${letter.dlqId}`, { method: 'POST' })).status).toBe(404);
    expect(running.lines.filter(({ text: line }) => line.includes('is not authorized'))).toEqual([]);
  });
});

test('the log shows the beginning of a body', async () => {
  const body = randomBytes(20_000);
  const messageId = await accepted(sink.destination().url, body);
  const entries = await running.ended(messageId);
  const shown = entries.map((entry) => String(entry.body));
  expect(new Set(shown)).toEqual(new Set([body.subarray(0, LISTED).toString('base64')]));
});

test('a body that is redacted is shown by the hash of all of it', async () => {
  const body = text(20_000);
  const destination = sink.destination(500);
  const headers = { 'Upstash-Redact-Fields': 'body', 'Upstash-Retries': '0' };
  const messageId = await accepted(destination.url, body, headers);
  const [entry] = await running.ended(messageId);
  expect((await arrivalAt(destination)).body.toString() === body).toBe(true);
  const shown = `REDACTED:${createHash('sha256').update(body).digest('hex')}`;
  expect((await running.json(`/v2/messages/${messageId}`)).body).toMatchObject({ body: shown });
  const letter = await deadLetterOf(messageId);
  expect(letter.body).toBe(shown);
  expect(letter).not.toHaveProperty('bodyTruncated');
  expect(entry!.body).toBe(Buffer.from(shown).toString('base64'));
});

test('all endpoints of a URL group get the one object that their messages share', async () => {
  const destinations = [sink.destination(), sink.destination(), sink.destination()];
  const endpoints = destinations.map(({ url }) => ({ url }));
  await running.client.urlGroups.addEndpoints({ name: 'large', endpoints });
  const body = text(50_000);
  calls.length = 0;
  await running.client.publish({ urlGroup: 'large', body });
  for (const destination of destinations) {
    expect((await arrivalAt(destination)).body.toString() === body).toBe(true);
  }
  expect(calls.filter(({ operation }) => operation === 'PutObject')).toHaveLength(1);
});

test('of a batch each message has its own body', async () => {
  const items = Array.from({ length: 12 }, (_, index) => ({
    destination: sink.destination(),
    body: String.fromCharCode(97 + index).repeat(index % 2 === 0 ? 9_000 : 100),
  }));
  await running.client.batch(items.map(({ destination: { url }, body }) => ({ url, body })));
  for (const { destination, body } of items) {
    expect((await arrivalAt(destination)).body.toString() === body).toBe(true);
  }
});

test('of a batch what could not be put into the bucket fails alone', async () => {
  const [large, small] = [sink.destination(), sink.destination()];
  fault = ({ operation }) => operation === 'PutObject';
  const results = await running.client.batch([
    { url: large.url, body: text(9_000) },
    { url: small.url, body: 'small' },
  ]);
  expect(results).toEqual([{ error: expect.any(String) }, expect.objectContaining({ messageId: expect.any(String) })]);
  await arrivalAt(small);
  await running.service.whenIdle();
  expect(large.arrivals).toEqual([]);
});

test('the same content is a duplicate, however large', async () => {
  const { url } = sink.destination();
  const headers = { 'Upstash-Content-Based-Deduplication': 'true' };
  const messageId = await accepted(url, text(100_000), headers);
  expect(await publish(url, text(100_000), headers)).toMatchObject({ status: 202, body: { messageId } });
  expect((await publish(url, text(100_001), headers)).body.messageId).not.toBe(messageId);
});

describe('an object is kept as long as its message', () => {
  test('and deleted by its age where that can be foreseen', async () => {
    const soon = await accepted(sink.destination().url, text(10_000));
    const late = await accepted(sink.destination().url, text(10_000), { 'Upstash-Delay': '60d' });
    const keys = [(await keyOf(soon))!, (await keyOf(late))!];
    expect(keys).toEqual([expect.stringMatching(/^d40\//), expect.stringMatching(/^d400\//)]);
    await running.service.advance(39 * DAY);
    expect(await Promise.all(keys.map((key) => isThere(key)))).toEqual([true, true]);
    await running.service.advance(2 * DAY);
    expect(await Promise.all(keys.map((key) => isThere(key)))).toEqual([false, true]);
  });

  test('a year, if it is delivered in a year', async () => {
    const body = randomBytes(1_000_000);
    const destination = sink.destination();
    const messageId = await accepted(destination.url, body, { 'Upstash-Delay': '365d' });
    await running.service.advance(364 * DAY);
    expect(destination.arrivals).toEqual([]);
    await running.service.advance(DAY + 2_000);
    expect((await arrivalAt(destination)).body.equals(body)).toBe(true);
    expect((await running.ended(messageId)).at(-1)!.state).toBe('DELIVERED');
  });

  test.each(['delivered', 'canceled', 'failed'] as const)(
    'and deleted by the service where it cannot, when a message that was %s expires',
    async (how) => {
      const failing = { status: 489, headers: { 'Upstash-NonRetryable-Error': 'true' } };
      const { url } = sink.destination(how === 'failed' ? failing : 200);
      const messageId = await accepted(url, text(10_000), { ...UNFORESEEN, 'Upstash-Delay': '20d' });
      const key = (await keyOf(messageId))!;
      expect(key).toMatch(/^hold\//);
      if (how === 'canceled') await running.client.messages.cancel(messageId);
      else await running.service.advance(20 * DAY + 2_000);
      expect((await running.ended(messageId)).at(-1)!.state).toBe(how.toUpperCase());
      // Dead letters are kept for a week, and what they refer to.
      await running.service.advance(7 * DAY - HOUR);
      expect(await isThere(key)).toBe(true);
      await running.service.advance(2 * HOUR);
      expect(await isThere(key)).toBe(false);
    },
  );

  test('and deleted by the service an hour after a publish that died before the row', async () => {
    const url = sink.destination().url;
    fault = ({ service, operation, input }) =>
      service === 'dynamodb' && operation === 'PutItem' && JSON.stringify(input.Item).includes(url);
    calls.length = 0;
    expect((await publish(url, text(10_000), UNFORESEEN)).status).toBe(500);
    fault = undefined;
    const { Key } = calls.find(({ operation }) => operation === 'PutObject')!.input as { Key: string };
    expect(await isThere(Key)).toBe(true);
    await running.service.advance(HOUR + 5_000);
    expect(await isThere(Key)).toBe(false);
  });

  test('though its end is known, if that is later than any age', async () => {
    const year = String(365 * 86_400);
    const kept = await start({ environment: { DLQ_RETENTION_SECONDS: year } });
    const client = clientOf(kept);
    const { url, arrivals } = sink.destination();
    const { messageId } = await kept.client.publish({ url, body: text(10_000), delay: '90d', retries: 0 });
    const token = messageId.slice('msg_1'.length);
    const isKept = () => isThere(`hold/${token}`, client, bucketOf(kept));
    expect(await isKept()).toBe(true);
    await kept.service.advance(91 * DAY);
    expect(arrivals).toHaveLength(1);
    await kept.service.advance(364 * DAY);
    expect(await isKept()).toBe(true);
    await kept.service.advance(3 * DAY);
    expect(await isKept()).toBe(false);
    client.destroy();
    await kept.service.close();
  });
});

test('a body that was accepted outlives the kill of the process', async () => {
  const dataDir = temporaryDirectory();
  const body = randomBytes(2_000_000);
  const destination = sink.destination();
  const run = async () => {
    const service = cli(['dev', '--port', '0', '--data', dataDir]);
    const [, url] = await service.until(/^QStash is running at (\S+)$/m);
    const [, token] = await service.until(/^export QSTASH_TOKEN='(\S+)'$/m);
    const post = (path: string, content: string | Blob, type: string) =>
      fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': type, 'Upstash-Delay': '1h' },
        body: content,
      });
    const kill = async () => {
      service.process.kill('SIGKILL');
      await service.ended;
    };
    return { post, kill };
  };
  const first = await run();
  const answer = await first.post(`/v2/publish/${destination.url}`, new Blob([body]), 'application/octet-stream');
  await first.kill();
  expect(answer.status).toBe(200);
  const second = await run();
  expect((await second.post('/local/clock', '{"advance":3601}', 'application/json')).status).toBe(200);
  expect((await arrivalAt(destination)).body.equals(body)).toBe(true);
  await second.kill();
});

import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssemblyError } from '../../../local/assembly/template';
import { ServiceClock } from '../../../local/clock';
import { createBuckets } from '../../../local/deploy/buckets';
import { S3Server } from '../../../local/s3/s3-server';
import { resource, stackOf } from '../fixtures/template';

const DAY = 86_400_000;

let clock: ServiceClock;
let server: S3Server;
let client: S3Client;

beforeEach(async () => {
  clock = new ServiceClock();
  server = new S3Server({ clock });
  client = new S3Client({
    endpoint: `http://127.0.0.1:${await server.listen()}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});

afterEach(async () => {
  client.destroy();
  await server.close();
  clock.stop();
});

const bucket = (...Rules: object[]) => ({ Bucket: resource('AWS::S3::Bucket', { LifecycleConfiguration: { Rules } }) });
const create = (resources: Parameters<typeof stackOf>[0]) => createBuckets(stackOf(resources), server);

/** Whether an object is there after some days. */
async function lasts(Key: string, days: number): Promise<boolean> {
  const at = { Bucket: 'shop-bucket', Key };
  await client.send(new PutObjectCommand({ ...at, Body: 'x' }));
  clock.advanceTo(clock.now() + days * DAY);
  return client.send(new GetObjectCommand(at)).then(
    () => true,
    (error: unknown) => {
      if (error instanceof NoSuchKey) return false;
      throw error;
    },
  );
}

test('objects expire by the enabled rules of the template', async () => {
  create(
    bucket(
      { Id: 'short', Prefix: 'd8/', ExpirationInDays: 8, Status: 'Enabled' },
      { Prefix: 'off/', ExpirationInDays: 8, Status: 'Disabled' },
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
    ),
  );
  expect(await lasts('d8/a', 7)).toBe(true);
  expect(await lasts('d8/a', 9)).toBe(false);
  expect(await lasts('off/a', 9)).toBe(true);
  expect(await lasts('hold/a', 900)).toBe(true);
});

test('a rule without a prefix is for all objects', async () => {
  create(bucket({ ExpirationInDays: '1', Status: 'Enabled' }));
  expect(await lasts('a', 2)).toBe(false);
});

test('a bucket without rules keeps its objects', async () => {
  create({ Bucket: resource('AWS::S3::Bucket') });
  expect(await lasts('a', 900)).toBe(true);
});

test('a rule that local mode does not imitate stops, naming the bucket', () => {
  const rule = { Status: 'Enabled', Prefix: 'a/', Transitions: [{ StorageClass: 'GLACIER' }] };
  expect(() => create(bucket(rule))).toThrow(
    new AssemblyError(
      'Bucket (AWS::S3::Bucket, Bucket) has a lifecycle rule with Transitions, which local mode does not imitate.',
    ),
  );
});

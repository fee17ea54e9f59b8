import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { temporaryDirectory } from '../fixtures/directory';
import { startChild } from '../sqs/child-server';

const Bucket = 'bodies';
const ROUNDS = 4;
const CLIENTS = 4;

/** What a client knows of a key that nobody else writes: the bodies that may be there after a kill. */
type Possible = readonly (Buffer | 'nothing')[];

test('a server that is killed under load has kept every answer it gave, and no half of an object', async () => {
  const dir = temporaryDirectory();
  const known = new Map<string, Possible>();
  let answers = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const child = await startChild(['--import', 'tsx', join(__dirname, 's3-child.ts'), dir]);
    const client = new S3Client({
      endpoint: child.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    });
    for (const [Key, possible] of known) {
      const found = await client
        .send(new GetObjectCommand({ Bucket, Key }))
        .then(async ({ Body }) => Buffer.from(await Body!.transformToByteArray()))
        .catch((error: unknown) => {
          if (error instanceof NoSuchKey) return 'nothing' as const;
          throw error;
        });
      const digests = possible.map(digestOf);
      expect(digests).toContain(digestOf(found));
      known.set(Key, [found]);
    }
    let left = 40 + 25 * round;
    let killed: Promise<void> | undefined;
    const work = async (name: number): Promise<never> => {
      for (let turn = 0; ; turn++) {
        const Key = `${name}/${turn % 5}`;
        const before = known.get(Key) ?? ['nothing'];
        const body =
          turn % 7 === 6 ? ('nothing' as const) : randomBytes(50_000 + ((name * 7919 + turn * 104_729) % 90_000));
        known.set(Key, [...before, body]);
        if (body === 'nothing') await client.send(new DeleteObjectCommand({ Bucket, Key }));
        else await client.send(new PutObjectCommand({ Bucket, Key, Body: body }));
        known.set(Key, [body]);
        answers++;
        if (--left === 0 && round < ROUNDS) killed = child.kill();
        if (left < 0 && round === ROUNDS) throw new Error('enough');
      }
    };
    await Promise.allSettled(Array.from({ length: CLIENTS }, (_, name) => work(name)));
    await (killed ?? child.kill());
    client.destroy();
  }
  expect(answers).toBeGreaterThan(200);
  expect(known.size).toBe(CLIENTS * 5);
});

const digestOf = (body: Buffer | 'nothing') =>
  body === 'nothing' ? body : createHash('sha256').update(body).digest('hex');

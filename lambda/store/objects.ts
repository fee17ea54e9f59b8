/**
 * The calls of S3. Its client is as large as everything else in a bundle, so this is only ever imported when the
 * first large body comes along: see `bodies.ts`.
 */
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { requireEnv } from '../config';
import { clientOptions } from './aws';

// An object that stops coming in the middle is no answer either.
const s3 = new S3Client({
  ...clientOptions,
  requestHandler: { ...clientOptions.requestHandler, socketTimeout: 5_000 },
});

export async function putObject(Key: string, Body: Uint8Array): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: requireEnv('BODIES_BUCKET'), Key, Body }));
}

/** An object, or as much of its beginning as `maxBytes` says; undefined when it is not there. */
export async function getObject(Key: string, maxBytes: number | undefined): Promise<Uint8Array | undefined> {
  const Range = maxBytes === undefined ? undefined : `bytes=0-${maxBytes - 1}`;
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: requireEnv('BODIES_BUCKET'), Key, Range }));
    return await Body!.transformToByteArray();
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** Deletes an object, if it is there. */
export async function deleteObject(Key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: requireEnv('BODIES_BUCKET'), Key }));
}

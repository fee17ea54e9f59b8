import type { Stack, StackResource } from '../assembly/stack';
import { type Dictionary, isDictionary } from '../assembly/template';
import type { LifecycleRule } from '../s3/bucket';
import type { S3Server } from '../s3/s3-server';

/** What of a rule has a local effect, or none because nothing is uploaded in parts. */
const UNDERSTOOD = new Set(['Id', 'Status', 'Prefix', 'ExpirationInDays', 'AbortIncompleteMultipartUpload']);

/** Creates the buckets of the template, or gives the ones that a data directory kept their rules. */
export function createBuckets(stack: Stack, s3: S3Server): void {
  for (const bucket of stack.ofType('AWS::S3::Bucket')) s3.ensureBucket(stack.ref(bucket), lifecycleOf(bucket));
}

function lifecycleOf(bucket: StackResource): LifecycleRule[] {
  const { Rules } = bucket.dictionary('LifecycleConfiguration');
  return (Array.isArray(Rules) ? Rules : [])
    .filter(isDictionary)
    .filter(({ Status }) => Status === 'Enabled')
    .flatMap((rule) => readRule(bucket, rule));
}

function readRule(bucket: StackResource, rule: Dictionary): LifecycleRule[] {
  const unknown = Object.keys(rule).find((name) => !UNDERSTOOD.has(name));
  if (unknown !== undefined) bucket.stop(`has a lifecycle rule with ${unknown}, which local mode does not imitate`);
  const { Prefix = '', ExpirationInDays } = rule;
  return ExpirationInDays === undefined ? [] : [{ prefix: String(Prefix), days: Number(ExpirationInDays) }];
}

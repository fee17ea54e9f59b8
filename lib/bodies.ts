import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { BODY_LIFETIMES, bodyPrefix } from './names';

export interface BodiesBucketProps {
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey?: IKey;
}

/**
 * Creates the bucket for what is too large for the table. Bodies whose end can be foreseen lie below a prefix that
 * S3 empties after so many days; the service itself deletes the others.
 */
export function createBodiesBucket(scope: Construct, { removalPolicy, encryptionKey }: BodiesBucketProps): Bucket {
  const bucket = new Bucket(scope, 'Bodies', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    encryption: encryptionKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
    encryptionKey,
    bucketKeyEnabled: encryptionKey ? true : undefined,
    lifecycleRules: [
      ...BODY_LIFETIMES.map((days) => ({ prefix: bodyPrefix(days), expiration: Duration.days(days) })),
      { abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
    removalPolicy,
    // CloudFormation deletes no bucket that has objects in it.
    autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'Only the functions of the service read and write it, and their calls can be logged by CloudTrail',
  });
  return bucket;
}

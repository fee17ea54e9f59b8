import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';

/** A service of this stack or of another one. */
export interface IQStash extends IConstruct {
  /** What `QSTASH_URL` must be, without a slash at the end. */
  readonly url: string;

  /**
   * The secret that holds `token`, ready to be used as `QSTASH_TOKEN`, and `readOnlyToken`: such as
   * `tokenSecret.secretValueFromJson('token')`.
   */
  readonly tokenSecret: ISecret;

  /** The secret that holds the signing keys of deliveries, `current` and `next`, with their `version`. */
  readonly signingKeySecret: ISecret;

  /**
   * Lets the grantee read the tokens. This is full access to the service: with the token one may publish,
   * read, cancel and delete any message, read the signing keys and rotate them.
   */
  grantReadToken(grantee: IGrantable): Grant;

  /**
   * Lets the grantee read the keys that sign deliveries, which a receiver needs to check them. Who has the
   * keys can also forge deliveries.
   */
  grantReadSigningKeys(grantee: IGrantable): Grant;
}

/** What tells an existing service from others. */
export interface QStashAttributes {
  /** The `url` of the service. */
  readonly url: string;
  /** The `tokenSecret` of the service, imported with `Secret.fromSecretCompleteArn`. */
  readonly tokenSecret: ISecret;
  /** The `signingKeySecret` of the service, imported with `Secret.fromSecretCompleteArn`. */
  readonly signingKeySecret: ISecret;
}

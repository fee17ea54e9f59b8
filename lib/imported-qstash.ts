import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { IQStash, QStashAttributes } from './qstash-reference';

/** A service that another stack deploys. */
export class ImportedQStash extends Construct implements IQStash {
  public readonly url: string;
  public readonly tokenSecret: ISecret;
  public readonly signingKeySecret: ISecret;

  constructor(scope: Construct, id: string, attributes: QStashAttributes) {
    super(scope, id);
    this.url = attributes.url;
    this.tokenSecret = attributes.tokenSecret;
    this.signingKeySecret = attributes.signingKeySecret;
  }

  public grantReadToken(grantee: IGrantable): Grant {
    return this.tokenSecret.grantRead(grantee);
  }

  public grantReadSigningKeys(grantee: IGrantable): Grant {
    return this.signingKeySecret.grantRead(grantee);
  }
}

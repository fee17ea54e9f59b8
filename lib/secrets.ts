import { CustomResource, Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { SECRETS_RESOURCE_TYPE } from './names';
import { grantPermissions, PERMISSIONS } from './permissions';
import { ServiceFunction } from './service-function';

export interface SecretsProps {
  readonly removalPolicy: RemovalPolicy;
  readonly logRetention: RetentionDays;
  readonly encryptionKey?: IKey;
}

/**
 * The tokens and the signing keys. The template has no value for them and none that changes: a generated one
 * would be generated anew by an update of the template. A custom resource adds what is missing, once.
 */
export class Secrets extends Construct {
  /** For the functions of the service itself. */
  public readonly token: ISecret;
  public readonly signingKey: ISecret;
  /** The same for everybody else: who refers to one of these is created after it has a value. */
  public readonly filledToken: ISecret;
  public readonly filledSigningKey: ISecret;

  constructor(scope: Construct, id: string, props: SecretsProps) {
    super(scope, id);
    this.token = this.emptySecret('TokenSecret', 'QStash tokens: token (full access) and readOnlyToken', props);
    this.signingKey = this.emptySecret('SigningKeySecret', 'QStash signing keys: current and next', props);
    const fill = new ServiceFunction(this, 'Fill', {
      name: 'fill-secrets',
      description: 'Adds what is missing to the secrets of QStash',
      environment: {
        TOKEN_SECRET_ARN: this.token.secretArn,
        SIGNING_KEY_SECRET_ARN: this.signingKey.secretArn,
      },
      timeout: Duration.minutes(1),
      memorySize: 256,
      logRetention: props.logRetention,
    });
    const arns = { tokenSecret: this.token.secretArn, signingKeySecret: this.signingKey.secretArn };
    grantPermissions(fill.role, PERMISSIONS['fill-secrets'], arns, props.encryptionKey);
    const filled = new CustomResource(this, 'Filled', {
      serviceToken: fill.function.functionArn,
      resourceType: SECRETS_RESOURCE_TYPE,
      // Never changes, so that no update fills anything again.
      properties: { Version: '1' },
      serviceTimeout: Duration.minutes(5),
    });
    const { encryptionKey } = props;
    const filledSecret = (secretId: string, attribute: string) =>
      Secret.fromSecretAttributes(this, secretId, { secretCompleteArn: filled.getAttString(attribute), encryptionKey });
    this.filledToken = filledSecret('FilledToken', 'TokenSecretArn');
    this.filledSigningKey = filledSecret('FilledSigningKey', 'SigningKeySecretArn');
  }

  private emptySecret(id: string, description: string, props: SecretsProps): ISecret {
    const secret = new Secret(this, id, {
      description,
      encryptionKey: props.encryptionKey,
      removalPolicy: props.removalPolicy,
    });
    (secret.node.defaultChild as CfnSecret).generateSecretString = undefined;
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Rotated through the API of the service, which keeps the previous value valid for a while',
    });
    return secret;
  }
}

import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { fillSecrets } from './keys/fill-secrets';
import { logFault } from './logs/write-line';

/** Fills the two secrets when the service is deployed first; answers CloudFormation at its response URL. */
export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  // Who refers to a secret through these is created after it was filled.
  const Data = {
    TokenSecretArn: process.env.TOKEN_SECRET_ARN,
    SigningKeySecretArn: process.env.SIGNING_KEY_SECRET_ARN,
  };
  let outcome: { readonly Status: string; readonly Reason?: string; readonly Data?: object } = {
    Status: 'SUCCESS',
    Data,
  };
  try {
    if (event.RequestType !== 'Delete') await fillSecrets();
  } catch (error) {
    logFault('fillSecrets', error, { requestType: event.RequestType });
    outcome = { Status: 'FAILED', Reason: 'the secrets could not be filled: see the logs of the function' };
  }
  const { StackId, RequestId, LogicalResourceId } = event;
  const body = { ...outcome, StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'qstash-secrets' };
  await fetch(event.ResponseURL, { method: 'PUT', body: JSON.stringify(body) });
}

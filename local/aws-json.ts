import { LOCAL_REGION } from './aws-call';

/** The access key id of local mode itself; it belongs to no function, so no role limits it. */
const RUNNER_KEY = 'local';

/** An error answer of an AWS JSON service; `name` is the exception's name. */
export class AwsJsonError extends Error {}

/** Calls an operation of a stand-in over HTTP. `target` is such as `AmazonSQS.CreateQueue`. */
export async function callAws(
  endpoint: string,
  target: string,
  input: object,
): Promise<Readonly<Record<string, unknown>>> {
  const service = target.startsWith('AmazonSQS') ? 'sqs' : 'dynamodb';
  const scope = `20260101/${LOCAL_REGION}/${service}/aws4_request`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
      'x-amz-date': '20260101T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${RUNNER_KEY}/${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.ok) return answer;
  const error = new AwsJsonError(String(answer.message ?? answer.Message ?? response.status));
  error.name = String(answer.__type ?? '').replace(/^.*#/, '');
  throw error;
}

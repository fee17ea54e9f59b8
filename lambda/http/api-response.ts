import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { logFault } from '../logs/write-line';
import { HttpError } from './http-error';

/** An answer of a route: JSON, or nothing. */
export interface ApiResponse {
  readonly status: number;
  readonly body?: unknown;
}

export const ok = (body: unknown): ApiResponse => ({ status: 200, body });

/** The answer as the front doors take it. */
export function toResult(response: ApiResponse, headers: Readonly<Record<string, string>> = {}) {
  const result: APIGatewayProxyStructuredResultV2 = {
    statusCode: response.status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: response.body === undefined ? '' : JSON.stringify(response.body),
  };
  return result;
}

/**
 * The answer for what went wrong: a refusal says what to do; a fault of ours is a 500 that says nothing
 * of its cause, which the function's log has under the request's id.
 */
export function toErrorResult(error: unknown, requestId: string): APIGatewayProxyStructuredResultV2 {
  if (error instanceof HttpError) {
    return toResult({ status: error.status, body: { error: error.message } }, error.headers);
  }
  logFault('answer', error, { requestId });
  const text = `internal error; the request may have been carried out (request id ${requestId})`;
  return toResult({ status: 500, body: { error: text } });
}

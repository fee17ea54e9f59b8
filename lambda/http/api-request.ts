import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { serviceNow } from '../clock';

/** A request as the routes see it, whichever front door it came through. */
export interface ApiRequest {
  readonly method: string;
  /** From the first known root on, such as `/v2/messages`. */
  readonly path: string;
  /** What a custom domain puts before the path, such as `/qstash`. */
  readonly prefix: string;
  readonly query: URLSearchParams;
  /** As sent, without the question mark. */
  readonly rawQuery: string;
  /** Lower-case names; values of a repeated header are joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly callerIp: string | undefined;
  /** Name that the service was called by, with its port if it has one. */
  readonly host: string;
  /** Service time at which it came in, milliseconds. */
  readonly now: number;
}

const ROOT = '/v2/';

/** Reads the event of an HTTP API or a Function URL (payload format 2.0). */
export function readRequest(event: APIGatewayProxyEventV2): ApiRequest {
  const root = Math.max(0, event.rawPath.indexOf(ROOT));
  const rawQuery = event.rawQueryString ?? '';
  return {
    method: event.requestContext.http.method,
    path: event.rawPath.slice(root),
    prefix: event.rawPath.slice(0, root),
    query: new URLSearchParams(rawQuery),
    rawQuery,
    headers: event.headers,
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    callerIp: event.requestContext.http.sourceIp || undefined,
    host: event.requestContext.domainName,
    now: serviceNow(),
  };
}

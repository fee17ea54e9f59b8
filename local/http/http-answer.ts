import type { InvocationResult } from '../functions/lambda-worker';
import type { DoorKind } from './http-event';

/** What goes back to the client. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

/** Most bytes of an event or of an answer, as JSON: Lambda's limit for synchronous invocations. */
export const MAX_PAYLOAD_BYTES = 6_291_556;

/** An answer of the gateway itself. */
export function gatewayAnswer(status: number, message: string): HttpAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify({ message })) };
}

/** The answer for what a function returned, by the rules of payload format 2.0. */
export function httpAnswer(kind: DoorKind, result: InvocationResult): HttpAnswer {
  const failed = gatewayAnswer(kind === 'httpApi' ? 500 : 502, 'Internal Server Error');
  if (!result.ok || Buffer.byteLength(result.payload) > MAX_PAYLOAD_BYTES) return failed;
  const value = JSON.parse(result.payload) as unknown;
  if (!isResponse(value)) {
    const body = typeof value === 'string' ? value : result.payload;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
  }
  const status = Number(value.statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return failed;
  const headers: Record<string, string | string[]> = {};
  for (const [name, text] of Object.entries(value.headers ?? {})) headers[name.toLowerCase()] = String(text);
  headers['content-type'] ??= kind === 'httpApi' ? 'text/plain;charset=UTF-8' : 'application/json';
  if (value.cookies !== undefined) headers['set-cookie'] = value.cookies.map(String);
  return { status, headers, body: Buffer.from(value.body ?? '', value.isBase64Encoded === true ? 'base64' : 'utf8') };
}

interface ResponseValue {
  readonly statusCode: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly cookies?: readonly unknown[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

function isResponse(value: unknown): value is ResponseValue {
  return typeof value === 'object' && value !== null && 'statusCode' in value;
}

import { isDictionary } from '../assembly/template';
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
  if (!isDictionary(value) || value.statusCode === undefined) {
    const body = typeof value === 'string' ? value : result.payload;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
  }
  const { statusCode, headers = {}, cookies = [], body, isBase64Encoded } = value;
  const status = Number(statusCode);
  const understood = isDictionary(headers) && Array.isArray(cookies) && (body == null || typeof body === 'string');
  if (!understood || !Number.isInteger(status) || status < 200 || status > 599) return failed;
  const sent: Record<string, string | string[]> = {
    'content-type': kind === 'httpApi' ? 'text/plain; charset=utf-8' : 'application/json',
  };
  for (const [name, text] of Object.entries(headers)) sent[name.toLowerCase()] = String(text);
  if (cookies.length > 0) sent['set-cookie'] = cookies.map(String);
  return { status, headers: sent, body: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8') };
}

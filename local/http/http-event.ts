import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LOCAL_ACCOUNT } from '../aws-call';
import { gatewayPath } from './gateway-path';

/** Which front door a request came through: they differ in paths, bodies and their own answers. */
export type DoorKind = 'httpApi' | 'functionUrl';

const TEXTUAL = /^(text\/|application\/(json|javascript|xml)\b|application\/[^;]+\+(json|xml)\b)/i;
/** Headers that concern the connection; and cookies, which have a field of their own. */
const DROPPED = new Set(['connection', 'cookie', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'expect']);

/** The event of payload format 2.0 for a request. `now` is wall time in milliseconds. */
export function httpEvent(
  kind: DoorKind,
  apiId: string,
  request: IncomingMessage,
  body: Buffer,
  now: number,
): Record<string, unknown> {
  const target = request.url ?? '/';
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const rawQueryString = at < 0 ? '' : target.slice(at + 1);
  const rawPath = kind === 'httpApi' ? gatewayPath(path) : path;
  const { headers, cookies } = readHeaders(request);
  const query = readQuery(rawQueryString);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers,
    ...(Object.keys(query).length > 0 ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: kind === 'httpApi' ? LOCAL_ACCOUNT : 'anonymous',
      apiId,
      domainName: headers.host ?? '',
      domainPrefix: apiId,
      http: {
        method: request.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: gatewayTime(now),
      timeEpoch: now,
    },
    ...bodyFields(kind, body, headers),
  };
}

function bodyFields(kind: DoorKind, body: Buffer, headers: Readonly<Record<string, string>>): object {
  if (body.length === 0) return { isBase64Encoded: false };
  const textual = TEXTUAL.test(headers['content-type'] ?? '') && headers['content-encoding'] === undefined;
  const text = body.toString();
  // An HTTP API decodes a textual body whatever its bytes are; a Function URL loses nothing.
  if (textual && (kind === 'httpApi' || Buffer.from(text).equals(body))) return { body: text, isBase64Encoded: false };
  return { body: body.toString('base64'), isBase64Encoded: true };
}

function readHeaders(request: IncomingMessage): { headers: Record<string, string>; cookies: string[] } {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values !== undefined && !DROPPED.has(name)) headers[name] = values.join(',');
  }
  headers['x-forwarded-for'] ??= (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  headers['x-forwarded-proto'] ??= 'http';
  headers['x-forwarded-port'] ??= String(request.socket.localPort);
  const cookies = (request.headersDistinct.cookie ?? []).flatMap((line) => line.split(/; */)).filter(Boolean);
  return { headers, cookies };
}

function readQuery(rawQueryString: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    query[name] = name in query ? `${query[name]},${value}` : value;
  }
  return query;
}

/** `24/Nov/2026:16:34:57 +0000` */
function gatewayTime(now: number): string {
  const [, day, month, year, time] = new Date(now).toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}

import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { wallNow } from '../clock';
import { gatherHeaders, isConnectionHeader } from '../message/header-map';
import type { AttemptResult } from '../message/message';
import type { AddressPolicy } from './address-policy';
import type { OutboundRequest } from './build-request';
import { connect, type Lookup } from './connect';

/** A response with more bytes of status line and headers is a failed attempt. */
const MAX_HEADER_BYTES = 16_384;
const MAX_ERROR_LENGTH = 200;
const FIRST_BUFFER_BYTES = 4_096;

const TIMEOUT = 'timeout: no complete response before the deadline';
const CLOSED_EARLY = 'connection closed before the response was complete';

export interface CallOptions {
  /** Wall time, in milliseconds since the epoch, at which the attempt is over, whatever it is doing. */
  readonly deadlineMs: number;
  /** How much of the response body is kept; the rest is never read. */
  readonly maxResponseBytes: number;
  readonly policy: AddressPolicy;
  /** Stands in for DNS in tests. */
  readonly lookup?: Lookup;
}

/**
 * Makes one attempt: connects, sends, reads. Never throws: a response of any status is a result, and
 * without one the status is 0 and `error` says why.
 *
 * Every attempt has a connection of its own. A batch's attempts start together and could share none, and a
 * connection kept over the pause between invocations may be dead without telling: an attempt on it would
 * fail for our reasons, or be sent twice. So there is nothing to close at the end of an invocation either.
 *
 * Redirects are not followed, bodies not decompressed, proxies of the environment not used, and one
 * deadline covers name lookup, connect, TLS, sending and reading.
 */
export function callDestination(request: OutboundRequest, options: CallOptions): Promise<AttemptResult> {
  const left = options.deadlineMs - wallNow();
  if (left <= 0) return Promise.resolve(noResponse(TIMEOUT));
  return new Promise((resolve) => {
    let open: Socket | undefined;
    let over = false;
    const finish = (result: AttemptResult) => {
      over = true;
      clearTimeout(timer);
      open?.destroy();
      resolve(result);
    };
    const onSocket = (socket: Socket) => {
      // Errors after the end have nobody to tell, and must not be uncaught.
      socket.on('error', () => {});
      open = socket;
      if (over) socket.destroy();
    };
    const timer = setTimeout(() => finish(noResponse(TIMEOUT)), left);
    attempt(request, options, onSocket).then(finish, (error: unknown) => finish(noResponse(describe(error))));
  });
}

async function attempt(
  request: OutboundRequest,
  { policy, lookup, maxResponseBytes }: CallOptions,
  onSocket: (socket: Socket) => void,
): Promise<AttemptResult> {
  const url = new URL(request.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('not an http or https URL');
  const socket = await connect(url, policy, lookup, onSocket);
  return exchange(request, url, socket, maxResponseBytes);
}

function exchange(request: OutboundRequest, url: URL, socket: Socket, maxBytes: number): Promise<AttemptResult> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: headerLines(request, url),
      createConnection: () => socket,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
    });
    let answered = false;
    outgoing.on('response', (response) => {
      answered = true;
      readResponse(response, maxBytes).then(resolve, reject);
    });
    outgoing.on('upgrade', () => reject(new Error('the destination switched protocols')));
    // Once there is a response it tells itself how it ended, also when bytes that belong to nothing follow it,
    // or when the connection's end is its end, which is read after this request's own.
    const unlessAnswered = (error: Error) => {
      if (!answered) reject(error);
    };
    outgoing.on('error', unlessAnswered);
    outgoing.on('close', () => unlessAnswered(new Error(CLOSED_EARLY)));
    outgoing.end(request.body);
  });
}

/** Flat list of names and values, as Node sends it unchanged. */
function headerLines({ method, headers, body }: OutboundRequest, url: URL): string[] {
  const lines = ['Host', url.host];
  for (const [name, value] of headers) {
    // Two framings of one request are how requests get smuggled: this client's are the only ones.
    if (!isConnectionHeader(name)) lines.push(name, value);
  }
  if (body.length > 0 || (method !== 'GET' && method !== 'DELETE')) lines.push('Content-Length', String(body.length));
  lines.push('Connection', 'close');
  return lines;
}

async function readResponse(response: IncomingMessage, maxBytes: number): Promise<AttemptResult> {
  const status = response.statusCode ?? 0;
  // Informational ones are no answer; a 101 switches to nothing that this client speaks.
  if (status < 200) throw new Error('the response has no final status');
  const header = gatherHeaders(pairs(response.rawHeaders));
  const { body, truncated } = await readBody(response, maxBytes);
  return { status, header, body, ...(truncated ? { truncated } : {}) };
}

/** Keeps what fits and ends there. One buffer: a list of chunks of one byte each would cost a hundredfold. */
function readBody(response: IncomingMessage, maxBytes: number): Promise<{ body: Uint8Array; truncated: boolean }> {
  return new Promise((resolve, reject) => {
    let kept = Buffer.alloc(0);
    let length = 0;
    const finish = (truncated: boolean) => resolve({ body: kept.subarray(0, length), truncated });
    response.on('data', (chunk: Buffer) => {
      const end = Math.min(length + chunk.length, maxBytes);
      if (end > kept.length) {
        const larger = Buffer.alloc(Math.min(maxBytes, Math.max(end, kept.length * 2, FIRST_BUFFER_BYTES)));
        kept.copy(larger, 0, 0, length);
        kept = larger;
      }
      chunk.copy(kept, length, 0, end - length);
      const overflows = length + chunk.length > maxBytes;
      length = end;
      if (!overflows) return;
      // The result ends the connection; nothing more is read until then.
      response.pause();
      finish(true);
    });
    response.on('end', () => finish(false));
    response.on('error', () => reject(new Error(CLOSED_EARLY)));
    response.on('close', () => reject(new Error(CLOSED_EARLY)));
  });
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1]!] as [string, string]] : []));
}

function noResponse(error: string): AttemptResult {
  return { status: 0, header: {}, body: new Uint8Array(), error };
}

/** Says what went wrong in one printable line. Read by shape: several failed addresses come as one error. */
function describe(error: unknown): string {
  const { message, errors } = error as { message?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return describe(errors[0]);
  const text = typeof message === 'string' && message !== '' ? message : 'the request failed';
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_ERROR_LENGTH);
}

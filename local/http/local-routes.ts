import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseDuration } from '../../lambda/http/duration';
import { HttpError } from '../../lambda/http/http-error';
import { type Journey, type TimeTravel, TimeTravelError } from '../time-travel';
import type { LocalRoutes } from './front-door';
import type { HttpAnswer } from './http-answer';

/** What the routes below `/local/` act on. */
export interface LocalRoutesOptions {
  /** The token that they ask for. */
  readonly token: () => string | undefined;
  readonly now: () => number;
  readonly travel: () => TimeTravel;
}

/**
 * The routes that only local mode has: `GET /local/clock` answers `{"now"}`, `POST /local/clock` moves
 * service time by `{"advance"}` (seconds, or a duration such as `1h30m`) or on to `{"to"}` (milliseconds) and
 * answers `{"now", "steps"}`. They ask for the token, and to write for `Content-Type: application/json`, which
 * no web page can send here unasked.
 */
export function localRoutes(options: LocalRoutesOptions): LocalRoutes {
  return async (request, body) => {
    const path = (request.url ?? '').replace(/\?.*$/, '');
    if (!path.startsWith('/local/')) return undefined;
    if (!authorized(request, options.token())) return json(401, { error: 'unauthorized: the token is needed' });
    if (path !== '/local/clock') return json(404, { error: `there is no ${path}` });
    if (request.method === 'GET') return json(200, { now: options.now() });
    if (request.method !== 'POST') return json(405, { error: 'GET or POST' });
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      return json(415, { error: 'Content-Type must be application/json' });
    }
    try {
      return json(200, await travel(options.travel(), body));
    } catch (error) {
      if (error instanceof TimeTravelError || error instanceof HttpError) return json(400, { error: error.message });
      throw error;
    }
  };
}

function travel(timeTravel: TimeTravel, body: Buffer): Promise<Journey> {
  const { advance, to } = readJson(body);
  if (typeof to === 'number' && advance === undefined) return timeTravel.to(to);
  if (typeof advance === 'number' && to === undefined) return timeTravel.advance(advance * 1000);
  if (typeof advance === 'string' && to === undefined) {
    return timeTravel.advance(parseDuration(advance, 'advance') * 1000);
  }
  throw new TimeTravelError('The body must be {"advance": seconds or "1h30m"} or {"to": milliseconds}.');
}

function readJson(body: Buffer): { readonly advance?: unknown; readonly to?: unknown } {
  try {
    const value = JSON.parse(body.toString()) as unknown;
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Answered below like any other body that is no object.
  }
  throw new TimeTravelError('The body must be a JSON object.');
}

function authorized(request: IncomingMessage, token: string | undefined): boolean {
  const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined || token === undefined) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function json(status: number, value: object): HttpAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}

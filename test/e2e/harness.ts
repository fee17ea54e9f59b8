import path from 'node:path';
import { Client } from '@upstash/qstash';
import type { LogLine } from '../../local/functions/lambda-function';
import { type LocalOptions, type LocalService, startLocal } from '../../local/start-local';
import { type Reply, Sink } from './sink';

/** The service that `npm start` runs. */
export const ASSEMBLY = path.join(__dirname, '..', '..', 'assets', 'assembly');

/** A running service with the official client, and everything its functions have logged. */
export interface Running {
  readonly service: LocalService;
  readonly client: Client;
  readonly lines: readonly LogLine[];
  /** An authorized request to a path of the service, such as `/v2/messages`. */
  request(path: string, init?: RequestInit): Promise<Response>;
}

const closers: (() => Promise<void>)[] = [];

/** Starts the service on a free port; {@link closeAll} ends it. */
export async function start(options: Partial<LocalOptions> = {}): Promise<Running> {
  const lines: LogLine[] = [];
  const service = await startLocal({
    assembly: ASSEMBLY,
    port: 0,
    onLogLine: (line) => lines.push(line),
    ...(process.env.DYNAMODB_ENDPOINT === undefined ? {} : { dynamoDbEndpoint: process.env.DYNAMODB_ENDPOINT }),
    ...options,
  });
  closers.push(() => service.close());
  return {
    service,
    client: new Client({ baseUrl: service.url, token: service.token, retry: false, enableTelemetry: false }),
    lines,
    request: (route, init = {}) => {
      const headers = new Headers(init.headers);
      if (!headers.has('authorization')) headers.set('authorization', `Bearer ${service.token}`);
      return fetch(service.url + route, { ...init, headers });
    },
  };
}

/** Starts a sink on a free port; {@link closeAll} ends it. */
export async function startSink(reply?: (arrival: Parameters<Sink['reply']>[0]) => Reply | Promise<Reply>): Promise<Sink> {
  const sink = await new Sink(reply).listen();
  closers.push(() => sink.close());
  return sink;
}

/** For `afterEach` or `afterAll`. */
export async function closeAll(): Promise<void> {
  await Promise.all(closers.splice(0).map((close) => close()));
}

/** Resolves with what `look` gives once that is neither false nor undefined; looks every few milliseconds. */
export async function until<T>(look: () => T | false | undefined | Promise<T | false | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import path from 'node:path';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { Client, Receiver } from '@upstash/qstash';
import type { WaitList } from '../../lambda/message/wait-list';
import { type Item, LIMITS_SORT, listPartition } from '../../lambda/store/keys';
import type { Env } from '../../lib/names';
import { readAssembly } from '../../local/assembly/read-assembly';
import type { StackAssembly, TemplateResource } from '../../local/assembly/template';
import type { LogLine } from '../../local/functions/lambda-function';
import { type LocalOptions, type LocalService, startLocal } from '../../local/start-local';
import { expectAsDescribed } from './contract';
import { Sink } from './sink';

/** The service that `npm start` runs, or the one with the other front door. */
export const ASSEMBLY = process.env.E2E_ASSEMBLY ?? path.join(__dirname, '..', '..', 'assets', 'assembly');
export const FRONT_DOOR = process.env.E2E_ASSEMBLY === undefined ? 'httpApi' : 'functionUrl';

/** Address of a DynamoDB to use in place of the embedded one. */
const SHARED_DYNAMODB = process.env.DYNAMODB_ENDPOINT;

/** How to run the service: by default the assembly that `npm start` runs. */
export interface StartOptions extends Partial<LocalOptions> {
  /** Variables of the functions, in place of those that the template gives. */
  readonly environment?: { readonly [name in keyof typeof Env]?: string };
}

/** An answer of the service. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined for an empty answer. */
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly body: any;
}

/** What {@link Running.send} sends. */
export interface SendOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Address of this machine to send from, such as 127.0.0.2. */
  readonly from?: string;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** An entry of the log. */
export interface LogEntry extends Readonly<Record<string, unknown>> {
  readonly time: number;
  readonly messageId: string;
  readonly state: string;
  readonly nextDeliveryTime?: number;
}

/** A running service with the official client, and everything its functions have logged. */
export interface Running {
  readonly service: LocalService;
  readonly client: Client;
  /** Verifies with the keys that the service started with. */
  readonly receiver: Receiver;
  readonly lines: readonly LogLine[];
  /** An authorized request to a path of the service, such as `/v2/messages`. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** The same with its answer read. */
  json(path: string, init?: RequestInit): Promise<Answer>;
  /** A request by bare HTTP: nobody adds to it or corrects it. */
  send(method: string, path: string, options?: SendOptions): Promise<RawAnswer>;
  /** What happened to a message, oldest first. */
  events(messageId: string): Promise<LogEntry[]>;
  /** {@link events} once the message has ended. */
  ended(messageId: string): Promise<LogEntry[]>;
  /** Everything in the table but what the tick keeps for itself, in the order of keys. */
  items(): Promise<Item[]>;
  /** Who holds a slot of a list, and who waits: everything that the table holds of it but its limits. */
  entriesOf(list: WaitList): Promise<Item[]>;
}

const closers: (() => Promise<void>)[] = [];

// The client also tells the console of each refusal, which many tests provoke.
const { error } = console;
jest.spyOn(console, 'error').mockImplementation((...texts: unknown[]) => {
  if (!String(texts[0]).startsWith('[Upstash QStash]')) error(...texts);
});

/** Addresses of the services, whose answers are held to their description, whichever client asks. */
const urls = new Set<string>();
const bareFetch = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await bareFetch(...request);
  const { origin, pathname, search } = new URL(response.url);
  if (urls.has(origin)) {
    const [input, init] = request;
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    const contentType = response.headers.get('content-type');
    const text = await response.clone().text();
    expectAsDescribed({ method, path: pathname + search, status: response.status, contentType, text });
  }
  return response;
};

/** Starts the service on a free port; {@link closeAll} ends it. */
export async function start(options: StartOptions = {}): Promise<Running> {
  const lines: LogLine[] = [];
  const service = await startLocal({
    port: 0,
    onLogLine: (line) => lines.push(line),
    ...(SHARED_DYNAMODB === undefined ? {} : { dynamoDbEndpoint: SHARED_DYNAMODB }),
    ...options,
    assembly: assemblyOf(options),
  });
  closers.push(() => service.close());
  urls.add(service.url);
  const request: Running['request'] = (route, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${service.token}`);
    return fetch(service.url + route, { redirect: 'manual', ...init, headers });
  };
  const json: Running['json'] = async (route, init) => {
    const response = await request(route, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  const events: Running['events'] = async (messageId) =>
    (await json(`/v2/events?messageIds=${messageId}`)).body.events.reverse();
  return {
    service,
    client: new Client({ baseUrl: service.url, token: service.token, retry: false, enableTelemetry: false }),
    receiver: receiverOf(service.signingKeys),
    lines,
    request,
    json,
    send: (method, route, options) => send(service.url, method, route, options),
    events,
    ended: (messageId) =>
      until(async () => {
        const found = await events(messageId);
        return ['DELIVERED', 'FAILED', 'CANCELED'].includes(found.at(-1)?.state ?? '') && found;
      }),
    items: () => scanTable(service),
    entriesOf: async (list) =>
      (await scanTable(service)).filter(({ pk, sk }) => pk!.S === listPartition(list) && sk!.S !== LIMITS_SORT),
  };
}

/** A receiver with a pair of signing keys. */
export function receiverOf({ current, next }: { readonly current: string; readonly next: string }): Receiver {
  return new Receiver({ currentSigningKey: current, nextSigningKey: next });
}

/** The states of log entries, in their order. */
export const statesOf = (entries: readonly LogEntry[]): string[] => entries.map(({ state }) => state);

/** Starts a sink on a free port; {@link closeAll} ends it. */
export async function startSink(reply?: Sink['reply']): Promise<Sink> {
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

/** A DynamoDB that runs elsewhere serves several services: each has a table of its own there. */
function assemblyOf({ assembly = ASSEMBLY, dataDir, environment }: StartOptions): StackAssembly {
  const read = typeof assembly === 'string' ? readAssembly(assembly) : assembly;
  // Started again on the same data directory, a service finds its table again.
  const TableName = dataDir === undefined ? `e2e-${randomUUID()}` : path.basename(dataDir);
  const propertiesOf = ({ Type, Properties }: TemplateResource) => {
    if (Type === 'AWS::DynamoDB::Table' && SHARED_DYNAMODB !== undefined) return { ...Properties, TableName };
    if (Type !== 'AWS::Lambda::Function' || environment === undefined) return Properties;
    const { Variables } = Properties!.Environment as { Variables: object };
    return { ...Properties, Environment: { Variables: { ...Variables, ...environment } } };
  };
  const resources = Object.entries(read.template.Resources!).map(([id, resource]) => [
    id,
    { ...resource, Properties: propertiesOf(resource) },
  ]);
  return { ...read, template: { ...read.template, Resources: Object.fromEntries(resources) } };
}

function send(
  url: string,
  method: string,
  route: string,
  { headers = {}, body, from }: SendOptions = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const options = { hostname, port, method, path: route, localAddress: from, headers: { ...length, ...headers } };
    const request = httpRequest(options, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const contentType = response.headers['content-type'];
      const status = response.statusCode!;
      try {
        expectAsDescribed({ method, path: route, status, contentType, text });
      } catch (error) {
        reject(error);
      }
      resolve({ status, headers: response.headers, text });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function scanTable({ endpoints, resources }: LocalService): Promise<Item[]> {
  const table = Object.values(resources).find(({ type }) => type === 'AWS::DynamoDB::Table')!;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint: endpoints.dynamodb, region: 'us-east-1', credentials });
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName: table.ref, ExclusiveStartKey: from }));
    items.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  client.destroy();
  const keyOf = ({ pk, sk }: Item) => `${pk!.S}\n${sk!.S}`;
  return items.filter(({ pk }) => pk!.S !== 'promoter').sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

import type { Item } from '../../lambda/store/keys';
import { callAws } from '../../local/aws-json';
import type { LocalService } from '../../local/start-local';
import { type Reply, Sink } from '../e2e/sink';
import type { Arrival, Cancel, DeadLetterRequest, Dump, History, LogEntry, Publish } from './history';

/** Where a service is, and what time it has. */
export interface Access {
  readonly url: string;
  readonly token: string;
  now(): number;
}

/** What a publish asks for beside its headers; see {@link Publish}. */
export interface Asked extends Pick<Publish, 'delay' | 'retryDelay' | 'deduplicationId'> {
  readonly body?: string;
  /** The queue that it is enqueued in. */
  readonly queue?: string;
}

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** Asks a service for things, keeps what it was told, and is the destination of its messages. */
export class Ledger {
  readonly publishes: Publish[] = [];
  readonly cancels: Cancel[] = [];
  readonly deadLetterRequests: DeadLetterRequest[] = [];
  readonly arrivals: Arrival[] = [];
  readonly sink: Sink;
  /** What was published to each URL. */
  private readonly bodies = new Map<string, string>();

  /** `reply` says what a destination answers by its path and the number of the attempt. */
  constructor(
    public access: Access,
    reply: (path: string, retried: number) => Reply | Promise<Reply>,
  ) {
    this.sink = new Sink(async ({ path, headers, body }) => {
      const retried = Number(headers['upstash-retried']);
      const messageId = String(headers['upstash-message-id']);
      const published = this.bodies.get(this.sink.url(path));
      const isGarbled = published !== undefined && body.toString() !== published;
      const at = this.arrivals.push({ messageId, retried, arrivedAt: this.access.now(), isGarbled }) - 1;
      const answer = await reply(path, retried);
      const status = typeof answer === 'object' ? answer.status : answer;
      if (status !== 'hang') this.arrivals[at] = { ...this.arrivals[at]!, answeredAt: this.access.now(), status };
      return answer;
    });
  }

  /** The id that the publisher was told; undefined when it was told none. */
  async publish(
    url: string,
    headers: Readonly<Record<string, string>>,
    { body: content = 'body', queue, ...asked }: Asked = {},
  ): Promise<string | undefined> {
    const askedAt = this.access.now();
    this.bodies.set(url, content);
    const { status, body } = await this.send(
      'POST',
      queue === undefined ? `/v2/publish/${url}` : `/v2/enqueue/${queue}/${url}`,
      headers,
      content,
    );
    const messageId = status === 200 || status === 202 ? String(body.messageId) : undefined;
    const told = messageId === undefined ? {} : { messageId, answeredAt: this.access.now() };
    this.publishes.push({ url, status, askedAt, ...asked, ...told });
    return messageId;
  }

  /** Asks for something of which nothing is told here. */
  async ask(method: string, path: string, body?: object): Promise<void> {
    await this.send(method, path, {}, body && JSON.stringify(body));
  }

  async cancel(messageId: string): Promise<void> {
    const { status, body } = await this.send('DELETE', `/v2/messages/${messageId}`);
    this.cancels.push({ messageId, status, cancelled: Number(body.cancelled), answeredAt: this.access.now() });
  }

  /** Cancels what a query string means; of each it is known only whether all of them were canceled. */
  async cancelAll(query: string, messageIds: readonly string[]): Promise<void> {
    const { status, body } = await this.send('DELETE', `/v2/messages?${query}`);
    const cancelled = body.cancelled === messageIds.length ? 1 : 0;
    const answeredAt = this.access.now();
    for (const messageId of messageIds) this.cancels.push({ messageId, status, cancelled, answeredAt });
  }

  /** The id of the successor, if it is known to have one. */
  async retry(dlqId: string, headers: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
    const { status, body } = await this.send('POST', `/v2/dlq/retry/${dlqId}`, headers);
    const successor = status === 201 ? String(body.messageId) : undefined;
    this.deadLetterRequests.push({ dlqId, action: 'retry', status, ...(successor === undefined ? {} : { successor }) });
    return successor;
  }

  /** Retries several; those of which the answer has no successor were not there any more. */
  async retryAll(dlqIds: readonly string[], urlOf: ReadonlyMap<string, string>): Promise<void> {
    const { status, body } = await this.send('POST', `/v2/dlq/retry?dlqIds=${dlqIds.join(',')}`);
    const responses = (body.responses ?? []) as readonly { readonly messageId: string; readonly url: string }[];
    for (const dlqId of dlqIds) {
      const successor = responses.find(({ url }) => url === urlOf.get(dlqId))?.messageId;
      const told = status === 201 && successor === undefined ? 404 : status;
      const known = successor === undefined ? {} : { successor };
      this.deadLetterRequests.push({ dlqId, action: 'retry', status: told, ...known });
    }
  }

  async delete(dlqId: string): Promise<void> {
    const { status } = await this.send('DELETE', `/v2/dlq/${dlqId}`);
    this.deadLetterRequests.push({ dlqId, action: 'delete', status });
  }

  async deleteAll(dlqIds: readonly string[]): Promise<void> {
    const { status, body } = await this.send('DELETE', `/v2/dlq?dlqIds=${dlqIds.join(',')}`);
    const told = status === 200 && body.deleted !== dlqIds.length ? 500 : status;
    for (const dlqId of dlqIds) this.deadLetterRequests.push({ dlqId, action: 'delete', status: told });
  }

  /** Asks for something that may be asked for twice until the service says that it is done. */
  async insist(
    method: string,
    path: string,
    headers?: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Answer> {
    for (;;) {
      const answer = await this.send(method, path, headers, body);
      if (answer.status >= 200 && answer.status <= 299) return answer;
      if (answer.status > 0 && answer.status < 500) throw new Error(`${method} ${path} was refused: ${answer.status}`);
    }
  }

  /** What is to arrive at a URL, whoever publishes it. */
  expectBody(url: string, body: string): void {
    this.bodies.set(url, body);
  }

  /** The whole log. */
  async log(): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    let cursor = '';
    do {
      const { status, body } = await this.send('GET', `/v2/events?count=1000${cursor}`);
      if (status !== 200) throw new Error(`the log answered ${status}: ${JSON.stringify(body)}`);
      entries.push(...(body.events as LogEntry[]));
      cursor = body.cursor === undefined ? '' : `&cursor=${body.cursor}`;
    } while (cursor !== '');
    return entries;
  }

  history(dump: Dump, rest: Pick<History, 'lines'> & Partial<Pick<History, 'earlier' | 'log'>>): History {
    const { publishes, cancels, deadLetterRequests, arrivals } = this;
    return { publishes, cancels, deadLetterRequests, arrivals, dump, ...rest };
  }

  /** Forgets what it was told so far. */
  reset(): void {
    for (const list of [this.publishes, this.cancels, this.deadLetterRequests, this.arrivals, this.sink.arrivals]) {
      list.length = 0;
    }
    this.bodies.clear();
  }

  private async send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<Answer> {
    const authorization = `Bearer ${this.access.token}`;
    try {
      const init = { method, headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) };
      const response = await fetch(this.access.url + path, init);
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    } catch {
      return { status: 0, body: {} };
    }
  }
}

/** Everything that a service keeps. */
export async function dumpOf(service: LocalService, drained: boolean): Promise<Dump> {
  const queues = Object.entries(service.messages());
  const bodies = (name: string) => queues.find(([path]) => path.includes(`/${name}/`))![1];
  return {
    now: service.clock.now(),
    drained,
    table: await scan(service),
    objects: Object.values(service.objects()).flat(),
    queues: {
      deliveries: bodies('Deliveries'),
      failures: bodies('Failures'),
      redrive: bodies('Redrive'),
      wakes: bodies('Wakes'),
    },
  };
}

/** Name of a service's table. */
export function tableOf(service: LocalService): string {
  return nameOf(service, 'AWS::DynamoDB::Table');
}

/** Name of a service's bucket. */
export function bucketOf(service: LocalService): string {
  return nameOf(service, 'AWS::S3::Bucket');
}

function nameOf({ resources }: LocalService, wanted: string): string {
  return Object.values(resources).find(({ type }) => type === wanted)!.ref;
}

async function scan(service: LocalService): Promise<Item[]> {
  const items: Item[] = [];
  let ExclusiveStartKey: unknown;
  do {
    const input = { TableName: tableOf(service), ExclusiveStartKey };
    const page = await callAws(service.endpoints.dynamodb, 'DynamoDB_20120810.Scan', input);
    items.push(...(page.Items as Item[]));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return items;
}

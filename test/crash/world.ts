import type { Message } from '../../lambda/message/message';
import { derivedMessageId, dlqIdOf } from '../../lambda/message/message-id';
import type { AttemptRecord } from '../../lambda/message/message-state';
import { heldKey } from '../../lambda/store/body-key';
import { bodyReleaseKey, dlqKey, dueKey, type Item, N, S, stateKey } from '../../lambda/store/keys';
import { encodeAttempt, encodeInlineAttempt, encodeMessage, ttlOf } from '../../lambda/store/message-items';
import { encodeBodyHint, encodeHint } from '../../lambda/wait/hint';
import { newMessage } from '../lambda/messages';
import { check, type Rule } from './checker';
import type { Arrival, Cancel, DeadLetterRequest, Dump, LogEntry, Publish } from './history';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const DAY = 86_400 * SECOND;
export const T = 1_800_000_000_000;
export const EXPIRY = T + 8 * DAY;
export const DLQ_EXPIRY = T + 7 * DAY;

/** A service as it should be some minutes after T; each test breaks something in it. */
export class World {
  now = T + 5 * MINUTE;
  drained = true;
  readonly publishes: Publish[] = [];
  readonly cancels: Cancel[] = [];
  readonly deadLetterRequests: DeadLetterRequest[] = [];
  readonly arrivals: Arrival[] = [];
  readonly queues: Record<keyof Dump['queues'], string[]> = { deliveries: [], failures: [], redrive: [], wakes: [] };
  readonly lines: string[] = ['{"event":"delivered"}'];
  readonly log: LogEntry[] = [];
  table: Item[] = [];
  /** Keys of bodies in the bucket. */
  objects: string[] = [];
  earlier: Dump | undefined;

  rules(): Rule[] {
    const { publishes, cancels, deadLetterRequests, arrivals, lines, log, earlier } = this;
    const told = { publishes, cancels, deadLetterRequests, arrivals, lines, log };
    const found = check({ ...told, dump: this.dump(), ...(earlier === undefined ? {} : { earlier }) });
    return [...new Set(found.map(({ rule }) => rule))];
  }

  dump(): Dump {
    return {
      now: this.now,
      drained: this.drained,
      table: [...this.table],
      objects: [...this.objects],
      queues: structuredClone(this.queues),
    };
  }

  /** Publishes to a URL of its own. */
  publish(name: string, fields: Partial<Message> = {}, asked: Partial<Publish> = {}): Message {
    const url = `https://example.com/${name}`;
    const message = newMessage(T, { messageId: derivedMessageId(T, name), url, ...fields });
    this.put(message);
    this.publishes.push({ url, status: 200, messageId: message.messageId, askedAt: T, ...asked });
    return message;
  }

  put(message: Message): void {
    this.table.push(encodeMessage(message, EXPIRY));
  }

  /** A message whose body is held for it. */
  hold(name: string): Message {
    const messageId = derivedMessageId(T, name);
    const key = heldKey(messageId);
    this.objects.push(key);
    return this.publish(name, { stored: { key, size: 10_000 } });
  }

  /** An attempt that was made, a second after the last or when the message was due. */
  attempt(
    { messageId }: Message,
    attempt: number,
    at: number,
    status: number,
    outcome: AttemptRecord['outcome'],
    nextAt?: number,
  ): AttemptRecord {
    this.arrivals.push({ messageId, retried: attempt, arrivedAt: at + 5, answeredAt: at + 8, status });
    return {
      attempt,
      startedAt: at,
      endedAt: at + 10,
      status,
      header: {},
      body: new Uint8Array(),
      outcome,
      ...(nextAt === undefined ? {} : { nextAt }),
    };
  }

  state({ messageId }: Message, records: readonly AttemptRecord[], fields: Item): void {
    const [first, ...others] = records;
    for (const record of others) this.table.push(encodeAttempt(messageId, record, EXPIRY));
    this.table.push({
      ...stateKey(messageId),
      n: N(Math.max(0, records.length - 1)),
      lease: S('lease'),
      until: N(T + MINUTE),
      ...(records.length === 0
        ? {}
        : { start: N(records.at(-1)!.startedAt), ends: { L: records.map(({ endedAt }) => N(endedAt)) } }),
      ...(first === undefined ? {} : { r0: S(encodeInlineAttempt(first)) }),
      ...fields,
    });
    const state = fields.st?.S ?? '';
    if (['DELIVERED', 'FAILED', 'CANCELED'].includes(state)) this.log.push({ messageId, state });
  }

  deliver(message: Message): Message {
    const record = this.attempt(message, 0, message.notBefore + SECOND, 200, 'delivered');
    this.state(message, [record], { st: S('DELIVERED'), ...ttlOf(EXPIRY) });
    return message;
  }

  fail(message: Message): string {
    const record = this.attempt(message, 0, message.notBefore + SECOND, 500, 'failed');
    const dlqId = dlqIdOf(message.messageId, record.endedAt);
    this.state(message, [record], { st: S('FAILED'), dlq: S(dlqId), ...ttlOf(EXPIRY) });
    this.table.push({ ...dlqKey(dlqId)!, m: S(message.messageId), ...ttlOf(DLQ_EXPIRY) });
    return dlqId;
  }

  callback(source: Message, attempt: number, lane: Message['lane'], dlqId?: string): Message {
    const endedAt = Number(this.stateOf(source).ends!.L![attempt]!.N);
    const callback = newMessage(endedAt, {
      messageId: derivedMessageId(endedAt, source.messageId, lane, attempt),
      url: `${source.url}/${lane}`,
      notBefore: endedAt,
      lane,
      source: { messageId: source.messageId, attempt, endedAt, ...(dlqId === undefined ? {} : { dlqId }) },
    });
    this.put(callback);
    return callback;
  }

  /** The item of a message's state, to be changed. */
  stateOf({ messageId }: Message): Item {
    return this.find(stateKey(messageId));
  }

  find({ pk, sk }: Item): Item {
    return this.table.find((item) => item.pk!.S === pk!.S && item.sk!.S === sk!.S)!;
  }

  remove({ pk, sk }: Item): void {
    this.table = this.table.filter((item) => item.pk!.S !== pk!.S || item.sk!.S !== sk!.S);
  }

  hint({ messageId }: Message, attempt: number): void {
    this.queues.deliveries.push(encodeHint({ messageId, attempt, due: T }));
  }
}

export const CALLBACK = { url: 'https://example.com/callback', method: 'POST', header: {} } as const;

/** Everything has ended, each in its way. */
export function endedWorld() {
  const world = new World();
  const delivered = world.deliver(world.publish('delivered', { callback: CALLBACK }));
  const callback = world.deliver(world.callback(delivered, 0, 'deliveries'));

  const retried = world.publish('retried', { maxRetries: 1 }, { retryDelay: 30 * SECOND });
  const nextAt = T + 31 * SECOND + 10;
  const attempts = [
    world.attempt(retried, 0, T + SECOND, 503, 'retry', nextAt),
    world.attempt(retried, 1, nextAt + 500, 200, 'delivered'),
  ];
  world.state(retried, attempts, { st: S('DELIVERED'), ...ttlOf(EXPIRY) });

  const failed = world.publish('failed', { failureCallback: CALLBACK });
  const dlqId = world.fail(failed);
  const failureCallback = world.deliver(world.callback(failed, 0, 'failures', dlqId));

  const canceled = world.publish('canceled');
  world.cancels.push({ messageId: canceled.messageId, status: 200, cancelled: 1, answeredAt: T + 3 * SECOND });
  world.state(canceled, [], { st: S('CANCELED'), ca: N(T + 2 * SECOND), ...ttlOf(EXPIRY) });

  const first = world.publish('again');
  const movedId = world.fail(first);
  world.remove(dlqKey(movedId)!);
  const successor = newMessage(T + MINUTE, { messageId: derivedMessageId(T + MINUTE, 'successor'), url: first.url });
  world.put(successor);
  world.deliver(successor);
  world.deadLetterRequests.push({ dlqId: movedId, action: 'retry', status: 201, successor: successor.messageId });

  const unique = world.deliver(world.publish('unique', {}, { deduplicationId: 'one' }));
  const told = { url: unique.url, messageId: unique.messageId, deduplicationId: 'one' };
  world.publishes.push({ ...told, status: 202, askedAt: T + MINUTE });

  const held = world.deliver(world.hold('held'));
  const release = { ...bodyReleaseKey(held.messageId, EXPIRY), h: S(encodeBodyHint(held)), lane: S('deliveries') };
  world.table.push(release);
  return {
    world,
    delivered,
    callback,
    retried,
    failed,
    dlqId,
    failureCallback,
    canceled,
    first,
    movedId,
    successor,
    unique,
    held,
    release,
  };
}

/** One message waits for its first attempt, one is under way, one waits for its retry. */
export function openWorld() {
  const world = new World();
  world.drained = false;
  const created = world.publish('created', { notBefore: T + 10 * MINUTE });
  world.hint(created, 0);
  const active = world.publish('active');
  world.arrivals.push({ messageId: active.messageId, retried: 0, arrivedAt: T + SECOND });
  world.state(active, [], { st: S('ACTIVE'), start: N(T + SECOND) });
  world.hint(active, 0);
  const retry = world.publish('retry', { callback: CALLBACK });
  const nextAt = T + 20 * MINUTE;
  world.state(retry, [world.attempt(retry, 0, T + SECOND, 500, 'retry', nextAt)], {
    st: S('RETRY'),
    n: N(1),
    due: N(nextAt),
  });
  const callback = world.deliver(world.callback(retry, 0, 'deliveries'));
  const body = encodeHint({ messageId: retry.messageId, attempt: 1, due: nextAt });
  world.table.push({ ...dueKey(retry.messageId, nextAt), h: S(body), lane: S('deliveries') });
  return { world, created, active, retry, callback, due: dueKey(retry.messageId, nextAt) };
}

import { randomUUID } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { isTerminal } from '../../lambda/message/message-state';
import { N, stateKey } from '../../lambda/store/keys';
import type { StackAssembly } from '../../local/assembly/template';
import { type Interceptor, LOCAL_REGION } from '../../local/aws-call';
import { callAws } from '../../local/aws-json';
import { type LocalResource, type LocalService, startLocal } from '../../local/start-local';
import { until } from '../e2e/harness';
import type { Reply } from '../e2e/sink';
import { check, type Violation } from './checker';
import { Faults, type HeldHint, type PlannedFault } from './faults';
import { type Dump, readDump } from './history';
import { type Asked, bucketOf, dumpOf, Ledger, tableOf } from './ledger';

const MINUTE = 60_000;
/** What a drain moves time on by, step by step, unless everything has ended. */
const DRAIN_STEPS = [70_000, 5 * MINUTE, ...Array<number>(12).fill(20 * MINUTE)];
/** For how long a hint is hidden at most: the visibility timeout of the queues. */
const LONGEST_HIDDEN = 90 * MINUTE;
/** Requests to the service at a time. */
const AT_A_TIME = 8;
/** SQS's limit for one SendMessageBatch, and DynamoDB's for one BatchWriteItem. */
const BATCH_MESSAGES = 10;
const BATCH_WRITES = 25;

/** The messages that share the fate of one call. */
export class Cell {
  /** By number, undefined where the publisher was told none. */
  readonly ids: (string | undefined)[] = [];

  constructor(
    readonly stage: Stage,
    readonly tag: string,
    private readonly size: number,
    readonly fault: PlannedFault | undefined,
  ) {}

  /** Where a message of this cell goes; `script` says what is answered there (see {@link Stage}). */
  url(script: string, index = 0): string {
    return this.stage.ledger.sink.url(`/${this.tag}/${index}/${script}`);
  }

  /** Publishes all messages of the cell, one after the other. */
  async publish(script: string, headers: Readonly<Record<string, string>> = {}, asked?: Asked): Promise<void> {
    for (let index = 0; index < this.size; index++) {
      const own = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          /Callback$/.test(name) ? this.url(`${value}/callback`, index) : value.replace('$', `${this.tag}-${index}`),
        ]),
      );
      const deduplicationId = own['Upstash-Deduplication-Id'];
      this.ids[index] = await this.stage.ledger.publish(
        this.url(script, index),
        { 'Upstash-Timeout': '5s', ...own },
        { ...asked, ...(deduplicationId === undefined ? {} : { deduplicationId }) },
      );
    }
  }

  /** The ids that are known. */
  get known(): string[] {
    return this.ids.filter((id) => id !== undefined);
  }
}

/**
 * A service in which every hint waits until the stage sends it on, those of a cell together: cells run side by
 * side, but no invocation is of two, unless hints come back by themselves. A destination's script is the third
 * part of its path: `ok` answers 200, `fail` 500, `once` 500 to the first attempt only, `hold` 200 and `holdfail`
 * 500 once the stage lets go, `mend` 500 until the stage mends it, `slow` 200 after a moment.
 */
export class Stage {
  readonly ledger: Ledger;
  cells: readonly Cell[] = [];
  private count = 0;
  private letGo: Promise<void> = Promise.resolve();
  private release: () => void = () => undefined;
  private mended = false;

  private constructor(
    readonly service: LocalService,
    readonly faults: Faults,
    /** Messages of each cell. */
    readonly size: number,
    private readonly lines: string[],
  ) {
    const { url, token, clock } = service;
    this.ledger = new Ledger({ url, token, now: () => clock.now() }, (path, retried) => this.reply(path, retried));
  }

  /** With `intercept` hints are not held back, and calls pass it first. */
  static async start(assembly: StackAssembly, size: number, intercept?: Interceptor): Promise<Stage> {
    const faults = new Faults(intercept === undefined);
    const lines: string[] = [];
    const service = await startLocal({
      assembly,
      port: 0,
      intercept:
        intercept === undefined
          ? faults.intercept
          : (call, execute) => intercept(call, () => faults.intercept(call, execute)),
      onLogLine: ({ text }) => lines.push(text),
    });
    faults.attach(service);
    const stage = new Stage(service, faults, size, lines);
    await stage.ledger.sink.listen();
    return stage;
  }

  async close(): Promise<void> {
    this.release();
    await this.service.close();
    await this.ledger.sink.close();
  }

  /** Begins with new cells, one for each fault. A single cell owns also the calls that name no message. */
  open(faults: readonly (PlannedFault | undefined)[]): void {
    this.cells = faults.map((fault) => {
      const cell = new Cell(this, `cell${++this.count}`, this.size, fault);
      this.faults.watch(cell.tag, fault);
      return cell;
    });
    this.faults.only = faults.length === 1 ? this.cells[0]!.tag : undefined;
    this.mended = false;
    this.letGo = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** Does something with every cell, several at a time. */
  async each(act: (cell: Cell) => Promise<unknown>): Promise<void> {
    const waiting = [...this.cells];
    const work = async () => {
      for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) await act(cell);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
  }

  /** Does something with one cell after the other, which owns all calls meanwhile. */
  async inTurn(act: (cell: Cell) => Promise<unknown>): Promise<void> {
    const { only } = this.faults;
    for (const cell of this.cells) {
      this.faults.only = cell.tag;
      await act(cell);
    }
    this.faults.only = only;
  }

  /** Plays with the cells' faults. */
  async armed(play: () => Promise<unknown>): Promise<void> {
    this.faults.arm();
    try {
      await play();
    } finally {
      this.faults.disarm();
    }
  }

  /** Plays with a fault that is no cell's own, but comes before it in each of them. */
  async fault(fault: PlannedFault, play: () => Promise<unknown>): Promise<void> {
    for (const { tag } of this.cells) this.faults.watch(tag, fault);
    await this.armed(play);
    for (const { tag, fault: own } of this.cells) {
      if (!this.faults.hasFired(tag)) throw new Error(`${fault.call} was not called in ${tag}`);
      this.faults.watch(tag, own);
    }
  }

  /** Sends the hints on that are held back, those of a cell together; `delay` in seconds replaces their own. */
  async flush(delay?: number): Promise<void> {
    const batches = new Map<string, { queueUrl: string; entries: object[] }>();
    for (const { tag, queueUrl, body, delaySeconds, groupId } of this.faults.takeHeld()) {
      const key = `${tag} ${queueUrl} ${delay ?? delaySeconds}`;
      const batch = batches.get(key) ?? { queueUrl, entries: [] };
      batches.set(key, batch);
      const when =
        groupId === undefined
          ? { DelaySeconds: delay ?? delaySeconds }
          : { MessageGroupId: groupId, MessageDeduplicationId: randomUUID() };
      batch.entries.push({ Id: String(batch.entries.length), MessageBody: body, ...when });
    }
    for (const { queueUrl, entries } of batches.values()) {
      for (let start = 0; start < entries.length; start += BATCH_MESSAGES) {
        await this.send(queueUrl, entries.slice(start, start + BATCH_MESSAGES));
      }
    }
  }

  /** Puts hints on the redrive queue, where SQS would put them after ten receives. */
  async toRedrive(hints: readonly HeldHint[]): Promise<void> {
    for (const { body } of hints) await this.send(this.queueUrl('Redrive'), [{ Id: '0', MessageBody: body }]);
  }

  /** Replaces the tokens by the same ones, as of now. */
  async renewTokens(): Promise<void> {
    const [, { arn }] = Object.entries(this.service.resources).find(
      ([path, { type }]) => type === 'AWS::SecretsManager::Secret' && path.includes('/TokenSecret/'),
    )!;
    const endpoint = this.service.endpoints.secretsManager;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new SecretsManagerClient({ endpoint, region: LOCAL_REGION, credentials });
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString }));
    client.destroy();
  }

  /** Takes all hints of deliveries off their queue, those too that would come back after a while. */
  async purge(): Promise<void> {
    const QueueUrl = this.queueUrl('Deliveries');
    await callAws(this.service.endpoints.sqs, 'AmazonSQS.PurgeQueue', { QueueUrl });
  }

  private queueUrl(name: string): string {
    const isMeant = ([path, { type }]: [string, LocalResource]) =>
      type === 'AWS::SQS::Queue' && path.includes(`/${name}/`);
    return Object.entries(this.service.resources).find(isMeant)![1].ref;
  }

  /** Puts messages on a queue at once, and waits until whoever reads it has them. */
  private async send(QueueUrl: string, Entries: object[]): Promise<void> {
    await callAws(this.service.endpoints.sqs, 'AmazonSQS.SendMessageBatch', { QueueUrl, Entries });
    const isRead = () =>
      Object.entries(this.service.queues()).every(
        ([path, { receivable }]) => !receivable || path.includes('/Redrive/'),
      );
    await until(isRead);
  }

  /** Lets everything happen that needs no time to pass. */
  async settle(): Promise<void> {
    for (;;) {
      await this.service.whenIdle();
      if (!this.faults.isHolding) return;
      await this.flush();
    }
  }

  /** Lets time pass, and everything happen by then. */
  async advance(milliseconds: number): Promise<void> {
    await this.service.advance(milliseconds);
    await this.settle();
  }

  /** Lets time pass until just behind a tick. */
  async align(): Promise<void> {
    const now = this.service.clock.now();
    await this.advance(Math.ceil(now / MINUTE) * MINUTE + 2_000 - now);
  }

  /** Answers the destinations that hold. */
  letGoOfDestinations(): void {
    this.release();
  }

  /** Lets the destinations answer that fail until they are mended. */
  mend(): void {
    this.mended = true;
  }

  dump(drained = false): Promise<Dump> {
    return dumpOf(this.service, drained);
  }

  /** The dead letters there are, by the tag of their message's cell. */
  async deadLetters(): Promise<ReadonlyMap<string, readonly { readonly dlqId: string; readonly url: string }[]>> {
    const { messages, deadLetters } = readDump(await this.dump());
    const found = new Map<string, { dlqId: string; url: string }[]>();
    for (const { dlqId, messageId } of deadLetters.values()) {
      const { url } = messages.get(messageId)!.message;
      const tag = url.split('/')[3]!;
      found.set(tag, [...(found.get(tag) ?? []), { dlqId, url }]);
    }
    return found;
  }

  /** Sets attributes of the state items of all messages, as if something had happened to them before. */
  async setState(values: Readonly<Record<string, number>>): Promise<void> {
    const names = Object.keys(values);
    await this.each((cell) =>
      Promise.all(
        cell.known.map((id) =>
          callAws(this.service.endpoints.dynamodb, 'DynamoDB_20120810.UpdateItem', {
            TableName: tableOf(this.service),
            Key: stateKey(id),
            UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
            ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
            ExpressionAttributeValues: Object.fromEntries(names.map((name) => [`:${name}`, N(values[name]!)])),
          }),
        ),
      ),
    );
  }

  /**
   * Ends what was begun: looks at what is there, gives everything the time it needs without further faults, looks
   * again, and leaves an empty table. Returns what was found broken.
   */
  async finish(): Promise<Violation[]> {
    this.faults.disarm();
    this.release();
    await this.settle();
    const earlier = await this.dump();
    const found = check(this.ledger.history(earlier, { lines: this.lines }));
    const dump = await this.drain();
    const log = await this.faults.unseen(() => this.ledger.log());
    found.push(...check(this.ledger.history(dump, { lines: [], earlier, log })));
    await this.clear(dump);
    return found;
  }

  private async drain(): Promise<Dump> {
    for (const step of DRAIN_STEPS) {
      const dump = await this.dump(true);
      const { messages, due, hints } = readDump(dump);
      const isOver = [...messages.values()].every(({ state }) => isTerminal(state)) && due.length + hints.length === 0;
      if (isOver && dump.queues.redrive.length + dump.queues.wakes.length === 0) return dump;
      const dueIn = hints.length === 0 ? Math.min(...due.map(({ at }) => at - dump.now)) : 0;
      await this.advance(Math.max(step, Number.isFinite(dueIn) ? dueIn : 0));
    }
    return this.dump(true);
  }

  /** Deletes everything but what the tick keeps for itself. */
  private async clear({ table, objects, queues }: Dump): Promise<void> {
    const items = table.filter(({ pk }) => pk!.S !== 'promoter' && pk!.S !== 'keys');
    for (let start = 0; start < items.length; start += BATCH_WRITES) {
      const writes = items
        .slice(start, start + BATCH_WRITES)
        .map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }));
      const RequestItems = { [tableOf(this.service)]: writes };
      await callAws(this.service.endpoints.dynamodb, 'DynamoDB_20120810.BatchWriteItem', { RequestItems });
    }
    for (const key of objects)
      await fetch(`${this.service.endpoints.s3}/${bucketOf(this.service)}/${key}`, { method: 'DELETE' });
    this.ledger.reset();
    this.faults.reset();
    this.lines.length = 0;
    // What is left on a queue has been found already. Without its message it is dropped once it becomes visible.
    if (Object.values(queues).flat().length > 0) await this.advance(LONGEST_HIDDEN);
  }

  private async reply(path: string, retried: number): Promise<Reply> {
    const script = path.split('/')[3] ?? '';
    switch (script) {
      case 'ok':
        return 200;
      case 'fail':
        return 500;
      case 'once':
        return retried === 0 ? 500 : 200;
      case 'mend':
        return this.mended ? 200 : 500;
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, 150));
        return 200;
      case 'hold':
        await this.letGo;
        return 200;
      case 'holdfail':
        await this.letGo;
        return 500;
      default:
        throw new Error(`no such script: ${script}`);
    }
  }
}

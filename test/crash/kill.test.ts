import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { startLocal } from '../../local/start-local';
import { until } from '../e2e/harness';
import type { Reply } from '../e2e/sink';
import { check } from './checker';
import { readDump } from './history';
import { dumpOf, Ledger } from './ledger';
import { randomOf, seedOf } from './random';

const ROOT = path.join(__dirname, '..', '..');
const ROUNDS = process.env.NIGHTLY === undefined ? 1 : 3;
/** SQS gives a hint up to the redrive queue after ten receives, and every restart is one more. */
const KILLS_IN_ROUND = 7;
/**
 * Messages that are acknowledged and not at their end when the process is killed, at least, and requests of them
 * that a destination has not answered.
 */
const UNDER_WAY = 500;
const OPEN = 10;
/** Messages published beyond that while a process lives, so that some are not claimed by the last one. */
const FRESH = 50;
const PUBLISHERS = 8;
/** Milliseconds that a process lives, and that a destination takes, at most. */
const LONGEST_LIFE = 500;
const SLOWEST = 2_000;
const MINUTE = 60_000;
/** How far time is moved on after a kill, at most. */
const RECOVERY_MS = 2 * MINUTE;

/** Each message is one of these: what its destination answers, and what its publisher asks for. */
const KINDS: readonly { readonly statuses: readonly number[]; readonly headers: Readonly<Record<string, string>> }[] = [
  { statuses: [200], headers: {} },
  { statuses: [200], headers: { 'Upstash-Callback': 'callback' } },
  { statuses: [503, 200], headers: {} },
  { statuses: [500], headers: { 'Upstash-Retries': '0', 'Upstash-Failure-Callback': 'callback' } },
];
/** Short, so that the lease of an attempt whose process was killed ends soon. */
const HEADERS = { 'Upstash-Timeout': '5s', 'Upstash-Retries': '1', 'Upstash-Retry-Delay': '0' };

/** Local mode as its own process. */
class Service {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly token: string,
  ) {}

  /** Resolves when it says that it runs. */
  static async start(dataDir: string): Promise<Service> {
    const args = [path.join(ROOT, 'dist-bin', 'cdk-qstash.mjs'), 'dev', '--port', '0', '--data', dataDir];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => said.push(line));
    let exited = false;
    child.once('exit', () => {
      exited = true;
    });
    const find = (pattern: RegExp) => said.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
    const token = await until(() => exited || find(/^export QSTASH_TOKEN='(.+)'$/));
    if (typeof token !== 'string') throw new Error(`it ended before it ran:\n${said.join('\n')}`);
    return new Service(child, find(/^QStash is running at (.+)$/)!, token);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }

  /** Lets time pass; returns what time it is then. */
  async advance(milliseconds: number): Promise<number> {
    const response = await fetch(`${this.url}/local/clock`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ advance: milliseconds / 1000 }),
    });
    expect(response.status).toBe(200);
    return ((await response.json()) as { now: number }).now;
  }
}

/** Publishes so many messages that enough are under way, and is their destination. */
class Load {
  readonly ledger: Ledger;
  /** Messages that were acknowledged and have not had their last answer. */
  underWay = 0;
  private readonly acknowledged = new Set<string>();
  private readonly finished = new Set<string>();
  private next = 0;
  private ahead = 0;
  private process = 0;
  private slowest = SLOWEST;

  constructor(private readonly random: () => number) {
    const access = { url: '', token: '', now: () => Date.now() + this.ahead };
    this.ledger = new Ledger(access, (arrivedAt, retried) => this.reply(arrivedAt, retried));
  }

  /** Requests of the running process that wait for their answer. */
  open = 0;

  use({ url, token }: Service): void {
    this.ledger.access = { ...this.ledger.access, url, token };
  }

  /** Nobody waits for an answer any more. */
  isDead(): void {
    this.open = 0;
    this.process++;
  }

  /** Gives a service the time to end everything; until it is over nobody here knows what time that is. */
  async recover(service: Service): Promise<void> {
    const { arrivals } = this.ledger;
    const before = arrivals.length;
    this.slowest = 0;
    const now = await service.advance(RECOVERY_MS);
    this.slowest = SLOWEST;
    for (let at = before; at < arrivals.length; at++) arrivals[at] = { ...arrivals[at]!, arrivedAt: now };
    this.ahead = now - Date.now();
  }

  /** Publishes until the process dies: at once what is too few, and some all the time. */
  async publish(): Promise<void> {
    const { process } = this;
    const publisher = async () => {
      while (process === this.process) {
        await this.publishOne();
        if (this.underWay >= UNDER_WAY + FRESH) await new Promise((resolve) => setTimeout(resolve, 500));
      }
    };
    await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
  }

  private async publishOne(): Promise<void> {
    const number = this.next++;
    const kind = number % KINDS.length;
    const url = this.ledger.sink.url(`/${number}/${kind}`);
    const own = Object.entries(KINDS[kind]!.headers).map(([name, value]) => [name, `${url}/${value}`]);
    const messageId = await this.ledger.publish(url, { ...HEADERS, ...Object.fromEntries(own) });
    if (messageId === undefined) return;
    this.acknowledged.add(url);
    if (!this.finished.has(url)) this.underWay++;
  }

  private async reply(path: string, retried: number): Promise<Reply> {
    const [, , kind, callback] = path.split('/');
    const { statuses } = KINDS[Number(kind)]!;
    const status = callback === undefined ? statuses[Math.min(retried, statuses.length - 1)]! : 200;
    const { process } = this;
    this.open++;
    // What fails does so at once: there is more to do after it.
    if (status === 200) await new Promise((resolve) => setTimeout(resolve, this.slowest * this.random()));
    if (process === this.process) this.open--;
    const url = this.ledger.sink.url(path);
    if (callback === undefined && retried >= statuses.length - 1 && !this.finished.has(url)) {
      this.finished.add(url);
      if (this.acknowledged.has(url)) this.underWay--;
    }
    return status;
  }
}

test('a service that is killed again and again loses nothing that it has acknowledged', async () => {
  const seed = seedOf('KILL_SEED');
  const random = randomOf(seed);
  const load = new Load(random);
  const dataDir = mkdtempSync(path.join(tmpdir(), 'qstash-kill-'));
  const kills: string[] = [];
  await load.ledger.sink.listen();
  let service = await Service.start(dataDir);
  try {
    load.use(service);
    for (let round = 0; round < ROUNDS; round++) {
      for (let kill = 0; kill < KILLS_IN_ROUND; kill++) {
        const publishing = load.publish();
        await until(() => load.underWay >= UNDER_WAY && load.open >= OPEN);
        await new Promise((resolve) => setTimeout(resolve, LONGEST_LIFE * random()));
        kills.push(`${load.underWay}/${load.open}`);
        await service.end('SIGKILL');
        load.isDead();
        await publishing;
        service = await Service.start(dataDir);
        load.use(service);
      }
      await load.recover(service);
    }
    await service.end('SIGTERM');
    const acknowledged = load.ledger.publishes.flatMap(({ messageId }) => messageId ?? []);

    // The same data, where it can be looked into.
    const lines: string[] = [];
    const reopened = await startLocal({
      assembly: path.join(ROOT, 'assets', 'assembly'),
      dataDir,
      port: 0,
      onLogLine: ({ text }) => lines.push(text),
    });
    const earlier = await dumpOf(reopened, false);
    const { messages } = readDump(earlier);
    const states = acknowledged.map((id) => messages.get(id)?.state.state ?? 'lost');
    const open = states.filter((state) => state !== 'DELIVERED' && state !== 'FAILED');
    const found = check(load.ledger.history(earlier, { lines }));
    load.ledger.access = { ...load.ledger.access, now: () => reopened.clock.now() };
    // What nobody was told of may have been left for the tick to find.
    await reopened.advance(25 * MINUTE);
    const dump = await dumpOf(reopened, true);
    found.push(...check(load.ledger.history(dump, { lines, earlier })));
    await reopened.close();
    process.stdout.write(
      `KILL_SEED=${seed}: ${acknowledged.length} acknowledged, under way/open at the destination when killed: ${kills.join(' ')}\n`,
    );
    expect({ seed, open, found }).toEqual({ seed, open: [], found: [] });
  } finally {
    await service.end('SIGKILL');
    await load.ledger.sink.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 400_000);

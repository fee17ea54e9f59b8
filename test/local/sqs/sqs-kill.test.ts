import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceClock } from '../../../local/clock';
import { SqsServer } from '../../../local/sqs/sqs-server';
import { startChild } from './child-server';
import { Probe } from './probe';

const ROUNDS = 4;
const SENDERS = 4;
const CONSUMERS = 2;
const QUEUE = 'killed';

/** What clients know after a server died under them. */
class Ledger {
  readonly sent = new Set<string>();
  readonly deleteAsked = new Set<string>();
  readonly deleted = new Set<string>();
  answers = 0;
  private next = 0;

  /** Keeps asking until the server is gone. */
  async load(probe: Probe, url: string, enough: () => void, limit: number): Promise<void> {
    const answered = (): void => {
      if (++this.answers === limit) enough();
    };
    const send = async (): Promise<never> => {
      for (;;) {
        const body = `m${this.next++}`;
        await probe.send(url, body);
        this.sent.add(body);
        answered();
      }
    };
    const consume = async (): Promise<never> => {
      for (;;) {
        for (const message of await probe.receive(url, { MaxNumberOfMessages: 2, WaitTimeSeconds: 1 })) {
          this.deleteAsked.add(message.Body!);
          await probe.delete(url, message);
          this.deleted.add(message.Body!);
          answered();
        }
      }
    };
    this.answers = 0;
    const clients = [...Array(SENDERS).fill(send), ...Array(CONSUMERS).fill(consume)] as (() => Promise<never>)[];
    await Promise.allSettled(clients.map((client) => client()));
  }
}

test('a server that is killed under load has kept every answer it gave', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sqs-kill-'));
  const ledger = new Ledger();
  for (let round = 0; round < ROUNDS; round++) {
    const child = await startChild(['--import', 'tsx', join(__dirname, 'sqs-child.ts'), dir]);
    const probe = new Probe({ endpoint: child.endpoint, stop: () => child.kill() });
    const url = `${child.endpoint}/000000000000/${QUEUE}`;
    if (round === 0) await probe.named(QUEUE);
    let killed: Promise<void> | undefined;
    await ledger.load(
      probe,
      url,
      () => {
        killed = child.kill();
      },
      150 + 70 * round,
    );
    await killed;
    probe.client.destroy();
  }

  const clock = new ServiceClock();
  const server = new SqsServer({ clock, dir });
  const left: string[] = [];
  for (;;) {
    const messages = await server.receive(QUEUE, { max: 10, waitMs: 0 });
    if (messages.length === 0) break;
    left.push(...messages.map(({ Body }) => Body));
  }
  await server.close();
  clock.stop();
  rmSync(dir, { recursive: true });

  const lost = [...ledger.sent].filter((body) => !ledger.deleteAsked.has(body) && !left.includes(body));
  const back = left.filter((body) => ledger.deleted.has(body));
  expect({ lost, back, twice: left.length - new Set(left).size }).toEqual({ lost: [], back: [], twice: 0 });
  expect(ledger.sent.size).toBeGreaterThan(100);
  expect(ledger.deleted.size).toBeGreaterThan(10);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../sqs/child-server';
import { definitions, type Item, keySchema, N, Probe, S, startingServers } from './probe';

const ROUNDS = 5;
const WRITERS = 6;
const ITEMS = 40;
const GROUPS = 5;
/** Items that one transaction writes: so many that a kill often falls into one. */
const MEMBERS = 30;
const DAY_S = 86_400;

/** What clients know after a server died under them: the last write of each item that was answered. */
class Ledger {
  readonly versions = new Map<string, number>();
  readonly groups = new Map<number, number>();
  answers = 0;
  private next = 0;

  constructor(private readonly table: string) {}

  /** Keeps writing until the server is gone. */
  async load(db: Probe, enough: () => void, limit: number): Promise<void> {
    this.answers = 0;
    const answered = () => {
      if (++this.answers === limit) enough();
    };
    const ends = await Promise.allSettled(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (;;) {
          const turn = this.next++;
          if (turn % 3 === 0) await this.writeGroup(db, turn % GROUPS, turn);
          // A writer has items of its own, so that the last answer is the last write.
          else await this.write(db, `item${WRITERS * (turn % ITEMS) + writer}`, turn);
          answered();
        }
      }),
    );
    if (this.answers < limit) throw (ends[0] as PromiseRejectedResult).reason;
  }

  /** Moves an item to another index key and another time to expire, or takes it out of both. */
  private async write(db: Probe, pk: string, version: number): Promise<void> {
    if (version % 10 === 0) await db.put(this.table, { pk: S(pk), version: N(version) });
    else {
      const expression = 'SET version = :v, slot = :b, expires = :e';
      const values = { ':v': N(version), ':b': S(`b${version % 7}`), ':e': N(expiry(version)) };
      await db.update(this.table, { pk: S(pk) }, expression, values);
    }
    this.versions.set(pk, version);
  }

  /** Writes the members of a group as one. */
  private async writeGroup(db: Probe, group: number, version: number): Promise<void> {
    const items = Array.from({ length: MEMBERS }, (_, i) => ({
      pk: S(`group${group}-${i}`),
      version: N(version),
      slot: S(`g${(version + i) % 4}`),
    }));
    await db.transact(items.map((Item) => ({ Put: { TableName: this.table, Item } })));
    this.groups.set(group, Math.max(version, this.groups.get(group) ?? -1));
  }
}

/** A time some days after the test. */
function expiry(version: number): number {
  return Math.floor(Date.now() / 1000) + DAY_S * (1 + (version % 5));
}

async function all(db: Probe, table: string, IndexName?: string): Promise<Map<string, Item>> {
  const items = new Map<string, Item>();
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await db.scan(table, { IndexName, ExclusiveStartKey });
    for (const item of page.Items!) {
      expect(items.has(item.pk!.S!)).toBe(false);
      items.set(item.pk!.S!, item);
    }
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return items;
}

const start = startingServers();

test('a server that is killed under load has every answered write, whole transactions and true indexes', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'dynamodb-kill-'));
  const before = await start({ dir });
  const table = await before.db.newTable({
    AttributeDefinitions: definitions({ pk: 'S', slot: 'S' }),
    KeySchema: keySchema('pk'),
    GlobalSecondaryIndexes: [
      { IndexName: 'bySlot', KeySchema: keySchema('slot'), Projection: { ProjectionType: 'ALL' } },
    ],
  });
  await before.server.setTimeToLive(table, 'expires');
  await before.stop();

  const ledger = new Ledger(table);
  for (let round = 0; round < ROUNDS; round++) {
    const child = await startChild(['--import', 'tsx', join(__dirname, 'dynamodb-child.ts'), dir]);
    const probe = new Probe({ endpoint: child.endpoint, stop: () => child.kill() });
    let killed: Promise<void> | undefined;
    const kill = () => {
      killed = child.kill();
    };
    await ledger.load(probe, kill, 120 + 50 * round);
    await killed;
    probe.client.destroy();

    const { server, clock, db, stop } = await start({ dir });
    const items = await all(db, table);
    const versionOf = (pk: string) => Number(items.get(pk)?.version?.N ?? -1);
    const lost = [...ledger.versions].filter(([pk, version]) => versionOf(pk) < version);
    expect(lost).toEqual([]);
    for (const [group, version] of ledger.groups) {
      const versions = new Set(Array.from({ length: MEMBERS }, (_, i) => versionOf(`group${group}-${i}`)));
      expect(versions.size).toBe(1);
      expect(Math.min(...versions)).toBeGreaterThanOrEqual(version);
    }
    const indexed = [...items].filter(([, { slot }]) => slot !== undefined);
    expect(await all(db, table, 'bySlot')).toEqual(new Map(indexed));

    if (round === ROUNDS - 1) {
      clock.advanceTo(clock.now() + 10 * DAY_S * 1000);
      while (server.expiring) await new Promise((resolve) => setImmediate(resolve));
      const lasting = [...items].filter(([, { expires }]) => expires === undefined);
      expect(await all(db, table)).toEqual(new Map(lasting));
      expect(clock.nextTimerAt()).toBeUndefined();
      expect(lasting.length).toBeLessThan(items.size);
    }
    await stop();
  }
  rmSync(dir, { recursive: true });
  expect(ledger.versions.size).toBeGreaterThan(30);
  expect(ledger.groups.size).toBe(GROUPS);
});

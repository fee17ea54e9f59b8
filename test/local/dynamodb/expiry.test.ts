import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { ServiceClock } from '../../../local/clock';
import type { DynamoDbServer } from '../../../local/dynamodb/dynamodb-server';
import { definitions, type Item, keySchema, N, type Probe, S, startingServers } from './probe';

const HOUR_S = 3600;
const NAMES = { ExpressionAttributeNames: { '#t': 'ttl' } };
/** An item is gone by so many seconds after its time. */
const LATEST_S = 31;

/** A clock that knows how many timers wait. */
class CountingClock extends ServiceClock {
  waiting = 0;

  override schedule(at: number, run: () => void): () => void {
    this.waiting++;
    let ended = false;
    const end = () => {
      if (!ended) this.waiting--;
      ended = true;
    };
    const cancel = super.schedule(at, () => {
      end();
      run();
    });
    return () => {
      end();
      cancel();
    };
  }
}

const start = startingServers();

describe('items expire', () => {
  let clock: CountingClock;
  let server: DynamoDbServer;
  let db: Probe;
  let table: string;

  beforeEach(async () => {
    clock = new CountingClock();
    ({ server, db } = await start({ clock }));
    table = await db.newTable({
      AttributeDefinitions: definitions({ pk: 'S', owner: 'S' }),
      KeySchema: keySchema('pk'),
      GlobalSecondaryIndexes: [
        { IndexName: 'byOwner', KeySchema: keySchema('owner'), Projection: { ProjectionType: 'ALL' } },
      ],
    });
    await server.setTimeToLive(table, 'ttl');
  });

  const now = () => Math.floor(clock.now() / 1000);
  const put = (pk: string, ttl: Item[string]) => db.put(table, { pk: S(pk), owner: S('o'), ttl });

  /** Moves the clock and waits until nothing is being deleted. */
  async function pass(seconds: number): Promise<void> {
    clock.advanceTo(clock.now() + seconds * 1000);
    while (server.expiring) await new Promise((resolve) => setImmediate(resolve));
  }

  /** What is left, in the table and in its index. */
  async function left(): Promise<(string | undefined)[]> {
    const [items, entries] = await Promise.all([db.scan(table), db.scan(table, { IndexName: 'byOwner' })]);
    const keys = (all: Item[] | undefined) => all!.map(({ pk }) => pk!.S).sort();
    expect(keys(entries.Items)).toEqual(keys(items.Items));
    return keys(items.Items);
  }

  test('after their time, not before, each with its index entry', async () => {
    await put('soon', N(now() + HOUR_S));
    await put('later', N(now() + 2 * HOUR_S));
    await db.put(table, { pk: S('never'), owner: S('o') });
    await pass(HOUR_S - 1);
    expect(await left()).toEqual(['later', 'never', 'soon']);
    await pass(1 + LATEST_S);
    expect(await left()).toEqual(['later', 'never']);
    await pass(HOUR_S);
    expect(await left()).toEqual(['never']);
  });

  test('some seconds late, and not all alike', async () => {
    const lateness = new Set<number>();
    for (let i = 0; i < 12; i++) {
      const due = now() + HOUR_S;
      await put(`${i}`, N(due));
      const late = clock.nextTimerAt()! / 1000 - due;
      expect(late).toBeGreaterThanOrEqual(1);
      expect(late).toBeLessThanOrEqual(LATEST_S);
      lateness.add(late);
      await pass(due + late - 1 - clock.now() / 1000);
      expect(await left()).toEqual([`${i}`]);
      await pass(1);
      expect(await left()).toEqual([]);
    }
    expect(lateness.size).toBeGreaterThan(3);
  });

  test('by the time that was written last', async () => {
    await put('longer', N(now() + HOUR_S));
    await put('shorter', N(now() + 9 * HOUR_S));
    await put('kept', N(now() + HOUR_S));
    await put('removed', N(now() + HOUR_S));
    await db.update(table, { pk: S('longer') }, 'SET #t = #t + :h', { ':h': N(2 * HOUR_S) }, NAMES);
    await db.update(table, { pk: S('shorter') }, 'SET #t = :t', { ':t': N(now() + HOUR_S) }, NAMES);
    await db.update(table, { pk: S('kept') }, 'REMOVE #t', undefined, NAMES);
    await db.delete(table, { pk: S('removed') });
    await pass(HOUR_S + LATEST_S);
    expect(await left()).toEqual(['kept', 'longer']);
    await pass(2 * HOUR_S);
    expect(await left()).toEqual(['kept']);
  });

  test('by a number of seconds only, and not by one that lies more than five years back', async () => {
    await put('text', S(String(now() + 1)));
    await put('milliseconds', N(Date.now() + 1000));
    await put('list', { L: [N(now() + 1)] });
    await put('negative', N(-1));
    await put('long-ago', N(now() - 6 * 365 * 24 * HOUR_S));
    await put('past', N(now() - 24 * HOUR_S));
    await put('fraction', N(now() + 1.5));
    await pass(HOUR_S);
    expect(await left()).toEqual(['list', 'long-ago', 'milliseconds', 'negative', 'text']);
  });

  test('with one timer for all of them', async () => {
    for (let i = 0; i < 30; i++) await put(`${i}`, N(now() + HOUR_S * (1 + ((i * 7) % 30))));
    expect(clock.waiting).toBe(1);
    await pass(HOUR_S + LATEST_S);
    expect(await left()).toHaveLength(29);
    expect(clock.waiting).toBe(1);
    await pass(40 * HOUR_S);
    expect(await left()).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test('by the thousand', async () => {
    const ttl = N(now() + HOUR_S);
    for (let batch = 0; batch < 13; batch++) {
      const puts = Array.from({ length: 100 }, (_, i) => ({
        Put: { TableName: table, Item: { pk: S(`${batch}-${i}`), owner: S('o'), ttl } },
      }));
      await db.transact(puts);
    }
    await put('later', N(now() + 2 * HOUR_S));
    await pass(HOUR_S + LATEST_S);
    expect(await left()).toEqual(['later']);
  });

  test('once it is set up, those from before too, and no more when it is taken back', async () => {
    const set = (Enabled: boolean) =>
      db.client.send(
        new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification: { AttributeName: 'ttl', Enabled } }),
      );
    await put('a', N(now() + HOUR_S));
    await set(false);
    await put('b', N(now() + HOUR_S));
    await pass(HOUR_S + LATEST_S);
    expect(await left()).toEqual(['a', 'b']);
    expect(clock.waiting).toBe(0);
    await put('c', N(now() + HOUR_S));
    await set(true);
    await pass(LATEST_S);
    expect(await left()).toEqual(['c']);
    await pass(HOUR_S);
    expect(await left()).toEqual([]);
  });

  test('no more when the template says so no more', async () => {
    await put('a', N(now() + HOUR_S));
    await server.setTimeToLive(table, undefined);
    await pass(HOUR_S + LATEST_S);
    expect(await left()).toEqual(['a']);
  });

  test('and free nothing: a condition sees the item until it is gone', async () => {
    await put('a', N(now() + HOUR_S));
    await pass(HOUR_S);
    const rest = { ConditionExpression: 'attribute_not_exists(pk)' };
    await expect(db.put(table, { pk: S('a') }, rest)).rejects.toThrow('conditional');
    await pass(LATEST_S);
    await db.put(table, { pk: S('a') }, rest);
  });
});

test('items that expired while nothing ran go after the start', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'dynamodb-expiry-'));
  const first = await start({ dir });
  const table = await first.db.newTable({ AttributeDefinitions: definitions({ pk: 'S' }), KeySchema: keySchema('pk') });
  await first.server.setTimeToLive(table, 'ttl');
  const inAnHour = Math.floor(first.clock.now() / 1000) + HOUR_S;
  await first.db.put(table, { pk: S('a'), ttl: N(inAnHour) });
  await first.db.put(table, { pk: S('b'), ttl: N(inAnHour + HOUR_S) });
  await first.stop();

  const clock = new CountingClock((HOUR_S + LATEST_S) * 1000);
  const { server, db, stop } = await start({ dir, clock });
  const gone = async () => (await db.get(table, { pk: S('a') })) === undefined;
  while (server.expiring || !(await gone())) await new Promise((resolve) => setImmediate(resolve));
  expect(await db.get(table, { pk: S('b') })).toBeDefined();
  await server.setTimeToLive(table, 'ttl');
  while (server.expiring || clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(clock.waiting).toBe(1);
  await stop();
  expect(clock.waiting).toBe(0);
  rmSync(dir, { recursive: true });
});

import fc from 'fast-check';
import { type Item, N, S } from '../../../lambda/store/keys';
import { MergedScan } from '../../../lambda/store/merge-partitions';
import { type Opened, openStandIns, putItems } from '../stand-ins';

let opened: Opened;
beforeAll(async () => {
  opened = await openStandIns();
});
beforeEach(() => {
  opened.intercept = undefined;
});
afterAll(() => opened.close());

interface Placed {
  readonly partition: number;
  readonly sort: string;
  readonly matches: boolean;
}

const PARTITIONS = 4;
const contents = fc
  .uniqueArray(
    fc.record({
      partition: fc.nat(PARTITIONS - 1),
      sort: fc.nat(99).map((number) => String(number).padStart(2, '0')),
      matches: fc.boolean(),
    }),
    { selector: ({ sort }) => sort, maxLength: 40 },
  )
  .map((placed): readonly Placed[] => placed);

let runs = 0;

/** Fills partitions of its own and returns their names. */
async function fill(placed: readonly Placed[]): Promise<string[]> {
  const run = ++runs;
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => `${run}#${index}`);
  await putItems(
    placed.map(({ partition, sort, matches }) => ({
      pk: S(partitions[partition]!),
      sk: S(sort),
      m: N(matches ? 1 : 0),
      other: S('x'),
    })),
  );
  return partitions;
}

const FILTER = { expression: '#m = :one', names: { '#m': 'm' }, values: { ':one': N(1) } };

async function readAll(scan: MergedScan): Promise<Item[]> {
  const items: Item[] = [];
  for (let item = await scan.next(); item !== undefined; item = await scan.next()) items.push(item);
  return items;
}

const sortsOf = (items: readonly Item[]) => items.map(({ sk }) => sk!.S!);

function expected(placed: readonly Placed[], newestFirst: boolean, filtered = true): string[] {
  const sorts = placed.filter(({ matches }) => matches || !filtered).map(({ sort }) => sort);
  return newestFirst ? sorts.sort().reverse() : sorts.sort();
}

const limits = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined });

test('partitions are one list, in either order, whatever their pages', async () => {
  await fc.assert(
    fc.asyncProperty(contents, fc.boolean(), limits, fc.boolean(), async (placed, newestFirst, limit, filtered) => {
      const range = { from: '0', to: '~', newestFirst, limit, ...(filtered ? { filter: FILTER } : {}) };
      const scan = new MergedScan(await fill(placed), range);
      expect(sortsOf(await readAll(scan))).toEqual(expected(placed, newestFirst, filtered));
      expect(scan.scannedTo).toBeUndefined();
      expect(await scan.next()).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

test('a scan that stops on the way goes on where it was, with no miss and no double', async () => {
  const patience = fc.infiniteStream(fc.nat(3));
  await fc.assert(
    fc.asyncProperty(contents, fc.boolean(), limits, patience, async (placed, newestFirst, limit, patiences) => {
      const partitions = await fill(placed);
      const seen: string[] = [];
      let scannedTo: string | undefined;
      for (let scans = 0; ; scans++) {
        expect(scans).toBeLessThan(100);
        let left = patiences.next().value!;
        const bounds = newestFirst ? { from: '0', to: scannedTo ?? '~' } : { from: scannedTo ?? '0', to: '~' };
        const scan = new MergedScan(partitions, {
          ...bounds,
          newestFirst,
          // Beside the item where it stopped there must be room for another.
          limit: limit === undefined ? undefined : limit + 1,
          filter: FILTER,
          isOver: () => left-- <= 0,
        });
        const sorts = sortsOf(await readAll(scan));
        seen.push(...sorts.filter((sort) => sort !== scannedTo));
        if (scan.scannedTo === undefined) break;
        // It is never where it was before.
        if (scannedTo !== undefined)
          expect(newestFirst ? scan.scannedTo < scannedTo : scan.scannedTo > scannedTo).toBe(true);
        scannedTo = scan.scannedTo;
      }
      expect(seen).toEqual(expected(placed, newestFirst));
    }),
    { numRuns: 60 },
  );
});

test('everything up to where it stopped was seen', async () => {
  await fc.assert(
    fc.asyncProperty(contents, fc.boolean(), fc.integer({ min: 1, max: 5 }), async (placed, newestFirst, limit) => {
      const range = { from: '0', to: '~', newestFirst, limit, filter: FILTER, isOver: () => true };
      const scan = new MergedScan(await fill(placed), range);
      const seen = sortsOf(await readAll(scan));
      const { scannedTo } = scan;
      const reached = (sort: string) =>
        scannedTo === undefined || (newestFirst ? sort >= scannedTo : sort <= scannedTo);
      expect(seen).toEqual(expected(placed, newestFirst).filter(reached));
    }),
    { numRuns: 60 },
  );
});

test('one partition is as many', async () => {
  const [partition] = await fill([{ partition: 0, sort: '1', matches: true }]);
  expect(sortsOf(await readAll(new MergedScan([partition!], { from: '0', to: '~' })))).toEqual(['1']);
  expect(await new MergedScan([], { from: '0', to: '~' }).next()).toBeUndefined();
});

test('bounds are inclusive, and what they shut out is not asked for', async () => {
  const partitions = await fill(['10', '20', '30', '40'].map((sort) => ({ partition: 0, sort, matches: true })));
  const sorts = async (from: string, to: string) => sortsOf(await readAll(new MergedScan(partitions, { from, to })));
  expect(await sorts('20', '30')).toEqual(['20', '30']);
  expect(await sorts('50', '~')).toEqual([]);
  expect(await sorts('30', '20')).toEqual([]);
});

test('the partitions are read side by side, and only the attributes that are asked for', async () => {
  const partitions = await fill([0, 1, 2, 3].map((partition) => ({ partition, sort: `${partition}`, matches: true })));
  let reading = 0;
  let most = 0;
  opened.intercept = async (_call, execute) => {
    most = Math.max(most, ++reading);
    // The first answer waits for the last question.
    while (most < PARTITIONS) await new Promise(setImmediate);
    return execute().finally(() => reading--);
  };
  const items = await readAll(new MergedScan(partitions, { from: '0', to: '~', attributes: ['sk', 'other'] }));
  expect(items).toEqual(['0', '1', '2', '3'].map((sort) => ({ sk: S(sort), other: S('x') })));
});

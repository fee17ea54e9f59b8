import fc from 'fast-check';
import { deadLetterItem, decodeDeadLetter, type FailureReason } from '../../../lambda/dlq/dead-letter-item';
import { type DeadLetterFilter, type DeadLetterQuery, findDeadLetters } from '../../../lambda/dlq/find-dead-letters';
import { ALL_SHARDS, derivedMessageId, dlqIdOf, dlqPlaceOf } from '../../../lambda/message/message-id';
import { type Item, N } from '../../../lambda/store/keys';
import type { AwsCall } from '../../../local/aws-call';
import { newMessage } from '../messages';
import { putItems, useStandIns } from '../stand-ins';

const DAY = 86_400_000;
const never = (): boolean => false;

const opened = useStandIns();
const queries: AwsCall[] = [];
beforeEach(() => {
  queries.length = 0;
  opened.intercept = (call, execute) => {
    if (call.operation === 'Query') queries.push(call);
    return execute();
  };
});

interface Failure {
  readonly url: string;
  readonly failedAt: number;
  readonly status: number;
  readonly labels?: string[];
  readonly callerIp?: string;
  readonly reason?: FailureReason;
}

function itemOf({ url, failedAt, status, labels, callerIp, reason = 'exhausted' }: Failure, seed: number): Item {
  const message = newMessage(failedAt - 1_000, {
    messageId: derivedMessageId(failedAt - 1_000, seed),
    url,
    ...(labels === undefined ? {} : { labels }),
    ...(callerIp === undefined ? {} : { callerIp }),
  });
  const record = { attempt: 3, startedAt: failedAt, endedAt: failedAt, status, header: {}, body: new Uint8Array() };
  return deadLetterItem(message, { ...record, outcome: 'failed' }, dlqIdOf(message.messageId, failedAt), reason);
}

/** Everything a query finds from page to page, and the pages' lengths. `patience` says when a page has lasted. */
async function findAll(query: DeadLetterQuery, now: number, patience = () => never) {
  const found: string[] = [];
  const lengths: number[] = [];
  let cursor = query.cursor;
  do {
    const page = await findDeadLetters({ ...query, ...(cursor === undefined ? {} : { cursor }) }, now, patience());
    found.push(...page.deadLetters.map(({ dlqId }) => dlqId));
    lengths.push(page.deadLetters.length);
    // A page that is short, and not the last, has a cursor beyond the one before.
    if (cursor !== undefined && page.cursor !== undefined) {
      expect(query.latestFirst ? page.cursor < cursor : page.cursor > cursor).toBe(true);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { found, lengths };
}

test('the only match among 100 000 at the far end is found, over pages that stop in time', async () => {
  const now = Date.now();
  const items = Array.from({ length: 100_000 }, (_, index) =>
    itemOf(
      {
        url: `https://example.com/hooks/${'x'.repeat(150)}`,
        failedAt: now - 100_000 + index,
        status: 500,
        labels: ['hay'],
      },
      index,
    ),
  );
  const needle = itemOf({ url: 'https://example.com/', failedAt: now + 1, status: 500, labels: ['hay', 'needle'] }, 0);
  await putItems([...items, needle]);
  const query = { filter: { label: ['needle'] }, count: 10 };

  const whole = await findAll(query, now);
  expect(whole).toEqual({ found: [needle.sk!.S], lengths: [1] });
  // DynamoDB reads a megabyte at a time.
  const bytes = items.length * Buffer.byteLength(JSON.stringify(items[0]));
  expect(queries.length).toBeLessThan(bytes / 1_048_576 + ALL_SHARDS.length);
  const all = queries.length;

  queries.length = 0;
  const stopped = await findAll(query, now, () => {
    const enough = queries.length + ALL_SHARDS.length;
    return () => queries.length >= enough;
  });
  expect(stopped.found).toEqual([needle.sk!.S]);
  expect(stopped.lengths.length).toBeGreaterThan(2);
  // Each page reads anew at most what the one before had read ahead of its cursor, a page of each shard.
  expect(queries.length).toBeLessThanOrEqual(all + stopped.lengths.length * ALL_SHARDS.length);

  queries.length = 0;
  const first = await findDeadLetters({ ...query, latestFirst: true, count: 1 }, now, never);
  expect(first.deadLetters.map(({ dlqId }) => dlqId)).toEqual([needle.sk!.S]);
}, 180_000);

const URLS = ['https://example.com/a', 'https://example.com/a?b=c', 'https://example.org/'];

const failures = (now: number): fc.Arbitrary<Failure> =>
  fc.record(
    {
      url: fc.constantFrom(...URLS),
      // Some of one moment, and some that have expired.
      failedAt: fc.oneof(
        fc.nat(3).map((ms) => now - ms),
        fc.nat(8 * DAY).map((ms) => now - ms),
      ),
      status: fc.constantFrom(0, 404, 500, 503),
      labels: fc.subarray(['red', 'blue', 'green'], { minLength: 1 }),
      callerIp: fc.constantFrom('192.0.2.1', '2001:db8::1'),
      reason: fc.constantFrom('exhausted', 'nonRetryable', 'internal'),
    },
    { requiredKeys: ['url', 'failedAt', 'status'] },
  );

const some = <T>(...values: readonly T[]) => fc.subarray([...values], { minLength: 1 });

const filters = (now: number, ids: readonly string[]): fc.Arbitrary<DeadLetterFilter> => {
  const real = fc.record(
    {
      messageId: some(...ids, 'msg_other'),
      url: some(...URLS, 'https://example.net/'),
      responseStatus: some(0, 404, 500, 200),
      label: some('red', 'blue', 'yellow'),
      callerIp: some('192.0.2.1', '192.0.2.2'),
      fromDate: fc.nat(8 * DAY).map((ms) => now - ms),
      toDate: fc.nat(8 * DAY).map((ms) => now - ms),
    },
    { requiredKeys: [] },
  );
  const none = fc.constantFrom('topicName', 'queueName', 'scheduleId', 'flowControlKey');
  return fc.oneof(
    { arbitrary: real, weight: 9 },
    fc.tuple(real, none).map(([filter, field]) => ({ ...filter, [field]: ['a'] })),
  );
};

/** Whether a filter means a dead letter, said without DynamoDB. */
function means(filter: DeadLetterFilter, item: Item): boolean {
  const { messageId, url, responseStatus, labels, callerIp, failedAt } = decodeDeadLetter(item);
  const isIn = <T>(wanted: readonly T[] | undefined, value: T | undefined) =>
    wanted === undefined || (value !== undefined && wanted.includes(value));
  const never = [filter.topicName, filter.queueName, filter.scheduleId, filter.flowControlKey];
  return (
    never.every((wanted) => wanted === undefined) &&
    isIn(filter.messageId, messageId) &&
    isIn(filter.url, url) &&
    isIn(filter.responseStatus, responseStatus) &&
    isIn(filter.callerIp, callerIp) &&
    (filter.label?.some((label) => labels.includes(label)) ?? true) &&
    failedAt >= (filter.fromDate ?? 0) &&
    failedAt <= (filter.toDate ?? Number.POSITIVE_INFINITY)
  );
}

test('every filter finds what it means, in order, page by page', async () => {
  const now = Date.now();
  const drawn = fc.sample(failures(now), 250).map(itemOf);
  await putItems(drawn);
  const living = drawn.filter(({ ttl }) => Number(ttl!.N) * 1000 > now);
  expect(living.length).toBeLessThan(drawn.length);
  const ids = living.slice(0, 5).map(({ m }) => m!.S!);
  await fc.assert(
    fc.asyncProperty(
      filters(now, ids),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      fc.infiniteStream(fc.boolean()),
      async (filter, count, latestFirst, stops) => {
        const isOver = () => stops.next().value!;
        const { found } = await findAll({ filter, count, latestFirst }, now, () => isOver);
        const expected = living.filter((item) => means(filter, item)).map(({ sk }) => sk!.S!);
        expected.sort((a, b) => (a < b ? -1 : 1));
        expect(found).toEqual(latestFirst ? expected.reverse() : expected);
      },
    ),
    { numRuns: 150 },
  );
});

test('a page is full unless it is the last', async () => {
  const now = Date.now();
  await putItems(
    Array.from({ length: 25 }, (_, index) => itemOf({ url: URLS[0]!, failedAt: now - index, status: 500 }, index)),
  );
  expect((await findAll({ filter: {}, count: 10 }, now)).lengths).toEqual([10, 10, 5]);
  expect((await findAll({ filter: {}, count: 25 }, now)).lengths).toEqual([25]);
  expect((await findAll({ filter: { url: [URLS[0]!] }, count: 12 }, now)).lengths).toEqual([12, 12, 1]);
  expect((await findAll({ filter: { url: [URLS[1]!] }, count: 12 }, now)).lengths).toEqual([0]);
});

test('a cursor outside of the dates finds nothing', async () => {
  const now = Date.now();
  await putItems([itemOf({ url: URLS[0]!, failedAt: now, status: 500 }, 1)]);
  const find = (query: Partial<DeadLetterQuery>) => findDeadLetters({ filter: {}, count: 10, ...query }, now, never);
  expect(await find({ filter: { toDate: now - 1 }, cursor: `${now}-9` })).toEqual({ deadLetters: [] });
  expect(await find({ filter: { fromDate: now }, cursor: `${now - 1}-9`, latestFirst: true })).toEqual({
    deadLetters: [],
  });
  expect((await find({ filter: { fromDate: now }, cursor: `${now - 1}-9` })).deadLetters).toHaveLength(1);
});

test('a hundred values of every field are not too many', async () => {
  const now = Date.now();
  const item = itemOf({ url: URLS[0]!, failedAt: now, status: 99, labels: ['l99'], callerIp: '99' }, 1);
  await putItems([item]);
  const hundred = (toValue: (index: number) => string) => Array.from({ length: 100 }, (_, index) => toValue(index));
  const filter: DeadLetterFilter = {
    messageId: [item.m!.S!],
    url: hundred((index) => (index === 99 ? URLS[0]! : `https://example.com/${index}`)),
    label: hundred((index) => `l${index}`),
    callerIp: hundred(String),
    responseStatus: hundred(String).map(Number),
  };
  expect((await findDeadLetters({ filter, count: 1 }, now, never)).deadLetters).toHaveLength(1);
  const names = hundred((index) => `n${index}`);
  const others = { label: filter.label, topicName: names, queueName: names, scheduleId: names, flowControlKey: names };
  expect(await findDeadLetters({ filter: others, count: 1 }, now, never)).toEqual({ deadLetters: [] });
});

test('a dead letter takes some 400 bytes, and expires with its retention', () => {
  const item = itemOf(
    {
      url: 'https://example.com/hooks/orders',
      failedAt: Date.now(),
      status: 503,
      labels: ['orders'],
      callerIp: '192.0.2.1',
    },
    1,
  );
  expect(JSON.stringify(item).length).toBeLessThan(400);
  const { failedAt, dlqId } = decodeDeadLetter(item);
  expect(item.ttl).toEqual(N(Math.ceil((failedAt + 7 * DAY) / 1000)));
  expect(item.pk!.S).toBe(`dlq#${dlqPlaceOf(dlqId)!.shard}`);
});

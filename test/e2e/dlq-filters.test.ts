import fc from 'fast-check';
import { closeAll, type Running, start, startSink } from './harness';

/** What is known of a dead letter by whoever published it. */
interface Letter {
  readonly url: string;
  readonly labels: readonly string[];
  readonly responseStatus: number;
  readonly callerIp: string;
}

interface ListedLetter extends Letter {
  readonly dlqId: string;
  readonly messageId: string;
  readonly failedAt: number;
}

const COUNT = 250;
const PATHS = ['/a', '/a?b=1,2', '/b', '/c/d'];
const LABELS = ['red', 'green', 'blue', 'black and white', 'rare'];
const STATUSES = [404, 489, 500, 503];
const IPS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

let running: Running;
/** All dead letters in the order of their ids, which begin with the time of the failure. */
let letters: ListedLetter[];

beforeAll(async () => {
  running = await start();
  const sink = await startSink(({ headers }) => Number(headers['x-answer']));
  const letter = fc.record({
    url: fc.constantFrom(...PATHS).map((path) => sink.url(path)),
    labels: fc.subarray(LABELS),
    responseStatus: fc.constantFrom(...STATUSES),
    callerIp: fc.constantFrom(...IPS),
  });
  const published = new Map<string, Letter>();
  for (const group of groups(fc.sample(letter, { numRuns: COUNT, seed: 1 }), 25)) {
    await Promise.all(group.map(async (each) => published.set(await publish(each), each)));
    await running.service.whenIdle();
    // Some of them fail minutes after the others.
    await running.service.advance(60_000);
  }
  const found = await walk({}, 100, false);
  letters = found.flat().map((entry) => ({ ...entry, ...published.get(entry.messageId)! }));
  letters.sort((a, b) => (a.dlqId < b.dlqId ? -1 : 1));
});
afterAll(closeAll);

async function publish({ url, labels, responseStatus, callerIp }: Letter): Promise<string> {
  const answer = await running.send('POST', `/v2/publish/${url}`, {
    from: callerIp,
    headers: {
      authorization: `Bearer ${running.service.token}`,
      'upstash-retries': '0',
      'upstash-label': labels.join(),
      'upstash-forward-x-answer': String(responseStatus),
    },
  });
  return JSON.parse(answer.text).messageId;
}

type Filter = Readonly<Record<string, readonly (string | number)[]>>;

/** The pages of a list. Several values of a filter are repeated or, `joined`, one text. */
async function walk(filter: Filter, count: number, joined: boolean, order?: string): Promise<ListedLetter[][]> {
  const pages: ListedLetter[][] = [];
  const query = new URLSearchParams({ count: String(count), ...(order === undefined ? {} : { order }) });
  for (const [name, values] of Object.entries(filter)) {
    for (const text of joined ? [values.join()] : values) query.append(name, String(text));
  }
  for (;;) {
    const { status, body } = await running.json(`/v2/dlq?${query}`);
    expect(status).toBe(200);
    pages.push(body.messages);
    if (!('cursor' in body)) return pages;
    query.set('cursor', body.cursor);
  }
}

function groups<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}

/** What a filter means, by going through all. */
function meant(filter: Filter, { failedAt, ...letter }: ListedLetter): boolean {
  const holds: Record<string, (values: readonly (string | number)[]) => boolean> = {
    label: (values) => values.some((value) => letter.labels.includes(String(value))),
    fromDate: ([time]) => failedAt >= Number(time),
    toDate: ([time]) => failedAt <= Number(time),
  };
  return Object.entries(filter).every(
    ([name, values]) => holds[name]?.(values) ?? values.includes((letter as Record<string, unknown>)[name] as string),
  );
}

/** Filters of any fields, with dates that some dead letters have. */
const filters = fc
  .record({ picks: fc.infiniteStream(fc.nat()), fields: fc.subarray([...'ulsimdtn']) })
  .map(({ picks, fields }): Filter => {
    const pick = () => letters[picks.next().value % letters.length]!;
    const [from, to] = [pick().failedAt, pick().failedAt].sort((a, b) => a - b) as [number, number];
    const all: Record<string, Filter> = {
      u: { url: [...new Set([pick().url, pick().url])] },
      l: { label: [...new Set([LABELS[pick().failedAt % 5]!, 'rare'])] },
      s: { responseStatus: [...new Set([pick().responseStatus, pick().responseStatus])] },
      i: { callerIp: [pick().callerIp] },
      m: { messageId: [pick().messageId] },
      d: { fromDate: [from] },
      t: { toDate: [to] },
      n: { queueName: ['none'] },
    };
    return Object.assign({}, ...fields.map((field) => all[field]));
  });

test('all that failed is listed, the earliest first', () => {
  expect(letters).toHaveLength(COUNT);
  expect(letters.map(({ failedAt }) => failedAt)).toEqual(letters.map(({ failedAt }) => failedAt).sort());
  for (const { dlqId, failedAt } of letters) expect(dlqId.startsWith(`${failedAt}-`)).toBe(true);
});

test('every filter lists what it means, in full pages, in order', async () => {
  const property = fc.asyncProperty(
    filters,
    fc.constantFrom(7, 30, 100),
    fc.boolean(),
    fc.constantFrom(undefined, 'earliestFirst', 'latestFirst'),
    async (filter, count, joined, order) => {
      const pages = await walk(filter, count, joined, order);
      const expected = letters.filter((letter) => meant(filter, letter)).map(({ dlqId }) => dlqId);
      if (order === 'latestFirst') expected.reverse();
      expect(pages.flat().map(({ dlqId }) => dlqId)).toEqual(expected);
      expect(pages.map(({ length }) => length)).toEqual(
        expected.length === 0 ? [0] : groups(expected, count).map(({ length }) => length),
      );
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test.each(['earliestFirst', 'latestFirst'])(
  'the only match is found though it is the last of all, %s',
  async (order) => {
    const last = letters.at(order === 'earliestFirst' ? -1 : 0)!;
    const pages = await walk({ messageId: [last.messageId] }, 1, false, order);
    expect(pages.map((page) => page.map(({ dlqId }) => dlqId))).toEqual([[last.dlqId]]);
  },
);

test('values of one filter are alternatives, also where a URL holds a comma', async () => {
  const urls = [...new Set(letters.map(({ url }) => url))].filter((url) => /a$|,/.test(url));
  expect(urls).toHaveLength(2);
  const found = (await walk({ url: urls }, 100, true)).flat();
  expect(found).toHaveLength(letters.filter(({ url }) => urls.includes(url)).length);
});

test('a bulk delete with a cursor deletes what its filter means, and nothing else', async () => {
  const filter = { label: 'rare', fromDate: letters[50]!.failedAt };
  const isMeant = (letter: ListedLetter) => letter.labels.includes('rare') && letter.failedAt >= filter.fromDate;
  let cursor: string | undefined;
  const deleted: number[] = [];
  do {
    const answer = await running.client.dlq.delete({ filter, count: 30, cursor });
    deleted.push(answer.deleted);
    cursor = answer.cursor;
  } while (cursor !== undefined);
  const expected = letters.filter(isMeant).length;
  expect(deleted).toEqual(groups(letters.filter(isMeant), 30).map(({ length }) => length));
  letters = letters.filter((letter) => !isMeant(letter));
  expect((await walk({}, 100, false)).flat().map(({ dlqId }) => dlqId)).toEqual(letters.map(({ dlqId }) => dlqId));
  expect(letters).toHaveLength(COUNT - expected);
});

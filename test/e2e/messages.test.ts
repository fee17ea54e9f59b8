import { closeAll, type Running, start, startSink, statesOf, until } from './harness';
import type { Reply, Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const cancelOf = (messageId: string) => running.json(`/v2/messages/${messageId}`, { method: 'DELETE' });

/** Publishes a message that waits for an hour. */
async function waiting(headers: Record<string, string> = {}, url = sink.url('/waiting')): Promise<string> {
  const settings = { 'Upstash-Delay': '1h', ...headers };
  return (await running.client.publish({ url, body: '', headers: settings })).messageId;
}

const waitingMany = (count: number, headers?: Record<string, string>, url?: string) =>
  Promise.all(Array.from({ length: count }, () => waiting(headers, url)));

const lastStates = (ids: readonly string[]) =>
  Promise.all(ids.map(async (messageId) => (await running.events(messageId)).at(-1)!.state));

/** A destination whose reply the test gives while it is called. */
function held() {
  let reply: (reply: Reply) => void = () => {};
  const given = new Promise<Reply>((resolve) => {
    reply = resolve;
  });
  const destination = sink.destination(() => given);
  return { destination, reply, called: () => until(() => destination.arrivals[0]) };
}

/** Something that is waited for. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('get', () => {
  test('tells what was published', async () => {
    const { messageId } = await running.client.publish({
      url: sink.url('/a?b=1'),
      method: 'DELETE',
      body: 'caf\u00e9',
      headers: { 'Content-Type': 'text/plain', 'x-mine': 'yes', Cookie: 'secret' },
      retries: 0,
      retryDelay: '1000',
      delay: '1m',
      timeout: '5s',
      label: ['a', 'b'],
      callback: sink.url('/callback?x=1'),
      failureCallback: sink.url('/failure'),
    });
    const { body } = await running.json(`/v2/messages/${messageId}`);
    expect(body).toEqual({
      messageId,
      url: sink.url('/a?b=1'),
      method: 'DELETE',
      header: {
        'Content-Type': ['text/plain'],
        'X-Mine': ['yes'],
        Cookie: [expect.stringMatching(/^REDACTED:\w{64}$/)],
      },
      body: 'caf\u00e9',
      maxRetries: 0,
      retryDelayExpression: '1000',
      createdAt: expect.any(Number),
      notBefore: body.createdAt + 60_000,
      timeout: 5,
      label: 'a',
      labels: ['a', 'b'],
      callback: sink.url('/callback?x=1'),
      failureCallback: sink.url('/failure'),
      callerIP: '127.0.0.1',
      callerIp: '127.0.0.1',
    });
    expect(Math.abs(body.createdAt - running.service.clock.now())).toBeLessThan(60_000);
  });

  test('tells what every message has where nothing was said', async () => {
    const { messageId } = await running.client.publish({ url: sink.url('/a') });
    const { body } = await running.json(`/v2/messages/${messageId}`);
    expect(body).toEqual({
      messageId,
      url: sink.url('/a'),
      method: 'POST',
      header: {},
      maxRetries: 3,
      createdAt: expect.any(Number),
      notBefore: body.createdAt,
      callerIP: '127.0.0.1',
      callerIp: '127.0.0.1',
    });
  });

  test('still tells of a message that was delivered, until the log forgets it', async () => {
    const { messageId } = await running.client.publish({ url: sink.url('/a'), body: 'text' });
    await running.ended(messageId);
    await running.service.advance(3 * DAY - HOUR);
    expect(await running.client.messages.get(messageId)).toMatchObject({ messageId, body: 'text' });
    await running.service.advance(HOUR);
    await expect(running.client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
  });

  test.each([
    ['of another form', 'nope'],
    ['of nothing but the prefix', 'msg_'],
    ['that nobody was given', `msg_1${'0'.repeat(27)}`],
    ['with a slash', 'msg_1%2F'],
    ['of other letters', '%F0%9F%98%80'],
    ['of 4000 characters', 'x'.repeat(4000)],
  ])('knows no message with an id %s, nor does cancel', async (_, messageId) => {
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await running.json(`/v2/messages/${messageId}`, { method });
      expect([status, body]).toEqual([404, { error: expect.any(String) }]);
      expect(body.error.length).toBeLessThan(100);
    }
  });
});

describe('cancel of a message that waits', () => {
  test('ends it at once, and it is never sent', async () => {
    const destination = sink.destination();
    const [callback, failureCallback] = [sink.destination(), sink.destination()];
    const { messageId } = await running.client.publish({
      url: destination.url,
      body: '',
      delay: '30m',
      callback: callback.url,
      failureCallback: failureCallback.url,
    });
    expect(await running.client.messages.cancel(messageId)).toEqual({ cancelled: 1 });
    expect(statesOf(await running.events(messageId))).toEqual(['CREATED', 'CANCEL_REQUESTED', 'CANCELED']);
    await running.service.advance(HOUR);
    expect([destination, callback, failureCallback].map(({ arrivals }) => arrivals.length)).toEqual([0, 0, 0]);
    expect(await lastStates([messageId])).toEqual(['CANCELED']);
    expect(await running.items()).not.toContainEqual(
      expect.objectContaining({ pk: { S: expect.stringMatching(/^due#/) } }),
    );
  });

  test('of its second attempt ends it too', async () => {
    const destination = sink.destination(500);
    const { messageId } = await running.client.publish({ url: destination.url, body: '', retryDelay: '600000' });
    await running.service.whenIdle();
    expect(await lastStates([messageId])).toEqual(['RETRY']);
    expect(await running.client.messages.cancel(messageId)).toEqual({ cancelled: 1 });
    await running.service.advance(HOUR);
    expect(destination.arrivals).toHaveLength(1);
    expect((await running.client.dlq.listMessages({ filter: { messageId } })).messages).toEqual([]);
  });

  test('is 404 for one that has ended', async () => {
    const { messageId } = await running.client.publish({ url: sink.url('/a'), body: '' });
    await running.ended(messageId);
    const failed = await running.client.publish({ url: sink.destination(500).url, body: '', retries: 0 });
    await running.ended(failed.messageId);
    const canceled = await waiting();
    await running.client.messages.cancel(canceled);
    for (const id of [messageId, failed.messageId, canceled]) {
      expect(await cancelOf(id)).toMatchObject({ status: 404, body: { error: expect.stringMatching(/not found/) } });
    }
    expect(await running.client.messages.cancel([messageId, failed.messageId, canceled])).toEqual({ cancelled: 0 });
  });

  test('several times at once counts once', async () => {
    const messageId = await waiting();
    const answers = await Promise.all(Array.from({ length: 5 }, () => cancelOf(messageId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404]);
  });
});

describe('cancel of an attempt under way', () => {
  test.each<[string, Reply, string[]]>([
    ['which succeeds: the message is delivered', 200, ['DELIVERED']],
    ['which fails: it was the last', { status: 503, headers: { 'retry-after': '0' } }, ['ERROR', 'CANCELED']],
  ])('%s', async (_, reply, end) => {
    const { destination, reply: give, called } = held();
    const failureCallback = sink.destination();
    const { messageId } = await running.client.publish({
      url: destination.url,
      body: '',
      failureCallback: failureCallback.url,
    });
    await called();
    expect(await running.client.messages.cancel(messageId)).toEqual({ cancelled: 1 });
    expect(statesOf(await running.events(messageId))).toEqual(['CREATED', 'ACTIVE', 'CANCEL_REQUESTED']);
    // Asked for before.
    expect((await cancelOf(messageId)).body).toEqual({ cancelled: 0 });
    give(reply);
    expect(statesOf(await running.ended(messageId))).toEqual(['CREATED', 'ACTIVE', 'CANCEL_REQUESTED', ...end]);
    await running.service.advance(HOUR);
    expect([destination.arrivals.length, failureCallback.arrivals.length]).toEqual([1, 0]);
    expect((await running.client.dlq.listMessages({ filter: { messageId } })).messages).toEqual([]);
    expect((await cancelOf(messageId)).status).toBe(404);
  });

  test('that begins while the cancel is on its way is told to have begun first', async () => {
    const [cancelIsThere, attemptBegan] = [gate(), gate()];
    const slow = await start({
      intercept: async ({ operation, accessKeyId }, execute) => {
        if (operation === 'UpdateItem' && accessKeyId.includes('Api')) {
          cancelIsThere.open();
          await attemptBegan.opened;
        }
        if (operation === 'UpdateItem' && accessKeyId.includes('Deliver')) await cancelIsThere.opened;
        return execute();
      },
    });
    const destination = sink.destination(() => {
      attemptBegan.open();
      return 500;
    });
    const { messageId } = await slow.client.publish({ url: destination.url, body: '', retries: 0 });
    await slow.client.messages.cancel(messageId).catch(() => {});
    const states = statesOf(await slow.ended(messageId));
    expect(states.slice(0, 2)).toEqual(['CREATED', 'ACTIVE']);
  });

  test('by a filter asks for it too', async () => {
    const { destination, reply, called } = held();
    const { messageId } = await running.client.publish({ url: destination.url, body: '' });
    await called();
    expect(await running.client.messages.cancel({ filter: { url: destination.url } })).toEqual({ cancelled: 1 });
    reply(500);
    expect((await running.ended(messageId)).at(-1)!.state).toBe('CANCELED');
  });
});

describe('cancel of many', () => {
  /** Others that must stay. */
  let bystander: string;
  beforeEach(async () => {
    await running.client.messages.cancel({ all: true, count: 500 });
    bystander = await waiting({ 'Upstash-Label': 'bystander' }, sink.url('/bystander'));
  });
  const expectOnly = async (ids: readonly string[]) => {
    expect(await lastStates(ids)).toEqual(ids.map(() => 'CANCELED'));
    expect(await lastStates([bystander])).toEqual(['CREATED']);
  };

  test('by ids counts those that it cancels', async () => {
    const ids = await waitingMany(3);
    expect(await running.client.messages.cancel(ids.slice(0, 2))).toEqual({ cancelled: 2 });
    expect(await running.client.messages.cancel([...ids, 'nope', ids[2]!])).toEqual({ cancelled: 1 });
    await expectOnly(ids);
  });

  test('of all counts only the rest, no more than the count that is asked for', async () => {
    const ids = await waitingMany(3);
    await running.client.messages.cancel(ids.slice(0, 2));
    expect(await running.client.messages.cancel({ all: true, count: 1 })).toMatchObject({ cancelled: 1 });
    expect(await running.client.messages.cancel({ all: true })).toEqual({ cancelled: 1 });
    expect(await running.client.messages.cancel({ all: true })).toEqual({ cancelled: 0 });
    expect(await lastStates([...ids, bystander])).toEqual(Array(4).fill('CANCELED'));
  });

  test('ends soon with a cursor of any time', async () => {
    for (const cursor of ['recent-0000000000', 'recent-ZZZZZZZZZZ', 'marked-0000000000']) {
      const { status } = await running.json(`/v2/messages?label=nobody&cursor=${cursor}`, { method: 'DELETE' });
      expect([cursor, status]).toEqual([cursor, 200]);
    }
  });

  test('goes on with the cursor that a page of it has', async () => {
    const ids = await waitingMany(5, { 'Upstash-Label': 'pages' });
    const pages: number[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await running.json(`/v2/messages?label=pages&count=2${cursor}`, { method: 'DELETE' });
      pages.push(body.cancelled);
      if (body.cursor === undefined) break;
      cursor = `&cursor=${body.cursor}`;
    }
    expect(pages).toEqual([2, 2, 1]);
    await expectOnly(ids);
  });

  test('without a selection means all, from a bare request', async () => {
    const ids = await waitingMany(120);
    const { status, body } = await running.json('/v2/messages', { method: 'DELETE' });
    expect([status, body]).toEqual([200, { cancelled: 121 }]);
    expect(await lastStates(ids.slice(0, 3))).toEqual(Array(3).fill('CANCELED'));
  });

  test.each<[string, Record<string, string>, (url: string) => Record<string, string | string[]>]>([
    ['label', { 'Upstash-Label': 'x,y' }, () => ({ label: 'y' })],
    ['labels', { 'Upstash-Label': 'x' }, () => ({ label: ['none', 'x'] })],
    ['url', {}, (url) => ({ url })],
    ['urls', {}, (url) => ({ url: ['http://127.0.0.1:1/', url] })],
    ['path', {}, (url) => ({ path: new URL(url).pathname })],
    ['path and host', {}, (url) => ({ path: ['/none', new URL(url).pathname], host: new URL(url).host })],
    ['path and label', { 'Upstash-Label': 'z' }, (url) => ({ path: new URL(url).pathname, label: 'z' })],
  ])('by %s cancels what it means', async (_, headers, filter) => {
    const { url } = sink.destination();
    const ids = await waitingMany(3, headers, `${url}?x=1`);
    const wanted = filter(`${url}?x=1`);
    expect(await running.client.messages.cancel({ filter: wanted as { label: string }, count: 2 })).toMatchObject({
      cancelled: 2,
    });
    expect(await running.client.messages.cancel({ filter: wanted as { label: string } })).toEqual({ cancelled: 1 });
    await expectOnly(ids);
  });

  test.each<Record<string, string>>([
    { label: 'none' },
    { host: 'elsewhere.example' },
    { path: '/wait' },
    { url: 'http://127.0.0.1:1/' },
    { queueName: 'none' },
    { urlGroup: 'none' },
    { scheduleId: 'none' },
    { flowControlKey: 'none' },
    { callerIp: '127.0.0.9' },
    { label: 'x', path: '/none' },
  ])('by %p cancels nothing', async (filter) => {
    const ids = await waitingMany(2, { 'Upstash-Label': 'x' });
    const wanted = filter as { label: string };
    expect(await running.client.messages.cancel({ filter: wanted })).toEqual({ cancelled: 0 });
    expect(await lastStates(ids)).toEqual(['CREATED', 'CREATED']);
  });

  test('by the address of the publisher', async () => {
    const answer = await running.send('POST', `/v2/publish/${sink.url('/waiting')}`, {
      from: '127.0.0.7',
      headers: { authorization: `Bearer ${running.service.token}`, 'upstash-delay': '1h' },
    });
    expect(await running.client.messages.cancel({ filter: { callerIp: '127.0.0.7' } })).toEqual({ cancelled: 1 });
    await expectOnly([JSON.parse(answer.text).messageId]);
  });

  test('by the time of acceptance, ends included', async () => {
    const ids = await waitingMany(3);
    const times = await Promise.all(ids.map(async (id) => (await running.client.messages.get(id)).createdAt));
    const [fromDate, toDate] = [Math.min(...times), Math.max(...times)];
    const before = { toDate: new Date(fromDate - 1), path: '/waiting' };
    expect(await running.client.messages.cancel({ filter: before as { path: string } })).toEqual({ cancelled: 0 });
    const after = { fromDate: toDate + 1, path: '/waiting' };
    expect(await running.client.messages.cancel({ filter: after as { path: string } })).toEqual({ cancelled: 0 });
    const between = { fromDate, toDate, path: '/waiting' };
    expect(await running.client.messages.cancel({ filter: between as { path: string } })).toEqual({ cancelled: 3 });
  });

  test('takes its selection in a JSON body too, as the Python client sends it', async () => {
    const ids = await waitingMany(2);
    const { status, body } = await running.json('/v2/messages', {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messageIds: ids }),
    });
    expect([status, body]).toEqual([200, { cancelled: 2 }]);
    await expectOnly(ids);
  });

  test('finds a message of a year long after it was accepted', async () => {
    const url = sink.destination().url;
    const id = await waiting({ 'Upstash-Delay': '365d', 'Upstash-Label': 'year' }, url);
    await running.service.advance(2 * DAY);
    expect(await running.client.messages.cancel({ filter: { label: 'year' } })).toEqual({ cancelled: 1 });
    expect(await lastStates([id])).toEqual(['CANCELED']);
    const kept = (await running.items()).filter(({ pk }) => /^(due|open)#/.test(pk!.S!));
    expect(kept).toEqual([]);
  });

  test.each([
    'lable=x',
    'messageIds=',
    'messageId=a',
    'label=',
    'count=0',
    'count=x',
    'cursor=x',
    'fromDate=yesterday',
    'state=RETRY',
  ])('is refused for ?%s, and nothing happens', async (query) => {
    const { status, body } = await running.json(`/v2/messages?${query}`, { method: 'DELETE' });
    expect([status, body.error]).toEqual([400, expect.stringMatching(new RegExp(query.split('=')[0]!))]);
    await expectOnly([]);
  });

  test.each([
    ['/v2/messages/', ''],
    ['/v2/messages', '{"messageIds":[]}'],
    ['/v2/messages', '{"lable":"x"}'],
    ['/v2/messages', '[]'],
  ])('is refused for %s with %p, and nothing happens', async (path, body) => {
    const { status } = await running.json(path, { method: 'DELETE', body: body || undefined });
    expect(status).toBe(400);
    await expectOnly([]);
  });
});

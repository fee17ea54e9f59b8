import fc from 'fast-check';
import { ROUTES } from '../../lambda/http/routes';
import { type Answer, closeAll, FRONT_DOOR, type Running, start, startSink } from './harness';
import type { Sink } from './sink';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterAll(closeAll);

/** A refusal: says what is wrong in printable text, and nothing was written. */
async function expectRefusal(request: () => Promise<Answer>, status: number, field: RegExp): Promise<void> {
  await running.service.whenIdle();
  const before = await running.items();
  const answer = await request();
  expect([answer.status, answer.body]).toEqual([status, { error: expect.stringMatching(field) }]);
  expect(answer.body.error).toMatch(/^[\x20-\x7e]{1,300}$/);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(await running.items()).toEqual(before);
}

const publish = (destination: string, headers: Record<string, string> = {}) =>
  running.json(`/v2/publish/${destination}`, { method: 'POST', headers });

describe('a destination', () => {
  test.each<[string, number, RegExp]>([
    ['', 400, /destination url.*scheme/],
    ['example.com/path', 400, /destination url.*scheme, add http:\/\/ or https:\/\//],
    ['//127.0.0.1/', 400, /destination url.*scheme/],
    ['ftp://127.0.0.1/', 400, /destination url.*scheme/],
    ['file:///etc/passwd', 400, /destination url.*scheme/],
    ['javascript:alert(1)', 400, /destination url.*scheme/],
    ['data:text/plain,x', 400, /destination url.*scheme/],
    ['ws://127.0.0.1/', 400, /destination url.*scheme/],
    ['http://', 400, /destination url.*host/],
    ['http://:80/', 400, /destination url.*host/],
    ['http://user@127.0.0.1/', 400, /destination url.*user/],
    ['http://user:secret@127.0.0.1/', 400, /destination url.*user/],
    ['http://a%20b/', 400, /destination url.*host/],
    ['http://127.0.0.1%09/', 400, /destination url.*(control|host)/],
    ['http://127.0.0.1%0d%0a/', 400, /destination url.*(control|host)/],
    ['http://127.0.0.1%5C@example.com/', 400, /destination url.*(host|user)/],
    ['http://127.0.0.1:0/', 400, /destination url.*port/],
    ['http://127.0.0.1:65536/', 400, /destination url.*port/],
    ['http://127.0.0.1:x/', 400, /destination url.*port/],
    ['http://[::g]/', 400, /destination url.*host/],
    [`http://${'x'.repeat(64)}.example/`, 400, /destination url.*host/],
    ['http://exa_mple%25.example/', 400, /destination url.*host/],
    ['http://10.0.0.1/', 400, /destination url.*not allowed/],
    ['http://169.254.169.254/latest/meta-data', 400, /destination url.*not allowed/],
    ['http://2852039166/', 400, /destination url.*not allowed/],
    ['http://[::ffff:10.0.0.1]/', 400, /destination url.*not allowed/],
    ['http://0.0.0.0/', 400, /destination url.*not allowed/],
    ['http://metadata.google.internal/', 400, /destination url.*not allowed/],
    ['no-such-group', 404, /url group not found: no-such-group/],
    ['example.com', 404, /url group not found: example.com/],
  ])('that is "%s" gets %i', async (destination, status, field) => {
    await expectRefusal(() => publish(destination), status, field);
  });

  const long = `http://127.0.0.1/${'x'.repeat(2048)}`;
  test('of more than 2048 characters gets 400', async () => {
    await expectRefusal(() => publish(long), 400, /destination url.*2048/);
    await expectRefusal(() => publish(sink.url(), { 'Upstash-Callback': long }), 400, /Upstash-Callback.*2048/);
  });

  test.each(['example.com', '', 'ftp://127.0.0.1/', 'http://user@127.0.0.1/', 'http://192.168.0.1/', 'http://['])(
    'of a callback is checked too: "%s"',
    async (url) => {
      for (const name of ['Upstash-Callback', 'Upstash-Failure-Callback']) {
        await expectRefusal(() => publish(sink.url(), { [name]: url }), 400, new RegExp(`^invalid ${name}: `));
      }
      const nested = { 'Upstash-Callback': sink.url(), 'Upstash-Callback-Failure-Callback': url };
      await expectRefusal(() => publish(sink.url(), nested), 400, /^invalid Upstash-Callback-Failure-Callback: /);
    },
  );

  test('that is the service itself gets 400, and so does a callback there', async () => {
    const own = `${running.service.url}/v2/dlq`;
    await expectRefusal(() => publish(own), 400, /destination url.*service itself/);
    await expectRefusal(() => publish(own.toUpperCase().replace('/V2', '/v2')), 400, /destination url.*service itself/);
    const nested = { 'Upstash-Callback': sink.url(), 'Upstash-Callback-Callback': own };
    await expectRefusal(() => publish(sink.url(), nested), 400, /Upstash-Callback-Callback.*service itself/);
  });
});

describe('a setting', () => {
  const durations = ['', 's', '-1s', '1w', '1d1d', '1e3s', '5S', '1h 30m', '1.s', '0x10s', 'soon', '\u0661\u0660s'];
  const bad: Record<string, readonly string[]> = {
    'Upstash-Method': ['', 'get', 'HEAD', 'TRACE', 'CONNECT', 'OPTIONS', 'POST, GET', 'PO ST', 'POST\r\nX: y'],
    'Upstash-Delay': durations,
    'Upstash-Timeout': [...durations, '0', '0s'],
    'Upstash-Not-Before': ['', 'abc', '-1', '1.5', '1e9', '99999999999999999', '2030-01-01'],
    'Upstash-Retries': ['', '-1', '1.5', '1e2', '0x5', 'abc', '+1', '99999999999999999', '\u0663'],
    'Upstash-Retry-Delay': [
      '',
      '1000;process.exit()',
      'retried.constructor',
      'constructor',
      '__proto__',
      'pow(2,',
      'pow(2)',
      'foo(1)',
      'RETRIED',
      '1 +',
      '1 2',
      'a=>1',
      '"1"',
      `${'('.repeat(33)}1${')'.repeat(33)}`,
      '-'.repeat(40),
      '1'.repeat(513),
    ],
    'Upstash-Deduplication-Id': ['', 'a\nb', 'a\0b', '\u0085'],
    'Upstash-Content-Based-Deduplication': ['', '1', 'yes', 'on', 'true,false'],
    'Upstash-Label': ['a\nb', 'a,\0'],
    'Upstash-Forward-': ['x'],
    'Upstash-Forward-X Y': ['x'],
    'Upstash-Forward-X:Y': ['x'],
    'Upstash-Forward-X': ['a\r\nInjected: 1', 'a\0', '\u20ac', '\u{1f600}'],
  };
  const cases = Object.entries(bad).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));

  test.each(cases)('%s: %j is refused by its name, wherever it stands', async (name, value) => {
    const field = new RegExp(`^invalid ${name.replace(/(?<=Forward-).*/, '.*')}: `, 'i');
    const query = new URLSearchParams({ [name]: value });
    await expectRefusal(() => publish(`${sink.url()}?${query}`), 400, field);
    // What a header can hold is refused there as well.
    if (/^[\x20-\x7e]*$/.test(value) && /^[\w-]+$/.test(name)) {
      await expectRefusal(() => publish(sink.url(), { [name]: value }), 400, field);
    }
  });

  const options: [string, string, number][] = [
    ['Method', 'get', 400],
    ['Retries', '-1', 400],
    ['Retries', '101', 412],
    ['Timeout', '0s', 400],
    ['Timeout', '881', 412],
    ['Delay', '1w', 400],
    ['Delay', '366d', 412],
    ['Retry-Delay', '(', 400],
    ['Forward-', 'x', 400],
  ];
  test.each(options)('%s: %s of a callback is refused by its whole name', async (option, value, status) => {
    for (const name of ['Upstash-Callback', 'Upstash-Failure-Callback']) {
      const headers = { [name]: sink.url(), [`${name}-${option}`]: value };
      await expectRefusal(() => publish(sink.url(), headers), status, new RegExp(`^invalid ${name}-${option}`));
    }
  });

  test.each([
    'Method',
    'Retries',
    'Timeout',
    'Delay',
    'Retry-Delay',
    'Forward-X',
    'Callback',
    'Failure-Callback-Retries',
  ])('%s of a callback that there is not is refused', async (option) => {
    for (const name of ['Upstash-Callback', 'Upstash-Failure-Callback']) {
      const field = new RegExp(`^invalid ${name}-${option}: needs ${name} with a URL`);
      await expectRefusal(() => publish(sink.url(), { [`${name}-${option}`]: '1' }), 400, field);
    }
  });

  test.each(['Upstash-Cron', 'Upstash-Schedule-Id', 'Upstash-Queue-Name', 'Upstash-Callback-Queue-Name'])(
    '%s, which only schedules have, is refused and not ignored',
    async (name) => {
      const headers = { 'Upstash-Callback': sink.url(), [name]: 'true' };
      await expectRefusal(() => publish(sink.url(), headers), 400, new RegExp(`^invalid ${name}: only schedules`));
    },
  );

  const key = { 'Upstash-Flow-Control-Key': 'k' };
  test.each([
    ['', 400],
    ['parallelism', 400],
    ['parallelism=', 400],
    ['parallelism=0', 400],
    ['rate=-1', 400],
    ['rate=1.5', 400],
    ['rate=1,rate=2', 400],
    ['rate=1=2', 400],
    ['ratePerSecond=1', 400],
    ['period=1s', 400],
    ['rate=1,period=0', 400],
    ['rate=1,period=x', 400],
    ['rate=1,period=8d', 412],
    ['rate=1000001', 412],
  ])('Upstash-Flow-Control-Value: "%s" is refused, of a callback as well', async (value, status) => {
    const field = /^invalid Upstash-Flow-Control-Value: /;
    await expectRefusal(() => publish(sink.url(), { ...key, 'Upstash-Flow-Control-Value': value }), status, field);
    const callback = {
      'Upstash-Callback': sink.url(),
      'Upstash-Callback-Flow-Control-Key': 'k',
      'Upstash-Callback-Flow-Control-Value': value,
    };
    await expectRefusal(() => publish(sink.url(), callback), status, /^invalid Upstash-Callback-Flow-Control-Value: /);
  });

  test('of a flow control needs its other half', async () => {
    await expectRefusal(() => publish(sink.url(), key), 400, /Upstash-Flow-Control-Key.*Upstash-Flow-Control-Value/);
    const value = { 'Upstash-Flow-Control-Value': 'rate=1' };
    await expectRefusal(() => publish(sink.url(), value), 400, /Upstash-Flow-Control-Value.*Upstash-Flow-Control-Key/);
    const long = { 'Upstash-Flow-Control-Key': 'k'.repeat(1025), ...value };
    await expectRefusal(() => publish(sink.url(), long), 412, /Upstash-Flow-Control-Key.*1024/);
  });

  test.each(['', 'bodies', 'header[]', 'header[a b]', 'header[A', 'body;header', 'body,'])(
    'Upstash-Redact-Fields: "%s" is refused',
    async (value) => {
      await expectRefusal(() => publish(sink.url(), { 'Upstash-Redact-Fields': value }), 400, /Upstash-Redact-Fields/);
    },
  );

  test('of a retry from the dead letter queue is checked too', async () => {
    const { messageId } = await running.client.publish({ url: sink.destination(500).url, body: '', retries: 0 });
    await running.ended(messageId);
    const retry = (headers: Record<string, string>) =>
      running.json(`/v2/dlq/retry?messageId=${messageId}`, { method: 'POST', headers });
    await expectRefusal(() => retry({ 'Upstash-Retries': 'x' }), 400, /Upstash-Retries/);
    await expectRefusal(() => retry({ 'Upstash-Delay': '366d' }), 412, /Upstash-Delay/);
    await expectRefusal(() => retry({ 'Upstash-Callback': 'nowhere' }), 400, /Upstash-Callback/);
  });
});

describe('a path', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/v2'],
    ['GET', '/v2/'],
    ['GET', '/v1/messages/x'],
    ['GET', '/v2/nothing'],
    ['POST', '/v2/batches'],
    ['GET', '/v2/topic'],
    ['GET', '/v2/messages/a/b'],
    ['GET', '/v2/dlq%00'],
    ['GET', `/v2/${'x'.repeat(70)}`],
  ])('that nothing has gets 404: %s %s', async (method, path) => {
    await expectRefusal(() => running.json(path, { method }), 404, /there is no \//);
  });

  const paths = ROUTES.map(({ path }) => path.replace(/:\w+/g, 'nobody').replace('*', 'http://127.0.0.1:9/'));
  test.each([...new Set(paths)])('says which methods it has: %s', async (path) => {
    const fits = ({ path: pattern }: (typeof ROUTES)[number]) =>
      new RegExp(`^${pattern.replace(/:\w+/g, '[^/]+').replace('*', '.*')}$`).test(path);
    const methods = ROUTES.filter(fits).map(({ method }) => String(method));
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      if (methods.includes(method)) continue;
      const { status, headers, text } = await running.send(method, path);
      expect([status, String(headers.allow).split(', ').sort()]).toEqual([405, methods.sort()]);
      if (method !== 'HEAD')
        expect(JSON.parse(text)).toEqual({ error: expect.stringContaining(String(headers.allow)) });
    }
  });

  // An HTTP API folds slashes and decodes.
  const mended = FRONT_DOOR === 'httpApi' ? [['//v2//keys'], ['/v2/%6beys']] : [];
  test.each([['/v2/readiness/'], ['/v2/keys/'], ['/v2/dlq/'], ['/v2/events/'], ['/stage/v2/keys'], ...mended])(
    'may end in a slash, have two, be encoded or stand below another: %s',
    async (path) => {
      expect((await running.send('GET', path, { headers: authorized() })).status).toBe(200);
    },
  );
});

const authorized = () => ({ authorization: `Bearer ${running.service.token}` });

test('no request whatever is answered with a fault', async () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 12 });
  const odd = fc.oneof(
    word,
    fc.constantFrom('', '0', '-1', '1e9', 'true', 'null', '../..', '%', '%00', '%ff', '\u{1f600}', 'x'.repeat(300)),
    fc.constantFrom('__proto__', 'constructor', 'toString', 'msg_1', '1725323658779-0', `msg_1${'0'.repeat(27)}`),
  );
  /** As they stand in a path. */
  const broken = fc.constantFrom('%', '%zz', '%ff', '%00', '..', '%2e%2e%2f', '%252f', '%0d%0a', '\\', '//');
  const parameter = fc.constantFrom(
    ...['messageId', 'messageIds', 'dlqIds', 'label', 'url', 'state', 'host', 'path', 'count', 'cursor', 'order'],
    ...['fromDate', 'toDate', 'responseStatus', 'source', 'callerIp', 'force', 'qstash_token', 'upstash-retries'],
  );
  const header = fc.constantFrom(
    ...[
      'Upstash-Method',
      'Upstash-Delay',
      'Upstash-Not-Before',
      'Upstash-Retries',
      'Upstash-Retry-Delay',
      'Upstash-Label',
    ],
    ...['Upstash-Timeout', 'Upstash-Callback', 'Upstash-Failure-Callback', 'Upstash-Callback-Retries', 'Content-Type'],
    ...['Upstash-Deduplication-Id', 'Upstash-Content-Based-Deduplication', 'Upstash-Forward-X', 'Upstash-Forward-'],
    ...['Upstash-Callback-Callback', 'Upstash-__proto__', 'Cookie', 'X-Forwarded-For', 'Content-Encoding'],
  );
  const known = fc.constantFrom(...ROUTES.map(({ path }) => path));
  const requests = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
    pattern: fc.oneof(
      { weight: 5, arbitrary: known },
      { weight: 1, arbitrary: word.map((text) => `/${encodeURI(text)}`) },
    ),
    segment: fc.oneof(odd.map(encodeURIComponent), broken),
    rest: fc.oneof(fc.constant(sink.url('/any')), odd.map(encodeURI), broken),
    query: fc.array(fc.tuple(fc.oneof(parameter, word), odd), { maxLength: 4 }),
    headers: fc.dictionary(header, fc.oneof(odd, fc.constant(sink.url('/any')), fc.nat(999).map(String)), {
      maxKeys: 5,
    }),
    body: fc.oneof(
      fc.constant(new Uint8Array()),
      fc.uint8Array({ maxLength: 50 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .dictionary(parameter, fc.oneof(odd, fc.array(odd), fc.jsonValue()))
        .map((value) => Buffer.from(JSON.stringify(value))),
    ),
  });
  /** What a header may hold, read as Latin-1. */
  const headerText = (text: string) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?');

  const property = fc.asyncProperty(requests, async ({ method, pattern, segment, rest, query, headers, body }) => {
    // A function's own replacement: the texts may hold `$&`.
    const path = pattern.replace(/:\w+/g, () => segment).replace('*', () => rest);
    const given = Object.entries(headers).map(([name, value]) => [name, headerText(value)]);
    const { status, text } = await running.send(method, `${path}?${new URLSearchParams(query)}`, {
      headers: { ...authorized(), ...Object.fromEntries(given) },
      body,
    });
    expect(status).toBeLessThan(500);
    if (status >= 400 && method !== 'HEAD')
      expect(Object.keys(JSON.parse(text))).toEqual([expect.stringMatching(/^(error|message)$/)]);
  });
  await fc.assert(property, { numRuns: 300 });
  await running.service.whenIdle();
  expect(running.lines.filter(({ text }) => text.includes('"fault"')).map(({ text }) => text)).toEqual([]);
});

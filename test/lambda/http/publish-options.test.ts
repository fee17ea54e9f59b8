import fc from 'fast-check';
import { AddressPolicy } from '../../../lambda/deliver/address-policy';
import { HttpError } from '../../../lambda/http/http-error';
import { parseOverrides, parsePublishOptions } from '../../../lambda/http/publish-options';

const NOW = 1_780_000_000_000;
const limits = { defaultRetries: 3, maxRetries: 20, maxDelaySeconds: 31_536_000, maxTimeoutSeconds: 880 };
const policy = new AddressPolicy({ allowed: [] });

const input = (headers: Record<string, string | undefined>, query = '') => ({
  headers,
  query: new URLSearchParams(query),
  limits,
  now: NOW,
  policy,
});
const parse = (headers: Record<string, string | undefined>, query = '') => parsePublishOptions(input(headers, query));
const refusal = (status: number, message: RegExp) =>
  expect.objectContaining({ status, message: expect.stringMatching(message) });

test('defaults', () => {
  expect(parse({})).toEqual({
    method: 'POST',
    header: {},
    notBefore: NOW,
    maxRetries: 3,
    contentBasedDeduplication: false,
  });
});

test('everything at once', () => {
  expect(
    parse({
      authorization: 'Bearer the-token',
      'content-type': 'application/json',
      'upstash-method': 'PUT',
      'upstash-delay': '1h30m',
      'upstash-retries': '5',
      'upstash-retry-delay': 'pow(2, retried) * 1000',
      'upstash-timeout': '30',
      'upstash-forward-x-one': '1',
      'upstash-deduplication-id': 'order 7',
      'upstash-content-based-deduplication': 'True',
      'upstash-label': 'a, b,,a',
      'upstash-callback': 'https://example.com/callback',
      'upstash-failure-callback': 'https://example.com/failure',
      'upstash-telemetry-sdk': 'x',
      'upstash-telemetry-flow-control-key': 'x',
      'upstash-unknown': 'x',
    }),
  ).toEqual({
    method: 'PUT',
    header: { 'Content-Type': ['application/json'], 'X-One': ['1'] },
    notBefore: NOW + 5_400_000,
    maxRetries: 5,
    retryDelayExpression: 'pow(2, retried) * 1000',
    timeout: 30,
    deduplicationId: 'order 7',
    contentBasedDeduplication: true,
    labels: ['a', 'b'],
    callback: { url: 'https://example.com/callback', method: 'POST', header: {} },
    failureCallback: { url: 'https://example.com/failure', method: 'POST', header: {} },
  });
});

describe('query', () => {
  test('counts as headers do, in any case', () => {
    const options = parse({}, 'upstash-retries=1&Upstash-Delay=100s&upstash-forward-x-one=1&a=b&upstash-retries=2');
    expect(options).toMatchObject({ maxRetries: 1, notBefore: NOW + 100_000, header: { 'X-One': ['1'] } });
  });

  test('loses against a header', () => {
    expect(parse({ 'upstash-retries': '1' }, 'upstash-retries=2').maxRetries).toBe(1);
  });

  test('sets no content type', () => {
    expect(parse({}, 'upstash-content-type=a/b&content-type=a/b').header).toEqual({});
  });
});

describe('not before', () => {
  test.each([
    [{ 'upstash-not-before': String(NOW / 1000 + 60) }, NOW + 60_000],
    [{ 'upstash-not-before': String(NOW / 1000 - 60) }, NOW],
    [{ 'upstash-not-before': '0' }, NOW],
    [{ 'upstash-not-before': String(NOW / 1000 + 60), 'upstash-delay': '1s' }, NOW + 60_000],
    [{ 'upstash-delay': '0s' }, NOW],
    [{ 'upstash-delay': '1.5s' }, NOW + 1_500],
    [{ 'upstash-delay': '365d' }, NOW + 31_536_000_000],
    [{ 'upstash-not-before': String(NOW / 1000 + 31_536_000) }, NOW + 31_536_000_000],
  ])('%j', (headers, expected) => {
    expect(parse(headers).notBefore).toBe(expected);
  });
});

describe('refused', () => {
  const callback = { 'upstash-callback': 'https://example.com/' };

  test.each([
    ['upstash-method', ['get', 'TRACE', 'CONNECT', 'HEAD', '', 'POST, GET', 'PO ST', 'POST\r\nX: y'], 400],
    ['upstash-delay', ['-1s', 's', '1w', '1d1d', '1e3s', '١٠s', '5S', ''], 400],
    ['upstash-delay', ['366d', '99999999999999h'], 412],
    ['upstash-timeout', ['-1s', 's', '', '0', '0s'], 400],
    ['upstash-timeout', ['881', '15m', '1d'], 412],
    ['upstash-not-before', ['abc', '-1', '1.5', '', '0x1', '99999999999999999999'], 400],
    ['upstash-not-before', [String(NOW), '9223372036854775'], 412],
    ['upstash-retries', ['-1', '1.5', '', '1e2', '0x5', 'three', '٣'], 400],
    ['upstash-retries', ['21', '9999999999'], 412],
    ['upstash-retry-delay', ['', '1000;process.exit()', 'retried.constructor', 'pow(2,', '('.repeat(9_000)], 400],
    ['upstash-deduplication-id', ['', 'a\r\nb', 'a\0'], 400],
    ['upstash-deduplication-id', ['x'.repeat(1_025)], 412],
    ['upstash-content-based-deduplication', ['1', 'yes', ''], 400],
    ['upstash-label', ['a\nb'], 400],
    ['upstash-label', [Array.from({ length: 33 }, (_, index) => index).join(','), 'x'.repeat(257)], 412],
    ['upstash-callback', ['', 'example.com', 'ftp://example.com', 'http://10.0.0.1/', 'http://u:p@example.com/'], 400],
    ['upstash-failure-callback', ['', 'my-group', 'http://localhost/'], 400],
    ['upstash-forward-', ['x'], 400],
    ['upstash-forward-x', ['a\r\nb', '\u0100'], 400],
  ] as const)('%s', (name, values, status) => {
    const written = name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
    for (const value of values) {
      const read = () => parse({ [name]: value });
      expect(read).toThrow(HttpError);
      expect(read).toThrow(refusal(status, new RegExp(`^invalid ${written}: `)));
    }
  });

  test.each(['Upstash-Queue-Name', 'Upstash-Cron', 'Upstash-Schedule-Id', 'Upstash-Callback-Queue-Name'])(
    '%s, which only schedules have',
    (name) => {
      expect(() => parse({ ...callback, [name.toLowerCase()]: 'x' })).toThrow(
        refusal(400, new RegExp(`^invalid ${name}: only schedules`)),
      );
    },
  );

  test.each([
    'Upstash-Callback-Method',
    'Upstash-Callback-Retries',
    'Upstash-Callback-Forward-X',
    'Upstash-Callback-Callback',
    'Upstash-Failure-Callback-Timeout',
    'Upstash-Failure-Callback-Delay',
    'Upstash-Failure-Callback-Retry-Delay',
  ])('%s without its URL', (name) => {
    expect(() => parse({ [name.toLowerCase()]: 'GET' })).toThrow(refusal(400, new RegExp(`^invalid ${name}: needs `)));
  });

  test.each([
    ['upstash-callback-method', 'get', 400],
    ['upstash-callback-retries', '-1', 400],
    ['upstash-callback-retries', '21', 412],
    ['upstash-callback-timeout', '1w', 400],
    ['upstash-callback-timeout', '881s', 412],
    ['upstash-callback-delay', 'x', 400],
    ['upstash-callback-delay', '366d', 412],
    ['upstash-callback-retry-delay', 'x', 400],
    ['upstash-callback-forward-x', 'a\nb', 400],
    ['upstash-callback-callback', 'http://127.0.0.1/', 400],
  ])('%s: %s', (name, value, status) => {
    expect(() => parse({ ...callback, [name]: value })).toThrow(refusal(status, /^invalid Upstash-Callback-/));
  });
});

describe('callbacks', () => {
  test('take the settings under their name', () => {
    const options = parse({
      'upstash-forward-x': 'message',
      'upstash-callback': 'https://example.com/c',
      'upstash-callback-method': 'PATCH',
      'upstash-callback-retries': '1',
      'upstash-callback-retry-delay': '500',
      'upstash-callback-timeout': '10s',
      'upstash-callback-delay': '1m',
      'upstash-callback-content-type': 'text/plain',
      'upstash-callback-forward-x': 'callback',
      'upstash-callback-forward-host': 'dropped',
      'upstash-callback-x': 'ignored',
      'upstash-failure-callback': 'https://example.com/f',
      'upstash-failure-callback-forward-x': 'failure',
      'upstash-failure-callback-retries': '0',
    });
    expect(options.header).toEqual({ X: ['message'] });
    expect(options.callback).toEqual({
      url: 'https://example.com/c',
      method: 'PATCH',
      header: { 'Content-Type': ['text/plain'], X: ['callback'] },
      retries: 1,
      retryDelayExpression: '500',
      timeout: 10,
      delay: 60,
    });
    expect(options.failureCallback).toEqual({
      url: 'https://example.com/f',
      method: 'POST',
      header: { X: ['failure'] },
      retries: 0,
    });
  });

  test('nest two deep', () => {
    const options = parse({
      'upstash-callback': 'https://example.com/1',
      'upstash-callback-failure-callback': 'https://example.com/2',
      'upstash-callback-failure-callback-retries': '2',
      'upstash-callback-callback': 'https://example.com/3',
      'upstash-failure-callback': 'https://example.com/4',
      'upstash-failure-callback-callback': 'https://example.com/5',
    });
    expect(options.callback).toMatchObject({
      url: 'https://example.com/1',
      failureCallback: { url: 'https://example.com/2', retries: 2 },
      callback: { url: 'https://example.com/3' },
    });
    expect(options.failureCallback).toMatchObject({
      url: 'https://example.com/4',
      callback: { url: 'https://example.com/5' },
    });
  });

  test.each([
    ['callback-callback-callback', 'callback-callback'],
    ['callback-failure-callback-callback', 'callback-failure-callback'],
    ['failure-callback-failure-callback-failure-callback', 'failure-callback-failure-callback'],
  ])('%s is too deep', (deep, inner) => {
    const outer = inner.startsWith('callback') ? 'callback' : 'failure-callback';
    const url = 'https://example.com/';
    const headers = { [`upstash-${outer}`]: url, [`upstash-${inner}`]: url, [`upstash-${deep}`]: url };
    expect(() => parse(headers)).toThrow(refusal(400, /nest at most 2 deep$/));
  });

  test('unknown settings of a callback that is not there are ignored', () => {
    expect(parse({ 'upstash-callback-x-custom': '1' }).callback).toBeUndefined();
  });
});

describe('overrides', () => {
  const overrides = (headers: Record<string, string>) => parseOverrides(input(headers));

  test('hold what is set and nothing else', () => {
    expect(overrides({ authorization: 'Bearer x' })).toStrictEqual({});
    expect(overrides({ 'upstash-retries': '0', 'upstash-forward-x': '1' })).toStrictEqual({
      maxRetries: 0,
      header: { X: ['1'] },
    });
    expect(overrides({ 'upstash-delay': '1s' })).toStrictEqual({ notBefore: NOW + 1_000 });
    expect(overrides({ 'upstash-content-based-deduplication': 'false' })).toStrictEqual({
      contentBasedDeduplication: false,
    });
  });

  test('are refused by the same rules', () => {
    expect(() => overrides({ 'upstash-retries': '21' })).toThrow(refusal(412, /^invalid Upstash-Retries: /));
  });
});

test('any settings are accepted within the limits or refused with a short printable text', () => {
  const names = fc.oneof(
    fc.constantFrom(
      ...['method', 'delay', 'timeout', 'not-before', 'retries', 'retry-delay', 'label', 'deduplication-id'],
      ...['callback', 'failure-callback', 'callback-retries', 'callback-callback', 'failure-callback-delay'],
      ...[
        'content-based-deduplication',
        'forward-x',
        'forward-',
        'forward-é',
        'callback-',
        'callback-forward-__proto__',
      ],
    ),
    fc.string({ unit: 'binary' }),
  );
  const values = fc.oneof(
    fc.constantFrom('', '1', '5s', '-1', 'GET', 'true', 'https://example.com/', 'a,b', 'retried', '9'.repeat(99)),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values)), (entries) => {
      const headers = Object.fromEntries(entries.map(([name, value]) => [`upstash-${name}`, value]));
      try {
        const options = parse(headers);
        expect(options.maxRetries).toBeLessThanOrEqual(limits.maxRetries);
        expect(options.notBefore).toBeGreaterThanOrEqual(NOW);
        expect(Number.isInteger(options.notBefore)).toBe(true);
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        expect([400, 412]).toContain(error.status);
        expect(error.message).toMatch(/^[\x20-\x7e]{1,260}$/);
      }
    }),
    { numRuns: 1000 },
  );
});

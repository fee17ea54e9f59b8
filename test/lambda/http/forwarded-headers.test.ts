import fc from 'fast-check';
import { readForwarded } from '../../../lambda/http/forwarded-headers';
import { canonicalName, gatherHeaders, isConnectionHeader } from '../../../lambda/message/header-map';

const read = (settings: Record<string, string>) => readForwarded(new Map(Object.entries(settings)), 'Upstash-');

test.each([
  ['content-type', 'Content-Type'],
  ['X-API-KEY', 'X-Api-Key'],
  ['x-1-a', 'X-1-A'],
  ['__proto__', '__proto__'],
  ['a--b', 'A--B'],
])('%s is written %s', (name, canonical) => {
  expect(canonicalName(name)).toBe(canonical);
});

test('forwards what stands under forward-, and the content type', () => {
  expect(
    read({
      'content-type': 'text/plain',
      'forward-x-test': ' a, b ',
      'forward-authorization': 'Bearer theirs',
      'forward-x-empty': '',
      'forward-x-latin': 'é',
      retries: '3',
    }),
  ).toEqual({
    'Content-Type': ['text/plain'],
    'X-Test': ['a, b'],
    Authorization: ['Bearer theirs'],
    'X-Empty': [''],
    'X-Latin': ['é'],
  });
});

test.each([
  'Host',
  'Connection',
  'Content-Length',
  'Transfer-Encoding',
  'Keep-Alive',
  'Upgrade',
  'HTTP2-Settings',
  'Expect',
  'TE',
  'Trailer',
  'Proxy-Authorization',
  'Proxy-Anything',
  'Upstash-Signature',
  'Upstash-Message-Id',
  'Upstash-Delay',
  'Content-Type',
  'X-aws-ec2-metadata-token',
  'X-aws-ec2-metadata-token-ttl-seconds',
  'Metadata-Flavor',
  'Metadata',
  'X-Google-Metadata-Request',
  'X-Identity-Header',
])('%s is dropped', (name) => {
  expect(read({ [`forward-${name.toLowerCase()}`]: 'x' })).toEqual({});
});

test('only what frames a request is kept from the client', () => {
  expect(['Host', 'content-length', 'PROXY-X'].map(isConnectionHeader)).toEqual([true, true, true]);
  expect(['Authorization', 'Upstash-Signature', 'Content-Type'].map(isConnectionHeader)).toEqual([false, false, false]);
});

test.each([
  ['', 'x'],
  ['a b', 'x'],
  ['a:b', 'x'],
  ['é', 'x'],
  ['a\r\nb', 'x'],
  ['x', 'a\r\nInjected: 1'],
  ['x', 'a\nb'],
  ['x', 'a\0b'],
  ['x', 'a\u007fb'],
  ['x', '\u0100'],
  ['x', '😀'],
  ['x', 'obs\r\n fold'],
])('name %j with value %j is a 400', (name, value) => {
  expect(() => read({ [`forward-${name}`]: value })).toThrow(
    expect.objectContaining({ status: 400, message: expect.stringMatching(/^invalid Upstash-Forward-[\x20-\x7e]*$/) }),
  );
});

test('a malformed content type is a 400', () => {
  expect(() => read({ 'content-type': 'a\nb' })).toThrow(/^invalid Content-Type: /);
  expect(read({ 'content-type': '' })).toEqual({});
});

test('too many or too long is a 412', () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`forward-h${index}`, 'v']));
  expect(Object.keys(read(many(100)))).toHaveLength(100);
  expect(() => read(many(101))).toThrow(expect.objectContaining({ status: 412 }));
  expect(read({ 'forward-h': 'v'.repeat(16_383) })).toHaveProperty('H');
  expect(() => read({ 'forward-h': 'v'.repeat(16_384) })).toThrow(expect.objectContaining({ status: 412 }));
});

test('names of object internals are plain names', () => {
  const header = read(JSON.parse('{"forward-__proto__":"a","forward-constructor":"b"}'));
  expect(Object.entries(header)).toEqual([
    ['__proto__', ['a']],
    ['Constructor', ['b']],
  ]);
  expect(({} as { a?: unknown }).a).toBeUndefined();
});

test('gathers repeated headers in order', () => {
  expect(
    gatherHeaders([
      ['set-cookie', 'a'],
      ['X', '1'],
      ['Set-Cookie', 'b'],
    ]),
  ).toEqual({ 'Set-Cookie': ['a', 'b'], X: ['1'] });
});

test('whatever is accepted can be sent', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
      let header: ReturnType<typeof read>;
      try {
        header = read({ [`forward-${name}`]: value });
      } catch {
        return;
      }
      expect(() => new Headers(Object.entries(header).map(([key, [only = '']]) => [key, only]))).not.toThrow();
    }),
    { numRuns: 1000 },
  );
});

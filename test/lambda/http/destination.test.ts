import fc from 'fast-check';
import { AddressPolicy, portOf } from '../../../lambda/deliver/address-policy';
import { DESTINATION, groupNameOf, readDestination, validateUrl } from '../../../lambda/http/destination';

const policy = new AddressPolicy({ allowed: [] });
const local = new AddressPolicy({ allowed: [], loopbackAllowed: true });
const validate = (text: string) => validateUrl(text, DESTINATION, policy);

describe('reading the path', () => {
  test.each([
    ['https://example.com/a', '', 'https://example.com/a'],
    ['https:/example.com/a', '', 'https://example.com/a'],
    ['http:/example.com', '', 'http://example.com'],
    ['HTTPS:/example.com', '', 'HTTPS://example.com'],
    ['https%3A%2F%2Fexample.com%2Fa', '', 'https://example.com/a'],
    ['https%3a%2f%2fexample.com', '', 'https://example.com'],
    ['https:/example.com/a', 'b=1&c=2', 'https://example.com/a?b=1&c=2'],
    ['https:///example.com', '', 'https:///example.com'],
    ['example.com', '', 'example.com'],
    ['ftp:/example.com', '', 'ftp:/example.com'],
  ])('%s with query "%s"', (raw, query, expected) => {
    expect(readDestination(raw, query, 'httpApi')).toBe(expected);
    expect(readDestination(raw, query, 'functionUrl')).toBe(expected);
  });

  test('an encoded destination brings its own query', () => {
    expect(readDestination('https%3A%2F%2Fexample.com%2F%3Fa%3D1', 'b=2', 'functionUrl')).toBe(
      'https://example.com/?a=1&b=2',
    );
  });

  test('an encoded destination that cannot be decoded is a 400', () => {
    expect(() => readDestination('https%3A%2F%2Fexample.com%2F%E0%A4', '', 'functionUrl')).toThrow(
      expect.objectContaining({ status: 400 }),
    );
  });

  test('what an HTTP API decoded is encoded again', () => {
    expect(readDestination('https:/example.com/a b/ü/"<>`{}|\\^[]#', '', 'httpApi')).toBe(
      'https://example.com/a%20b/%C3%BC/%22%3C%3E%60%7B%7D%7C%5C%5E%5B%5D%23',
    );
    expect(readDestination('https:/example.com/100%', '', 'httpApi')).toBe('https://example.com/100%25');
    expect(readDestination('https:/example.com/100%zz', '', 'httpApi')).toBe('https://example.com/100%25zz');
    expect(readDestination('https:/example.com/a%20b', '', 'httpApi')).toBe('https://example.com/a%20b');
    expect(readDestination("https:/example.com/-._~!$&'()*+,;=:@", '', 'httpApi')).toBe(
      "https://example.com/-._~!$&'()*+,;=:@",
    );
    expect(readDestination('https:/example.com/\n\0', '', 'httpApi')).toBe('https://example.com/%0A%00');
    expect(readDestination('https:/example.com/\ud800', '', 'httpApi')).toBe('https://example.com/%EF%BF%BD');
  });

  test('the host is left to the URL parser', () => {
    expect(readDestination('https:/[2606:4700::1]:8443/a b', '', 'httpApi')).toBe('https://[2606:4700::1]:8443/a%20b');
    expect(validate(readDestination('https:/bücher.example/ä', '', 'httpApi'))).toBe(
      'https://xn--bcher-kva.example/%C3%A4',
    );
  });

  test('what a Function URL hands over as sent stays so', () => {
    expect(readDestination('https://example.com/a%2Fb%3Fc%25%23d', '', 'functionUrl')).toBe(
      'https://example.com/a%2Fb%3Fc%25%23d',
    );
  });

  test.each([
    ['qstash_token=secret', ''],
    ['a=1&qstash_token=secret&b=2', '?a=1&b=2'],
    ['qstash_token=x&qstash_token=y', ''],
    ['QSTASH_TOKEN=x&qstash%5Ftoken=y', ''],
    ['qstash_token', ''],
    ['upstash-retries=3&a=1', '?a=1'],
    ['Upstash-Delay=3s&up%73tash-method=GET', ''],
    ['b=2&a=1&b=1', '?b=2&a=1&b=1'],
    ['a=%20+%FF%2f&empty=&bare', '?a=%20+%FF%2f&empty=&bare'],
    ['a=upstash-x&my-upstash-y=1', '?a=upstash-x&my-upstash-y=1'],
    ['a=1&&b=2', '?a=1&b=2'],
    ['=x', '?=x'],
    ['a=b=c', '?a=b=c'],
    ['%E0%A4=1', '?%E0%A4=1'],
  ])('query %s becomes %s', (query, expected) => {
    expect(readDestination('https:/example.com/', query, 'httpApi')).toBe(`https://example.com/${expected}`);
  });

  test.each([
    ['\u017F', '%C5%BF'],
    ['\u212A', '%E2%84%AA'],
  ])('%s, which case folding takes for an ASCII letter, is encoded', (character, encoded) => {
    expect(readDestination(`https:/example.com/${character}`, '', 'httpApi')).toBe(`https://example.com/${encoded}`);
  });

  test('a path that was encoded, then decoded by an HTTP API, arrives as it was sent', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replace(/[/?#%]/g, ''));
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        const sent = `https://example.com/${segments.map((text) => encodeURIComponent(text)).join('/')}`;
        const decoded = decodeURIComponent(sent).replace('https://', 'https:/');
        const read = readDestination(decoded, '', 'httpApi');
        expect(decodeURIComponent(read)).toBe(decodeURIComponent(sent));
        expect(read).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });
});

describe('accepted', () => {
  test.each([
    ['https://example.com', 'https://example.com/'],
    ['HTTP://EXAMPLE.COM:80/A', 'http://example.com/A'],
    ['https://example.com:8443/a?b=c', 'https://example.com:8443/a?b=c'],
    ['https://example.com/a#fragment', 'https://example.com/a'],
    ['https://example.com/a@b:c', 'https://example.com/a@b:c'],
    ['https://example.com/?u=http://10.0.0.1/', 'https://example.com/?u=http://10.0.0.1/'],
    ['https://8.8.8.8/', 'https://8.8.8.8/'],
    ['https://[2606:4700::1111]/', 'https://[2606:4700::1111]/'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
    ['https://my_host.example/', 'https://my_host.example/'],
    ['https://example.com./', 'https://example.com./'],
  ])('%s', (text, href) => {
    expect(validate(text)).toBe(href);
  });
});

describe('refused', () => {
  test.each([
    '//example.com',
    'example.com/path',
    'ftp://example.com',
    'file:///etc/passwd',
    'gopher://example.com',
    'data:text/plain,x',
    'javascript:alert(1)',
    'ws://example.com',
    'blob:https://example.com/x',
    'https:example.com',
    'a b',
    '',
  ])('%s has no http scheme', (text) => {
    expect(() => validate(text)).toThrow(
      expect.objectContaining({
        status: 400,
        message: 'invalid destination url: endpoint has invalid scheme, add http:// or https://',
      }),
    );
  });

  test.each([
    'http://',
    'http:///127.0.0.1/',
    'http:///example.com/',
    'http://:80/',
    'http://user@example.com/',
    'http://user:password@example.com/',
    'http://@example.com/',
    'http://1.1.1.1&@2.2.2.2#@3.3.3.3/',
    'http://127.0.0.1%2f@google.com/',
    'http://127.1.1.1:80\\@127.2.2.2:80/',
    'https://example.com\\@127.0.0.1/',
    'http:\\\\127.0.0.1/',
    'http://exam\tple.com/',
    'http://exam\nple.com/',
    'http://example.com/a\r\nb',
    'http://example.com/\0',
    'http://exa mple.com/',
    'http://example.com:0/',
    'http://example.com:65536/',
    'http://example.com:x/',
    'http://[::1/',
    'http://[fe80::1%25eth0]/',
    'http://exam%00ple.com/',
    'http://a..b/',
    'http://.example.com/',
    `http://${'a'.repeat(64)}.example/`,
    `http://${'a.'.repeat(130)}example/`,
    'http://exa$mple.com/',
    `https://example.com/${'a'.repeat(2_048)}`,
    'http://localhost/',
    'http://LOCALHOST./',
    'http://foo.localhost/',
    'http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
    'http://%6c%6f%63%61%6c%68%6f%73%74/',
    'http://ip6-localhost/',
    'http://metadata.google.internal/',
    'http://127.0.0.1:8080/',
    'http://10.1.2.3/',
    'http://169.254.169.254/latest/meta-data/',
    'http://127.1/',
    'http://0/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://017700000001/',
    'http://①②⑦.⓪.⓪.①/',
    'http://127。0。0。1/',
    'http://127.0.0.1./',
    'http://%31%32%37.0.0.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::]/',
    'http://425.510.425.510/',
    'http://4294967296/',
    'http://1.2.3.4.5/',
  ])('%j', (text) => {
    expect(() => validate(text)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test('the field is named', () => {
    expect(() => validateUrl('example.com', 'Upstash-Callback', policy)).toThrow(
      'invalid Upstash-Callback: endpoint has invalid scheme, add http:// or https://',
    );
  });

  test('what is left of encoding may not make it too long either', () => {
    expect(() => validate(`https://example.com/${'ü'.repeat(1_000)}`)).toThrow(/longer than 2048/);
  });
});

test.each([
  ['my-group', 'my-group'],
  ['example.com', 'example.com'],
  ['group?a=1', 'group'],
  ['a'.repeat(256), 'a'.repeat(256)],
  ['a'.repeat(257), undefined],
  ['', undefined],
  ['a b', undefined],
  ['a/b', undefined],
  ['https://example.com', undefined],
])('"%s" names the URL group %s', (text, name) => {
  expect(groupNameOf(text)).toBe(name);
});

test('loopback is a destination in local mode', () => {
  expect(validateUrl('http://localhost:3000/hook', DESTINATION, local)).toBe('http://localhost:3000/hook');
  expect(validateUrl('http://127.0.0.1:3000/', DESTINATION, local)).toBe('http://127.0.0.1:3000/');
  expect(validateUrl('http://127.4.5.6:3000/', DESTINATION, local)).toBe('http://127.4.5.6:3000/');
  expect(validateUrl('http://[::1]:3000/', DESTINATION, local)).toBe('http://[::1]:3000/');
  expect(() => validateUrl('http://10.0.0.1/', DESTINATION, local)).toThrow();
});

test('ports follow from schemes', () => {
  expect(['http://a', 'https://a', 'https://a:81'].map((text) => portOf(new URL(text)))).toEqual([80, 443, 81]);
});

test('whatever is accepted is one URL to every reader, and stays so', () => {
  const nasty = fc.string({
    unit: fc.constantFrom(...'http://\\@:#?%.[]0123aA \t\n', 'https://', 'example.com', '127.0.0.1', 'localhost'),
  });
  const texts = fc.oneof(
    fc.webUrl(),
    nasty,
    nasty.map((text) => `http://${text}`),
    fc.string().map((text) => `https://${text}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      let href: string;
      try {
        href = validate(text);
      } catch (error) {
        const { status, message } = error as { status: number; message: string };
        expect([400, 404]).toContain(status);
        expect(message).toMatch(/^[\x20-\x7e]{1,160}$/);
        return;
      }
      const url = new URL(href);
      expect(url.href).toBe(href);
      expect(['http:', 'https:']).toContain(url.protocol);
      expect([url.username, url.password, url.hash]).toEqual(['', '', '']);
      expect(policy.deniesHost(url.hostname, portOf(url))).toBeUndefined();
      expect(validate(href)).toBe(href);
    }),
    { numRuns: 3000 },
  );
});

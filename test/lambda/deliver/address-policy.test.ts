import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { AddressPolicy } from '../../../lambda/deliver/address-policy';
import { DENIED_IPV4, DENIED_IPV6, NEVER_IPV4, NEVER_IPV6, type Range } from '../../../lambda/deliver/address-ranges';
import { DESTINATION, validateUrl } from '../../../lambda/http/destination';

const policy = new AddressPolicy({ allowed: [] });
const open = new AddressPolicy({ allowed: ['0.0.0.0/0', '::/0'] });
const LOCAL = Symbol.for('cdk-qstash.local');

const denied = (address: string, by = policy, port = 443) => by.denies(address, port) !== undefined;

function toNumber(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function toAddress(value: bigint, bits: number): string {
  const bytes = Array.from({ length: bits / 8 }, (_, index) => Number((value >> BigInt(bits - 8 - index * 8)) & 0xffn));
  return ipaddr.fromByteArray(bytes).toString();
}

/** First and last address of a block, and their neighbours outside. */
function boundaries([network, prefix]: Range): { inside: string[]; outside: string[] } {
  const bits = isIPv6(network) ? 128 : 32;
  const first = toNumber(network);
  const last = first | ((1n << BigInt(bits - prefix)) - 1n);
  const outside = [first - 1n, last + 1n].filter((value) => value >= 0n && value < 1n << BigInt(bits));
  return {
    inside: [first, last].map((value) => toAddress(value, bits)),
    outside: outside.map((value) => toAddress(value, bits)),
  };
}

/**
 * Another author's classification, with the differences we want: it lets these through, we don't.
 * - 168.63.129.16 is public by registry, but every Azure host's own service.
 * - IPv6 outside 2000::/3 that nobody has been given.
 * And it refuses mapped addresses of public ones, which are those public addresses.
 */
function oracleDenies(address: string): boolean {
  const parsed = ipaddr.process(address);
  if (parsed.toString() === '168.63.129.16') return true;
  if (parsed.kind() === 'ipv6' && !parsed.match(ipaddr.parse('2000::'), 3)) return true;
  return parsed.range() !== 'unicast';
}

const ranges = [...DENIED_IPV4, ...DENIED_IPV6, ...NEVER_IPV6, ['2000::', 3] as const];
const corpus = [...new Set(ranges.flatMap((range) => Object.values(boundaries(range)).flat()))];
const corpusV4 = corpus.filter((address) => !isIPv6(address));

test.each([...DENIED_IPV4, ...DENIED_IPV6, ...NEVER_IPV6])('%s/%i is denied to its ends', (...range) => {
  for (const address of boundaries(range).inside) expect([address, denied(address)]).toEqual([address, true]);
});

test.each(corpus)('%s agrees with another classifier', (address) => {
  expect(denied(address)).toBe(oracleDenies(address));
});

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '168.63.129.15',
  '168.63.129.17',
  '2000::1',
  '2001:200::1',
  '2606:4700::1111',
  '2a00:1450:4001::1',
  '3fff:1000::1',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
])('%s is public', (address) => {
  expect(denied(address)).toBe(false);
});

test('random addresses agree with another classifier', () => {
  const v4 = fc.nat(0xffff_ffff).map((value) => toAddress(BigInt(value), 32));
  const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => toAddress(value, 128));
  const near = fc
    .tuple(fc.constantFrom(...ranges), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }))
    .map(([[network, prefix], random]) => {
      const bits = isIPv6(network) ? 128 : 32;
      const host = random & ((1n << BigInt(bits - prefix)) - 1n);
      return toAddress(toNumber(network) | host, bits);
    });
  fc.assert(
    fc.property(fc.oneof(v4, v6, near), (address) => {
      expect(denied(address)).toBe(oracleDenies(address));
    }),
    { numRuns: 20_000 },
  );
}, 20_000);

/** Ways to write one IPv4 address that URL parsers take. */
function spellings(address: string): string[] {
  const bytes = address.split('.').map(Number) as [number, number, number, number];
  const [a, b, c, d] = bytes;
  const value = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const wide = (text: string) => text.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
  return [
    address,
    `${address}.`,
    String(value),
    `0x${value.toString(16)}`,
    `0X${value.toString(16).toUpperCase()}`,
    `0${value.toString(8)}`,
    bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
    bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
    bytes.map((byte) => `000${byte.toString(8)}`).join('.'),
    `${a}.${(b << 16) | (c << 8) | d}`,
    `${a}.${b}.${(c << 8) | d}`,
    wide(address),
    address.replaceAll('.', '。'),
    [...address].map((character) => `%${character.charCodeAt(0).toString(16)}`).join(''),
  ];
}

function hex(address: string): [string, string] {
  const value = toNumber(address);
  return [(value >> 16n).toString(16), (value & 0xffffn).toString(16)];
}

/** IPv6 addresses that stand for an IPv4 address, apart from the mapped one. */
function translations(address: string): string[] {
  const [high, low] = hex(address);
  const [a, b, c, d] = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  const [turnedHigh, turnedLow] = hex(toAddress(toNumber(address) ^ 0xffff_ffffn, 32));
  return [
    `::${address}`,
    `::ffff:0:${address}`,
    `64:ff9b::${address}`,
    `64:ff9b:1:${a}${b}:${c}:${d}00::`,
    `64:ff9b:1:${'00'}${a}:${b}:${c}${d}::`,
    `64:ff9b:1::${address}`,
    `2002:${high}:${low}::1`,
    `2001:0:${high}:${low}::1`,
    `2001:0:4136:e378:8000:63bf:${turnedHigh}:${turnedLow}`,
  ];
}

test.each(corpusV4)('%s in every spelling has one verdict', (address) => {
  const refused = denied(address);
  for (const host of [...spellings(address), `[::ffff:${address}]`, `[::ffff:${hex(address).join(':')}]`]) {
    const validate = () => validateUrl(`https://${host}/`, 'Upstash-Callback', policy);
    if (refused) expect(validate).toThrow('not allowed');
    else expect(validate()).toMatch(/^https:\/\/[\d.]+\/$|^https:\/\/\[::ffff:/);
  }
});

test.each(corpusV4)('translations of %s are denied, allowed or not what they stand for', (address) => {
  const never = NEVER_IPV4.some(([network, prefix]) => ipaddr.parse(address).match(ipaddr.parse(network), prefix));
  for (const translated of translations(address)) {
    expect([translated, denied(translated)]).toEqual([translated, true]);
    if (never) expect([translated, denied(translated, open)]).toEqual([translated, true]);
    expect(() => validateUrl(`https://[${translated}]/`, DESTINATION, policy)).toThrow('not allowed');
  }
});

describe('what is allowed', () => {
  const some = new AddressPolicy({ allowed: ['10.1.0.0/16', '10.2.3.4/32:8080', 'fd12::/16', '64:ff9b::/96'] });

  test.each([
    ['10.1.0.0', 1, true],
    ['10.1.255.255', 65_535, true],
    ['::ffff:10.1.2.3', 443, true],
    ['10.0.255.255', 443, false],
    ['10.2.0.0', 443, false],
    ['10.2.3.4', 8080, true],
    ['10.2.3.4', 443, false],
    ['10.2.3.5', 8080, false],
    ['fd12::1', 443, true],
    ['fd13::1', 443, false],
    ['64:ff9b::8.8.8.8', 443, true],
    ['64:ff9b::169.254.169.254', 443, false],
    ['64:ff9b::127.0.0.1', 443, false],
    ['8.8.8.8', 443, true],
  ])('%s port %i: %s', (address, port, allowed) => {
    expect(some.denies(address, port) === undefined).toBe(allowed);
  });

  test.each([
    '127.0.0.1',
    '127.255.255.255',
    '::1',
    '::',
    '0.0.0.0',
    '169.254.169.254',
    '169.254.170.2',
    '169.254.100.1',
    'fe80::1',
    'fd00:ec2::254',
    'fd00:ec2::23',
    '224.0.0.1',
    '255.255.255.255',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
  ])('%s is not, whatever the list says', (address) => {
    expect(denied(address, open)).toBe(true);
    expect(denied(address, new AddressPolicy({ allowed: ['127.0.0.0/8', '169.254.0.0/16', '::1/128'] }))).toBe(true);
  });

  test.each(['', '10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0/8', 'example.com/8', '10.0.0.0/8:0', '10.0.0.0/8:x'])(
    '"%s" is no entry',
    (entry) => {
      expect(() => new AddressPolicy({ allowed: [entry] })).toThrow('is not a CIDR block');
    },
  );
});

test.each([
  ['8.8.8.8', 0],
  ['8.8.8.8', 65_536],
  ['8.8.8.8', -1],
  ['8.8.8.8', 1.5],
  ['8.8.8.8', Number.NaN],
  ['', 443],
  ['example.com', 443],
  ['[2606:4700::1]', 443],
  ['2606:4700::1%eth0', 443],
  ['fe80::1%eth0', 443],
  ['127.1', 443],
  ['0x8.8.8.8', 443],
])('%s port %d is no endpoint', (address, port) => {
  expect(policy.denies(address, port)).toMatch(/^not an? /);
  expect(open.denies(address, port)).toMatch(/^not an? /);
});

describe('hosts', () => {
  test.each([
    'localhost',
    'LocalHost',
    'localhost.',
    'a.localhost',
    'a.b.localhost.',
    'localhost.localdomain',
    'ip6-localhost',
    'metadata.google.internal',
    'metadata.google.internal.',
    'instance-data',
    '127.0.0.1',
    '[::1]',
    '[::ffff:7f00:1]',
  ])('%s is denied', (host) => {
    expect(policy.deniesHost(host, 443)).toBeDefined();
    expect(open.deniesHost(host, 443)).toBeDefined();
  });

  test.each(['example.com', 'localhost.example.com', 'notlocalhost', '8.8.8.8', '[2606:4700::1]', 'nip.io'])(
    '%s passes',
    (host) => {
      expect(policy.deniesHost(host, 443)).toBeUndefined();
    },
  );

  test('port 0 is denied for names too', () => {
    expect(policy.deniesHost('example.com', 0)).toBe('not a port');
  });
});

describe('environment', () => {
  afterEach(() => {
    delete (globalThis as { [LOCAL]?: boolean })[LOCAL];
  });

  test('allows nothing by default', () => {
    const made = AddressPolicy.fromEnv({});
    expect([made.denies('10.0.0.1', 80), made.denies('127.0.0.1', 80)]).not.toContain(undefined);
    expect(made.denies('8.8.8.8', 80)).toBeUndefined();
  });

  test('reads the list', () => {
    const made = AddressPolicy.fromEnv({ ALLOWED_PRIVATE_DESTINATIONS: '["10.0.0.0/8:80"]' });
    expect(made.denies('10.0.0.1', 80)).toBeUndefined();
    expect(made.denies('10.0.0.1', 81)).toBeDefined();
  });

  test.each(['{}', '[1]', '"10.0.0.0/8"', 'nonsense', '["10.0.0.0"]'])('a list %s stops the function', (json) => {
    expect(() => AddressPolicy.fromEnv({ ALLOWED_PRIVATE_DESTINATIONS: json })).toThrow();
  });

  test('denies the services that the runtime names, public or allowed as they may be', () => {
    const made = AddressPolicy.fromEnv({
      AWS_LAMBDA_RUNTIME_API: '8.8.4.4:9001',
      AWS_LAMBDA_METADATA_API: 'http://10.0.0.9/path',
      AWS_XRAY_DAEMON_ADDRESS: '[2606:4700::2]:2000',
      AWS_LAMBDA_OTHER_API: 'internal.example.:80',
      AWS_LAMBDA_EMPTY_API: '',
      AWS_LAMBDA_FUNCTION_NAME: '1.1.1.1',
      ALLOWED_PRIVATE_DESTINATIONS: '["10.0.0.0/8"]',
    });
    expect(made.denies('8.8.4.4', 9001)).toBe('an address of the service itself');
    expect(made.denies('::ffff:8.8.4.4', 9001)).toBe('an address of the service itself');
    expect(made.denies('8.8.4.4', 443)).toBeUndefined();
    expect(made.denies('10.0.0.9', 443)).toBe('an address of the service itself');
    expect(made.denies('10.0.0.8', 443)).toBeUndefined();
    expect(made.denies('2606:4700::2', 2000)).toBe('an address of the service itself');
    expect(made.deniesHost('INTERNAL.example', 80)).toBe('an address of the service itself');
    expect(made.deniesHost('internal.example', 443)).toBeUndefined();
    expect(made.denies('1.1.1.1', 443)).toBeUndefined();
  });

  test("local mode's marker opens loopback and nothing else", () => {
    (globalThis as { [LOCAL]?: boolean })[LOCAL] = true;
    const made = AddressPolicy.fromEnv({});
    for (const address of ['127.0.0.1', '127.255.1.2', '::1', '::ffff:127.0.0.1']) {
      expect(made.denies(address, 3000)).toBeUndefined();
    }
    for (const address of ['10.0.0.1', '169.254.169.254', '0.0.0.0', '::', '::127.0.0.1', '64:ff9b::7f00:1']) {
      expect(made.denies(address, 3000)).toBeDefined();
    }
    expect(made.deniesHost('localhost', 3000)).toBeUndefined();
    expect(made.deniesHost('metadata.google.internal', 80)).toBeDefined();
  });

  test('anything but `true` as the marker does not', () => {
    (globalThis as { [LOCAL]?: unknown })[LOCAL] = 'true';
    expect(AddressPolicy.fromEnv({}).denies('127.0.0.1', 3000)).toBeDefined();
  });
});

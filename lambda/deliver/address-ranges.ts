/** First address and prefix length. */
export type Range = readonly [network: string, prefix: number];

/** Closed whatever the owner allows (loopback opens in local mode only). */
export const NEVER_IPV4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  // Metadata, credentials, resolver and time service of AWS; the Lambda runtime API.
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
];

export const NEVER_IPV6: readonly Range[] = [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  // The same services of AWS over IPv6.
  ['fd00:ec2::', 32],
  ['ff00::', 8],
];

/** IANA's special-purpose registry and what else is not a public host; an owner may allow parts of it. */
export const DENIED_IPV4: readonly Range[] = [
  ...NEVER_IPV4,
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  // A public address that belongs to every Azure host itself.
  ['168.63.129.16', 32],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['240.0.0.0', 4],
];

/** Besides these, everything outside 2000::/3 is denied. */
export const DENIED_IPV6: readonly Range[] = [
  // Teredo, ORCHID, benchmarking and the other protocol assignments.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

/** IPv4 addresses that an IPv6 address stands for: `mapped` is the IPv4 address, `translated` leads to it. */
export interface EmbeddedIpv4 {
  readonly kind: 'mapped' | 'translated';
  readonly addresses: readonly string[];
}

/** Finds the IPv4 addresses inside an IPv6 address of a mapping or translation prefix. */
export function embeddedIpv4(address: string): EmbeddedIpv4 | undefined {
  const bytes = ipv6Bytes(address);
  const startsWith = (...prefix: number[]) => prefix.every((byte, index) => bytes[index] === byte);
  const dotted = (...indexes: number[]) => indexes.map((index) => bytes[index]).join('.');
  const last = dotted(12, 13, 14, 15);
  if (startsWith(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)) return { kind: 'mapped', addresses: [last] };
  const zeros = startsWith(0, 0, 0, 0, 0, 0, 0, 0);
  // IPv4-compatible, and IPv4-translated (RFC 2765).
  if (zeros && startsWith(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) return { kind: 'translated', addresses: [last] };
  if (zeros && bytes[8] === 0xff && bytes[9] === 0xff) return { kind: 'translated', addresses: [last] };
  // NAT64: the well-known prefix, and the local one, whose owner chooses among the layouts of RFC 6052.
  if (startsWith(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0)) return { kind: 'translated', addresses: [last] };
  if (startsWith(0, 0x64, 0xff, 0x9b, 0, 1)) {
    return { kind: 'translated', addresses: [dotted(6, 7, 9, 10), dotted(7, 9, 10, 11), dotted(9, 10, 11, 12), last] };
  }
  // 6to4.
  if (startsWith(0x20, 0x02)) return { kind: 'translated', addresses: [dotted(2, 3, 4, 5)] };
  // Teredo: its server, and its client with every bit turned.
  if (startsWith(0x20, 0x01, 0, 0)) {
    const client = bytes.slice(12).map((byte) => byte ^ 0xff);
    return { kind: 'translated', addresses: [dotted(4, 5, 6, 7), client.join('.')] };
  }
  return undefined;
}

function ipv6Bytes(address: string): number[] {
  // The URL parser writes a dotted tail as two groups and leaves at most one `::`.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const middle: number[] = Array(8 - left.length - right.length).fill(0);
  return [...left, ...middle, ...right].flatMap((group) => [group >> 8, group & 0xff]);
}

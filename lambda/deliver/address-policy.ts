import { BlockList, isIP, isIPv6 } from 'node:net';
import { isLocal } from '../config';
import { DENIED_IPV4, DENIED_IPV6, embeddedIpv4, NEVER_IPV4, NEVER_IPV6, type Range } from './address-ranges';

const LOOPBACK_NAMES: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'ip6-localhost',
  'ip6-loopback',
]);
const METADATA_NAMES: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'instance-data',
  'instance-data.ec2.internal',
]);

export interface AddressPolicyOptions {
  /**
   * Blocks outside the public internet that may be called: CIDR with an optional port, such as `10.1.0.0/16`,
   * `10.1.2.3/32:8080` or `fd12::/16`. Loopback, link-local and the metadata services stay closed.
   */
  readonly allowed: readonly string[];
  /** `host`, `host:port` or a URL of services that are never called, such as the runtime's own API. */
  readonly alwaysDenied?: readonly string[];
  /** Local mode: 127.0.0.0/8 and ::1 may be called. Default: false. */
  readonly loopbackAllowed?: boolean;
}

interface Endpoint {
  readonly host: string;
  readonly port: number | undefined;
}

/**
 * Decides which addresses may be called: those of the public internet, and what the service's owner allows
 * besides. It judges addresses; names are judged by what they resolve to, at every connect.
 */
export class AddressPolicy {
  private readonly allowed: { readonly list: BlockList; readonly port: number | undefined }[];
  private readonly alwaysDenied: Endpoint[];
  private readonly loopbackAllowed: boolean;

  /** Throws when an entry of `allowed` is malformed: a policy nobody meant must not start. */
  constructor(options: AddressPolicyOptions) {
    this.allowed = options.allowed.map(parseAllowed);
    this.alwaysDenied = (options.alwaysDenied ?? []).flatMap((text) => parseEndpoint(text) ?? []);
    this.loopbackAllowed = options.loopbackAllowed ?? false;
  }

  /**
   * The policy of a function's environment: `ALLOWED_PRIVATE_DESTINATIONS` (JSON array of strings, default
   * none), the services that `AWS_LAMBDA_*` and X-Ray variables name denied, loopback allowed in local mode.
   */
  static fromEnv(env: Readonly<Record<string, string | undefined>>): AddressPolicy {
    const own = Object.entries(env).filter(
      ([name]) => /^AWS_LAMBDA_.*_(API|ADDRESS|ENDPOINT)$/.test(name) || name === 'AWS_XRAY_DAEMON_ADDRESS',
    );
    return new AddressPolicy({
      allowed: readAllowed(env.ALLOWED_PRIVATE_DESTINATIONS),
      alwaysDenied: own.flatMap(([, value]) => value ?? []),
      loopbackAllowed: isLocal(),
    });
  }

  /** Why `address` (an IP address without brackets) must not be called at `port`, or undefined if it may. */
  denies(address: string, port: number): string | undefined {
    if (!isPort(port)) return 'not a port';
    if (isIP(address) === 0 || address.includes('%')) return 'not an address';
    if (this.isAlwaysDenied(address, port)) return 'an address of the service itself';
    const embedded = isIPv6(address) ? embeddedIpv4(address) : undefined;
    // A mapped address is the IPv4 address: the system connects there.
    if (embedded?.kind === 'mapped') return this.denies(embedded.addresses[0]!, port);
    if (this.loopbackAllowed && contains(LOOPBACK, address)) return undefined;
    const never = contains(isIPv6(address) ? NEVER.v6 : NEVER.v4, address);
    if (never || embedded?.addresses.some((inner) => contains(NEVER.v4, inner))) {
      return 'a loopback, link-local or metadata address';
    }
    if (this.allows(address, port)) return undefined;
    return isPublic(address) ? undefined : 'not a public address';
  }

  /**
   * Why a URL's host (as `new URL(x).hostname` gives it) must not be called, as far as the text tells:
   * literal addresses, names of the own machine and of metadata services. Other names pass here.
   */
  deniesHost(hostname: string, port: number): string | undefined {
    if (!isPort(port)) return 'not a port';
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.toLowerCase().replace(/\.+$/, '');
    if (isIP(host) !== 0) return this.denies(host, port);
    if (this.isAlwaysDenied(host, port)) return 'an address of the service itself';
    if (METADATA_NAMES.has(host)) return 'a loopback, link-local or metadata address';
    if (!this.loopbackAllowed && (LOOPBACK_NAMES.has(host) || host.endsWith('.localhost'))) {
      return 'a loopback, link-local or metadata address';
    }
    return undefined;
  }

  private isAlwaysDenied(host: string, port: number): boolean {
    return this.alwaysDenied.some(
      (denied) => denied.host === host && (denied.port === undefined || denied.port === port),
    );
  }

  private allows(address: string, port: number): boolean {
    return this.allowed.some(
      ({ list, port: only }) => (only === undefined || only === port) && contains(list, address),
    );
  }
}

/** The port a URL leads to. */
export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function blockList(ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4');
  return list;
}

const NEVER = { v4: blockList(NEVER_IPV4), v6: blockList(NEVER_IPV6) };
const DENIED = { v4: blockList(DENIED_IPV4), v6: blockList(DENIED_IPV6) };
const LOOPBACK = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
]);
/** IANA gives out global unicast IPv6 addresses from here alone. */
const GLOBAL_IPV6 = blockList([['2000::', 3]]);

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function isPublic(address: string): boolean {
  if (!isIPv6(address)) return !contains(DENIED.v4, address);
  return contains(GLOBAL_IPV6, address) && !contains(DENIED.v6, address);
}

function readAllowed(json: string | undefined): string[] {
  if (json === undefined || json === '') return [];
  const value: unknown = JSON.parse(json);
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  throw new Error('ALLOWED_PRIVATE_DESTINATIONS is not a JSON array of strings');
}

function parseAllowed(text: string): { list: BlockList; port: number | undefined } {
  const [, network = '', prefix = '', port] = /^([0-9a-fA-F:.]+)\/(\d{1,3})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const version = isIP(network);
  const bits = Number(prefix);
  const only = port === undefined ? undefined : Number(port);
  const badPort = only !== undefined && !isPort(only);
  if (version === 0 || bits > (version === 4 ? 32 : 128) || badPort) {
    throw new Error(`allowed private destination "${text}" is not a CIDR block with an optional port`);
  }
  return { list: blockList([[network, bits]]), port: only };
}

/** Names and addresses compare as a URL writes them; what is neither denies nothing. */
function parseEndpoint(text: string): Endpoint | undefined {
  const bare = text.replace(/^[a-z]+:\/\//i, '');
  const [, host, port] = /^(\[[^\]]+\]|[^:/]+)(?::(\d+))?(?:\/|$)/.exec(isIPv6(bare) ? `[${bare}]` : bare) ?? [];
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined;
  const { hostname } = new URL(`http://${host}`);
  return {
    host: hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, ''),
    port: port === undefined ? undefined : Number(port),
  };
}

import { lookup as dnsLookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import { type AddressPolicy, portOf } from './address-policy';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Gives all addresses of a name. */
export type Lookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** A destination that the address policy closes. The text is the same whether anything listens there or not. */
class BlockedDestinationError extends Error {
  constructor(reason: string) {
    super(`destination is not allowed: ${reason}`);
  }
}

/**
 * How long the first of several addresses may take before the next is tried. Node's 250 ms gives up distant
 * hosts, and where only IPv4 has a way out there is no second one.
 */
const NEXT_ADDRESS_AFTER_MS = 2_500;

const lookupAll: Lookup = (hostname) => dnsLookup(hostname, { all: true, verbatim: true });

/**
 * Opens a new connection to a URL's host, TLS for https, and hands it over only when `policy` allows the
 * address: literal addresses are checked here, as Node looks none up; of a name every address must be
 * allowed, and the connection goes to the very addresses that were checked; the peer is checked once more
 * before a byte is sent. `onSocket` gets each socket as soon as it exists, so that the caller can end it.
 */
export async function connect(
  url: URL,
  policy: AddressPolicy,
  lookup: Lookup | undefined,
  onSocket: (socket: Socket) => void,
): Promise<Socket> {
  const port = portOf(url);
  const denial = policy.deniesHost(url.hostname, port);
  if (denial !== undefined) throw new BlockedDestinationError(denial);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? await (lookup ?? lookupAll)(host) : [{ address: host, family: isIP(host) }];
  if (addresses.length === 0) throw new Error(`no address for ${host}`);
  for (const { address } of addresses) check(policy, address, port);

  const tcp = connectTcp({
    host,
    port,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    lookup: (_hostname, options, done) => {
      if (options.all) done(null, [...addresses]);
      else done(null, addresses[0]!.address, addresses[0]!.family);
    },
  });
  onSocket(tcp);
  await until(tcp, 'connect');
  try {
    check(policy, tcp.remoteAddress ?? '', port);
  } catch (error) {
    tcp.destroy();
    throw error;
  }
  if (url.protocol === 'http:') return tcp;
  const secure = tls.connect({
    socket: tcp,
    host,
    ALPNProtocols: ['http/1.1'],
    // Server name indication is for names alone (RFC 6066 §3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
  onSocket(secure);
  await until(secure, 'secureConnect');
  return secure;
}

function check(policy: AddressPolicy, address: string, port: number): void {
  const denial = policy.denies(address, port);
  if (denial !== undefined) throw new BlockedDestinationError(denial);
}

function until(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('connection closed before it was established')));
  });
}

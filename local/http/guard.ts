import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Keeps web pages out: any page can send requests to a port of this machine, and a name that a page's owner
 * points at 127.0.0.1 even lets it read the answers. Undefined when the request may pass, else why not.
 * `host` is the address that the user chose to listen on.
 */
export function refusal(headers: IncomingHttpHeaders, host: string): string | undefined {
  const name = hostName(headers.host);
  if (name === undefined || !isAllowedHost(name, host)) {
    return `the Host ${headers.host ?? '(none)'} is not this machine; allow it with --host`;
  }
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) {
    return `the Origin ${headers.origin} is another site`;
  }
  if (headers['sec-fetch-site'] === 'cross-site') return 'the request comes from another site';
  return undefined;
}

function hostName(host: string | undefined): string | undefined {
  return /^(\[[^\]]*\]|[^:]*)(:\d*)?$/.exec(host ?? '')?.[1]?.toLowerCase();
}

function isAllowedHost(name: string, host: string): boolean {
  if (LOOPBACK_NAMES.includes(name) || name === host.toLowerCase() || name === `[${host}]`) return true;
  // Listening everywhere, the address is whichever of the machine's; a page can only rebind a name.
  return (host === '0.0.0.0' || host === '::') && isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}

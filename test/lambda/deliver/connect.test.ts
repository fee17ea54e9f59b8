import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { AddressPolicy } from '../../../lambda/deliver/address-policy';
import { callDestination } from '../../../lambda/deliver/call-destination';
import type { Lookup } from '../../../lambda/deliver/connect';
import { selfSigned } from './certificate';
import { type RawServer, rawServer } from './raw-server';

const local = new AddressPolicy({ allowed: [], loopbackAllowed: true });
const deployed = new AddressPolicy({ allowed: [] });

function call(url: string, policy: AddressPolicy, lookup?: Lookup) {
  return callDestination(
    { url, method: 'POST', headers: [], body: new Uint8Array() },
    { deadlineMs: Date.now() + 20_000, maxResponseBytes: 1_000, policy, ...(lookup === undefined ? {} : { lookup }) },
  );
}

const answers =
  (...addresses: string[]): Lookup =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

describe('addresses', () => {
  let server: RawServer;

  beforeEach(async () => {
    server = await rawServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  });
  afterEach(() => server.stop());

  test.each(['127.0.0.1', '2130706433', '127.1', '0x7f.1', '[::ffff:127.0.0.1]', '[::1]', 'localhost', '0'])(
    'the literal %s is not called',
    async (host) => {
      const result = await call(`http://${host}:${server.port}/`, deployed);
      expect(result).toMatchObject({ status: 0, error: expect.stringMatching(/^destination is not allowed: /) });
      expect(server.connections).toHaveLength(0);
    },
  );

  test.each([
    ['a name for loopback', ['127.0.0.1']],
    ['one closed address among open ones', ['8.8.8.8', '127.0.0.1']],
    ['a closed address first', ['10.0.0.1', '8.8.8.8']],
    ['a mapped address', ['::ffff:127.0.0.1']],
    ['a translated address', ['64:ff9b::7f00:1']],
    ['a metadata address', ['169.254.169.254']],
    ['no address at all', ['nonsense']],
  ])('%s is not called', async (_, addresses) => {
    const result = await call(`http://hook.example:${server.port}/`, deployed, answers(...addresses));
    expect(result).toMatchObject({ status: 0, error: expect.stringMatching(/^destination is not allowed: /) });
    expect(server.connections).toHaveLength(0);
  });

  test('a closed destination reads the same whether anybody listens or not', async () => {
    const listening = await call(`http://127.0.0.1:${server.port}/`, deployed);
    const silent = await call('http://127.0.0.1:1/', deployed);
    expect(silent).toEqual(listening);
  });

  test('a name is looked up once, and the connection goes where the check looked', async () => {
    const given = ['127.0.0.1', '169.254.169.254'];
    let lookups = 0;
    const rebinding: Lookup = async () => [{ address: given[lookups++]!, family: 4 }];
    expect(await call(`http://hook.example:${server.port}/`, local, rebinding)).toMatchObject({ status: 200 });
    expect(lookups).toBe(1);
    expect(server.received[0]!.toString()).toContain(`Host: hook.example:${server.port}\r\n`);
  });

  test('an address that is down leaves the next one', async () => {
    const result = await call(`http://hook.example:${server.port}/`, local, answers('::1', '127.0.0.1'));
    expect(result).toMatchObject({ status: 200 });
  });

  test('a name without addresses and a failing lookup are failed attempts', async () => {
    expect(await call('http://hook.example/', local, answers())).toMatchObject({
      status: 0,
      error: 'no address for hook.example',
    });
    const failing: Lookup = () => Promise.reject(new Error('getaddrinfo ENOTFOUND hook.example'));
    expect(await call('http://hook.example/', local, failing)).toMatchObject({
      status: 0,
      error: 'getaddrinfo ENOTFOUND hook.example',
    });
  });

  test('the system resolver is asked when nothing stands in for it', async () => {
    expect(await call(`http://localhost:${server.port}/`, local)).toMatchObject({ status: 200 });
  });

  test('the peer is checked once more before a byte is sent', async () => {
    class Changing extends AddressPolicy {
      readonly asked: string[] = [];
      override denies(address: string): string | undefined {
        this.asked.push(address);
        return this.asked.length > 2 ? 'changed' : undefined;
      }
    }
    const changing = new Changing({ allowed: [] });
    const result = await call(`http://127.0.0.1:${server.port}/`, changing);
    expect(result).toMatchObject({ status: 0, error: 'destination is not allowed: changed' });
    expect(changing.asked).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    await server.closed();
    expect(Buffer.concat(server.received)).toHaveLength(0);
  });
});

describe('TLS', () => {
  const { key, cert } = selfSigned('hook.example');
  let server: tls.Server;
  let port: number;
  const names: (string | false | null)[] = [];
  let asked = 0;

  beforeEach(async () => {
    names.length = 0;
    asked = 0;
    server = tls.createServer({ key, cert }, (socket) => {
      names.push(socket.servername);
      socket.on('error', () => {});
      socket.once('data', () => {
        asked++;
        socket.end('HTTP/1.1 200 OK\r\n\r\nover TLS');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    server.close();
    await once(server, 'close');
  });

  function trustCertificate(): void {
    const real = tls.connect;
    jest
      .spyOn(tls, 'connect')
      .mockImplementation(((options: tls.ConnectionOptions) => real({ ...options, ca: cert })) as typeof tls.connect);
  }

  test('a certificate that nobody vouches for ends the attempt before a byte is sent', async () => {
    const result = await call(`https://hook.example:${port}/`, local, answers('127.0.0.1'));
    expect(result).toMatchObject({ status: 0, error: expect.stringMatching(/self-signed certificate/) });
    expect(asked).toBe(0);
  });

  test('a trusted certificate for the name is called by that name', async () => {
    trustCertificate();
    const result = await call(`https://hook.example:${port}/`, local, answers('127.0.0.1'));
    expect(result).toMatchObject({ status: 200, body: Buffer.from('over TLS') });
    expect(names).toEqual(['hook.example']);
  });

  test('a trusted certificate for another name is not', async () => {
    trustCertificate();
    const result = await call(`https://other.example:${port}/`, local, answers('127.0.0.1'));
    expect(result).toMatchObject({ status: 0, error: expect.stringMatching(/does not match certificate's altnames/) });
    expect(asked).toBe(0);
  });

  test('an address is called without a name', async () => {
    trustCertificate();
    expect(await call(`https://127.0.0.1:${port}/`, local)).toMatchObject({ status: 200 });
    expect(names).toEqual([false]);
  });

  test('a closed address is not called over TLS either', async () => {
    const result = await call(`https://hook.example:${port}/`, deployed, answers('127.0.0.1'));
    expect(result).toMatchObject({ status: 0, error: expect.stringMatching(/^destination is not allowed: /) });
    expect(names).toEqual([]);
  });
});

import { createHmac, generateKeyPairSync, sign as rsaSign } from 'node:crypto';
import { Receiver } from '@upstash/qstash';
import fc from 'fast-check';
import { signRequest } from '../../../lambda/deliver/sign-request';

const CURRENT = 'sig_current_key_of_the_receiver';
const NEXT = 'sig_next_key_of_the_receiver';
const URL_CALLED = 'https://example.com/hook?a=1';
const BODY = '{"hello":"wörld"}';

const receiver = new Receiver({ currentSigningKey: CURRENT, nextSigningKey: NEXT });
const bytes = (text: string) => new TextEncoder().encode(text);
const signed = (key = CURRENT, now = Date.now()) => signRequest({ url: URL_CALLED, body: bytes(BODY), key, now });
const verify = (signature: string, body = BODY, url = URL_CALLED) => receiver.verify({ signature, body, url });

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}

function forge(header: object, claims: object, key = CURRENT): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

test('the claims', () => {
  const now = 1_780_000_000_999;
  const token = signed(CURRENT, now);
  expect(JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
  expect(claimsOf(token)).toEqual({
    iss: 'Upstash',
    sub: URL_CALLED,
    exp: 1_780_000_300,
    nbf: 0,
    iat: 1_779_999_999,
    jti: expect.stringMatching(/^jwt_[0-9a-f-]{36}$/),
    body: expect.stringMatching(/^[A-Za-z0-9_-]{43}=$/),
  });
});

test('an empty body has the hash of nothing', () => {
  const token = signRequest({ url: URL_CALLED, body: new Uint8Array(), key: CURRENT, now: Date.now() });
  expect(claimsOf(token).body).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=');
});

test('every signature is its own', () => {
  expect(claimsOf(signed()).jti).not.toBe(claimsOf(signed()).jti);
});

test.each([
  ['current', CURRENT],
  ['next', NEXT],
])("the SDK's receiver takes the %s key", async (_, key) => {
  await expect(verify(signed(key))).resolves.toBe(true);
});

test("the SDK's receiver takes any text body and URL", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.webUrl({ withQueryParameters: true }), async (body, url) => {
      const signature = signRequest({ url, body: bytes(body), key: CURRENT, now: Date.now() });
      await expect(receiver.verify({ signature, body, url })).resolves.toBe(true);
    }),
    { numRuns: 50 },
  );
});

describe("the SDK's receiver refuses", () => {
  test('another key, body or URL', async () => {
    await expect(verify(signed('sig_other'))).rejects.toThrow();
    await expect(verify(signed(), `${BODY} `)).rejects.toThrow();
    await expect(verify(signed(), '')).rejects.toThrow();
    await expect(verify(signed(), BODY, 'https://example.com/hook')).rejects.toThrow();
  });

  test('what is older than five minutes', async () => {
    await expect(verify(signed(CURRENT, Date.now() - 290_000))).resolves.toBe(true);
    await expect(verify(signed(CURRENT, Date.now() - 302_000))).rejects.toThrow();
  });

  test('a change of any character', async () => {
    const token = signed();
    const last = token.length - 1;
    for (let index = 0; index <= last; index++) {
      // The last character of a 32-byte signature carries two bits that decode to nothing; its first bit decides.
      const other = token[index] === 'A' ? (index === last ? 'g' : 'B') : 'A';
      const changed = `${token.slice(0, index)}${other}${token.slice(index + 1)}`;
      await expect(verify(changed)).rejects.toThrow();
    }
  });

  test('other algorithms, missing signatures and other issuers', async () => {
    const token = signed();
    const [header, claims] = token.split('.') as [string, string, string];
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const rs256 = Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const rsa = rsaSign('sha256', Buffer.from(`${rs256}.${claims}`), privateKey).toString('base64url');
    for (const forged of [
      `${none}.${claims}.`,
      `${none}.${claims}`,
      `${rs256}.${claims}.${rsa}`,
      `${header}.${claims}.`,
      forge({ alg: 'HS256', typ: 'JWT' }, { ...claimsOf(token), iss: 'Other' }),
      forge({ alg: 'HS256', typ: 'JWT' }, { ...claimsOf(token), nbf: Math.floor(Date.now() / 1000) + 60 }),
    ]) {
      await expect(verify(forged)).rejects.toThrow();
    }
  });
});

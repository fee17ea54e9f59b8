import { Receiver } from '@upstash/qstash';
import { buildRequest } from '../../../lambda/deliver/build-request';

const message = {
  messageId: 'msg_1',
  url: 'https://example.com/hook',
  method: 'PUT' as const,
  header: { 'Content-Type': ['text/plain'], 'X-Two': ['a', 'b'] },
};
const parts = { message, body: new TextEncoder().encode('hello'), attempt: 2, key: 'sig_key', wallNow: Date.now() };

test("sends the publisher's headers and our own", async () => {
  const request = buildRequest(parts);
  expect(request).toEqual({
    url: message.url,
    method: 'PUT',
    body: parts.body,
    headers: [
      ['User-Agent', 'Upstash-QStash'],
      ['Content-Type', 'text/plain'],
      ['X-Two', 'a'],
      ['X-Two', 'b'],
      ['Upstash-Message-Id', 'msg_1'],
      ['Upstash-Retried', '2'],
      ['Upstash-Signature', expect.any(String)],
    ],
  });
  const signature = new Map(request.headers).get('Upstash-Signature')!;
  const receiver = new Receiver({ currentSigningKey: 'sig_key', nextSigningKey: 'sig_next' });
  await expect(receiver.verify({ signature, body: 'hello', url: message.url })).resolves.toBe(true);
});

test('tells caller and region where there are any', () => {
  const { headers } = buildRequest({
    ...parts,
    message: { ...message, callerIp: '192.0.2.1' },
    region: 'EU-CENTRAL-1',
  });
  expect(headers).toContainEqual(['Upstash-Caller-Ip', '192.0.2.1']);
  expect(headers).toContainEqual(['Upstash-Region', 'EU-CENTRAL-1']);
});

test("the publisher's own user agent is kept", () => {
  const { headers } = buildRequest({ ...parts, message: { ...message, header: { 'User-Agent': ['theirs'] } } });
  expect(headers.filter(([name]) => name === 'User-Agent')).toEqual([['User-Agent', 'theirs']]);
});

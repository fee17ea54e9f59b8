import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readRequest } from '../../../lambda/http/api-request';

type Fields = Partial<APIGatewayProxyEventV2> & { readonly method?: string; readonly sourceIp?: string };

/** An event of payload format 2.0. */
function event({ method = 'POST', sourceIp = '192.0.2.1', ...fields }: Fields = {}): APIGatewayProxyEventV2 {
  const http = { method, path: '/', protocol: 'HTTP/1.1', sourceIp, userAgent: 'test' };
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/v2/dlq',
    rawQueryString: '',
    headers: {},
    isBase64Encoded: false,
    ...fields,
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: 'api.example.com',
      domainPrefix: 'api',
      http,
      requestId: 'id',
      routeKey: '$default',
      stage: '$default',
      time: '24/Nov/2026:22:31:03 +0000',
      timeEpoch: 1_795_559_463_000,
    },
  };
}

test('a request', () => {
  const before = Date.now();
  const request = readRequest(
    event({
      rawPath: '/v2/publish/https://example.com',
      rawQueryString: 'a=b%20c&a=d&e',
      headers: { authorization: 'Bearer x' },
      body: 'körper',
    }),
  );
  expect(request).toMatchObject({
    method: 'POST',
    path: '/v2/publish/https://example.com',
    rawQuery: 'a=b%20c&a=d&e',
    headers: { authorization: 'Bearer x' },
    callerIp: '192.0.2.1',
    host: 'api.example.com',
  });
  expect([...request.query]).toEqual([
    ['a', 'b c'],
    ['a', 'd'],
    ['e', ''],
  ]);
  expect(Buffer.from(request.body).toString()).toBe('körper');
  expect(request.now).toBeGreaterThanOrEqual(before);
  expect(request.now).toBeLessThanOrEqual(Date.now());
});

test('a body in base64 is its bytes', () => {
  const bytes = Buffer.from([0, 255, 128, 10]);
  const { body } = readRequest(event({ body: bytes.toString('base64'), isBase64Encoded: true }));
  expect(Buffer.from(body)).toEqual(bytes);
  const text = readRequest(event({ body: 'AP+A', isBase64Encoded: false })).body;
  expect(Buffer.from(text).toString()).toBe('AP+A');
});

test('what is not there is empty', () => {
  const { rawQueryString: _, ...bare } = event({ sourceIp: '' });
  const request = readRequest(bare as APIGatewayProxyEventV2);
  expect(request).toMatchObject({ rawQuery: '', callerIp: undefined });
  expect(request.body).toHaveLength(0);
});

test.each([
  ['', '/v2/dlq'],
  ['/qstash', '/v2/dlq'],
  ['/a/b', '/v2/messages/x'],
  ['/qstash', '/v2/publish/https://example.com/v2/dlq'],
  ['', '/v2'],
  ['', '/'],
  ['', '/other'],
  ['', '/xv2/dlq'],
])('what a custom domain puts before it is cut off: "%s" before %s', (prefix, path) => {
  expect(readRequest(event({ rawPath: `${prefix}${path}` }))).toMatchObject({ prefix, path });
});

import { httpAnswer, MAX_PAYLOAD_BYTES } from '../../../local/http/http-answer';

const answered = (value: unknown) => ({ ok: true, payload: JSON.stringify(value) }) as const;

/** The answer of an HTTP API, with its body as text. */
function http(value: unknown) {
  const { status, headers, body } = httpAnswer('httpApi', answered(value));
  return { status, headers, body: body.toString() };
}

const JSON_TYPE = { 'content-type': 'application/json' };
const TEXT_TYPE = { 'content-type': 'text/plain; charset=utf-8' };
const FAILED = { status: 500, headers: JSON_TYPE, body: '{"message":"Internal Server Error"}' };

test.each<[string, unknown, string]>([
  ['text', 'hello', 'hello'],
  ['an object', { a: 1 }, '{"a":1}'],
  ['a list', [1], '[1]'],
  ['a number', 5, '5'],
  ['null', null, 'null'],
])('%s without a status is the body of a 200 in JSON', (_what, value, body) => {
  expect(http(value)).toEqual({ status: 200, headers: JSON_TYPE, body });
});

test('status, headers, cookies and body are what the function says', () => {
  const answer = http({
    statusCode: 201,
    headers: { 'Content-Type': 'text/html', 'X-Number': 5 },
    cookies: ['a=1; HttpOnly', 'b=2'],
    body: '<p>ü</p>',
  });
  expect(answer).toEqual({
    status: 201,
    headers: { 'content-type': 'text/html', 'x-number': '5', 'set-cookie': ['a=1; HttpOnly', 'b=2'] },
    body: '<p>ü</p>',
  });
});

test.each<[object, string]>([
  [{ statusCode: 204 }, ''],
  [{ statusCode: '404', body: 'gone' }, 'gone'],
  [{ statusCode: 200, body: null }, ''],
  [{ statusCode: 200, body: 'aGVsbG8=', isBase64Encoded: true }, 'hello'],
  [{ statusCode: 200, body: 'aGVsbG8=', isBase64Encoded: false }, 'aGVsbG8='],
])('%j', (value, body) => {
  expect(http(value)).toMatchObject({ headers: TEXT_TYPE, body });
});

test('bytes that are no text arrive as they are', () => {
  const bytes = Buffer.from([0, 255, 128, 10]);
  const value = { statusCode: 200, body: bytes.toString('base64'), isBase64Encoded: true };
  expect(httpAnswer('functionUrl', answered(value)).body).toEqual(bytes);
});

test('a Function URL answers JSON unless the function says otherwise', () => {
  expect(httpAnswer('functionUrl', answered({ statusCode: 200 })).headers).toEqual(JSON_TYPE);
});

test.each<[string, object]>([
  ['a status that is no number', { statusCode: 'fine' }],
  ['no status', { statusCode: null }],
  ['a status of half', { statusCode: 200.5 }],
  ['a status too low', { statusCode: 101 }],
  ['a status too high', { statusCode: 600 }],
  ['a body that is no text', { statusCode: 200, body: { a: 1 } }],
  ['headers that are no object', { statusCode: 200, headers: 'x' }],
  ['cookies that are no list', { statusCode: 200, cookies: 'a=1' }],
])('%s is a malformed answer', (_what, value) => {
  expect(http(value)).toEqual(FAILED);
  expect(httpAnswer('functionUrl', answered(value)).status).toBe(502);
});

test('a function that failed, or whose answer is too large, is the gateway’s own answer', () => {
  const failed = { ok: false, errorType: 'Error', errorMessage: 'secret' } as const;
  expect(httpAnswer('httpApi', failed)).toEqual({ ...FAILED, body: Buffer.from(FAILED.body) });
  expect(httpAnswer('functionUrl', failed).status).toBe(502);
  const around = JSON.stringify({ statusCode: 200, body: '' }).length;
  const largest = 'x'.repeat(MAX_PAYLOAD_BYTES - around);
  expect(http({ statusCode: 200, body: largest }).status).toBe(200);
  expect(http({ statusCode: 200, body: `${largest}x` })).toEqual(FAILED);
});

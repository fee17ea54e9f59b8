import { toErrorResult, toResult } from '../../../lambda/http/api-response';
import { badRequest, HttpError, notFound, overLimit } from '../../../lambda/http/http-error';

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

test('an answer is JSON that nobody keeps', () => {
  expect(toResult({ status: 200, body: { a: [1, 'ä'] } })).toEqual({
    statusCode: 200,
    headers: HEADERS,
    body: '{"a":[1,"ä"]}',
  });
  expect(toResult({ status: 204 })).toEqual({ statusCode: 204, headers: HEADERS, body: '' });
  expect(toResult({ status: 405, body: null }, { allow: 'GET' })).toEqual({
    statusCode: 405,
    headers: { ...HEADERS, allow: 'GET' },
    body: 'null',
  });
});

test.each([
  [badRequest('invalid a'), 400],
  [notFound('no b'), 404],
  [overLimit('too many c'), 412],
  [new HttpError(405, 'not d', { allow: 'GET' }), 405],
])('%s is told to the caller', (error, status) => {
  expect(toErrorResult(error, 'request-1')).toEqual({
    statusCode: status,
    headers: { ...HEADERS, ...error.headers },
    body: JSON.stringify({ error: error.message }),
  });
});

describe('anything else', () => {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  });
  afterEach(() => jest.restoreAllMocks());

  const fault = (error: unknown) => {
    const result = toErrorResult(error, 'request-1');
    return { result, lines: written.map((line) => JSON.parse(line)) };
  };

  test.each([
    [
      new Error('User: arn:aws:iam::1:role/x is not authorized'),
      'Error',
      'User: arn:aws:iam::1:role/x is not authorized',
    ],
    [new TypeError('cannot read a secret'), 'TypeError', 'cannot read a secret'],
    ['a text', 'Error', 'a text'],
    [undefined, 'Error', 'undefined'],
    [Object.assign(new Error('looks like one'), { status: 400, headers: {} }), 'Error', 'looks like one'],
  ])('%s is a 500 that tells the caller nothing, and the log everything', (error, name, text) => {
    const { result, lines } = fault(error);
    expect(result).toEqual({
      statusCode: 500,
      headers: HEADERS,
      body: JSON.stringify({ error: 'internal error; the request may have been carried out (request id request-1)' }),
    });
    expect(lines).toEqual([{ event: 'fault', doing: 'answer', error: name, text, requestId: 'request-1' }]);
  });
});

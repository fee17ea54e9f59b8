import fc from 'fast-check';
import { HttpError } from '../../../lambda/http/http-error';
import { type Route, Router } from '../../../lambda/http/router';
import { ROUTES, router } from '../../../lambda/http/routes';

const found = (method: string, path: string) => {
  const { route, parameters } = router.find({ method, path });
  return { path: route.path, method: route.method, parameters };
};
const refusalOf = (method: string, path: string): HttpError => {
  try {
    router.find({ method, path });
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error(`${method} ${path} is there`);
};

test.each([
  ['POST', '/v2/publish/https://example.com/a', '/v2/publish/*', { rest: 'https://example.com/a' }],
  ['POST', '/v2/publish/https:/example.com/a/', '/v2/publish/*', { rest: 'https:/example.com/a/' }],
  ['POST', '/v2/publish/https%3A%2F%2Fexample.com', '/v2/publish/*', { rest: 'https%3A%2F%2Fexample.com' }],
  ['POST', '/v2/publish/https://example.com/v2/dlq', '/v2/publish/*', { rest: 'https://example.com/v2/dlq' }],
  ['POST', '/v2/publish/a\nb', '/v2/publish/*', { rest: 'a\nb' }],
  ['POST', '/v2/publish/', '/v2/publish/*', { rest: '' }],
  ['GET', '/v2/messages/msg_1', '/v2/messages/:messageId', { messageId: 'msg_1' }],
  ['GET', '/v2/messages/msg_1/', '/v2/messages/:messageId', { messageId: 'msg_1' }],
  ['GET', '/v2/messages/a%20b', '/v2/messages/:messageId', { messageId: 'a b' }],
  ['GET', '/v2/messages/a%2Fb', '/v2/messages/:messageId', { messageId: 'a/b' }],
  ['GET', '/v2/messages/100%', '/v2/messages/:messageId', { messageId: '100%' }],
  ['DELETE', '/v2/messages', '/v2/messages', {}],
  ['DELETE', '/v2/messages/', '/v2/messages', {}],
  ['DELETE', '/v2/messages/msg_1', '/v2/messages/:messageId', { messageId: 'msg_1' }],
  ['GET', '/v2/dlq/', '/v2/dlq', {}],
  ['POST', '/v2/dlq/retry', '/v2/dlq/retry', {}],
  ['POST', '/v2/dlq/retry/', '/v2/dlq/retry', {}],
  ['POST', '/v2/dlq/retry/1-1', '/v2/dlq/retry/:dlqId', { dlqId: '1-1' }],
  ['GET', '/v2/dlq/retry', '/v2/dlq/:dlqId', { dlqId: 'retry' }],
  ['POST', '/v2/keys/rotate', '/v2/keys/rotate', {}],
])('%s %j is %s', (method, path, pattern, parameters) => {
  expect(found(method, path)).toEqual({ method, path: pattern, parameters });
});

test.each([
  '',
  '/',
  '/v2',
  '/v2/',
  '/v2/publish',
  '/v2/messagesx',
  '/v2//messages',
  '/v2/messages//',
  '/v2/messages/a/b',
  '/v2/dlq/retry/a/b',
  '/V2/dlq',
  'x/v2/dlq',
  '/v2/keys/rotate/now',
  '/v1/publish/x',
])('there is no %j', (path) => {
  for (const method of ['GET', 'POST', 'DELETE']) {
    expect(refusalOf(method, path)).toMatchObject({ status: 404, message: `there is no ${path}` });
  }
});

test.each([
  ['GET', '/v2/publish/https://example.com', 'POST'],
  ['HEAD', '/v2/messages', 'DELETE'],
  ['GET', '/v2/messages/', 'DELETE'],
  ['POST', '/v2/messages/msg_1', 'GET, DELETE'],
  ['PUT', '/v2/dlq', 'GET, DELETE'],
  ['POST', '/v2/dlq/1-1', 'GET, DELETE'],
  ['PATCH', '/v2/dlq/retry', 'POST, GET, DELETE'],
  ['GET', '/v2/dlq/retry/1-1', 'POST'],
  ['OPTIONS', '/v2/events', 'GET'],
  ['get', '/v2/events', 'GET'],
  ['DELETE', '/v2/keys', 'GET'],
])('%s %s is refused with what there is', (method, path, allow) => {
  expect(refusalOf(method, path)).toMatchObject({
    status: 405,
    headers: { allow },
    message: `${method} is not one of the methods of this path: ${allow}`,
  });
});

test('every route is found by its own path, and by no route before it', () => {
  for (const route of ROUTES) {
    const path = route.path.replace(/:\w+/g, 'some-id').replace('*', 'rest');
    expect(router.find({ method: route.method, path }).route).toBe(route);
  }
});

test('a dot in a path is a dot', () => {
  const answer: Route['answer'] = async () => ({ status: 200 });
  const dotted = new Router([{ method: 'GET', path: '/a.b', access: 'anyone', answer }]);
  expect(dotted.find({ method: 'GET', path: '/a.b' }).route.path).toBe('/a.b');
  expect(() => dotted.find({ method: 'GET', path: '/axb' })).toThrow(HttpError);
});

test('any path is found or refused with a short printable text', () => {
  const parts = fc.constantFrom('/v2', '/publish', '/dlq', '/retry', '/messages', '/', '%', '%2F', 'é', '__proto__');
  const paths = fc.oneof(
    fc.array(parts).map((some) => some.join('')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST', 'DELETE', 'é'), paths, (method, path) => {
      try {
        router.find({ method, path });
      } catch (error) {
        expect(error).toBeInstanceOf(HttpError);
        expect((error as HttpError).message).toMatch(/^[\x20-\x7e]{1,200}$/);
        expect([404, 405]).toContain((error as HttpError).status);
      }
    }),
    { numRuns: 1_000 },
  );
});

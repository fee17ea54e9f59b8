import { gatewayPath } from '../../../local/http/gateway-path';

test.each([
  ['/', '/'],
  ['/v2/publish/https://example.com/a', '/v2/publish/https:/example.com/a'],
  ['/v2/publish/https%3A%2F%2Fexample.com%2Fa', '/v2/publish/https:/example.com/a'],
  ['//a///b//', '/a/b/'],
  ['/a%20b', '/a b'],
  ['/%C3%BC', '/ü'],
  ['/%F0%9F%98%80', '/😀'],
  ['/a%3Fb=1/c', '/a'],
  ['/%3f', '/'],
  ['/a%23b', '/a#b'],
  ['/a%2Fb', '/a/b'],
  ['/a%2F%2Fb', '/a/b'],
  ['/a%25b', '/a%b'],
  ['/a%2525', '/a%25'],
  ['/a%0Ab%3Fc', '/a\nb'],
  ['/%zz', '/%zz'],
  ['/%', '/%'],
  ['/%FF', '/%FF'],
  ['/%FF%20', '/%FF%20'],
])('%s arrives as %j', (path, expected) => {
  expect(gatewayPath(path)).toBe(expected);
});

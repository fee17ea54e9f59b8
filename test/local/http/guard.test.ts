import { refusal } from '../../../local/http/guard';

test.each([
  ['127.0.0.1:8080', '127.0.0.1'],
  ['127.0.0.1', '127.0.0.1'],
  ['localhost:8080', '127.0.0.1'],
  ['LocalHost:8080', '127.0.0.1'],
  ['[::1]:8080', '127.0.0.1'],
  ['127.0.0.1:8080', '192.168.1.5'],
  ['192.168.1.5:8080', '192.168.1.5'],
  ['[fd00::5]:8080', 'fd00::5'],
  ['my-machine:8080', 'My-Machine'],
  ['192.168.1.5:8080', '0.0.0.0'],
  ['[fd00::5]:8080', '::'],
])('the Host %s is this machine, listening on %s', (host, address) => {
  expect(refusal({ host }, address)).toBeUndefined();
});

test.each([
  [undefined, '127.0.0.1'],
  ['', '127.0.0.1'],
  ['evil.example', '127.0.0.1'],
  ['localhost.evil.example', '127.0.0.1'],
  ['127.0.0.1.evil.example:8080', '127.0.0.1'],
  ['127.0.0.1@evil.example', '127.0.0.1'],
  ['192.168.1.5:8080', '127.0.0.1'],
  ['[fd00::5]', '127.0.0.1'],
  ['[::1', '127.0.0.1'],
  ['evil.example:8080', '0.0.0.0'],
  ['evil.example:8080', '::'],
  ['localhost:8080:8081', '127.0.0.1'],
])('the Host %s is another, listening on %s', (host, address) => {
  expect(refusal({ host }, address)).toBe(`the Host ${host ?? '(none)'} is not this machine; allow it with --host`);
});

test('a request of a page is answered only when it is of the same origin', () => {
  const host = 'localhost:8080';
  expect(refusal({ host, origin: 'http://localhost:8080' }, '127.0.0.1')).toBeUndefined();
  for (const origin of ['http://localhost:3000', 'https://localhost:8080', 'http://evil.example', 'null', '']) {
    expect(refusal({ host, origin }, '127.0.0.1')).toBe(`the Origin ${origin} is another site`);
  }
});

test('a request that the browser knows to come from another site is refused', () => {
  const host = 'localhost:8080';
  expect(refusal({ host, 'sec-fetch-site': 'cross-site' }, '127.0.0.1')).toBe('the request comes from another site');
  for (const site of ['same-origin', 'same-site', 'none']) {
    expect(refusal({ host, 'sec-fetch-site': site }, '127.0.0.1')).toBeUndefined();
  }
});

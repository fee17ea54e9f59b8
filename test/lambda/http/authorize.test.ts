import { authorize } from '../../../lambda/http/authorize';
import { HttpError } from '../../../lambda/http/http-error';
import { type Access, Router } from '../../../lambda/http/router';
import { ROUTES } from '../../../lambda/http/routes';

const TOKENS = { full: ['full=', 'before='], readOnly: ['reader=', 'reader-before='] };

interface Shown {
  readonly header?: string;
  readonly query?: string;
}

/** What becomes of a request: `in`, or the status of the refusal. */
function outcome({ header, query = '' }: Shown, access: Access, tokens = TOKENS): 'in' | number {
  try {
    authorize({ headers: { authorization: header }, query: new URLSearchParams(query) }, access, tokens);
    return 'in';
  } catch (error) {
    if (error instanceof HttpError) return error.status;
    throw error;
  }
}

const of = (shown: Shown) => (['anyone', 'read', 'write'] as const).map((access) => outcome(shown, access));

test.each<[string, Shown, (string | number)[]]>([
  ['nothing', {}, ['in', 401, 401]],
  ['an empty header', { header: '' }, ['in', 401, 401]],
  ['the token', { header: 'Bearer full=' }, ['in', 'in', 'in']],
  ['the token before', { header: 'Bearer before=' }, ['in', 'in', 'in']],
  ['the read-only token', { header: 'Bearer reader=' }, ['in', 'in', 403]],
  ['the read-only token before', { header: 'Bearer reader-before=' }, ['in', 'in', 403]],
  ['the scheme in other letters', { header: 'bEARER  full= ' }, ['in', 'in', 'in']],
  ['another scheme', { header: 'Basic full=' }, ['in', 401, 401]],
  ['no scheme', { header: 'full=' }, ['in', 401, 401]],
  ['no token', { header: 'Bearer ' }, ['in', 401, 401]],
  ['two tokens in one header', { header: 'Bearer full= full=' }, ['in', 401, 401]],
  ['a wrong token', { header: 'Bearer wrong' }, ['in', 401, 401]],
  ['the begin of the token', { header: 'Bearer full' }, ['in', 401, 401]],
  ['more than the token', { header: 'Bearer full==' }, ['in', 401, 401]],
  ['the token in other letters', { header: 'Bearer FULL=' }, ['in', 401, 401]],
  ['the token in the query', { query: 'qstash_token=full=' }, ['in', 'in', 'in']],
  ['the read-only token in the query', { query: 'qstash_token=reader%3D' }, ['in', 'in', 403]],
  ['an empty token in the query', { query: 'qstash_token=' }, ['in', 401, 401]],
  ['another parameter', { query: 'token=full=' }, ['in', 401, 401]],
  ['a wrong token and the right one', { header: 'Bearer wrong', query: 'qstash_token=full=' }, ['in', 'in', 'in']],
  ['both kinds', { header: 'Bearer reader=', query: 'qstash_token=full=' }, ['in', 'in', 'in']],
  ['several in the query', { query: 'qstash_token=wrong&qstash_token=full=' }, ['in', 'in', 'in']],
])('%s', (_what, shown, expected) => {
  expect(of(shown)).toEqual(expected);
});

test('a service without tokens lets nobody in', () => {
  const none = { full: [], readOnly: [] };
  for (const header of ['', 'Bearer ', 'Bearer undefined', 'Bearer full=']) {
    expect(outcome({ header }, 'read', none)).toBe(401);
  }
});

test('a refusal says what to do and shows no token', () => {
  const refusal = (shown: Shown, access: Access) => () =>
    authorize({ headers: { authorization: shown.header }, query: new URLSearchParams() }, access, TOKENS);
  expect(refusal({}, 'read')).toThrow(
    expect.objectContaining({
      message: 'unauthorized: no token: send Authorization: Bearer <QSTASH_TOKEN>',
      headers: { 'www-authenticate': 'Bearer' },
    }),
  );
  expect(refusal({ header: 'Bearer secret' }, 'read')).toThrow(
    expect.objectContaining({ message: 'unauthorized: invalid token', headers: { 'www-authenticate': 'Bearer' } }),
  );
  expect(refusal({ header: 'Bearer reader=' }, 'write')).toThrow('forbidden: a read-only token may not do this');
});

describe('every route', () => {
  const router = new Router(ROUTES);
  const pathOf = (path: string) => path.replace(/:\w+/g, 'id').replace('*', 'https://example.com');

  test.each(ROUTES.map(({ method, path }) => [method, path] as const))('%s %s', (method, path) => {
    const { route } = router.find({ method, path: pathOf(path) });
    const openToAll = ['/v2/readiness', '/v2/openapi.json'].includes(path);
    // Whoever has the signing keys can forge deliveries.
    const forReaders = method === 'GET' && path !== '/v2/keys';
    expect(outcome({}, route.access)).toBe(openToAll ? 'in' : 401);
    expect(outcome({ header: 'Bearer wrong' }, route.access)).toBe(openToAll ? 'in' : 401);
    expect(outcome({ header: 'Bearer reader=' }, route.access)).toBe(forReaders ? 'in' : 403);
    expect(outcome({ header: 'Bearer full=' }, route.access)).toBe('in');
  });
});

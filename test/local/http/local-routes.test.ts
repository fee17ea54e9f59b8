import type { IncomingMessage } from 'node:http';
import { ServiceClock } from '../../../local/clock';
import { localRoutes } from '../../../local/http/local-routes';
import { MAX_STEPS, TimeTravel } from '../../../local/time-travel';

const TOKEN = 'the-token';
const JSON_TYPE = { 'content-type': 'application/json' };
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

let clock: ServiceClock;
let token: string | undefined;

beforeEach(() => {
  clock = new ServiceClock();
  token = TOKEN;
});

afterEach(() => clock.stop());

interface Sent {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** Status and JSON of the answer; undefined when the route is another's. */
async function ask(sent: Sent): Promise<Record<string, unknown> | undefined> {
  const { method = 'POST', url = '/local/clock', headers = { ...AUTHORIZED, ...JSON_TYPE }, body } = sent;
  const routes = localRoutes({
    token: () => token,
    now: () => clock.now(),
    travel: () => new TimeTravel(clock, [], async () => undefined, undefined),
  });
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
  const answer = await routes({ method, url, headers } as unknown as IncomingMessage, Buffer.from(text));
  return answer && { status: answer.status, ...(JSON.parse(answer.body.toString()) as Record<string, unknown>) };
}

test.each(['/', '/v2/publish/x', '/locally', '/local'])('%s is not local mode’s own', async (url) => {
  expect(await ask({ url })).toBeUndefined();
});

test('the clock tells service time', async () => {
  clock.advanceTo(Date.now() + 1_000_000);
  const answer = await ask({ method: 'GET', headers: AUTHORIZED });
  expect(answer!.status).toBe(200);
  expect(Number(answer!.now) - Date.now()).toBeGreaterThan(990_000);
});

test.each([
  ['seconds', { advance: 90 }, 90_000],
  ['part of a second', { advance: 0.5 }, 500],
  ['nothing', { advance: 0 }, 0],
  ['a duration', { advance: '1h30m' }, 5_400_000],
  ['a duration of a number alone', { advance: '5' }, 5000],
])('it moves on by %s', async (_what, body, milliseconds) => {
  const before = clock.now();
  const answer = await ask({ body });
  expect(answer).toEqual({ status: 200, now: expect.any(Number), steps: 0 });
  expect(clock.ahead).toBeGreaterThan(milliseconds - 1000);
  expect(clock.ahead).toBeLessThanOrEqual(milliseconds);
  expect(Number(answer!.now)).toBeGreaterThanOrEqual(before + milliseconds);
});

test('it moves on to a time', async () => {
  const to = Date.now() + 3_600_000;
  expect(Number((await ask({ body: { to } }))!.now)).toBeGreaterThanOrEqual(to);
});

test('a query does not change the route', async () => {
  expect(await ask({ url: '/local/clock?x=1', body: { advance: 1 } })).toMatchObject({ status: 200 });
});

test.each<[string, Record<string, string>]>([
  ['no token', JSON_TYPE],
  ['another token', { ...JSON_TYPE, authorization: 'Bearer other' }],
  ['a longer token', { ...JSON_TYPE, authorization: `Bearer ${TOKEN}x` }],
  ['the token without its kind', { ...JSON_TYPE, authorization: TOKEN }],
  ['the token of another kind', { ...JSON_TYPE, authorization: `Basic ${TOKEN}` }],
])('%s is refused on every route below /local/', async (_what, headers) => {
  for (const url of ['/local/clock', '/local/other']) {
    for (const method of ['GET', 'POST']) {
      expect(await ask({ url, method, headers, body: { advance: 1 } })).toEqual({
        status: 401,
        error: 'unauthorized: the token is needed',
      });
    }
  }
  expect(clock.ahead).toBe(0);
});

test('while there is no token nobody has it', async () => {
  token = undefined;
  expect(await ask({ headers: { ...JSON_TYPE, authorization: 'Bearer undefined' } })).toMatchObject({ status: 401 });
});

test('other routes and methods are told', async () => {
  expect(await ask({ url: '/local/other' })).toEqual({ status: 404, error: 'there is no /local/other' });
  expect(await ask({ method: 'PUT' })).toEqual({ status: 405, error: 'GET or POST' });
});

test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonlines; x=application/json'])(
  'a body of the type %s, which any web page can send, is refused',
  async (type) => {
    const headers: Record<string, string> = type === undefined ? AUTHORIZED : { ...AUTHORIZED, 'content-type': type };
    expect(await ask({ headers, body: { advance: 1 } })).toEqual({
      status: 415,
      error: 'Content-Type must be application/json',
    });
  },
);

test.each([
  ['backwards', { advance: -1 }, 'Service time moves forward only.'],
  ['to the past', { to: 0 }, 'Service time moves forward only.'],
  ['for ever', { advance: 1e300 }, 'That is no time that a clock can show.'],
  ['to no day', { to: 1e300 }, 'That is no time that a clock can show.'],
  ['by nonsense', { advance: 'soon' }, 'invalid advance: "soon" is not a duration, such as 30s, 1h30m or 1d'],
  ['by true', { advance: true }, 'The body must be {"advance": seconds or "1h30m"} or {"to": milliseconds}.'],
  ['to a text', { to: '2026-01-01' }, 'The body must be {"advance": seconds or "1h30m"} or {"to": milliseconds}.'],
  ['by both', { advance: 1, to: 2e12 }, 'The body must be {"advance": seconds or "1h30m"} or {"to": milliseconds}.'],
  ['nowhere', {}, 'The body must be {"advance": seconds or "1h30m"} or {"to": milliseconds}.'],
  ['by a list', [1], 'The body must be {"advance": seconds or "1h30m"} or {"to": milliseconds}.'],
  ['by what is no JSON', '{advance', 'The body must be a JSON object.'],
  ['by null', null, 'The body must be a JSON object.'],
])('a journey %s is refused', async (_what, body, error) => {
  expect(await ask({ body: body ?? 'null' })).toEqual({ status: 400, error });
  expect(clock.ahead).toBe(0);
});

test('a journey of too many events is refused with how far it came', async () => {
  const again = (): unknown => clock.schedule(clock.now() + 1000, again);
  again();
  const answer = await ask({ body: { advance: '365d' } });
  expect(answer!.status).toBe(400);
  expect(answer!.error).toMatch(
    new RegExp(`^Stopped after ${MAX_STEPS} steps at 20\\S+: travel in shorter stretches\\.$`),
  );
});

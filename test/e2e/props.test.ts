import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { FrontDoor } from '../../lib';
import { createStack } from '../lib/synthesize';
import { closeAll, type Running, start, startSink, statesOf, until } from './harness';
import type { Sink } from './sink';

// CloudFormation's rules are not what is tested here, and cost seconds.
process.env.CDK_VALIDATION = 'false';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  const { app } = createStack(() => ({
    frontDoor: FrontDoor.functionUrl(),
    defaultRetries: 1,
    maximumRetries: 2,
    maximumDelay: Duration.hours(1),
    maximumMessageSize: Size.kibibytes(1),
    deliveryTimeout: Duration.seconds(60),
    deadLetterRetention: Duration.hours(1),
    eventLogRetention: Duration.minutes(10),
    removalPolicy: RemovalPolicy.DESTROY,
  }));
  running = await start({ assembly: app.synth().directory, path: 'Test/QStash' });
  sink = await startSink();
});
afterAll(closeAll);

const publish = (url: string, init: RequestInit = {}) =>
  running.json(`/v2/publish/${url}`, { method: 'POST', ...init });

describe('behind a Function URL nothing is lost:', () => {
  test.each(['/a%2Fb', '/a%3Fb=c', '/a%23b', '/a%25b', '/a//b', '/%c3%a4%ff', '//', '/a?b=https://c//d%2F'])(
    'the path %s',
    async (path) => {
      const destination = sink.destination();
      expect((await publish(destination.url + path)).status).toBe(200);
      const arrival = await until(() => destination.arrivals[0]);
      expect(arrival.path).toBe(new URL(destination.url).pathname + path);
    },
  );

  test('a destination that is encoded as a whole', async () => {
    const destination = sink.destination();
    await publish(encodeURIComponent(`${destination.url}/a%2Fb?c=d`));
    expect((await until(() => destination.arrivals[0])).path).toMatch(/\/a%2Fb\?c=d$/);
  });

  test('text that is no UTF-8', async () => {
    const destination = sink.destination();
    const body = Buffer.from([0xc3, 0x28, 0xff, 0x00]);
    await publish(destination.url, { headers: { 'Content-Type': 'text/plain' }, body: new Blob([body]) });
    expect((await until(() => destination.arrivals[0])).body.equals(body)).toBe(true);
  });
});

test.each<[string, RequestInit, number, RegExp]>([
  ['a body of a kilobyte', { body: 'x'.repeat(1025) }, 413, /at most 1024/],
  ['two retries', { headers: { 'Upstash-Retries': '3' } }, 412, /Upstash-Retries.*2/],
  ['a delay of an hour', { headers: { 'Upstash-Delay': '3601s' } }, 412, /Upstash-Delay.*3600/],
  ['a timeout that the function has time for', { headers: { 'Upstash-Timeout': '41s' } }, 412, /Upstash-Timeout.*40/],
])('more than %s is refused where the props say so', async (_, init, status, text) => {
  const { url } = sink.destination();
  expect(await publish(url, init)).toMatchObject({ status, body: { error: expect.stringMatching(text) } });
});

test('what is as much is accepted, and what is not said has the default', async () => {
  const { url } = sink.destination();
  const headers = { 'Upstash-Delay': '1h', 'Upstash-Timeout': '40s' };
  const { body } = await publish(url, { headers, body: 'x'.repeat(1024) });
  expect(await running.client.messages.get(body.messageId)).toMatchObject({ maxRetries: 1 });
});

test('dead letters and log are kept as long as the props say', async () => {
  const { messageId } = await running.client.publish({ url: sink.destination(500).url, body: '', retries: 0 });
  await running.ended(messageId);
  const letters = async () => (await running.client.dlq.listMessages({ filter: { messageId } })).messages.length;
  await running.service.advance(11 * 60_000);
  expect([statesOf(await running.events(messageId)), await letters()]).toEqual([[], 1]);
  await running.service.advance(50 * 60_000);
  expect(await letters()).toBe(0);
});

import { EventEmitter, once } from 'node:events';
import { request } from 'node:http';
import type { AwsCall, Interceptor } from '../../../local/aws-call';
import { ServiceClock } from '../../../local/clock';
import { SqsServer } from '../../../local/sqs/sqs-server';
import { Probe } from './probe';

const LONG = { max: 10, waitMs: 20_000 };
const NOW = { max: 10, waitMs: 0 };

let clock: ServiceClock;
let server: SqsServer;
let probe: Probe;
let port: number;
let intercept: Interceptor;

beforeEach(async () => {
  clock = new ServiceClock();
  intercept = (_call, execute) => execute();
  server = new SqsServer({ clock, intercept: (call, execute) => intercept(call, execute) });
  port = await server.listen();
  probe = new Probe({ endpoint: `http://127.0.0.1:${port}`, stop: () => server.close() });
});

afterEach(async () => {
  probe.client.destroy();
  await server.close();
  clock.stop();
});

async function bodies(messages: Promise<readonly { Body: string }[]>): Promise<string[]> {
  return (await messages).map(({ Body }) => Body);
}

function post(headers: Record<string, string>, body: string) {
  const sent = request({ host: '127.0.0.1', port, method: 'POST', headers });
  sent.on('error', () => undefined);
  sent.end(body);
  return sent;
}

test('a waiting receive is woken by a send, the end of a delay and the end of a visibility', async () => {
  const url = await probe.queue({ VisibilityTimeout: '600' });
  const sent = server.receive(url, LONG);
  await probe.send(url, 'a');
  expect(await bodies(sent)).toEqual(['a']);

  const visibleAgain = server.receive(url, LONG);
  clock.advanceTo(clock.now() + 600_000);
  const [again] = await visibleAgain;
  expect(again).toMatchObject({ Body: 'a', Attributes: { ApproximateReceiveCount: '2' } });

  const shown = server.receive(url, LONG);
  server.changeVisibility(url, again!.ReceiptHandle, 0);
  const [third] = await shown;
  server.delete(url, [third!.ReceiptHandle]);

  await probe.send(url, 'late', { DelaySeconds: 900 });
  const delayed = server.receive(url, LONG);
  clock.advanceTo(clock.now() + 900_000);
  expect(await bodies(delayed)).toEqual(['late']);
});

test('an aborted receive takes nothing', async () => {
  const url = await probe.queue();
  const leaving = new AbortController();
  const left = server.receive(url, { ...LONG, signal: leaving.signal });
  leaving.abort();
  await probe.send(url, 'kept');
  expect(await left).toEqual([]);
  expect(await server.receive(url, { ...NOW, signal: leaving.signal })).toEqual([]);
  expect(await bodies(server.receive(url, NOW))).toEqual(['kept']);
});

test('a receive whose connection ends takes nothing', async () => {
  const url = await probe.queue();
  const polls = new EventEmitter();
  intercept = async (_call, execute) => {
    const answer = execute();
    polls.emit('started');
    await answer;
    polls.emit('ended');
    return answer;
  };
  const started = once(polls, 'started');
  const ended = once(polls, 'ended');
  const poll = post(
    { 'x-amz-target': 'AmazonSQS.ReceiveMessage' },
    JSON.stringify({ QueueUrl: url, WaitTimeSeconds: 20 }),
  );
  await started;
  poll.destroy();
  await ended;
  intercept = (_call, execute) => execute();
  await probe.send(url, 'kept');
  expect(await bodies(server.receive(url, NOW))).toEqual(['kept']);
}, 10_000);

test('a receive that waits on a queue that is deleted is told so', async () => {
  server.ensureQueue('q');
  const told = expect(server.receive('q', LONG)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  await probe.remove('q');
  await told;
});

test('closing ends every waiting receive', async () => {
  server.ensureQueue('q');
  const waiting = server.receive('q', LONG);
  await server.close();
  expect(await waiting).toEqual([]);
});

test('the next timer is the earliest end of a delay, a visibility or a retention', async () => {
  const url = await probe.queue({ MessageRetentionPeriod: '600' });
  expect(clock.nextTimerAt()).toBeUndefined();
  const before = clock.now();
  await probe.send(url, 'a', { DelaySeconds: 60 });
  const after = clock.now();
  expect(clock.nextTimerAt()).toBeGreaterThanOrEqual(before + 60_000);
  expect(clock.nextTimerAt()).toBeLessThanOrEqual(after + 60_000);
  clock.advanceTo(after + 60_000);
  expect(clock.nextTimerAt()).toBeGreaterThanOrEqual(before + 600_000);
  const [message] = await server.receive(url, NOW);
  server.delete(url, [message!.ReceiptHandle]);
  expect(clock.nextTimerAt()).toBeUndefined();
});

test('a FIFO queue whose group waits is not receivable though it has visible messages', async () => {
  const url = await probe.fifo();
  for (const body of ['1', '2']) await probe.sendTo(url, 'g', body);
  const [first] = await server.receive(url, { ...NOW, max: 1 });
  expect(server.depths()).toMatchObject([{ visible: 1, inFlight: 1, receivable: false }]);
  server.delete(url, [first!.ReceiptHandle]);
  expect(server.depths()).toMatchObject([{ visible: 1, inFlight: 0, receivable: true }]);
});

test('every request passes the interceptor, with its caller, queue and input', async () => {
  const calls: AwsCall[] = [];
  intercept = (call, execute) => {
    calls.push(call);
    return execute();
  };
  const url = await probe.queue();
  const arn = server.queueArn(url.slice(url.lastIndexOf('/') + 1));
  await probe.send(url, 'a');
  await probe.arn(url);
  expect(calls.map(({ operation, resources }) => [operation, ...resources])).toEqual([
    ['CreateQueue', arn],
    ['SendMessage', arn],
    ['GetQueueAttributes', arn],
  ]);
  expect(calls[1]).toMatchObject({ service: 'sqs', accessKeyId: 'probe', input: { MessageBody: 'a' } });
});

test('a dropped answer closes the connection, and what was done is done', async () => {
  const url = await probe.queue();
  intercept = async (_call, execute) => {
    await execute();
    return 'dropped';
  };
  await expect(probe.send(url, 'a')).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect(await bodies(server.receive(url, NOW))).toEqual(['a']);
});

test('an interceptor may refuse: nothing is done', async () => {
  const url = await probe.queue();
  intercept = async () => ({
    status: 403,
    headers: { 'x-amzn-errortype': 'AccessDeniedException' },
    body: Buffer.from('{"__type":"AccessDeniedException","message":"no"}'),
  });
  await expect(probe.send(url, 'a')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect(await server.receive(url, NOW)).toEqual([]);
});

test.each<[Record<string, string>, string]>([
  [{ host: 'evil.example' }, 'a foreign host name'],
  [{ host: '127.0.0.1.evil.example' }, 'a host name that begins like a loopback address'],
  [{ origin: 'https://evil.example' }, 'a page of a foreign origin'],
])('%j is refused: %s', async (headers) => {
  const sent = post({ 'x-amz-target': 'AmazonSQS.ListQueues', ...headers }, '{}');
  const [response] = await once(sent, 'response');
  expect(response.statusCode).toBe(403);
});

test.each([
  ['AmazonSQS.NoSuchOperation', '{}', 'UnknownOperationException'],
  ['AmazonSQS.constructor', '{}', 'UnknownOperationException'],
  ['AmazonSQS.SendMessage', '{', 'SerializationException'],
  ['AmazonSQS.SendMessage', '[]', 'SerializationException'],
  ['AmazonSQS.SendMessage', '{"QueueUrl":1}', 'SerializationException'],
  ['AmazonSQS.SendMessage', '{}', 'MissingRequiredParameterException'],
  ['AmazonSQS.SendMessage', '{"QueueUrl":"q"}', 'QueueDoesNotExist'],
])('%s with %s is refused', async (target, body, error) => {
  const sent = post({ 'x-amz-target': target }, body);
  const [response] = await once(sent, 'response');
  expect([response.statusCode, response.headers['x-amzn-errortype']]).toEqual([400, error]);
  expect(response.headers['x-amzn-query-error']).toMatch(/;Sender$/);
});

test('ensureQueue creates a queue once and then gives it new attributes', () => {
  const arn = server.ensureQueue('q', { VisibilityTimeout: '7' });
  expect(server.ensureQueue('q', { VisibilityTimeout: '8' })).toBe(arn);
  expect(server.attributes('q')).toMatchObject({ QueueArn: arn, VisibilityTimeout: '8' });
  expect(() => server.ensureQueue('q', { VisibilityTimeout: '-1' })).toThrow(/VisibilityTimeout/);
});

test('two queues cannot be the dead letter queues of each other', () => {
  const policy = (name: string) => JSON.stringify({ deadLetterTargetArn: server.queueArn(name), maxReceiveCount: 1 });
  server.ensureQueue('a');
  server.ensureQueue('b', { RedrivePolicy: policy('a') });
  expect(() => server.ensureQueue('a', { RedrivePolicy: policy('b') })).toThrow(/leads back/);
  expect(() => server.ensureQueue('a', { RedrivePolicy: policy('a') })).toThrow(/leads back/);
});

test('delete does all it can and then tells of the first refusal', async () => {
  const url = await probe.queue();
  await probe.send(url, 'a');
  const [message] = await server.receive(url, NOW);
  expect(() => server.delete(url, ['garbage', message!.ReceiptHandle])).toThrow(/garbage/);
  expect(server.depths()).toMatchObject([{ visible: 0, inFlight: 0 }]);
});

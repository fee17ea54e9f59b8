import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { encodeHint } from '../../lambda/wait/hint';
import { readAssembly } from '../../local/assembly/read-assembly';
import { type AwsCall, errorAnswer, type Interceptor } from '../../local/aws-call';
import { functionOfAccessKey } from '../../local/functions/lambda-function';
import { accessesOf } from '../../local/iam/check-permissions';
import type { LocalResource } from '../../local/start-local';
import { ASSEMBLY, closeAll, type Running, start, startSink, until } from '../e2e/harness';
import { AGAIN, type Sink } from '../e2e/sink';
import { nameOf, namesByArn, type Permission, permissionsOf, textOf } from './policies';

const HOUR = 3_600_000;
const TICK = 60_000;

/**
 * What no call of a function's own shows, by who does it. Variants of the template have more that is exempt for
 * the same reason, which their own tests name: network interfaces in a VPC, keys of a customer.
 */
const EXEMPT: Readonly<Record<string, (permission: Permission) => boolean>> = {
  'Lambda writes the log': ({ action }) => ['logs:CreateLogStream', 'logs:PutLogEvents'].includes(action),
  'S3 asks for it when an object is not there': ({ action }) => action === 's3:ListBucket',
  'Lambda reads the queue that feeds the function': ({ who, action, resource }) =>
    ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'].includes(action) &&
    [
      ['QStashDeliverFunction', 'QStashQueuesDeliveries'],
      ['QStashFailFunction', 'QStashQueuesFailures'],
      ['QStashDispatchFunction', 'QStashQueuesWakes'],
    ].some(([fed, queue]) => fed === who && queue === resource),
};

const calls: AwsCall[] = [];
/** Larger than what the table keeps. */
const LARGE = 'x'.repeat(10_000);
/** Answers in place of a stand-in, for faults. */
let fault: ((call: AwsCall) => boolean) | undefined;
const intercept: Interceptor = async (call, execute) => {
  calls.push(call);
  return fault?.(call) ? errorAnswer(500, 'InternalFailure', 'planned') : execute();
};

let running: Running;
let sink: Sink;
beforeAll(async () => {
  running = await start({ intercept });
  sink = await startSink();
  await doEverything();
}, 120_000);
afterAll(closeAll);

const resource = (type: string, name: string): LocalResource =>
  Object.values(running.service.resources).find(
    ({ type: own, logicalId }) => own === type && nameOf(logicalId) === name,
  )!;
const credentials = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

async function publish(path: string, headers: Record<string, string> = {}, content = 'body'): Promise<string> {
  const { body, status } = await running.json(`/v2/publish/${sink.url(path)}`, {
    method: 'POST',
    body: content,
    headers,
  });
  expect([200, 202]).toContain(status);
  return body.messageId;
}

/** Has a message looked at by the promoter, as if its hint had failed too often. */
async function redrive(messageId: string, attempt = 0): Promise<void> {
  const sqs = new SQSClient({ ...credentials, endpoint: running.service.endpoints.sqs });
  const QueueUrl = resource('AWS::SQS::Queue', 'QStashQueuesRedrive').ref;
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: encodeHint({ messageId, attempt, due: 0 }) }));
  sqs.destroy();
  await running.service.advance(TICK);
}

/** Everything that any function ever does. */
async function doEverything(): Promise<void> {
  const { service, json } = running;
  sink.reply = ({ path }) => (path.startsWith('/fail') ? 500 : path.startsWith('/again') ? AGAIN : 200);

  await fillSecrets();
  await json('/v2/keys');
  await json('/v2/keys/rotate', { method: 'POST' });
  await json('/v2/messages', { headers: { authorization: `Bearer ${service.readOnlyToken}` } });

  const delivered = await publish('/ok', { 'Upstash-Callback': sink.url('/ok/callback') });
  await publish('/ok', { 'Upstash-Deduplication-Id': 'a' });
  await publish('/ok', { 'Upstash-Deduplication-Id': 'a' });
  await running.ended(delivered);
  await json(`/v2/messages/${delivered}`);
  await json('/v2/events');
  await json('/v2/logs');

  // A failure whose record is small enough to lie with the state.
  await publish('/fail', { 'Upstash-Retries': '0', 'Upstash-Failure-Callback': sink.url('/ok/failure') });
  await until(() => sink.at('/ok/failure').length > 0);

  // Every callback there is, with retries on both lanes.
  const callbacks = {
    'Upstash-Retries': '1',
    'Upstash-Callback': sink.url('/again/callback'),
    'Upstash-Failure-Callback': sink.url('/again/failure'),
    'Upstash-Failure-Callback-Callback': sink.url('/ok/nested'),
    'Upstash-Failure-Callback-Failure-Callback': sink.url('/ok/nested'),
  };
  await publish('/again', callbacks);
  await service.whenIdle();
  const { messages } = (await json('/v2/dlq')).body as { messages: { dlqId: string; url: string }[] };
  for (const part of ['/again/failure', '/again/callback']) {
    const dlqId = messages.find(({ url }) => url.endsWith(part))!.dlqId;
    await json(`/v2/dlq/${dlqId}`);
    expect((await json(`/v2/dlq/retry/${dlqId}`, { method: 'POST' })).status).toBe(201);
  }
  expect((await json('/v2/dlq', { method: 'DELETE' })).body.deleted).toBeGreaterThan(0);

  // Bodies in the bucket, one of which the service has to delete itself, since nobody can foresee when it ends.
  const large = await publish('/ok', {}, LARGE);
  await json(`/v2/messages/${large}`);
  const reported = { 'Upstash-Retries': '0', 'Upstash-Failure-Callback': sink.url('/ok/large') };
  await publish('/fail', reported, LARGE);
  await until(() => sink.at('/ok/large').length > 0);
  await running.ended(await publish('/ok', { 'Upstash-Retries': '40' }, LARGE));
  await service.advance(8 * 24 * HOUR);

  // Schedules, whose runs publish as a request does: to a group, to a queue, and bodies in the bucket.
  const endpoints = ['/ok/scheduled', '/ok/scheduled'].map((path, index) => ({ url: sink.url(`${path}/${index}`) }));
  await json('/v2/topics/group/endpoints', { method: 'POST', body: JSON.stringify({ endpoints }) });
  const minutely = { 'Upstash-Cron': '* * * * *' };
  for (const headers of [minutely, { ...minutely, 'Upstash-Queue-Name': 'of-schedule' }]) {
    const init = { method: 'POST', headers, body: LARGE };
    const { scheduleId } = (await json('/v2/schedules/group', init)).body;
    await json(`/v2/schedules/${scheduleId}/pause`, { method: 'PATCH' });
    await json(`/v2/schedules/${scheduleId}/resume`, { method: 'PATCH' });
    await service.advance(2 * TICK);
    expect((await json('/v2/schedules')).body[0].lastScheduleTime).toBeGreaterThan(0);
    await json(`/v2/schedules/${scheduleId}`, { method: 'DELETE' });
  }
  expect(sink.at('/ok/scheduled').length).toBeGreaterThanOrEqual(4);

  // Batches, queues and flow control, whose limits callbacks bring with them too.
  const flowControl = (prefix: string, key: string) => ({
    [`${prefix}Flow-Control-Key`]: key,
    [`${prefix}Flow-Control-Value`]: 'parallelism=1, rate=1, period=1s',
  });
  const destination = sink.url('/ok/batch');
  const item = { destination, headers: flowControl('Upstash-', 'key') };
  await json('/v2/batch', { method: 'POST', body: JSON.stringify([{ destination }, { ...item, queue: 'q' }, item]) });
  const failing = {
    ...flowControl('Upstash-', 'key'),
    'Upstash-Retries': '1',
    'Upstash-Failure-Callback': sink.url('/ok/flow'),
    ...flowControl('Upstash-Failure-Callback-', 'of-callbacks'),
  };
  await json(`/v2/enqueue/q/${sink.url('/fail')}`, { method: 'POST', headers: failing });
  await json(`/v2/enqueue/q/${sink.url('/ok')}`, { method: 'POST' });
  await service.whenIdle();
  // The slot of what waits for its retry is looked after.
  await json('/v2/queues/q/pause', { method: 'POST' });
  await json('/v2/queues/q/resume', { method: 'POST' });
  for (const path of [
    '/v2/queues',
    '/v2/queues/q',
    '/v2/flowControl',
    '/v2/flowControl/key',
    '/v2/globalParallelism',
  ]) {
    expect((await json(path)).status).toBe(200);
  }
  await json('/v2/flowControl/key/pin?rate=1', { method: 'POST' });
  await json('/v2/flowControl/key/unpin?rate=true', { method: 'POST' });
  await service.advance(TICK);
  expect(sink.at('/ok/flow')).toHaveLength(1);
  // What waits for long is swept once.
  await json('/v2/queues/q/pause', { method: 'POST' });
  await json(`/v2/enqueue/q/${sink.url('/ok')}`, { method: 'POST' });
  await service.advance(20 * TICK);
  await json('/v2/queues/q', { method: 'DELETE' });
  // A key that was forgotten before its message is due.
  await publish('/ok/forgotten', { ...flowControl('Upstash-', 'forgotten'), 'Upstash-Delay': '100d' });
  await service.advance(101 * 24 * HOUR);
  expect(sink.at('/ok/forgotten')).toHaveLength(1);

  // What lasts longer than a day is marked as open, on both lanes and in every way to end.
  const late = { 'Upstash-Delay': '23h' };
  const canceled = await publish('/ok', late);
  await json(`/v2/messages/${canceled}`, { method: 'DELETE' });
  await publish('/ok/canceled', late);
  await json(`/v2/messages?url=${encodeURIComponent(sink.url('/ok/canceled'))}`, { method: 'DELETE' });
  const marked = await publish('/fail', {
    ...late,
    'Upstash-Retries': '0',
    'Upstash-Failure-Callback': sink.url('/ok/late'),
    'Upstash-Failure-Callback-Delay': '23h',
  });
  await service.advance(50 * HOUR);
  expect(sink.at('/ok/late')).toHaveLength(1);
  await redrive(marked);

  // A publisher that dies before its hint.
  fault = ({ service: called, operation, input }) => called === 'sqs' && operation === 'SendMessage' && isNew(input);
  const answer = await json(`/v2/publish/${sink.url('/ok/orphan')}`, { method: 'POST' });
  fault = undefined;
  expect(answer.status).toBe(500);
  await service.advance(20 * TICK);
  expect(sink.at('/ok/orphan')).toHaveLength(1);

  // What our own functions cannot deal with.
  const stuck = await publish('/ok', { 'Upstash-Delay': '10h', 'Upstash-Failure-Callback': sink.url('/ok/stuck') });
  for (let times = 0; times < 6; times++) await redrive(stuck);
  await until(() => sink.at('/ok/stuck').length > 0);
}

const isNew = ({ MessageBody }: Record<string, unknown>) => String(MessageBody).includes('"a":0');

/** Has the secrets filled from nothing, as when the service is deployed. */
async function fillSecrets(): Promise<void> {
  const { service } = running;
  const client = new SecretsManagerClient({ ...credentials, endpoint: service.endpoints.secretsManager });
  const secrets = ['QStashSecretsTokenSecret', 'QStashSecretsSigningKeySecret'].map(
    (name) => resource('AWS::SecretsManager::Secret', name).arn,
  );
  const held = await Promise.all(
    secrets.map(async (SecretId) => ({ SecretId, SecretString: await current(client, SecretId) })),
  );
  for (const SecretId of secrets) await client.send(new PutSecretValueCommand({ SecretId, SecretString: '{}' }));
  const { path } = Object.entries(service.resources)
    .map(([path, { logicalId }]) => ({ path, logicalId }))
    .find(({ logicalId }) => nameOf(logicalId) === 'QStashSecretsFillFunction')!;
  const result = await service.invoke(path, { RequestType: 'Update', ResponseURL: sink.url('/ok/response') });
  expect(result.ok).toBe(true);
  for (const before of held) {
    expect(await current(client, before.SecretId)).not.toBe('{}');
    await client.send(new PutSecretValueCommand(before));
  }
  client.destroy();
}

async function current(client: SecretsManagerClient, SecretId: string): Promise<string> {
  return (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString!;
}

/** An object as the permission for it names it, by what its key begins with. */
function inWordsOfThePolicy(done: Permission): Permission {
  const permission = allowed.find(
    ({ who, action, resource }) =>
      who === done.who &&
      action === done.action &&
      resource.endsWith('/*') &&
      done.resource.startsWith(resource.slice(0, -1)),
  );
  return { ...done, resource: permission?.resource ?? done.resource };
}

/** What the functions did, once each. */
function done(): string[] {
  const names = namesByArn(running.service);
  const name = (arn: string) => {
    const [whole = '', key = ''] = /^(arn:aws:s3:::[^/]*)(\/.*)$/s.exec(arn)?.slice(1) ?? [arn];
    return (names.get(whole) ?? whole) + key;
  };
  const own = calls.filter(({ accessKeyId }) => accessKeyId !== 'test');
  const all = own.flatMap((call) =>
    accessesOf(call).map(({ action, resource: arn }) =>
      textOf(inWordsOfThePolicy({ who: nameOf(functionOfAccessKey(call.accessKeyId)), action, resource: name(arn) })),
    ),
  );
  return [...new Set(all)].sort();
}

const allowed = permissionsOf(readAssembly(ASSEMBLY));
const isExempt = (permission: Permission) => Object.values(EXEMPT).some((applies) => applies(permission));
const needed = () => allowed.filter((permission) => !isExempt(permission)).map(textOf);

test('no function does what it may not', () => {
  const may = new Set(allowed.map(textOf));
  expect(done().filter((permission) => !may.has(permission))).toEqual([]);
  expect(running.lines.filter(({ text }) => text.includes('is not authorized'))).toEqual([]);
});

test('no function may do what it does not', () => {
  const does = new Set(done());
  expect(needed().filter((permission) => !does.has(permission))).toEqual([]);
});

test('every exemption is of something', () => {
  for (const applies of Object.values(EXEMPT)) expect(allowed.some(applies)).toBe(true);
});

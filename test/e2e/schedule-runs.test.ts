import { createHash } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { HELD_BODIES } from '../../lib/names';
import { closeAll, type Running, start, startSink, until } from './harness';
import { AGAIN, type Sink } from './sink';
import { HOUR, MINUTE, minutesBetween, minutesOf, nextMinute, SECOND, timed, travelTo } from './timed';

let running: Running;
let sink: Sink;

beforeAll(async () => {
  running = await start();
  sink = await startSink();
});
afterEach(async () => {
  for (const { scheduleId } of await running.client.schedules.list()) await running.client.schedules.delete(scheduleId);
});
afterAll(closeAll);

const MINUTELY = '* * * * *';

let names = 0;
const newName = () => `name-${++names}`;

const post = (destination: string, headers: Record<string, string>, body?: string) =>
  running.json(`/v2/schedules/${destination}`, { method: 'POST', headers, body });

describe('a run', () => {
  test('comes every minute in New York, for an hour, at each endpoint of a group', async () => {
    const endpoints = [timed(sink, () => running), timed(sink, () => running)];
    const name = newName();
    await running.client.urlGroups.addEndpoints({ name, endpoints: endpoints.map(({ url }) => ({ url })) });
    const from = running.service.clock.now();
    const { scheduleId } = await running.client.schedules.create({
      destination: name,
      cron: 'CRON_TZ=America/New_York * * * * *',
      body: 'hello',
    });
    await running.service.advance(HOUR);
    const to = running.service.clock.now();
    const ids: string[] = [];
    for (const { arrivals, calledAt } of endpoints) {
      expect(minutesOf(calledAt)).toEqual(minutesBetween(from, to));
      for (const { headers, body } of arrivals) {
        expect(headers['upstash-schedule-id']).toBe(scheduleId);
        expect(headers['upstash-topic-name']).toBe(name);
        expect(headers['upstash-caller-ip']).toBe('127.0.0.1');
        expect(body.toString()).toBe('hello');
        ids.push(String(headers['upstash-message-id']));
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
    const schedule = await running.client.schedules.get(scheduleId);
    const last = endpoints.map(({ arrivals }) => String(arrivals.at(-1)!.headers['upstash-message-id']));
    expect(schedule).toMatchObject({
      destination: name,
      lastScheduleTime: Math.floor(to / MINUTE) * MINUTE,
      nextScheduleTime: nextMinute(to),
      lastScheduleStates: Object.fromEntries(last.map((id) => [id, 'SUCCESS'])),
    });
  });

  test('has messages that know their schedule, and everything that it gives them', async () => {
    const destination = sink.destination(AGAIN, 400);
    const failures = sink.destination();
    const { scheduleId } = await running.client.schedules.create({
      destination: destination.url,
      cron: MINUTELY,
      retries: 1,
      method: 'PATCH',
      label: 'of-schedule',
      failureCallback: failures.url,
    });
    await running.service.advance(MINUTE);
    await until(() => failures.arrivals[0]);
    await running.client.schedules.pause({ schedule: scheduleId });
    expect(destination.arrivals.map(({ method, headers }) => [method, headers['upstash-retried']])).toEqual([
      ['PATCH', '0'],
      ['PATCH', '1'],
    ]);
    expect(JSON.parse(failures.arrivals[0]!.body.toString())).toMatchObject({ scheduleId });
    const [messageId] = destination.arrivals.map(({ headers }) => String(headers['upstash-message-id']));
    expect(await running.client.messages.get(messageId!)).toMatchObject({ scheduleId, label: 'of-schedule' });
    const { logs } = await running.client.logs({ filter: { scheduleId, state: 'FAILED' } });
    expect(logs.map((log) => log.messageId)).toEqual([messageId]);
    const { messages } = await running.client.dlq.listMessages({ filter: { scheduleId } });
    expect(messages).toEqual([expect.objectContaining({ messageId, scheduleId })]);
    expect((await running.client.dlq.listMessages({ filter: { scheduleId: 'other' } })).messages).toEqual([]);
    const schedule = await running.client.schedules.get(scheduleId);
    expect(schedule.lastScheduleStates).toEqual({ [messageId!]: 'FAIL' });
  });

  test('delays its messages, which can be canceled by their schedule', async () => {
    const destination = timed(sink, () => running);
    const { scheduleId } = await running.client.schedules.create({
      destination: destination.url,
      cron: MINUTELY,
      delay: '90s',
    });
    const from = running.service.clock.now();
    const first = nextMinute(from);
    await travelTo(running, first + 30 * SECOND);
    const { lastScheduleStates } = await running.client.schedules.get(scheduleId);
    const [messageId] = Object.keys(lastScheduleStates!);
    expect(lastScheduleStates).toEqual({ [messageId!]: 'IN_PROGRESS' });
    const { createdAt, notBefore } = await running.client.messages.get(messageId!);
    expect(minutesOf([createdAt])).toEqual([new Date(first).toISOString()]);
    expect(notBefore).toBe(createdAt + 90 * SECOND);
    await travelTo(running, first + 100 * SECOND);
    expect(destination.calledAt).toHaveLength(1);
    expect(destination.calledAt[0]! - notBefore!).toBeGreaterThanOrEqual(0);
    expect(destination.calledAt[0]! - notBefore!).toBeLessThan(2 * SECOND);
    await running.client.schedules.pause({ schedule: scheduleId });
    expect(await running.client.messages.cancel({ filter: { scheduleId } })).toEqual({ cancelled: 1 });
    await running.service.advance(10 * MINUTE);
    expect(destination.arrivals).toHaveLength(1);
  });

  test('tells of a group that has gone, and is there again with it', async () => {
    const endpoint = timed(sink, () => running);
    const name = newName();
    const { urlGroups, schedules } = running.client;
    await urlGroups.addEndpoints({ name, endpoints: [{ url: endpoint.url }] });
    const { scheduleId } = await schedules.create({ destination: name, cron: MINUTELY });
    await urlGroups.delete(name);
    await running.service.advance(2 * MINUTE);
    const gone = await schedules.get(scheduleId);
    expect(gone).toMatchObject({ error: `url group not found: ${name}`, lastScheduleStates: {} });
    expect(gone.lastScheduleTime! + MINUTE).toBe(gone.nextScheduleTime);
    await urlGroups.addEndpoints({ name, endpoints: [{ url: endpoint.url }] });
    await running.service.advance(MINUTE);
    expect(endpoint.arrivals).toHaveLength(1);
    expect(await schedules.get(scheduleId)).not.toHaveProperty('error');
  });

  test('goes by the settings of the group as they were when the schedule was created', async () => {
    const endpoint = timed(sink, () => running);
    const name = newName();
    await running.client.urlGroups.addEndpoints({ name, endpoints: [{ url: endpoint.url }] });
    const setHeaders = async (headers: Record<string, string>) => {
      const init = { method: 'PATCH', body: JSON.stringify({ headers }) };
      expect(await running.json(`/v2/topics/${name}`, init)).toMatchObject({ status: 200 });
    };
    const inAnHour = String(Math.floor((running.service.clock.now() + HOUR) / SECOND));
    await setHeaders({ 'Upstash-Retries': '1', 'Upstash-Not-Before': inAnHour, 'Upstash-Deduplication-Id': 'd' });
    const { scheduleId } = (await post(name, { 'Upstash-Cron': MINUTELY })).body;
    await setHeaders({ 'Upstash-Retries': '2' });
    expect(await running.client.schedules.get(scheduleId)).toMatchObject({ retries: 1 });
    await running.service.advance(2 * MINUTE);
    expect(endpoint.arrivals).toHaveLength(2);
  });
});

describe('never twice for a tick:', () => {
  test('with hints that are sent again and promotions that overlap', async () => {
    const destination = timed(sink, () => running);
    const { scheduleId } = await running.client.schedules.create({ destination: destination.url, cron: MINUTELY });
    const promote = pathOf('AWS::Lambda::Function', 'Promote');
    const from = running.service.clock.now();
    const tick = nextMinute(from);
    for (let minute = 0; minute < 5; minute++) {
      await travelTo(running, tick + minute * MINUTE - SECOND);
      const hints = Array.from({ length: 3 }, () => sendHint({ s: scheduleId, t: tick + minute * MINUTE }));
      const promotions = Array.from({ length: 3 }, () => running.service.invoke(promote, {}));
      await Promise.all([...hints, ...promotions, travelTo(running, tick + minute * MINUTE)]);
    }
    await running.service.advance(10 * SECOND);
    expect(minutesOf(destination.calledAt)).toEqual(minutesBetween(from, running.service.clock.now()));
  });

  test('with the hint of a tick that has passed, of a schedule that is gone, and of none', async () => {
    const destination = timed(sink, () => running);
    const { scheduleId } = await running.client.schedules.create({ destination: destination.url, cron: '0 0 1 1 *' });
    const now = Math.floor(running.service.clock.now() / MINUTE) * MINUTE;
    await sendHint({ s: scheduleId, t: now });
    await sendHint({ s: 'unknown', t: now });
    await sendHint({ s: scheduleId });
    await running.service.whenIdle();
    expect(destination.arrivals).toEqual([]);
    expect([hintsOf(scheduleId), hintsOf('unknown')]).toEqual([[], []]);
  });
});

describe('a queue', () => {
  test('gets the messages of each run, in the order of the runs, and stays as it is', async () => {
    const queueName = newName();
    const queue = running.client.queue({ queueName });
    await queue.upsert({ parallelism: 1 });
    const endpoints = [timed(sink, () => running), timed(sink, () => running)];
    const destination = newName();
    await running.client.urlGroups.addEndpoints({
      name: destination,
      endpoints: endpoints.map(({ url }) => ({ url })),
    });
    const { scheduleId } = await running.client.schedules.create({ destination, cron: MINUTELY, queueName });
    expect(await running.client.schedules.get(scheduleId)).toMatchObject({ queueName });
    await queue.pause();
    const from = running.service.clock.now();
    await running.service.advance(3 * MINUTE);
    expect(endpoints.map(({ arrivals }) => arrivals.length)).toEqual([0, 0]);
    expect(await queue.get()).toMatchObject({ parallelism: 1, paused: true, lag: 6 });
    await running.client.schedules.pause({ schedule: scheduleId });
    await queue.resume();
    await until(async () => (await queue.get()).lag === 0);
    const messages = await Promise.all(
      endpoints.map(({ arrivals }) =>
        Promise.all(arrivals.map(({ headers }) => running.client.messages.get(String(headers['upstash-message-id'])))),
      ),
    );
    for (const found of messages) {
      expect(minutesOf(found.map(({ createdAt }) => createdAt))).toEqual(
        minutesBetween(from, running.service.clock.now()),
      );
      for (const message of found) expect(message).toMatchObject({ queueName, scheduleId });
    }
    expect(await queue.get()).toMatchObject({ parallelism: 1, paused: false, lag: 0 });
  });

  test('gets them when their delay is over, and is made if it is not there', async () => {
    const queueName = newName();
    const destination = timed(sink, () => running);
    const from = running.service.clock.now();
    const { scheduleId } = await running.client.schedules.create({
      destination: destination.url,
      cron: MINUTELY,
      queueName,
      delay: '20m',
    });
    await travelTo(running, nextMinute(from) + SECOND);
    await running.client.schedules.pause({ schedule: scheduleId });
    const [messageId] = Object.keys((await running.client.schedules.get(scheduleId)).lastScheduleStates!);
    const { createdAt, notBefore } = await running.client.messages.get(messageId!);
    expect(notBefore! - createdAt).toBe(20 * MINUTE);
    await travelTo(running, notBefore! - SECOND);
    expect(destination.arrivals).toEqual([]);
    await running.service.advance(3 * SECOND);
    expect(destination.arrivals).toHaveLength(1);
    await until(async () => (await running.client.queue({ queueName }).get()).lag === 0);
  });

  test('has each message once, however often a run is done', async () => {
    const queueName = newName();
    const destination = timed(sink, () => running);
    const from = running.service.clock.now();
    const { scheduleId } = await running.client.schedules.create({
      destination: destination.url,
      cron: MINUTELY,
      queueName,
    });
    for (let minute = nextMinute(from); minute < from + 4 * MINUTE; minute += MINUTE) {
      await travelTo(running, minute - SECOND);
      const hints = Array.from({ length: 4 }, () => sendHint({ s: scheduleId, t: minute }));
      await Promise.all([...hints, travelTo(running, minute)]);
    }
    await running.client.schedules.pause({ schedule: scheduleId });
    await until(async () => (await running.client.queue({ queueName }).get()).lag === 0);
    expect(minutesOf(destination.calledAt)).toEqual(minutesBetween(from, running.service.clock.now()));
  });
});

describe('a body that is too large for the table', () => {
  const body = 'ä'.repeat(50_000);

  test('is delivered whole, listed in part, and gone when the schedule is', async () => {
    const destination = timed(sink, () => running);
    const scheduleId = newName();
    const { schedules } = running.client;
    await schedules.create({ scheduleId, destination: destination.url, cron: MINUTELY, body });
    expect((await schedules.get(scheduleId)).body).toBe(body);
    const [listed] = (await running.json('/v2/schedules')).body;
    expect(listed).toMatchObject({ body: 'ä'.repeat(4_096), bodyTruncated: true });
    await running.service.advance(2 * MINUTE);
    expect(destination.arrivals.map((arrival) => arrival.body.toString() === body)).toEqual([true, true]);
    await schedules.pause({ schedule: scheduleId });
    expect(heldBodies()).toBe(1);
    // It is looked at while it is in use, when another has its place, and when there is none any more.
    await running.service.advance(2 * HOUR);
    expect([heldBodies(), (await schedules.get(scheduleId)).body]).toEqual([1, body]);
    await schedules.create({ scheduleId, destination: destination.url, cron: '0 0 1 1 *', body: `${body}!` });
    expect(heldBodies()).toBe(2);
    await running.service.advance(2 * HOUR);
    expect([heldBodies(), (await schedules.get(scheduleId)).body]).toEqual([1, `${body}!`]);
    await schedules.delete(scheduleId);
    await running.service.advance(2 * HOUR);
    expect(heldBodies()).toBe(0);
  });

  test('is shown by its hash where it is redacted', async () => {
    const { scheduleId } = await running.client.schedules.create({
      destination: sink.url(),
      cron: '0 0 1 1 *',
      body,
      redact: { body: true },
    });
    const shown = { body: `REDACTED:${createHash('sha256').update(body).digest('hex')}` };
    expect(await running.client.schedules.get(scheduleId)).toMatchObject(shown);
    expect((await running.json('/v2/schedules')).body).toEqual([expect.objectContaining(shown)]);
  });
});

/** Bodies in the bucket that only the service deletes. */
function heldBodies(): number {
  return Object.values(running.service.objects())
    .flat()
    .filter((key) => key.startsWith(HELD_BODIES)).length;
}

test('a schedule that is deleted or replaced does not run, though a hint is under way', async () => {
  const [deleted, replaced, replacing] = [
    timed(sink, () => running),
    timed(sink, () => running),
    timed(sink, () => running),
  ];
  const scheduleId = newName();
  const { schedules } = running.client;
  const gone = await schedules.create({ destination: deleted.url, cron: MINUTELY });
  await schedules.create({ scheduleId, destination: replaced.url, cron: MINUTELY });
  await until(() => hintsOf(gone.scheduleId).length > 0 && hintsOf(scheduleId).length > 0);
  await schedules.delete(gone.scheduleId);
  await schedules.create({ scheduleId, destination: replacing.url, cron: MINUTELY });
  await running.service.advance(MINUTE);
  expect([deleted, replaced, replacing].map(({ arrivals }) => arrivals.length)).toEqual([0, 0, 1]);
});

/** Path of the resource of this type whose path has this name in it. */
function pathOf(type: string, name: string): string {
  return Object.entries(running.service.resources).find(([path, own]) => own.type === type && path.includes(name))![0];
}

/** Puts something into the queue of hints. */
async function sendHint(hint: object): Promise<void> {
  const { endpoints, resources } = running.service;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SQSClient({ endpoint: endpoints.sqs, region: 'us-east-1', credentials });
  const QueueUrl = resources[pathOf('AWS::SQS::Queue', 'Deliveries')]!.ref;
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(hint) }));
  client.destroy();
}

/** The hints of a schedule that are under way. */
function hintsOf(scheduleId: string): readonly string[] {
  const all = Object.values(running.service.messages()).flat();
  return all.filter((body) => body.includes(JSON.stringify(scheduleId)));
}

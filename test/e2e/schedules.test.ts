import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { closeAll, type Running, start, startSink, until } from './harness';
import { AGAIN, type Destination, type Sink } from './sink';

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

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MINUTELY = '* * * * *';

let names = 0;
const newName = () => `name-${++names}`;

/** A destination that knows in service time when it was called. */
function timed(on = running): Destination & { readonly calledAt: number[] } {
  const calledAt: number[] = [];
  const { url, arrivals } = sink.destination(() => {
    calledAt.push(on.service.clock.now());
    return 200;
  });
  return { url, arrivals, calledAt };
}

/** The full minutes of some times, none of which may lie more than two seconds after one. */
function minutesOf(times: readonly number[]): string[] {
  return times.map((time) => {
    expect(time % MINUTE).toBeLessThan(2 * SECOND);
    return new Date(time - (time % MINUTE)).toISOString();
  });
}

/** Every full minute after `from` up to `to`. */
function minutesBetween(from: number, to: number): string[] {
  const minutes: string[] = [];
  for (let minute = Math.floor(from / MINUTE + 1) * MINUTE; minute <= to; minute += MINUTE) {
    minutes.push(new Date(minute).toISOString());
  }
  return minutes;
}

/** Moves service time on to a time. */
const travelTo = (time: number, { service } = running) => service.advance(time - service.clock.now());

const post = (destination: string, headers: Record<string, string>, body?: string) =>
  running.json(`/v2/schedules/${destination}`, { method: 'POST', headers, body });

describe('a schedule', () => {
  test('is created, shown, listed and deleted', async () => {
    const { schedules } = running.client;
    const before = running.service.clock.now();
    const { scheduleId } = await schedules.create({
      destination: 'https://example.com/path?a=1&b=%2F',
      cron: '  */10 * * * *  ',
      body: '{"text":"ä"}',
      delay: 10,
      retries: 2,
      method: 'PUT',
      timeout: '30s',
      callback: 'https://example.com/callback',
      failureCallback: 'https://example.com/failed',
      label: 'label',
      retryDelay: '1000 * (1 + retried)',
      flowControl: { key: 'key', parallelism: 2, rate: 10, period: '1d' },
      headers: { 'test-header': 'test-value', 'Upstash-Forward-Bypass': 'x', 'Content-Type': 'text/plain' },
    });
    expect(scheduleId).toMatch(/^scd_[A-Za-z0-9._-]+$/);
    const schedule = await schedules.get(scheduleId);
    expect(schedule).toEqual({
      scheduleId,
      cron: '*/10 * * * *',
      createdAt: expect.any(Number),
      destination: 'https://example.com/path?a=1&b=%2F',
      method: 'PUT',
      header: { 'Content-Type': ['text/plain'], 'Test-Header': ['test-value'], Bypass: ['x'] },
      body: '{"text":"ä"}',
      retries: 2,
      delay: 10,
      timeout: 30,
      callback: 'https://example.com/callback',
      failureCallback: 'https://example.com/failed',
      callerIP: '127.0.0.1',
      callerIp: '127.0.0.1',
      label: 'label',
      labels: ['label'],
      retryDelayExpression: '1000 * (1 + retried)',
      flowControlKey: 'key',
      parallelism: 2,
      rate: 10,
      period: 86_400,
      // The client's own.
      ratePerSecond: 10,
      isPaused: false,
      nextScheduleTime: expect.any(Number),
    });
    expect(schedule.createdAt).toBeGreaterThanOrEqual(before);
    expect(schedule.nextScheduleTime! - before).toBeGreaterThan(0);
    expect(schedule.nextScheduleTime! - before).toBeLessThanOrEqual(10 * MINUTE + SECOND);
    expect(schedule.nextScheduleTime! % (10 * MINUTE)).toBe(0);
    expect(await schedules.list()).toEqual([schedule]);
    await schedules.delete(scheduleId);
    expect(await schedules.list()).toEqual([]);
    await expect(schedules.get(scheduleId)).rejects.toThrow(`schedule not found: ${scheduleId}`);
    await schedules.delete(scheduleId);
  });

  test('says the least when it is given the least', async () => {
    const { status, body } = await post('https://example.com', { 'Upstash-Cron': '0 0 1 1 *' });
    expect([status, body]).toEqual([200, { scheduleId: expect.any(String) }]);
    expect((await running.json(`/v2/schedules/${body.scheduleId}`)).body).toEqual({
      scheduleId: body.scheduleId,
      cron: '0 0 1 1 *',
      createdAt: expect.any(Number),
      destination: 'https://example.com/',
      method: 'POST',
      retries: 3,
      callerIP: '127.0.0.1',
      callerIp: '127.0.0.1',
      isPaused: false,
      nextScheduleTime: expect.any(Number),
    });
  });

  test('may be given in the query, beside that of its destination', async () => {
    const query = 'a=1&upstash-cron=CRON_TZ%3DAsia%2FKolkata%2030%209%20*%20*%20*&b=2&upstash-schedule-id=from-query';
    const answer = await running.json(`/v2/schedules/https://example.com/x?${query}&upstash-retries=1`, {
      method: 'POST',
    });
    expect(answer.body).toEqual({ scheduleId: 'from-query' });
    const schedule = await running.client.schedules.get('from-query');
    expect(schedule).toMatchObject({
      destination: 'https://example.com/x?a=1&b=2',
      cron: 'CRON_TZ=Asia/Kolkata 30 9 * * *',
      retries: 1,
    });
    expect(new Date(schedule.nextScheduleTime!).toISOString().slice(11)).toBe('04:00:00.000Z');
  });

  test('replaces the one that has its id, with all that it is', async () => {
    const { schedules } = running.client;
    const { url: a } = timed();
    const scheduleId = newName();
    await schedules.create({
      scheduleId,
      destination: a,
      cron: MINUTELY,
      body: 'body',
      headers: { a: 'b' },
      delay: 1,
      callback: a,
      label: 'l',
    });
    await running.service.advance(2 * MINUTE);
    await schedules.pause({ schedule: scheduleId });
    const first = await schedules.get(scheduleId);
    expect(first).toMatchObject({ body: 'body', lastScheduleTime: expect.any(Number), isPaused: true });
    await schedules.create({ scheduleId, destination: 'https://example.com/other', cron: '0 0 1 1 *' });
    expect(await schedules.list()).toEqual([
      {
        scheduleId,
        cron: '0 0 1 1 *',
        createdAt: first.createdAt,
        destination: 'https://example.com/other',
        method: 'POST',
        // The client's own default.
        header: { 'Content-Type': ['application/json'] },
        retries: 3,
        callerIP: '127.0.0.1',
        callerIp: '127.0.0.1',
        isPaused: false,
        nextScheduleTime: expect.any(Number),
      },
    ]);
  });

  test('is shown as a hash where it is redacted, and delivered as it is', async () => {
    const destination = timed();
    const { scheduleId } = await running.client.schedules.create({
      destination: destination.url,
      cron: MINUTELY,
      body: 'secret',
      headers: { 'x-secret': 'hidden', open: 'seen' },
      redact: { body: true, header: ['X-Secret'] },
    });
    const shown = await running.client.schedules.get(scheduleId);
    expect(shown.body).toMatch(/^REDACTED:[0-9a-f]{64}$/);
    expect(shown.header).toEqual({
      'Content-Type': ['application/json'],
      'X-Secret': [expect.stringMatching(/^REDACTED:[0-9a-f]{64}$/)],
      Open: ['seen'],
    });
    await running.service.advance(MINUTE);
    expect(destination.arrivals[0]!.body.toString()).toBe('secret');
    expect(destination.arrivals[0]!.headers['x-secret']).toBe('hidden');
    const messageId = String(destination.arrivals[0]!.headers['upstash-message-id']);
    const message = await running.client.messages.get(messageId);
    expect([message.body, message.header!['X-Secret']]).toEqual([shown.body, shown.header!['X-Secret']]);
  });

  test('keeps a body that is no text', async () => {
    const destination = timed();
    const bytes = Buffer.from([0xff, 0x00, 0xc3]);
    const { body } = await running.json(`/v2/schedules/${destination.url}`, {
      method: 'POST',
      headers: { 'Upstash-Cron': MINUTELY },
      body: new Blob([bytes]),
    });
    const shown = (await running.json(`/v2/schedules/${body.scheduleId}`)).body;
    expect([shown.body, shown.bodyBase64]).toEqual([undefined, bytes.toString('base64')]);
    await running.service.advance(MINUTE);
    expect(destination.arrivals[0]!.body.equals(bytes)).toBe(true);
  });
});

describe('a run', () => {
  test('comes every minute in New York, for an hour, at each endpoint of a group', async () => {
    const endpoints = [timed(), timed()];
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
      nextScheduleTime: Math.floor(to / MINUTE + 1) * MINUTE,
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
    const destination = timed();
    const { scheduleId } = await running.client.schedules.create({
      destination: destination.url,
      cron: MINUTELY,
      delay: '90s',
    });
    const from = running.service.clock.now();
    const first = Math.floor(from / MINUTE + 1) * MINUTE;
    await travelTo(first + 30 * SECOND);
    const { lastScheduleStates } = await running.client.schedules.get(scheduleId);
    const [messageId] = Object.keys(lastScheduleStates!);
    expect(lastScheduleStates).toEqual({ [messageId!]: 'IN_PROGRESS' });
    const { createdAt, notBefore } = await running.client.messages.get(messageId!);
    expect(minutesOf([createdAt])).toEqual([new Date(first).toISOString()]);
    expect(notBefore).toBe(createdAt + 90 * SECOND);
    await travelTo(first + 100 * SECOND);
    expect(destination.calledAt).toHaveLength(1);
    expect(destination.calledAt[0]! - notBefore!).toBeGreaterThanOrEqual(0);
    expect(destination.calledAt[0]! - notBefore!).toBeLessThan(2 * SECOND);
    await running.client.schedules.pause({ schedule: scheduleId });
    expect(await running.client.messages.cancel({ filter: { scheduleId } })).toEqual({ cancelled: 1 });
    await running.service.advance(10 * MINUTE);
    expect(destination.arrivals).toHaveLength(1);
  });

  test('tells of a group that has gone, and is there again with it', async () => {
    const endpoint = timed();
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
    const endpoint = timed();
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
    const destination = timed();
    const { scheduleId } = await running.client.schedules.create({ destination: destination.url, cron: MINUTELY });
    const promote = pathOf('AWS::Lambda::Function', 'Promote');
    const from = running.service.clock.now();
    const tick = Math.floor(from / MINUTE + 1) * MINUTE;
    for (let minute = 0; minute < 5; minute++) {
      await travelTo(tick + minute * MINUTE - SECOND);
      const hints = Array.from({ length: 3 }, () => sendHint({ s: scheduleId, t: tick + minute * MINUTE }));
      const promotions = Array.from({ length: 3 }, () => running.service.invoke(promote, {}));
      await Promise.all([...hints, ...promotions, travelTo(tick + minute * MINUTE)]);
    }
    await running.service.advance(10 * SECOND);
    expect(minutesOf(destination.calledAt)).toEqual(minutesBetween(from, running.service.clock.now()));
  });

  test('with the hint of a tick that has passed, of a schedule that is gone, and of none', async () => {
    const destination = timed();
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

describe('a schedule that is paused', () => {
  test.each([['PATCH'], ['POST']])('has no runs until it is resumed, by %s', async (method) => {
    const destination = timed();
    const { scheduleId } = await running.client.schedules.create({ destination: destination.url, cron: MINUTELY });
    const ask = (verb: string) => running.json(`/v2/schedules/${scheduleId}/${verb}`, { method });
    await running.service.advance(2 * MINUTE);
    for (let times = 0; times < 2; times++) expect(await ask('pause')).toMatchObject({ status: 200, body: {} });
    const paused = await running.client.schedules.get(scheduleId);
    expect(paused.isPaused).toBe(true);
    expect(paused).not.toHaveProperty('nextScheduleTime');
    await running.service.advance(5 * MINUTE);
    expect(destination.arrivals).toHaveLength(2);
    const from = running.service.clock.now();
    for (let times = 0; times < 2; times++) expect(await ask('resume')).toMatchObject({ status: 200, body: {} });
    const resumed = await running.client.schedules.get(scheduleId);
    expect(resumed).toMatchObject({ isPaused: false, nextScheduleTime: Math.floor(from / MINUTE + 1) * MINUTE });
    await running.service.advance(2 * MINUTE);
    expect(minutesOf(destination.calledAt.slice(2))).toEqual(minutesBetween(from, running.service.clock.now()));
  });

  test('is none of those whose destination ends so', async () => {
    const destination = timed();
    for (const verb of ['pause', 'resume']) {
      const { body } = await post(`${destination.url}/${verb}`, { 'Upstash-Cron': MINUTELY });
      const schedule = await running.client.schedules.get(body.scheduleId);
      expect([schedule.destination, schedule.isPaused]).toEqual([`${destination.url}/${verb}`, false]);
    }
    await running.service.advance(MINUTE);
    expect(destination.arrivals.map(({ path }) => path.split('/').at(-1)).sort()).toEqual(['pause', 'resume']);
  });

  test('must be there', async () => {
    for (const method of ['PATCH', 'POST']) {
      for (const verb of ['pause', 'resume']) {
        const { status, body } = await running.json(`/v2/schedules/unknown/${verb}`, { method });
        expect([status, body]).toEqual([404, { error: 'schedule not found: unknown' }]);
      }
    }
    const { status, body } = await running.json('/v2/schedules/unknown/stop', { method: 'PATCH' });
    expect([status, body]).toEqual([404, { error: 'there is no unknown/stop to pause or resume' }]);
  });
});

test('a schedule that is deleted or replaced does not run, though a hint is under way', async () => {
  const [deleted, replaced, replacing] = [timed(), timed(), timed()];
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

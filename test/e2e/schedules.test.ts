import { closeAll, type Running, start, startSink } from './harness';
import type { Sink } from './sink';
import { MINUTE, minutesBetween, minutesOf, nextMinute, SECOND, timed } from './timed';

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
    const { url: a } = timed(sink, () => running);
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
    const destination = timed(sink, () => running);
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
    const destination = timed(sink, () => running);
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

describe('a schedule that is paused', () => {
  test.each([['PATCH'], ['POST']])('has no runs until it is resumed, by %s', async (method) => {
    const destination = timed(sink, () => running);
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
    expect(resumed).toMatchObject({ isPaused: false, nextScheduleTime: nextMinute(from) });
    await running.service.advance(2 * MINUTE);
    expect(minutesOf(destination.calledAt.slice(2))).toEqual(minutesBetween(from, running.service.clock.now()));
  });

  test('is none of those whose destination ends so', async () => {
    const destination = timed(sink, () => running);
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

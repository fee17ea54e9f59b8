import { ALL_SHARDS, derivedMessageId } from '../../../lambda/message/message-id';
import { createSchedule, type ScheduleContent } from '../../../lambda/schedule/create-schedule';
import { deleteSchedule } from '../../../lambda/schedule/delete-schedule';
import { getSchedule, listSchedules, statesOf } from '../../../lambda/schedule/find-schedules';
import { pauseSchedule, resumeSchedule } from '../../../lambda/schedule/pause-schedule';
import { runSchedule } from '../../../lambda/schedule/run-schedule';
import { dayPartition, daysBetween } from '../../../lambda/store/keys';
import { decodeMessage } from '../../../lambda/store/message-items';
import { queryPartition } from '../../../lambda/store/read-items';
import { changeUrlGroup } from '../../../lambda/url-group/change-url-group';
import { type AwsCall, errorAnswer } from '../../../local/aws-call';
import { useStandIns } from '../stand-ins';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const opened = useStandIns();

const now = () => opened.clock.now();
const nextMinute = () => (Math.floor(now() / MINUTE) + 1) * MINUTE;

async function create(fields: Partial<ScheduleContent> = {}): Promise<string> {
  const content: ScheduleContent = {
    scheduleId: 'schedule',
    cron: '* * * * *',
    destination: { url: 'https://example.com/' },
    method: 'POST',
    header: {},
    body: Buffer.from('body'),
    maxRetries: 3,
    ...fields,
  };
  await createSchedule(content, now());
  return content.scheduleId;
}

/** Every message there is, oldest first. */
async function messages() {
  const partitions = daysBetween(now() - HOUR, now()).flatMap((day) =>
    ALL_SHARDS.map((shard) => dayPartition(day, shard)),
  );
  const pages = partitions.map((partition) => queryPartition({ partition, from: '0', to: '~' }));
  const items = (await Promise.all(pages)).flatMap((page) => page.items).filter(({ sk }) => !sk!.S!.includes('#'));
  return items.map(decodeMessage).sort((a, b) => (a.messageId < b.messageId ? -1 : 1));
}

/** Moves on to the next tick of a schedule and the given time behind it; returns the tick. */
async function reachTick(scheduleId: string, behind = 100): Promise<number> {
  const { next } = (await getSchedule(scheduleId))!.row;
  opened.clock.advanceTo(next + behind);
  return next;
}

const isCall = (operation: string, key: string) => (call: AwsCall) =>
  call.operation === operation && JSON.stringify([call.input.Key, call.input.RequestItems]).includes(`"${key}"`);

/** Does something before a call is carried out, once. */
function before(isMeant: (call: AwsCall) => boolean, act: () => Promise<unknown>): void {
  opened.intercept = async (call, execute) => {
    if (!isMeant(call)) return execute();
    opened.intercept = undefined;
    await act();
    return execute();
  };
}

/** Refuses a call, the n-th of those that are meant. */
function refuse(isMeant: (call: AwsCall) => boolean, n = 1): void {
  let left = n;
  opened.intercept = async (call, execute) => {
    if (!isMeant(call) || --left > 0) return execute();
    opened.intercept = undefined;
    return errorAnswer(400, 'ValidationException', 'planned');
  };
}

test('a run publishes once for its tick, and the row moves on to the next', async () => {
  const scheduleId = await create({ delay: 1.5, labels: ['l'], callerIp: '10.0.0.1' });
  const tick = await reachTick(scheduleId);
  const begun = now();
  expect(await runSchedule({ scheduleId, tick })).toBeUndefined();
  const [message, ...others] = await messages();
  expect(others).toEqual([]);
  expect(message).toMatchObject({ scheduleId, url: 'https://example.com/', labels: ['l'], callerIp: '10.0.0.1' });
  expect(message!.createdAt - begun).toBeGreaterThanOrEqual(0);
  expect(message!.createdAt - begun).toBeLessThan(SECOND);
  expect(message!.notBefore).toBe(message!.createdAt + 1_500);
  expect(Buffer.from(message!.body).toString()).toBe('body');
  const { row, lastRun } = (await getSchedule(scheduleId))!;
  expect(row).toMatchObject({ next: tick + MINUTE, startedAt: undefined });
  expect(lastRun).toEqual({ tick, messageIds: [message!.messageId] });
  expect(await statesOf(lastRun!.messageIds)).toEqual(new Map([[message!.messageId, 'IN_PROGRESS']]));
});

test('a hint that is early waits, and one that is far too early comes back', async () => {
  const scheduleId = await create();
  const { next } = (await getSchedule(scheduleId))!.row;
  opened.clock.advanceTo(next - 5 * SECOND);
  expect(await runSchedule({ scheduleId, tick: next })).toBe(5);
  opened.clock.advanceTo(next - 300);
  await runSchedule({ scheduleId, tick: next });
  const [message] = await messages();
  expect(message!.createdAt).toBeGreaterThanOrEqual(next);
});

test('of ticks that were missed only the newest is run, however old the hint is', async () => {
  const scheduleId = await create();
  const tick = await reachTick(scheduleId, 10 * MINUTE + 30 * SECOND);
  await runSchedule({ scheduleId, tick });
  expect(await messages()).toHaveLength(1);
  const { row, lastRun } = (await getSchedule(scheduleId))!;
  expect([lastRun!.tick, row.next]).toEqual([tick + 10 * MINUTE, tick + 11 * MINUTE]);
  // The hints of all that were missed find nothing left to do.
  for (let missed = 0; missed <= 10; missed++) await runSchedule({ scheduleId, tick: tick + missed * MINUTE });
  expect(await messages()).toHaveLength(1);
});

test('runs that are done at once, and again, are one', async () => {
  const scheduleId = await create();
  const tick = await reachTick(scheduleId);
  await Promise.all(Array.from({ length: 8 }, () => runSchedule({ scheduleId, tick })));
  await runSchedule({ scheduleId, tick });
  expect(await messages()).toHaveLength(1);
  expect((await getSchedule(scheduleId))!.row.next).toBe(tick + MINUTE);
});

test.each<[string, (call: AwsCall) => boolean]>([
  ['the hint of what it published', ({ operation }) => operation === 'SendMessage'],
  ['how it went', isCall('UpdateItem', 'schedule#schedule')],
])('a run that dies before it has written %s is done again with the same messages, even late', async (_, isMeant) => {
  const scheduleId = await create();
  const tick = await reachTick(scheduleId);
  refuse(isMeant);
  await expect(runSchedule({ scheduleId, tick })).rejects.toThrow('planned');
  const [first] = await messages();
  opened.clock.advanceTo(tick + 50 * SECOND);
  await runSchedule({ scheduleId, tick });
  expect((await messages()).map(({ messageId }) => messageId)).toEqual([first!.messageId]);
});

test('nothing is published after a pause, a delete or another in its place, however late in the run', async () => {
  const acts: [string, (scheduleId: string) => Promise<unknown>][] = [
    ['pause', (scheduleId) => pauseSchedule(scheduleId)],
    ['delete', (scheduleId) => deleteSchedule(scheduleId, now())],
    ['replace', (scheduleId) => create({ scheduleId, cron: '0 0 1 1 *' })],
  ];
  for (const [scheduleId, act] of acts) {
    await create({ scheduleId });
    const tick = await reachTick(scheduleId);
    before(isCall('UpdateItem', scheduleId), () => act(scheduleId));
    await runSchedule({ scheduleId, tick });
    expect([scheduleId, await messages()]).toEqual([scheduleId, []]);
  }
});

test('a run that has begun ends after a delete, and brings nothing back', async () => {
  const scheduleId = await create();
  const tick = await reachTick(scheduleId);
  before(isCall('UpdateItem', 'schedule#schedule'), () => deleteSchedule(scheduleId, now()));
  await runSchedule({ scheduleId, tick });
  expect(await messages()).toHaveLength(1);
  expect([await getSchedule(scheduleId), await listSchedules()]).toEqual([undefined, []]);
});

test('a schedule that is resumed by a clock that is behind does not run again for the same tick', async () => {
  const scheduleId = await create();
  const tick = await reachTick(scheduleId);
  await runSchedule({ scheduleId, tick });
  await pauseSchedule(scheduleId);
  expect(await resumeSchedule(scheduleId, tick - 500)).toBe(true);
  expect((await getSchedule(scheduleId))!.row.next).toBe(tick + MINUTE);
});

test('a schedule that is paused and resumed while a run is under way goes on with the next tick', async () => {
  const scheduleId = await create();
  const tick = await reachTick(scheduleId);
  before(isCall('UpdateItem', 'schedule#schedule'), async () => {
    await pauseSchedule(scheduleId);
    await resumeSchedule(scheduleId, tick - 500);
  });
  await runSchedule({ scheduleId, tick });
  await runSchedule({ scheduleId, tick });
  expect(await messages()).toHaveLength(1);
  expect((await getSchedule(scheduleId))!.row).toMatchObject({ next: tick + MINUTE, isPaused: false });
});

test('resumed twice at once is resumed once', async () => {
  const scheduleId = await create({ cron: '0 * * * *' });
  await pauseSchedule(scheduleId);
  before(isCall('UpdateItem', scheduleId), () => resumeSchedule(scheduleId, now()));
  expect(await resumeSchedule(scheduleId, now())).toBe(true);
  expect((await getSchedule(scheduleId))!.row).toMatchObject({ isPaused: false });
  expect([await pauseSchedule('none'), await resumeSchedule('none', now())]).toEqual([false, false]);
});

test('each endpoint of a group has a message of its own, also after a run that died and another endpoint', async () => {
  const put = (urls: readonly string[]) =>
    changeUrlGroup('group', now(), () => ({ endpoints: urls.map((url) => ({ url })), headers: {} }));
  await put(['https://a.example.com/', 'https://b.example.com/']);
  const scheduleId = await create({ destination: { topicName: 'group' } });
  const tick = await reachTick(scheduleId);
  refuse(isCall('UpdateItem', 'schedule#schedule'));
  await expect(runSchedule({ scheduleId, tick })).rejects.toThrow('planned');
  await put(['https://b.example.com/', 'https://a.example.com/', 'https://c.example.com/']);
  await runSchedule({ scheduleId, tick });
  expect((await messages()).map(({ url }) => url).sort()).toEqual([
    'https://a.example.com/',
    'https://b.example.com/',
    'https://c.example.com/',
  ]);
});

test('messages of a run that is done again have the places in the queue that they had', async () => {
  const put = (urls: readonly string[]) =>
    changeUrlGroup('group', now(), () => ({ endpoints: urls.map((url) => ({ url })), headers: {} }));
  await put(['https://a.example.com/', 'https://b.example.com/']);
  const scheduleId = await create({ destination: { topicName: 'group' }, queueName: 'queue' });
  const tick = await reachTick(scheduleId);
  // The first notes the places, the second how the run went.
  refuse(isCall('UpdateItem', 'schedule#schedule'), 2);
  await expect(runSchedule({ scheduleId, tick })).rejects.toThrow('planned');
  const placesOf = async () => (await messages()).map(({ url, queue }) => [url, queue!.seq]);
  const places = await placesOf();
  await put(['https://c.example.com/', 'https://b.example.com/', 'https://a.example.com/']);
  opened.clock.advanceTo(tick + 50 * SECOND);
  await runSchedule({ scheduleId, tick });
  expect(await placesOf()).toEqual(places);
  expect((await getSchedule(scheduleId))!.lastRun!.messageIds).toHaveLength(2);
  // The next run has all three, and places behind those.
  await runSchedule({ scheduleId, tick: await reachTick(scheduleId) });
  const later = (await messages()).slice(2).map(({ queue }) => queue!.seq);
  expect(later).toHaveLength(3);
  expect(Math.min(...later)).toBeGreaterThan(Math.max(...places.map(([, seq]) => seq as number)));
});

test('a schedule that is replaced while it is read is read again, as one or the other', async () => {
  const scheduleId = await create();
  let replaced = 0;
  opened.intercept = async (call, execute) => {
    if (!isCall('BatchGetItem', 'schedule#schedule')(call) || replaced === 3) return execute();
    const answer = await execute();
    // What was read together was not written together.
    if (answer === 'dropped') return answer;
    replaced++;
    const body = answer.body.toString().replace(/"v":\{"S":"msg_1/, '"v":{"S":"msg_2');
    return { ...answer, body: Buffer.from(body), headers: { 'content-type': 'application/x-amz-json-1.0' } };
  };
  const found = await getSchedule(scheduleId);
  expect(replaced).toBe(3);
  expect(found!.row.version).toBe(found!.schedule.version);
});

test('of messages that are not kept any more there is no state', async () => {
  const gone = derivedMessageId(now() - 400 * 24 * HOUR, 'gone');
  expect(await statesOf([gone])).toEqual(new Map());
  expect(await statesOf([])).toEqual(new Map());
});

test('the first tick of a schedule is after its creation', async () => {
  opened.clock.advanceTo(nextMinute());
  const from = now();
  const scheduleId = await create();
  expect((await getSchedule(scheduleId))!.row.next).toBeGreaterThan(from);
});

import { ServiceClock } from '../../../local/clock';
import { MoveTasks } from '../../../local/sqs/move-tasks';
import { newQueueAttributes } from '../../../local/sqs/queue-attributes';
import { type Draft, MAX_IN_FLIGHT, Queues } from '../../../local/sqs/queues';

const NOW = { max: 10, waitMs: 0 };

let clock: ServiceClock;
let queues: Queues;

beforeEach(() => {
  clock = new ServiceClock();
  queues = new Queues(clock, undefined);
});

afterEach(() => {
  queues.close();
  clock.stop();
});

function create(name: string, attributes: Record<string, string> = {}) {
  return queues.create(name, newQueueAttributes(name, attributes), {});
}

function draft(body: string, delayMs = 0): Draft {
  return { body, delayMs, senderId: 'test' };
}

test('fifty thousand delayed messages are one timer and do not stand in the way', async () => {
  const schedule = jest.spyOn(clock, 'schedule');
  let timers = 0;
  let most = 0;
  schedule.mockImplementation((at, run) => {
    most = Math.max(most, ++timers);
    const cancel = ServiceClock.prototype.schedule.call(clock, at, () => {
      timers--;
      run();
    });
    return () => {
      timers--;
      cancel();
    };
  });
  const queue = create('q');
  for (let i = 0; i < 5000; i++) {
    queues.send(
      queue,
      Array.from({ length: 10 }, (_, k) => draft(`${i}-${k}`, (900 - ((i * 7) % 600)) * 1000)),
    );
  }
  queues.send(queue, [draft('now')]);
  const [message] = await queues.receive(queue, NOW);
  expect(message!.Body).toBe('now');
  expect(queue.counts).toEqual({ visible: 0, inFlight: 1, delayed: 50_000 });
  expect(most).toBe(1);
  clock.advanceTo(clock.now() + 900_000);
  expect(queue.counts).toEqual({ visible: 50_001, inFlight: 0, delayed: 0 });
});

test('messages whose delays end at different times come in that order', async () => {
  const queue = create('q');
  queues.send(
    queue,
    [3, 1, 2].map((minutes) => draft(`${minutes}`, minutes * 60_000)),
  );
  clock.advanceTo(clock.now() + 300_000);
  expect((await queues.receive(queue, NOW)).map(({ Body }) => Body)).toEqual(['1', '2', '3']);
});

test.each([
  ['a standard queue refuses to hand out more', 'q', {}],
  ['a FIFO queue hands out nothing', 'q.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' }],
] as const)('with 120 000 messages in flight %s', async (_title, name, attributes) => {
  const queue = create(name, { ...attributes });
  for (let i = 0; i <= MAX_IN_FLIGHT; i += 10) {
    queues.send(
      queue,
      Array.from({ length: 10 }, (_, k) => ({ ...draft('x'), groupId: `${i + k}`, deduplicationId: `${i + k}` })),
    );
  }
  for (let i = 0; i < MAX_IN_FLIGHT; i += 10) await queues.receive(queue, { ...NOW, visibilityTimeout: 43_200 });
  const more = queues.receive(queue, NOW);
  if (queue.fifo) expect(await more).toEqual([]);
  else await expect(more).rejects.toMatchObject({ name: 'OverLimit' });
  expect(queue.counts).toMatchObject({ inFlight: MAX_IN_FLIGHT, visible: 10 });
});

test('a move task with a rate moves that many messages a second', async () => {
  const dead = create('dead');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
  const source = create('q', { RedrivePolicy });
  queues.send(
    dead,
    ['a', 'b', 'c', 'd', 'e'].map((body) => draft(body)),
  );
  const moves = new MoveTasks(queues);
  moves.start(dead.arn, source.arn, 2);
  const moved: number[] = [];
  for (let second = 0; second < 3; second++) {
    clock.advanceTo(clock.nextTimerAt()!);
    moved.push(source.counts.visible);
  }
  expect(moved).toEqual([2, 4, 5]);
  expect(moves.list(dead.arn, 10)).toMatchObject([{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 5 }]);
});

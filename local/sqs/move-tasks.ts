import { randomUUID } from 'node:crypto';
import { type Queue, queueName } from './queue';
import type { Queues } from './queues';
import { deadLetterSources } from './redrive';
import { invalidValue, SqsError } from './sqs-error';

type MoveStatus = 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';

interface MoveTask {
  readonly handle: string;
  readonly source: Queue;
  readonly destination: Queue | undefined;
  readonly perSecond: number | undefined;
  readonly startedAt: number;
  readonly toMove: number;
  moved: number;
  status: MoveStatus;
  failureReason?: string;
  cancelTimer?: () => void;
}

const STEP = 500;
const KEPT_TASKS = 1000;

/**
 * Moves dead letters back to where they came from, or elsewhere. A moved message is a new one: new id, new
 * age, no receives. Tasks live in memory: the end of the process ends them, and what they had not moved
 * stays in its queue.
 */
export class MoveTasks {
  private tasks: MoveTask[] = [];

  constructor(private readonly queues: Queues) {}

  /** Starts a task; `perSecond` is a limit in service time, 1 to 500. Returns its handle. */
  start(sourceArn: string, destinationArn: string | undefined, perSecond: number | undefined): string {
    const source = this.resource(sourceArn);
    const destination = destinationArn === undefined ? undefined : this.resource(destinationArn);
    if (deadLetterSources(this.queues, source).length === 0) {
      throw invalidValue('SourceArn', sourceArn, 'Source queue must be configured as a Dead Letter Queue.');
    }
    if (destination && destination.fifo !== source.fifo) {
      throw invalidValue('DestinationArn', destinationArn, 'Source and destination must be of the same type.');
    }
    if (this.tasks.some((task) => task.source === source && task.status === 'RUNNING')) {
      throw new SqsError('UnsupportedOperation', 'There is already a task running. Only one active task is allowed.');
    }
    const handle = Buffer.from(JSON.stringify({ taskId: randomUUID(), sourceArn })).toString('base64');
    const startedAt = this.queues.clock.now();
    const toMove = source.counts.visible;
    const task = { handle, source, destination, perSecond, startedAt, toMove, moved: 0, status: 'RUNNING' as const };
    this.tasks = [task, ...this.tasks].slice(0, KEPT_TASKS);
    this.schedule(task, startedAt);
    return handle;
  }

  /** Stops a running task and says how many messages it has moved. */
  cancel(handle: string): number {
    const task = this.tasks.find((candidate) => candidate.handle === handle && candidate.status === 'RUNNING');
    if (!task) throw new SqsError('ResourceNotFoundException', 'Task does not exist or is not running.');
    task.cancelTimer?.();
    task.status = 'CANCELLED';
    return task.moved;
  }

  /** The latest tasks of a source, newest first, in the shape of ListMessageMoveTasks. */
  list(sourceArn: string, max: number): object[] {
    const source = this.resource(sourceArn);
    return this.tasks
      .filter((task) => task.source === source)
      .slice(0, max)
      .map(({ handle, destination, perSecond, startedAt, toMove, moved, status, failureReason }) => ({
        ...(status === 'RUNNING' ? { TaskHandle: handle } : {}),
        Status: status,
        SourceArn: sourceArn,
        DestinationArn: destination?.arn,
        MaxNumberOfMessagesPerSecond: perSecond,
        ApproximateNumberOfMessagesMoved: moved,
        ApproximateNumberOfMessagesToMove: toMove,
        FailureReason: failureReason,
        StartedTimestamp: Math.floor(startedAt),
      }));
  }

  /** Ends all tasks with the server. */
  close(): void {
    for (const task of this.tasks) task.cancelTimer?.();
  }

  private resource(arn: string): Queue {
    const queue = this.queues.has(arn) ? this.queues.queue(arn) : undefined;
    if (queue?.arn !== arn) {
      throw new SqsError('ResourceNotFoundException', `The resource that you specified for ${arn} doesn't exist.`);
    }
    return queue;
  }

  private schedule(task: MoveTask, at: number): void {
    task.cancelTimer = this.queues.clock.schedule(at, () => {
      try {
        this.step(task);
      } catch (error) {
        task.status = 'FAILED';
        task.failureReason = error instanceof Error ? error.message : String(error);
      }
    });
  }

  private step(task: MoveTask): void {
    const { source, perSecond } = task;
    const messages = source.take(perSecond ?? STEP);
    while (messages.length > 0) {
      const message = messages[0]!;
      const target = task.destination ?? message.deadLetterSource;
      const to = typeof target === 'string' ? this.openQueue(target) : target;
      if (!to) {
        source.giveBack(messages);
        throw new Error('CouldNotDetermineMessageSource');
      }
      try {
        this.queues.moveAsNew(source, message, to);
      } catch (error) {
        source.giveBack(messages);
        throw error;
      }
      messages.shift();
      task.moved++;
    }
    if (source.receivable) this.schedule(task, this.queues.clock.now() + (perSecond === undefined ? 0 : 1000));
    else task.status = 'COMPLETED';
  }

  private openQueue(arn: string): Queue | undefined {
    return this.queues.has(queueName(arn)) ? this.queues.queue(arn) : undefined;
  }
}

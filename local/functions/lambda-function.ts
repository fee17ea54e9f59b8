import { randomUUID } from 'node:crypto';
import { cpus } from 'node:os';
import type { Activity } from '../activity';
import { type InvocationResult, LambdaWorker, RUNTIME_GONE } from './lambda-worker';
import type { WorkerSetup } from './worker-protocol';

/** What is known of a function from its template. */
export interface LambdaFunctionOptions {
  readonly logicalId: string;
  /** Construct path of the function resource. */
  readonly path: string;
  readonly setup: WorkerSetup;
  readonly timeoutMs: number;
  /** Everything in the environment but the access key, which each worker has its own of. */
  readonly environment: Readonly<Record<string, string>>;
  /** Most invocations at the same time that its event source asks for; no limit when absent. */
  readonly maxConcurrency?: number;
}

/** One line that a function wrote to its standard output or error. */
export interface LogLine {
  /** Logical id of the function. */
  readonly logicalId: string;
  /** Construct path of the function. */
  readonly path: string;
  readonly text: string;
}

/** Logical id of the function that the access key id of a worker belongs to. */
export function functionOfAccessKey(accessKeyId: string): string {
  return accessKeyId.replace(/\.\d+$/, '');
}

/**
 * A function and its pool of warm workers, each taking one invocation at a time. The pool grows with demand
 * to the event source's maximum concurrency, at most four for each processor; further invocations wait.
 */
export class LambdaFunction {
  readonly logicalId: string;
  readonly path: string;
  private readonly size: number;
  private readonly workers = new Map<string, LambdaWorker>();
  private readonly idle: LambdaWorker[] = [];
  private readonly waiting: ((worker: LambdaWorker | undefined) => void)[] = [];
  private started = 0;
  private closed = false;

  constructor(
    private readonly options: LambdaFunctionOptions,
    private readonly activity: Activity,
    private readonly onLogLine: (line: LogLine) => void,
  ) {
    this.logicalId = options.logicalId;
    this.path = options.path;
    this.size = Math.min(options.maxConcurrency ?? Number.POSITIVE_INFINITY, cpus().length * 4);
  }

  /** Starts the first worker; a reason when the code cannot be loaded, such as a missing variable. */
  async warm(): Promise<string | undefined> {
    const worker = this.start();
    const broken = await worker.ready;
    if (broken !== undefined && !broken.ok) return `${broken.errorType}: ${broken.errorMessage}`;
    this.release(worker);
    return undefined;
  }

  /** Runs the function once. Never rejects: what goes wrong is in the result, as Lambda reports it. */
  invoke(event: unknown): Promise<InvocationResult> {
    return this.invokeJson(JSON.stringify(event));
  }

  /** The same for an event that is JSON already. */
  invokeJson(event: string): Promise<InvocationResult> {
    return this.activity.during(async () => {
      const worker = await this.acquire();
      if (worker === undefined) return RUNTIME_GONE;
      const broken = await worker.ready;
      if (broken !== undefined) return broken;
      const result = await worker.invoke(randomUUID(), event, this.options.timeoutMs);
      this.release(worker);
      return result;
    });
  }

  /**
   * Ends the worker with this access key, whatever it does, as when its process dies: what it had under way
   * fails. Resolves when it runs no more; nothing happens when it is gone already.
   */
  async end(accessKeyId: string): Promise<void> {
    await this.workers.get(accessKeyId)?.close();
  }

  /** Ends what runs; it and what waits are failures. */
  async close(): Promise<void> {
    this.closed = true;
    for (const refuse of this.waiting.splice(0)) refuse(undefined);
    await Promise.all([...this.workers.values()].map((worker) => worker.close()));
  }

  /** A worker as soon as there is one; none after the end. */
  private async acquire(): Promise<LambdaWorker | undefined> {
    if (this.closed) return undefined;
    for (let warm = this.idle.pop(); warm !== undefined; warm = this.idle.pop()) if (warm.usable) return warm;
    if (this.workers.size < this.size) return this.start();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  private release(worker: LambdaWorker): void {
    if (!worker.usable) return;
    const next = this.waiting.shift();
    if (next !== undefined) next(worker);
    else this.idle.push(worker);
  }

  private start(): LambdaWorker {
    const accessKeyId = `${this.logicalId}.${++this.started}`;
    const environment = { ...this.options.environment, AWS_ACCESS_KEY_ID: accessKeyId };
    const onLine = (text: string) => this.onLogLine({ logicalId: this.logicalId, path: this.path, text });
    const worker: LambdaWorker = new LambdaWorker(this.options.setup, environment, onLine, () =>
      this.gone(accessKeyId, worker),
    );
    this.workers.set(accessKeyId, worker);
    return worker;
  }

  private gone(accessKeyId: string, worker: LambdaWorker): void {
    this.workers.delete(accessKeyId);
    const at = this.idle.indexOf(worker);
    if (at >= 0) this.idle.splice(at, 1);
    const next = this.waiting.shift();
    next?.(this.start());
  }
}

import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { workerFile } from './worker-file';
import type { FromWorker, WorkerSetup } from './worker-protocol';

/** How one invocation ended. `payload` is JSON. */
export type InvocationResult =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

/** One execution environment of a function: a thread that takes one invocation at a time. */
export class LambdaWorker {
  private readonly worker: Worker;
  private settle: ((result: InvocationResult) => void) | undefined;
  private settleReady: ((broken: InvocationResult | undefined) => void) | undefined;
  private dead = false;
  /** Resolves when the code is loaded; with a failure when it cannot be. */
  readonly ready: Promise<InvocationResult | undefined>;

  constructor(
    setup: WorkerSetup,
    environment: Readonly<Record<string, string>>,
    onLine: (line: string) => void,
    /** Called once when the thread is gone. */
    private readonly onGone: () => void,
  ) {
    this.ready = new Promise((resolve) => {
      this.settleReady = resolve;
    });
    this.worker = new Worker(workerFile(), {
      workerData: setup,
      env: { ...environment },
      stdout: true,
      stderr: true,
      execArgv: [],
    });
    for (const stream of [this.worker.stdout, this.worker.stderr]) createInterface(stream).on('line', onLine);
    this.worker.on('message', (message: FromWorker) => this.receive(message, onLine));
    this.worker.on('error', (error) => this.lost('Runtime.UnhandledError', error.message));
    this.worker.on('exit', (code) => {
      this.lost('Runtime.ExitError', `The runtime exited with code ${code} before the invocation ended`);
      this.onGone();
    });
  }

  /** Runs one invocation; at its deadline the thread is ended and the result is a time-out. */
  invoke(requestId: string, event: string, timeoutMs: number): Promise<InvocationResult> {
    return new Promise((resolve) => {
      if (this.dead) {
        resolve({ ok: false, errorType: 'Runtime.ExitError', errorMessage: 'The runtime has exited' });
        return;
      }
      const deadline = Date.now() + timeoutMs;
      const timer = setTimeout(() => {
        const seconds = (timeoutMs / 1000).toFixed(2);
        this.lost('Sandbox.Timedout', `${requestId} Task timed out after ${seconds} seconds`);
        void this.worker.terminate();
      }, timeoutMs);
      this.settle = (result) => {
        clearTimeout(timer);
        this.settle = undefined;
        resolve(result);
      };
      this.worker.postMessage({ requestId, event, deadline });
    });
  }

  /** Whether it can take another invocation. */
  get usable(): boolean {
    return !this.dead;
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private receive(message: FromWorker, onLine: (line: string) => void): void {
    switch (message.kind) {
      case 'ready':
        this.settleReady?.(undefined);
        return;
      case 'broken':
        onLine(message.trace || message.errorMessage);
        this.lost(message.errorType, message.errorMessage);
        void this.worker.terminate();
        return;
      case 'result':
        this.settle?.({ ok: true, payload: message.payload });
        return;
      case 'error':
        onLine(message.trace || message.errorMessage);
        this.settle?.({ ok: false, errorType: message.errorType, errorMessage: message.errorMessage });
    }
  }

  private lost(errorType: string, errorMessage: string): void {
    this.dead = true;
    const failure = { ok: false, errorType, errorMessage } as const;
    this.settleReady?.(failure);
    this.settle?.(failure);
  }
}

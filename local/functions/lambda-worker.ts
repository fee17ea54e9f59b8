import { Worker } from 'node:worker_threads';
import { workerFile } from './worker-file';
import type { FromWorker, WorkerSetup } from './worker-protocol';

/** How one invocation ended. `payload` is JSON. */
export type InvocationResult =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

/** The result of an invocation that no runtime can take any more. */
export const RUNTIME_GONE: InvocationResult = {
  ok: false,
  errorType: 'Runtime.ExitError',
  errorMessage: 'The runtime has exited',
};

/** One execution environment of a function: a thread that takes one invocation at a time. */
export class LambdaWorker {
  private readonly worker: Worker;
  private settle: ((result: InvocationResult) => void) | undefined;
  private settleReady: ((broken: InvocationResult | undefined) => void) | undefined;
  private dead = false;
  private closing = false;
  /** What has been written of a line that has not ended. */
  private line = '';
  /** Resolves when the code is loaded; with a failure when it cannot be. */
  readonly ready: Promise<InvocationResult | undefined>;

  constructor(
    private readonly setup: WorkerSetup,
    environment: Readonly<Record<string, string>>,
    /** Receives what the function writes, and how it failed. */
    private readonly onLine: (line: string) => void,
    /** Called once when the thread is gone. */
    private readonly onGone: () => void,
  ) {
    this.ready = new Promise((resolve) => {
      this.settleReady = resolve;
    });
    this.worker = new Worker(workerFile(), {
      workerData: setup,
      env: { ...environment },
      // What is written comes as messages; these only keep it from the terminal.
      stdout: true,
      stderr: true,
      execArgv: [],
    });
    this.worker.on('message', (message: FromWorker) => this.receive(message));
    this.worker.on('error', (error) => {
      this.log(error.stack ?? error.message);
      this.lost({ ok: false, errorType: 'Runtime.UnhandledError', errorMessage: error.message });
    });
    this.worker.on('exit', (code) => {
      if (this.line !== '') onLine(this.line);
      this.interrupt('Runtime.ExitError', `The runtime exited with code ${code} before the invocation ended`);
      this.onGone();
    });
  }

  /** Runs one invocation; at its deadline the thread is ended and the result is a time-out. */
  invoke(requestId: string, event: string, timeoutMs: number): Promise<InvocationResult> {
    return new Promise((resolve) => {
      if (this.dead) {
        resolve(RUNTIME_GONE);
        return;
      }
      const deadline = Date.now() + timeoutMs;
      const timer = setTimeout(() => {
        const seconds = (timeoutMs / 1000).toFixed(2);
        this.interrupt('Sandbox.Timedout', `${requestId} Task timed out after ${seconds} seconds`);
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
    this.closing = true;
    await this.worker.terminate();
  }

  private receive(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.settleReady?.(undefined);
        return;
      case 'output':
        this.write(message.text);
        return;
      case 'result':
        this.settle?.({ ok: true, payload: message.payload });
        return;
      case 'error':
        this.log(message.trace || message.errorMessage);
        this.settle?.(failure(message));
        return;
      case 'broken':
        this.log(message.trace || message.errorMessage);
        this.lost(failure(message));
        void this.worker.terminate();
    }
  }

  private write(text: string): void {
    const lines = `${this.line}${text}`.split('\n');
    this.line = lines.pop()!;
    for (const line of lines) this.onLine(line);
  }

  /** The end of the thread, which is a failure of an invocation under way. */
  private interrupt(errorType: string, errorMessage: string): void {
    if (this.settle !== undefined && !this.closing) this.log(`${errorType}: ${errorMessage}`);
    this.lost({ ok: false, errorType, errorMessage });
  }

  private lost(result: InvocationResult): void {
    this.dead = true;
    this.settleReady?.(result);
    this.settle?.(result);
  }

  private log(text: string): void {
    this.onLine(`${this.setup.functionName}: ${text}`);
  }
}

function failure({ errorType, errorMessage }: { errorType: string; errorMessage: string }): InvocationResult {
  return { ok: false, errorType, errorMessage };
}

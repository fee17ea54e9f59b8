import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

/** A command line that runs, and what it has written so far. */
export interface Cli {
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Resolves when its output matches; rejects when it ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

const running = new Set<ChildProcess>();

const SOURCES = ['--import', 'tsx', path.join(__dirname, '..', '..', 'bin', 'cdk-qstash.ts')];

/** Starts the command line, from its sources if nothing else is said, with only these variables besides PATH. */
export function cli(
  args: readonly string[],
  environment: Record<string, string> = {},
  command: readonly string[] = SOURCES,
): Cli {
  const child = spawn(process.execPath, [...command, ...args], {
    env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal!);
    });
  });
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (data: Buffer) => {
      output[stream] += String(data);
    });
  }
  return {
    process: child,
    output,
    ended,
    async until(pattern) {
      let over = false;
      void ended.then(() => {
        over = true;
      });
      for (;;) {
        const match = pattern.exec(output.stdout);
        if (match !== null) return match;
        if (over) throw new Error(`It ended before ${pattern}: ${output.stdout}${output.stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

/** What a command line writes that ends by itself. */
export async function complete(args: readonly string[], environment?: Record<string, string>) {
  const { ended, output } = cli(args, environment);
  return { code: await ended, ...output };
}

/** For `afterEach`: ends what a test left running. */
export async function endAll(): Promise<void> {
  for (const child of running) {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
  }
}

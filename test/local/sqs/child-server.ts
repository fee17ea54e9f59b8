import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A server in a child process that printed its port. */
export interface ChildServer {
  readonly endpoint: string;
  /** SIGKILL, and the end of the process. */
  kill(): Promise<void>;
}

/** Starts `node ...args` and waits for the port that it prints first. */
export async function startChild(args: readonly string[]): Promise<ChildServer> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const port = await Promise.race([
    once(child.stdout, 'data').then(([data]) => String(data).trim()),
    exited.then(() => Promise.reject(new Error(`${args.join(' ')} ended before it listened`))),
  ]);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

import { execFile } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');

function bench(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'bench/bench.ts', ...args], { cwd: ROOT }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout });
    });
  });
}

test('the bench reaches its goals, and one more call for each message makes it say which it misses', async () => {
  const fine = await bench('300');
  expect(fine.output.match(/^MISSED.*$/gm) ?? []).toEqual([]);
  expect(fine.output).toMatch(/delivered +\d+\.\d\d \$ a million +goal <= 5$/m);
  expect(fine.code).toBe(0);
  const broken = await bench('300', '--break');
  expect(broken.output).toMatch(/^MISSED calls, batches of 10: \d\.\d\d a message, the goal is at most 4.3$/m);
  expect(broken.code).toBe(1);
}, 180_000);

import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** A function's code as it is deployed. */
export interface Bundle {
  readonly name: string;
  readonly kibibytes: number;
  /** Milliseconds that a fresh process takes to import it; the median of several. */
  readonly importMs: number;
}

const RUNS = 5;

/** Measures the bundles below `assets`, with the environment that the template would give them. */
export function measureBundles(assets: string, environment: Readonly<Record<string, string>>): Bundle[] {
  const names = readdirSync(assets).filter(
    (name) => name !== 'assembly' && statSync(path.join(assets, name)).isDirectory(),
  );
  return names.map((name) => {
    const file = path.join(assets, name, 'index.mjs');
    const times = Array.from({ length: RUNS }, () => importMs(file, environment)).sort((a, b) => a - b);
    return { name, kibibytes: statSync(file).size / 1024, importMs: times[Math.floor(RUNS / 2)]! };
  });
}

function importMs(file: string, environment: Readonly<Record<string, string>>): number {
  const script = `const start = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log(performance.now() - start);`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--no-warnings', '-e', script], {
    env: { PATH: process.env.PATH, AWS_REGION: 'us-east-1', ...environment },
  });
  return Number(output.toString().trim().split('\n').at(-1));
}

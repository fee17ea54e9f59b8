import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

let file: string | undefined;

/**
 * The script that worker threads run. The built command line has it beside itself; from sources (tests, tsx)
 * it is compiled into the temporary directory.
 */
export function workerFile(): string {
  file ??= find(path.dirname(fileURLToPath(import.meta.url)));
  return file;
}

function find(here: string): string {
  const built = path.join(here, 'worker.mjs');
  if (existsSync(built)) return built;
  const source = readFileSync(path.join(here, '..', 'worker.ts'), 'utf8');
  const { transformSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const { code } = transformSync(source, { loader: 'ts', format: 'esm', target: 'node20' });
  const directory = path.join(tmpdir(), 'cdk-qstash');
  const compiled = path.join(directory, `worker-${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`);
  if (!existsSync(compiled)) {
    mkdirSync(directory, { recursive: true });
    const partial = `${compiled}.${process.pid}`;
    writeFileSync(partial, code);
    renameSync(partial, compiled);
  }
  return compiled;
}

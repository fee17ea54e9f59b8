// `npm start`: builds what is out of date, then runs local mode with the arguments given.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

process.argv.push('--if-stale');
await import('./build.mjs');
const cli = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'dist-bin', 'cdk-qstash.mjs');
const args = process.argv.slice(2).filter((arg) => arg !== '--if-stale');
const child = spawn(process.execPath, [cli, 'dev', ...args], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 0 : 1)));

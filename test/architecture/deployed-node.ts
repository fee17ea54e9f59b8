import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const TEMPLATE = path.join(ROOT, 'assets', 'assembly', 'QStash.template.json');

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: { readonly Runtime?: string } }>
  >;
}

/** Major version of Node that the functions are deployed with. */
export function deployedMajor(): number {
  const { Resources } = JSON.parse(readFileSync(TEMPLATE, 'utf8')) as Template;
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  const majors = functions.map(({ Properties }) => Number(/^nodejs(\d+)\.x$/.exec(Properties.Runtime ?? '')?.[1]));
  const [major = Number.NaN] = majors;
  if (!majors.every((other) => other === major)) throw new Error(`the functions run on Node ${majors.join(', ')}`);
  return major;
}

/** A Node of that version: the one that runs the tests, or one that npm brings, once for all runs. */
export function deployedNode(): string {
  const major = deployedMajor();
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const folder = path.join(ROOT, 'node_modules', '.cache', `node-${major}`);
  const node = path.join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(node)) {
    const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
    execFileSync('npm', ['install', ...options, `${name}@${major}`], { stdio: 'pipe' });
  }
  return node;
}

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import { constructPathOf, readAssembly } from '../../local/assembly/read-assembly';
import type { StackAssembly } from '../../local/assembly/template';

const ROOT = path.join(__dirname, '..', '..');
const ASSEMBLY = path.join(ROOT, 'assets', 'assembly');

/** A change to one source of the functions. The text must stand there exactly once. */
export interface Change {
  /** Below `lambda/`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Handler of each function by the end of its construct path. */
const HANDLERS: Readonly<Record<string, string>> = {
  'Api/Function/Resource': 'api',
  'Deliver/Function/Resource': 'deliver',
  'Fail/Function/Resource': 'fail',
  'Dispatch/Function/Resource': 'dispatch',
  'Promote/Function/Resource': 'promote',
};

const directories: string[] = [];

/** The assembly of local mode with functions built from changed sources. {@link removeVariants} deletes them. */
export async function buildVariant(changes: readonly Change[]): Promise<StackAssembly> {
  const directory = mkdtempSync(path.join(tmpdir(), 'qstash-variant-'));
  directories.push(directory);
  await build({
    entryPoints: Object.values(HANDLERS).map((name) => ({
      in: path.join(ROOT, 'lambda', `${name}.handler.ts`),
      out: `${name}/index`,
    })),
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    alias: { '@aws-sdk/credential-provider-node': path.join(ROOT, 'lambda/store/environment-credentials.ts') },
    plugins: [changing(changes)],
    logLevel: 'error',
  });
  const assembly = readAssembly(ASSEMBLY);
  const assets = { ...assembly.assets };
  for (const [id, { Type, Properties }] of Object.entries(assembly.template.Resources!)) {
    const constructPath = constructPathOf(assembly, id);
    const handler = Object.keys(HANDLERS).find((end) => constructPath.endsWith(`/${end}`));
    if (Type !== 'AWS::Lambda::Function' || handler === undefined) continue;
    const { S3Key } = Properties!.Code as { S3Key: string };
    assets[path.basename(S3Key).replace(/\.\w+$/, '')] = path.join(directory, HANDLERS[handler]!);
  }
  return { ...assembly, assets };
}

/** For `afterAll`. */
export function removeVariants(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

function changing(changes: readonly Change[]): Plugin {
  const files = new Set(changes.map(({ file }) => file));
  return {
    name: 'changes',
    setup(bundle) {
      bundle.onLoad({ filter: /[/\\]lambda[/\\].*\.ts$/ }, ({ path: file }) => {
        const name = path.relative(path.join(ROOT, 'lambda'), file);
        if (!files.has(name)) return undefined;
        let contents = readFileSync(file, 'utf8');
        for (const { from, to } of changes.filter((change) => change.file === name)) {
          const times = contents.split(from).length - 1;
          if (times !== 1) throw new Error(`lambda/${name} has ${times} times: ${from}`);
          contents = contents.replace(from, () => to);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}

// Bundles every lambda/*.handler.ts to assets/NAME/index.mjs, with what it loads later beside it, and the command line to dist-bin/, and
// synthesizes the assembly that local mode runs. With --if-stale it builds only what its sources outdate.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const ifStale = process.argv.includes('--if-stale');

function newest(...places) {
  let latest = 0;
  for (const place of places) {
    if (!existsSync(place)) continue;
    const stat = statSync(place);
    if (stat.isDirectory())
      for (const name of readdirSync(place)) latest = Math.max(latest, newest(path.join(place, name)));
    else latest = Math.max(latest, stat.mtimeMs);
  }
  return latest;
}

async function step(name, sources, target, run) {
  const stamp = path.join(target, '.built');
  if (ifStale && existsSync(stamp) && statSync(stamp).mtimeMs > newest('scripts/build.mjs', 'package.json', ...sources))
    return;
  const start = Date.now();
  mkdirSync(target, { recursive: true });
  await run();
  writeFileSync(stamp, '');
  console.log(`built ${name} in ${Date.now() - start} ms`);
}

// CommonJS dependencies call require(), which an ES module does not have.
const banner = {
  js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
};

await step('functions', ['lambda', 'lib/names.ts'], 'assets', async () => {
  const handlers = readdirSync('lambda').filter((file) => file.endsWith('.handler.ts'));
  for (const file of handlers) {
    const name = file.replace('.handler.ts', '');
    rmSync(`assets/${name}`, { recursive: true, force: true });
    await build({
      entryPoints: { index: `lambda/${file}` },
      outdir: `assets/${name}`,
      outExtension: { '.js': '.mjs' },
      // What is imported only when it is needed stays in files of its own.
      splitting: true,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      mainFields: ['module', 'main'],
      banner,
      legalComments: 'none',
      // A function's credentials are always in its environment: the SDK's chain of other providers
      // (profiles, single sign-on, instance metadata) would be a quarter of the bundle.
      alias: { '@aws-sdk/credential-provider-node': path.join(root, 'lambda/store/environment-credentials.ts') },
      logLevel: 'warning',
    });
  }
});

await step('command line', ['bin', 'local', 'lambda', 'lib/names.ts'], 'dist-bin', async () => {
  await build({
    entryPoints: ['bin/cdk-qstash.ts', ...(existsSync('local/worker.ts') ? ['local/worker.ts'] : [])],
    outdir: 'dist-bin',
    outbase: '.',
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    banner: { js: `${'#!/usr/bin/env node\n'}${banner.js}` },
    // Native; the one dependency that the package carries.
    external: ['dynalite', 'dynalite/*'],
    logLevel: 'warning',
  });
});

// The functions' own stamp, and not their folder: the assembly lies in it and would outdate itself.
await step('assembly', ['lib', 'bin/app.ts', 'assets/.built'], 'assets/assembly', async () => {
  rmSync('assets/assembly', { recursive: true, force: true });
  execFileSync(process.execPath, ['--import', 'tsx', 'bin/app.ts'], {
    stdio: 'inherit',
    // The tests check the template; CDK's own validation would take most of the time of a build.
    env: { ...process.env, CDK_OUTDIR: path.join(root, 'assets/assembly'), CDK_VALIDATION: 'false' },
  });
});

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AssemblyError } from '../local/assembly/template';
import { DataDirectoryError } from '../local/data-directory';
import { describeLine } from '../local/describe-line';
import { EnvironmentError, readStackEnvironment } from '../local/stack-environment';
import { PortInUseError, startLocal } from '../local/start-local';

const HELP = `cdk-qstash: a QStash-compatible service in your AWS account, and on this machine

cdk-qstash dev [options]    run the service here, without an AWS account
  --port N                  port to listen on (default 8080, or QSTASH_DEV_PORT)
  --host H                  address to listen on (default 127.0.0.1)
  --data DIR                keep messages over restarts in DIR (default: in memory)
  --app DIR                 run your own cloud assembly, such as cdk.out (default: the packaged one)
  --path STACK/CONSTRUCT    run only this construct of it

cdk-qstash env --stack NAME [options]
                            print the QSTASH_ variables of a deployed stack, ready for a shell;
                            they contain its secrets
  --path STACK/CONSTRUCT    which construct, when the stack has several
  --region R                region of the stack (default: AWS_REGION)

cdk-qstash help             print this
`;

/** A wrong command line. */
class UsageError extends Error {}

/** What is told without a stack trace. */
const EXPECTED_ERRORS = [UsageError, AssemblyError, DataDirectoryError, PortInUseError, EnvironmentError];

const here = path.dirname(fileURLToPath(import.meta.url));

async function main([command = 'help', ...args]: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) command = 'help';
  switch (command) {
    case 'dev':
      return dev(args);
    case 'env':
      return env(args);
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(HELP);
      return;
    default:
      throw new UsageError(`There is no command ${command}. See cdk-qstash help.`);
  }
}

async function dev(args: readonly string[]): Promise<void> {
  const { values } = readArguments(args, ['port', 'host', 'data', 'app', 'path']);
  const assembly = values.app ?? packagedAssembly();
  let now = Date.now;
  const service = await startLocal({
    assembly,
    port: readPort(values.port ?? process.env.QSTASH_DEV_PORT),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.data === undefined ? {} : { dataDir: path.resolve(values.data) }),
    ...(values.path === undefined ? {} : { path: values.path }),
    onLogLine: ({ text }) => {
      const line = describeLine(text, now());
      if (line !== undefined) print(line);
    },
  });
  now = () => service.clock.now();
  print(`QStash is running at ${service.url}`);
  print('');
  print(exportLines(service.url, service.token, service.signingKeys));
  print('');
  const others = Object.entries(service.urls).slice(1);
  for (const [constructPath, url] of others) print(`${constructPath} is running at ${url}`);
  let closing = false;
  const end = () => {
    // The terminal and npm both send the signal.
    if (closing) return;
    closing = true;
    void service.close().then(() => process.exit(0));
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

async function env(args: readonly string[]): Promise<void> {
  const { values } = readArguments(args, ['stack', 'path', 'region']);
  if (values.stack === undefined) throw new UsageError('Say which stack: cdk-qstash env --stack NAME.');
  const { url, token, signingKeys } = await readStackEnvironment(values.stack, values.path, values.region);
  print(exportLines(url, token, signingKeys));
}

function exportLines(url: string, token: string, keys: { readonly current: string; readonly next: string }): string {
  return [
    `export QSTASH_URL=${quoted(url)}`,
    `export QSTASH_TOKEN=${quoted(token)}`,
    `export QSTASH_CURRENT_SIGNING_KEY=${quoted(keys.current)}`,
    `export QSTASH_NEXT_SIGNING_KEY=${quoted(keys.next)}`,
  ].join('\n');
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

function readArguments(args: readonly string[], names: readonly string[]) {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return { values: values as Record<string, string | undefined> };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}. See cdk-qstash help.`);
  }
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return 8080;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError(`${text} is no port: give a number from 0 to 65535.`);
  return port;
}

/** Beside the built command line in the package, or in the checkout it is run from. */
function packagedAssembly(): string {
  const directory = path.join(here, '..', 'assets', 'assembly');
  if (!existsSync(directory)) throw new UsageError(`${directory} is missing: run npm run build first.`);
  return directory;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const expected = EXPECTED_ERRORS.some((kind) => error instanceof kind);
  process.stderr.write(`${expected ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`);
  process.exit(1);
});

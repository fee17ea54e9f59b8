import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readAssembly } from '../local/assembly/read-assembly';
import type { StackAssembly } from '../local/assembly/template';
import type { Interceptor } from '../local/aws-call';
import { callAws } from '../local/aws-json';
import { type LocalService, startLocal } from '../local/start-local';
import { measureBundles } from './bundles';
import { type Bill, billOf, idleBillOf } from './cost';
import { GOALS } from './goals';
import { isFifo, RequestLog } from './request-log';
import {
  alone,
  type Bench,
  deadLetters,
  delayed,
  enqueued,
  flowControlled,
  Gate,
  inRequests,
  inTens,
  large,
  type Outcome,
  speed,
} from './scenarios';
import { BenchSink } from './sink';

const ROOT = path.join(__dirname, '..');
const ASSEMBLY = path.join(ROOT, 'assets', 'assembly');

const misses: string[] = [];

function judge(what: string, figure: number, goal: number, unit: string): string {
  const met = figure <= goal;
  if (!met) misses.push(`${what}: ${figure.toFixed(2)} ${unit}, the goal is at most ${goal}`);
  return `${figure.toFixed(2).padStart(8)} ${unit.padEnd(12)} goal <= ${goal}${met ? '' : '   MISSED'}`;
}

function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

function printBill(title: string, bill: Bill, unit: string): void {
  print(`${title}: ${bill.total.toFixed(2)} ${unit}`);
  for (const [name, dollars] of Object.entries(bill.lines)) {
    if (dollars > 0.0005) print(`    ${name.padEnd(18)} ${dollars.toFixed(3).padStart(7)}`);
  }
}

function printOutcome(title: string, outcome: Outcome): { calls: number; bill: Bill } {
  const { messages, calls } = outcome;
  if (outcome.lost > 0) misses.push(`${title}: ${outcome.lost} of ${messages} messages lost`);
  const bill = billOf(outcome);
  print();
  print(`${title} (${messages} messages, ${(outcome.attempts / outcome.batches).toFixed(1)} attempts a batch)`);
  const operations = new Map<string, { count: number; read: number; write: number }>();
  for (const { service, operation, readUnits, writeUnits } of calls) {
    const name = `${service} ${operation}`;
    const sum = operations.get(name) ?? { count: 0, read: 0, write: 0 };
    operations.set(name, { count: sum.count + 1, read: sum.read + readUnits, write: sum.write + writeUnits });
  }
  print(`    ${'AWS calls a message'.padEnd(38)}   calls   read units  write units`);
  const each = (value: number) => (value / messages).toFixed(3);
  for (const [name, { count, read, write }] of [...operations].sort()) {
    print(`    ${name.padEnd(38)} ${each(count).padStart(7)} ${each(read).padStart(12)} ${each(write).padStart(12)}`);
  }
  // The secrets are read once a minute and container, however many messages there are.
  const total = calls.filter(({ service }) => service !== 'secretsmanager').length / messages;
  print(`    ${'all but the cached secrets'.padEnd(38)} ${total.toFixed(3).padStart(7)}`);
  printBill('  dollars per million', bill, '$');
  return { calls: total, bill };
}

/** Units as the stand-in reports them must be those that the items' sizes ask for. */
function checkUnits(log: RequestLog): void {
  const wrong = log.calls.filter(
    ({ expectedWriteUnits, writeUnits }) => expectedWriteUnits !== undefined && expectedWriteUnits !== writeUnits,
  );
  if (wrong.length > 0) misses.push(`write units: ${wrong.length} puts were not counted as their size asks for`);
}

/** `--break`: one more read for every message, which must turn the bench red. */
function breaking(intercept: Interceptor, endpoint: () => string): Interceptor {
  return async (call, execute) => {
    const answer = await intercept(call, execute);
    if (call.operation === 'UpdateItem') {
      const input = { TableName: call.input.TableName, Key: call.input.Key, ConsistentRead: true };
      const extra = { ...call, operation: 'GetItem', input };
      await intercept(extra, async () => {
        const body = await callAws(endpoint(), 'DynamoDB_20120810.GetItem', input);
        const headers = { 'x-consumed-read-units': '1' };
        return { status: 200, headers, body: Buffer.from(JSON.stringify(body)) };
      });
    }
    return answer;
  };
}

async function main(args: readonly string[]): Promise<void> {
  const messages = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 2_000);
  const log = new RequestLog();
  let service: LocalService | undefined;
  let batches = 0;
  let dispatches = 0;
  let longestHint = 0;
  const gate = new Gate();
  const watched: Interceptor = async (call, execute) => {
    if (call.operation === 'BatchGetItem') await gate.pass();
    if (call.operation === 'ChangeMessageVisibilityBatch') {
      if (isFifo(call)) dispatches++;
      else batches++;
    }
    if (call.operation === 'SendMessage') longestHint = Math.max(longestHint, String(call.input.MessageBody).length);
    return log.intercept(call, execute);
  };
  const intercept = args.includes('--break') ? breaking(watched, () => service!.endpoints.dynamodb) : watched;
  service = await startLocal({ assembly: withTwoBatches(), port: 0, intercept });
  const sink = new BenchSink();
  log.reset();
  await service.invoke('QStash/QStash/Promote', {});
  const idleTick = [...log.calls];
  const counts = { batches: () => batches, dispatches: () => dispatches };
  const bench: Bench = { service, log, sink, sinkUrl: await sink.listen(), ...counts, idleTick, gate };

  print('cdk-qstash bench: counted calls at list prices, body of 1 KB, destination of 100 ms');
  const tens = printOutcome('Published and delivered, batches of 10', await inTens(bench, messages));
  checkUnits(log);
  const single = printOutcome('Published and delivered, batches of 1', await alone(bench, Math.ceil(messages / 20)));
  const dead = printOutcome(
    'Dead letters: 3 retries and a failure callback',
    await deadLetters(bench, Math.ceil(messages / 10)),
  );
  const once = { 'upstash-deduplication-id': 'each its own' };
  const unique = printOutcome(
    'With a deduplication id, batches of 10',
    await inTens(bench, Math.ceil(messages / 10), once),
  );
  const batched = printOutcome(
    'Published a hundred to a request, batches of 10',
    await inRequests(bench, Math.ceil(messages / 1000) * 200),
  );
  const huge = printOutcome('A body of 64 KB, batches of 10', await large(bench, Math.ceil(messages / 10)));
  const few = Math.ceil(messages / 10);
  const queued = printOutcome('Enqueued, one at a time', await enqueued(bench, few, 1));
  const queuedWide = printOutcome('Enqueued, ten at a time', await enqueued(bench, few, 10));
  const hot = printOutcome(
    'Flow control, one key: ten at a time, 60000 a minute',
    await flowControlled(bench, few, 1, 'parallelism=10, rate=60000, period=1m'),
  );
  const cold = printOutcome(
    'Flow control, 1000 keys: one at a time, 100 a minute',
    await flowControlled(bench, messages, 1_000, 'parallelism=1, rate=100, period=1m'),
  );
  const late = printOutcome('Delayed by an hour', await delayed(bench, Math.ceil(messages / 10)));

  const idle = idleBillOf({ ...idleParts(), tickCalls: idleTick });
  print();
  printBill('Idle', idle, '$ a month');

  await service.close();

  const started = performance.now();
  const unwatched = await startLocal({ assembly: ASSEMBLY, port: 0 });
  const readyMs = performance.now() - started;
  const fast = await speed({ ...bench, service: unwatched }, messages, 16);
  const calm = await speed({ ...bench, service: unwatched }, Math.ceil(messages / 10), 1);
  for (const { lost } of [fast, calm]) if (lost > 0) misses.push(`speed: ${lost} messages lost`);
  print();
  print('Speed on this machine, embedded emulators included (printed, not judged)');
  print(`    ready after                 ${readyMs.toFixed(0).padStart(6)} ms`);
  print(`    delivered, 16 publishers    ${fast.deliveredPerSecond.toFixed(0).padStart(6)} a second`);
  print(`    publish, 16 publishers      p50 ${fast.publishP50.toFixed(1)} ms, p99 ${fast.publishP99.toFixed(1)} ms`);
  print(`    publish, one at a time      p50 ${calm.publishP50.toFixed(1)} ms, p99 ${calm.publishP99.toFixed(1)} ms`);
  print(`    end to end, one at a time   p50 ${calm.endToEndP50.toFixed(1)} ms, p99 ${calm.endToEndP99.toFixed(1)} ms`);
  await unwatched.close();
  sink.close();

  print();
  print('Bundles');
  const bundles = measureBundles(path.join(ROOT, 'assets'), apiEnvironment());
  for (const { name, kibibytes, lazyKibibytes, importMs } of bundles) {
    const [size, lazy, time] = [kibibytes, lazyKibibytes, importMs].map((figure) => figure.toFixed(0).padStart(4));
    print(`    ${name.padEnd(14)} ${size} KiB at a cold start, ${lazy} KiB later   import ${time} ms`);
  }

  print();
  print('Goals');
  print(
    `    calls, batches of 10   ${judge('calls, batches of 10', tens.calls, GOALS.callsPerMessageInTens, 'a message')}`,
  );
  print(
    `    calls, batches of 1    ${judge('calls, batches of 1', single.calls, GOALS.callsPerMessageAlone, 'a message')}`,
  );
  print(`    delivered              ${judge('delivered', tens.bill.total, GOALS.dollarsPerMillion, '$ a million')}`);
  print(
    `    dead letters           ${judge('dead letters', dead.bill.total, GOALS.dollarsPerMillionDeadLetters, '$ a million')}`,
  );
  print(`    idle                   ${judge('idle', idle.total, GOALS.idleDollarsPerMonth, '$ a month')}`);
  print(`    hint                   ${judge('hint', longestHint, GOALS.hintBytes, 'bytes')}`);
  const largest = Math.max(...bundles.map(({ kibibytes }) => kibibytes));
  print(`    largest bundle         ${judge('largest bundle', largest, GOALS.bundleKibibytes, 'KiB')}`);
  if (args.includes('--readme')) {
    writeCosts([
      ['delivered at the first attempt', tens.bill],
      ['the same, in batches of one', single.bill],
      ['with a deduplication id', unique.bill],
      ['published a hundred to a request', batched.bill],
      ['delayed by an hour', late.bill],
      ['enqueued, one at a time', queued.bill],
      ['enqueued, ten at a time', queuedWide.bill],
      ['with a flow control, one hot key', hot.bill],
      ['with a flow control, 1000 keys', cold.bill],
      ['with a body of 64 KB, delivered at the first attempt', huge.bill],
      ['failed four times, dead letter, failure callback', dead.bill],
      ['idle, a month', idle],
    ]);
  }
  for (const miss of misses) print(`MISSED ${miss}`);
  process.exitCode = misses.length > 0 ? 1 : 0;
}

/** Puts the figures into the README, between its marks. */
function writeCosts(rows: readonly (readonly [string, Bill])[]): void {
  const file = path.join(ROOT, 'README.md');
  const table = rows.map(([what, { total }]) => `| ${what} | ${total.toFixed(2)} |`).join('\n');
  const text = readFileSync(file, 'utf8').replace(
    /(<!-- costs[^>]*-->\n)[\s\S]*(<!-- \/costs -->)/,
    (_, start: string, end: string) => `${start}\n| a million messages | dollars |\n|---|---|\n${table}\n\n${end}`,
  );
  writeFileSync(file, text);
}

/** The template with at most two batches of each queue at a time: what waits meanwhile makes full ones. */
function withTwoBatches(): StackAssembly {
  const assembly = readAssembly(ASSEMBLY);
  const changed = Object.entries(assembly.template.Resources ?? {}).map(([id, resource]) =>
    resource.Type === 'AWS::Lambda::EventSourceMapping'
      ? [id, { ...resource, Properties: { ...resource.Properties, ScalingConfig: { MaximumConcurrency: 2 } } }]
      : [id, resource],
  );
  return { ...assembly, template: { ...assembly.template, Resources: Object.fromEntries(changed) } };
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

function resources(): Resource[] {
  const template = JSON.parse(readFileSync(path.join(ASSEMBLY, 'QStash.template.json'), 'utf8'));
  return Object.values(template.Resources as Record<string, Resource>);
}

/** What the template has that costs something by the month. */
function idleParts() {
  const all = resources();
  const of = (type: string) => all.filter(({ Type }) => Type === type);
  const metricsOf = ({ Properties }: Resource) =>
    ((Properties?.Metrics as { MetricStat?: object }[] | undefined) ?? [{ MetricStat: {} }]).filter(
      ({ MetricStat }) => MetricStat !== undefined,
    ).length;
  const fifo = of('AWS::SQS::Queue').filter(({ Properties }) => Properties?.FifoQueue === true).length;
  return {
    // A FIFO queue is there to be polled.
    polledQueues: of('AWS::Lambda::EventSourceMapping').length - fifo,
    polledFifoQueues: fifo,
    secrets: of('AWS::SecretsManager::Secret').length,
    alarmMetrics: of('AWS::CloudWatch::Alarm').reduce((sum, alarm) => sum + metricsOf(alarm), 0),
    tickMetrics: 1,
  };
}

/** Variables that importing a bundle needs: any value will do. */
function apiEnvironment(): Record<string, string> {
  const variables = resources().flatMap(({ Properties }) => {
    const { Variables } = (Properties?.Environment ?? {}) as { Variables?: Record<string, unknown> };
    return Object.entries(Variables ?? {}).map(([name, value]) => [name, typeof value === 'string' ? value : 'x']);
  });
  return Object.fromEntries(variables);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});

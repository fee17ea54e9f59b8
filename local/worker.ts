/**
 * What a worker thread of local mode runs: loads the bundle of one function and answers invocations, one at
 * a time, as the Lambda runtime does. Its environment is the function's and nothing else.
 */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, Invocation, WorkerSetup } from './functions/worker-protocol';

const port = parentPort!;
const setup = workerData as WorkerSetup;
const send = (message: FromWorker) => port.postMessage(message);

// Service time for the functions' one clock module; on AWS nothing sets it.
Object.assign(globalThis, { [Symbol.for('cdk-qstash.serviceTimeOffset')]: new Float64Array(setup.clock) });
// The developer's own machine is a destination here, which it never is on AWS.
Object.assign(globalThis, { [Symbol.for('cdk-qstash.local')]: true });

// The SDK's notice that it will drop this Node version concerns the laptop, not the deployed function.
const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
  if (!/AWS SDK for JavaScript|NodeDeprecationWarning/.test(String(warning))) emitWarning(warning, ...rest);
}) as typeof process.emitWarning;

// By the way of the results, so that no line comes later than the end of its invocation.
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    send({ kind: 'output', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
    const done = rest.find((argument) => typeof argument === 'function');
    if (done !== undefined) process.nextTick(done as () => void);
    return true;
  };
}

type Handler = (event: unknown, context: object) => unknown;

function describe(error: unknown): { errorType: string; errorMessage: string; trace: string } {
  if (!(error instanceof Error)) return { errorType: 'string', errorMessage: String(error), trace: '' };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack ?? '' };
}

function context({ requestId, deadline }: Invocation): object {
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: setup.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: setup.functionArn,
    logGroupName: `/aws/lambda/${setup.functionName}`,
    logStreamName: 'local',
    memoryLimitInMB: String(setup.memorySize),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function load(): Promise<Handler> {
  const loaded = (await import(pathToFileURL(setup.file).href)) as Record<string, unknown>;
  const named = loaded[setup.exportName] ?? (loaded.default as Record<string, unknown> | undefined)?.[setup.exportName];
  if (typeof named !== 'function') throw new Error(`${setup.file} exports no function ${setup.exportName}`);
  return named as Handler;
}

try {
  const handler = await load();
  port.on('message', async (invocation: Invocation) => {
    try {
      const result = await handler(JSON.parse(invocation.event), context(invocation));
      send({ kind: 'result', payload: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      send({ kind: 'error', ...describe(error) });
    }
  });
  send({ kind: 'ready' });
} catch (error) {
  send({ kind: 'broken', ...describe(error) });
}

import { cpus } from 'node:os';
import path from 'node:path';
import { Activity } from '../../../local/activity';
import {
  functionOfAccessKey,
  LambdaFunction,
  type LambdaFunctionOptions,
  type LogLine,
} from '../../../local/functions/lambda-function';

interface Options extends Partial<Pick<LambdaFunctionOptions, 'timeoutMs' | 'environment' | 'maxConcurrency'>> {
  readonly file?: string;
}

/** Ints in the buffer of the clock, behind the offset: who is in `meet`, the most at once, and the sign to go. */
const [HERE, MOST, GO] = [2, 3, 4];

let functions: LambdaFunction[];
let lines: LogLine[];
let activity: Activity;
let clock: SharedArrayBuffer;

beforeEach(() => {
  functions = [];
  lines = [];
  activity = new Activity();
  clock = new SharedArrayBuffer(64);
});

afterEach(async () => {
  await Promise.all(functions.map((lambda) => lambda.close()));
});

function create(exportName: string, options: Options = {}): LambdaFunction {
  const { file = path.join(__dirname, 'handlers.mjs'), ...rest } = options;
  const setup = {
    clock,
    file,
    exportName,
    functionName: 'Shop-Api',
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Shop-Api',
    memorySize: 256,
  };
  const lambda = new LambdaFunction(
    { logicalId: 'Api', path: 'Shop/Api', setup, timeoutMs: 10_000, environment: {}, ...rest },
    activity,
    (line) => lines.push(line),
  );
  functions.push(lambda);
  return lambda;
}

/** What the function answers, which has to be a success. */
async function answerOf(lambda: LambdaFunction, event: unknown = {}): Promise<unknown> {
  const result = await lambda.invoke(event);
  if (!result.ok) throw new Error(`${result.errorType}: ${result.errorMessage}`);
  return JSON.parse(result.payload);
}

const texts = () => lines.map(({ text }) => text);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('an invocation', () => {
  test('hands the event in and the answer out', async () => {
    const lambda = create('echo');
    expect(await answerOf(lambda, { a: ['ü', null] })).toEqual({ a: ['ü', null] });
    expect(await lambda.invokeJson('{"b":1}')).toEqual({ ok: true, payload: '{"b":1}' });
    expect(await create('nothing').invoke({})).toEqual({ ok: true, payload: 'null' });
  });

  test('has the environment of its function and an access key of its worker, and nothing else', async () => {
    process.env.OF_THE_RUNNER = 'yes';
    const lambda = create('environment', { environment: { TABLE_NAME: 'orders', AWS_REGION: 'us-east-1' } });
    const environment = (await answerOf(lambda)) as Record<string, string>;
    delete process.env.OF_THE_RUNNER;
    expect(environment).toEqual({ TABLE_NAME: 'orders', AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'Api.1' });
    expect(functionOfAccessKey(environment.AWS_ACCESS_KEY_ID!)).toBe('Api');
  });

  test('has a context as on Lambda', async () => {
    const context = (await answerOf(create('context', { timeoutMs: 60_000 }))) as Record<string, unknown>;
    expect(context).toEqual({
      awsRequestId: expect.stringMatching(/^[\w-]{36}$/),
      callbackWaitsForEmptyEventLoop: true,
      functionName: 'Shop-Api',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Shop-Api',
      logGroupName: '/aws/lambda/Shop-Api',
      logStreamName: 'local',
      memoryLimitInMB: '256',
      remaining: expect.any(Number),
    });
    expect(context.remaining).toBeGreaterThan(50_000);
    expect(context.remaining).toBeLessThanOrEqual(60_000);
  });

  test('knows service time, and that it is local', async () => {
    const lambda = create('time');
    new Float64Array(clock)[0] = 5000;
    expect(await answerOf(lambda)).toEqual({ ahead: 5000, local: true });
    new Float64Array(clock)[0] = 6000;
    expect(await answerOf(lambda)).toEqual({ ahead: 6000, local: true });
  });

  test('passes on what is written, line by line, before its end; what is left at the end of the worker', async () => {
    const lambda = create('write');
    await answerOf(lambda);
    const written = ['one', 'two', 'three'].map((text) => ({ logicalId: 'Api', path: 'Shop/Api', text }));
    expect(lines).toEqual(written);
    await lambda.close();
    expect(texts()).toEqual(['one', 'two', 'three', 'not ended']);
  });

  test('counts as activity until it has ended', async () => {
    const lambda = create('echo');
    const invocation = lambda.invoke({});
    let ended = false;
    void invocation.then(() => {
      ended = true;
    });
    await activity.whenIdle(() => true);
    expect(ended).toBe(true);
    expect(activity.begun).toBe(1);
  });
});

describe('a failure', () => {
  test('of the function is its error, and the trace is logged', async () => {
    const lambda = create('fail');
    expect(await lambda.invoke({})).toEqual({ ok: false, errorType: 'RangeError', errorMessage: 'as asked' });
    expect(texts()).toEqual([expect.stringMatching(/^Shop-Api: RangeError: as asked\n +at /)]);
    expect(await lambda.invoke('text')).toEqual({ ok: false, errorType: 'string', errorMessage: 'as asked' });
    expect(texts()[1]).toBe('Shop-Api: as asked');
  });

  test('is an answer that is no JSON', async () => {
    expect(await create('unserializable').invoke({})).toMatchObject({ ok: false, errorType: 'TypeError' });
  });

  test.each(['idle', 'busy'])('is a time-out of a function that hangs %s; its worker is replaced', async (kind) => {
    const lambda = create('hang', { timeoutMs: 300, maxConcurrency: 1 });
    const timedOut = {
      ok: false,
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/^[\w-]{36} Task timed out after 0\.30 seconds$/),
    };
    expect(await Promise.all([lambda.invoke(kind), lambda.invoke(kind)])).toEqual([timedOut, timedOut]);
    const logged = expect.stringMatching(/^Shop-Api: Sandbox.Timedout: [\w-]{36} Task timed out after 0\.30 seconds$/);
    expect(texts()).toEqual(['about to hang', logged, 'about to hang', logged]);
  });

  test('is the end of the runtime; what it wrote before is kept', async () => {
    const lambda = create('exit', { maxConcurrency: 1 });
    const message = 'The runtime exited with code 3 before the invocation ended';
    for (const _again of [1, 2]) {
      expect(await lambda.invoke(3)).toEqual({ ok: false, errorType: 'Runtime.ExitError', errorMessage: message });
    }
    expect(texts().sort()).toEqual([
      `Shop-Api: Runtime.ExitError: ${message}`,
      `Shop-Api: Runtime.ExitError: ${message}`,
      'about to exit',
      'about to exit',
    ]);
  });

  test('is an error that nobody handles', async () => {
    const result = await create('unhandled').invoke({});
    expect(result).toEqual({
      ok: false,
      errorType: 'Runtime.UnhandledError',
      errorMessage: 'nobody handles this',
    });
    expect(texts()).toEqual([expect.stringContaining('nobody handles this')]);
  });

  test('after the answer concerns the worker only: the next invocation has a new one', async () => {
    const lambda = create('answerAndDie', { maxConcurrency: 1 });
    for (const _again of [1, 2, 3]) {
      const { length } = lines;
      expect(await answerOf(lambda)).toBe(1);
      await until(() => lines.length > length);
    }
    expect(texts()).toEqual(Array(3).fill(expect.stringContaining('after the answer')));
  });
});

describe('the code', () => {
  test('that cannot be loaded is told when it is warmed, and by each invocation', async () => {
    const lambda = create('echo', { file: path.join(__dirname, 'broken.mjs') });
    expect(await lambda.warm()).toBe('Error: environment variable REQUIRED is missing');
    expect(texts()[0]).toMatch(/^Shop-Api: Error: environment variable REQUIRED is missing\n +at /);
    const failed = { ok: false, errorType: 'Error', errorMessage: 'environment variable REQUIRED is missing' };
    expect(await lambda.invoke({})).toEqual(failed);
    expect(await lambda.invoke({})).toEqual(failed);
  });

  test.each(['notAFunction', 'missing'])('without the function %s is told', async (exportName) => {
    expect(await create(exportName).warm()).toMatch(new RegExp(`handlers.mjs exports no function ${exportName}$`));
  });

  test('may be CommonJS', async () => {
    const lambda = create('handler', { file: path.join(__dirname, 'common.cjs') });
    expect(await lambda.warm()).toBeUndefined();
    expect(await answerOf(lambda)).toBe('common');
  });
});

describe('the pool', () => {
  const shared = () => new Int32Array(clock);
  const letGo = () => {
    Atomics.store(shared(), GO, 1);
    Atomics.notify(shared(), GO);
  };

  test('keeps workers warm: one after the other they share one', async () => {
    const lambda = create('count');
    await lambda.warm();
    expect([await answerOf(lambda), await answerOf(lambda), await answerOf(lambda)]).toEqual([1, 2, 3]);
  });

  test('runs as many at once as the event sources ask for, and the others afterwards', async () => {
    const lambda = create('meet', { maxConcurrency: 2 });
    const invocations = Promise.all([1, 2, 3, 4, 5].map(() => answerOf(lambda)));
    await until(() => Atomics.load(shared(), HERE) === 2);
    letGo();
    await invocations;
    expect(Atomics.load(shared(), MOST)).toBe(2);
  });

  test('without a limit takes four for each processor', async () => {
    const lambda = create('meet', { timeoutMs: 60_000 });
    const size = cpus().length * 4;
    const invocations = Promise.all(Array.from({ length: size + 1 }, () => answerOf(lambda)));
    await until(() => Atomics.load(shared(), HERE) === size);
    letGo();
    await invocations;
    expect(Atomics.load(shared(), MOST)).toBe(size);
  });

  test('gives each worker an access key of its own', async () => {
    const lambda = create('environment', { maxConcurrency: 2 });
    const environments = (await Promise.all([answerOf(lambda), answerOf(lambda)])) as Record<string, string>[];
    expect(environments.map(({ AWS_ACCESS_KEY_ID }) => AWS_ACCESS_KEY_ID).sort()).toEqual(['Api.1', 'Api.2']);
  });

  test('loses the one worker that is ended, and starts another in its place', async () => {
    const lambda = create('hang', { maxConcurrency: 1 });
    const running = lambda.invoke({});
    const waiting = lambda.invoke({});
    await until(() => lines.length === 1);
    await lambda.end('Api.2');
    await lambda.end('Api.1');
    expect(await running).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });
    await until(() => lines.length === 2);
    await lambda.end('Api.2');
    expect(await waiting).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });
  });

  test('that is closed ends what runs without a word, and what waits', async () => {
    const lambda = create('hang', { maxConcurrency: 1 });
    const running = lambda.invoke({});
    const waiting = lambda.invoke({});
    await until(() => lines.length === 1);
    await lambda.close();
    const ended = { ok: false, errorType: 'Runtime.ExitError' };
    expect(await running).toMatchObject(ended);
    expect(await waiting).toMatchObject(ended);
    expect(await lambda.invoke({})).toMatchObject(ended);
    expect(texts()).toEqual(['about to hang']);
  });
});

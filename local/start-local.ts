import { Env } from '../lib/names';
import { Activity } from './activity';
import { readAssembly } from './assembly/read-assembly';
import { Stack } from './assembly/stack';
import type { StackAssembly } from './assembly/template';
import type { Interceptor } from './aws-call';
import { ServiceClock } from './clock';
import { DEV_READ_ONLY_TOKEN, DEV_SIGNING_KEYS, DEV_TOKEN } from './credentials';
import { createBuckets } from './deploy/buckets';
import { createCustomResources } from './deploy/custom-resources';
import { doorResources, readDoor } from './deploy/doors';
import { concurrencyOf, readMappings } from './deploy/event-sources';
import { callerOf, functionOptions, type ServiceEndpoints } from './deploy/functions';
import { createQueues, queueNameOf } from './deploy/queues';
import { readSchedules } from './deploy/schedules';
import { createSecrets, readField } from './deploy/secrets';
import { createTables } from './deploy/tables';
import { QueueSource } from './events/queue-source';
import { Schedule } from './events/schedule';
import { functionOfAccessKey, LambdaFunction, type LogLine } from './functions/lambda-function';
import type { InvocationResult } from './functions/lambda-worker';
import { FrontDoor } from './http/front-door';
import { localRoutes } from './http/local-routes';
import { type Caller, checkPermissions } from './iam/check-permissions';
import { Roles } from './iam/roles';
import type { QueueDepth } from './sqs/sqs-server';
import { StandIns } from './stand-ins';
import { type Journey, savedOffset, TimeTravel } from './time-travel';

/** How to run an assembly locally. */
export interface LocalOptions {
  /** Directory of a cloud assembly (`cdk.out`), or one stack of it. */
  readonly assembly: string | StackAssembly;
  /** Port of the front door, 8080 by default; 0 takes a free one. Further front doors take the next ones. */
  readonly port?: number;
  /** Address to listen on, 127.0.0.1 by default. */
  readonly host?: string;
  /** Keeps everything over restarts and kills; in memory when absent. */
  readonly dataDir?: string;
  /** Runs only the constructs at or below this path, such as `MyStack/QStash`. */
  readonly path?: string;
  /** Sees every call of the functions to DynamoDB, SQS, S3 and Secrets Manager, before permissions are checked. */
  readonly intercept?: Interceptor;
  /** Receives what the functions write, line by line, and refused calls. */
  readonly onLogLine?: (line: LogLine) => void;
  /** Uses a DynamoDB that runs elsewhere, such as `http://127.0.0.1:8000`, in place of the embedded one. */
  readonly dynamoDbEndpoint?: string;
}

/** Something that the template creates, as it exists locally. */
export interface LocalResource {
  readonly type: string;
  readonly logicalId: string;
  /** What `Ref` gives: a name, a URL or an ARN. */
  readonly ref: string;
  readonly arn: string;
}

/** A running service. */
export interface LocalService {
  /** Address of the first front door, without a slash at the end. */
  readonly url: string;
  /** Address of each front door by the construct path of its HTTP API or Function URL. */
  readonly urls: Readonly<Record<string, string>>;
  readonly token: string;
  readonly readOnlyToken: string;
  readonly signingKeys: { readonly current: string; readonly next: string };
  readonly clock: ServiceClock;
  /** Addresses of the stand-ins, for the AWS SDK; any credentials will do. */
  readonly endpoints: ServiceEndpoints;
  /** Moves service time on by `milliseconds`, event by event. */
  advance(milliseconds: number): Promise<Journey>;
  /** Resolves when no function runs, no queue with a function has a visible message, and no item is being expired. */
  whenIdle(): Promise<void>;
  /** Invokes the function at or below a construct path, such as `Stack/QStash/Promote`. */
  invoke(functionPath: string, event: unknown): Promise<InvocationResult>;
  /** How many messages each queue has, by construct path. */
  queues(): Readonly<Record<string, QueueDepth>>;
  /** The bodies of all messages of each queue, by construct path, hidden ones too; receives none. */
  messages(): Readonly<Record<string, readonly string[]>>;
  /** The keys of all objects of each bucket, by construct path. */
  objects(): Readonly<Record<string, readonly string[]>>;
  /** Ends the worker of a function that calls with this access key, as when its process dies. */
  endWorker(accessKeyId: string): Promise<void>;
  /** Everything that runs, by construct path. */
  readonly resources: Readonly<Record<string, LocalResource>>;
  close(): Promise<void>;
}

/** The port of the front door is taken. */
export class PortInUseError extends Error {
  constructor(readonly port: number) {
    super(`Port ${port} is in use. Choose another with --port or QSTASH_DEV_PORT.`);
  }
}

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';

/**
 * Runs a synthesized template on embedded stand-ins of the AWS services it uses. Rejects with
 * `AssemblyError` when something in the template cannot work, naming it, with `DataDirectoryError` when the
 * directory is in use or damaged, and with {@link PortInUseError}.
 */
export async function startLocal(options: LocalOptions): Promise<LocalService> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await start(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  options: LocalOptions,
  closers: (() => unknown)[],
  close: () => Promise<void>,
): Promise<LocalService> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, dataDir, path: scope } = options;
  const log = options.onLogLine ?? (() => undefined);
  const assembly = typeof options.assembly === 'string' ? readAssembly(options.assembly, scope) : options.assembly;
  const clock = new ServiceClock(dataDir === undefined ? 0 : savedOffset(dataDir));
  closers.push(() => clock.stop());
  const activity = new Activity();
  const functions = new Map<string, LambdaFunction>();
  const callers = new Map<string, Caller>();

  const permissions = checkPermissions(
    (accessKeyId) => callers.get(functionOfAccessKey(accessKeyId)),
    ({ logicalId, path: functionPath }, text) => log({ logicalId, path: functionPath, text }),
  );
  const intercept = chain(options.intercept, permissions);
  const standIns = await StandIns.open({ clock, intercept, dataDir, dynamoDbEndpoint: options.dynamoDbEndpoint });
  closers.push(() => standIns.close());
  const { endpoints } = standIns;

  const doors = new Map<string, FrontDoor>();
  const stack = new Stack(assembly, { sqs: endpoints.sqs, frontDoor: (id) => doors.get(id)?.url ?? '' }, scope);
  let timeTravel: TimeTravel | undefined;
  const secretField = (variable: string, field: string) => readField(stack, standIns.secrets, variable, field);
  const routes = localRoutes({
    token: () => secretField(Env.TOKEN_SECRET_ARN, 'token'),
    now: () => clock.now(),
    travel: () => timeTravel!,
  });
  for (const [index, resource] of doorResources(stack).entries()) {
    const problem = (text: string) => log({ logicalId: resource.logicalId, path: resource.path, text });
    const door = new FrontDoor(host, routes, problem);
    const doorPort = port === 0 ? 0 : port + index;
    await door.listen(doorPort).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EADDRINUSE' ? new PortInUseError(doorPort) : error;
    });
    closers.push(() => door.close());
    doors.set(resource.logicalId, door);
  }

  const roles = new Roles(stack);
  const mappings = readMappings(stack, roles);
  const schedulesRead = readSchedules(stack, roles);
  const doorsRead = doorResources(stack).map((resource) => readDoor(stack, resource));
  const run = stack.functions();
  for (const resource of run) {
    const concurrency = concurrencyOf(mappings, resource.logicalId);
    const read = functionOptions(stack, resource, clock.buffer, endpoints, concurrency);
    callers.set(resource.logicalId, callerOf(stack, roles, resource));
    functions.set(resource.logicalId, new LambdaFunction(read, activity, log));
  }
  closers.push(() => Promise.all([...functions.values()].map((lambda) => lambda.close())));

  await createTables(stack, standIns);
  createQueues(stack, standIns.sqs);
  createBuckets(stack, standIns.s3);
  createSecrets(stack, standIns.secrets);
  await Promise.all(
    run.map(async (resource) => {
      const broken = await functions.get(resource.logicalId)!.warm();
      if (broken !== undefined) resource.stop(`does not start: ${broken}`);
    }),
  );
  await createCustomResources(stack, (logicalId) => functions.get(logicalId));

  const sources = mappings.map(
    ({ functionId, options: source }) =>
      new QueueSource(source, standIns.sqs, functions.get(functionId)!, clock, activity),
  );
  const schedules = schedulesRead.map(
    ({ arn, nextRun, input, functionId }) =>
      new Schedule(arn, nextRun, input, functions.get(functionId)!, clock, activity),
  );
  const polled = new Set(sources.map(({ options: { queueName } }) => queueName));
  const isQuiet = () =>
    !standIns.expiring && !standIns.sqs.depths().some(({ name, receivable }) => receivable && polled.has(name));
  const whenIdle = () => activity.whenIdle(isQuiet);
  timeTravel = new TimeTravel(clock, schedules, whenIdle, dataDir);
  closers.push(async () => {
    for (const schedule of schedules) schedule.stop();
    await Promise.all(sources.map((source) => source.stop()));
  });
  for (const source of sources) source.start();
  for (const schedule of schedules) schedule.start();
  for (const { kind, resource, functionId, timeoutMs } of doorsRead) {
    doors
      .get(resource.logicalId)!
      .open({ kind, apiId: resource.logicalId, target: functions.get(functionId)!, timeoutMs });
  }

  const urls = Object.fromEntries(doorsRead.map(({ resource }) => [resource.path, doors.get(resource.logicalId)!.url]));
  return {
    url: Object.values(urls)[0] ?? '',
    urls,
    token: secretField(Env.TOKEN_SECRET_ARN, 'token') ?? DEV_TOKEN,
    readOnlyToken: secretField(Env.TOKEN_SECRET_ARN, 'readOnlyToken') ?? DEV_READ_ONLY_TOKEN,
    signingKeys: {
      current: secretField(Env.SIGNING_KEY_SECRET_ARN, 'current') ?? DEV_SIGNING_KEYS.current,
      next: secretField(Env.SIGNING_KEY_SECRET_ARN, 'next') ?? DEV_SIGNING_KEYS.next,
    },
    clock,
    endpoints,
    advance: (milliseconds) => timeTravel.advance(milliseconds),
    whenIdle,
    invoke: (functionPath, event) => functionAt(functions, functionPath).invoke(event),
    queues: () => {
      const depths = new Map(standIns.sqs.depths().map((depth) => [depth.name, depth]));
      const queues = stack.ofType('AWS::SQS::Queue');
      return Object.fromEntries(queues.map((queue) => [queue.path, depths.get(queueNameOf(stack, queue))!]));
    },
    messages: () =>
      Object.fromEntries(
        stack.ofType('AWS::SQS::Queue').map((queue) => [queue.path, standIns.sqs.bodies(queueNameOf(stack, queue))]),
      ),
    objects: () =>
      Object.fromEntries(
        stack.ofType('AWS::S3::Bucket').map((bucket) => [bucket.path, standIns.s3.keys(stack.ref(bucket))]),
      ),
    endWorker: async (accessKeyId) => functions.get(functionOfAccessKey(accessKeyId))?.end(accessKeyId),
    resources: Object.fromEntries(
      stack.all().map((resource) => {
        const { type, logicalId } = resource;
        return [resource.path, { type, logicalId, ref: stack.ref(resource), arn: stack.arn(resource) }];
      }),
    ),
    close,
  };
}

function chain(outer: Interceptor | undefined, inner: Interceptor): Interceptor {
  return outer === undefined ? inner : (call, execute) => outer(call, () => inner(call, execute));
}

function functionAt(functions: ReadonlyMap<string, LambdaFunction>, functionPath: string): LambdaFunction {
  const found = [...functions.values()].filter(
    (lambda) => lambda.path === functionPath || lambda.path.startsWith(`${functionPath}/`),
  );
  if (found.length !== 1) throw new Error(`${found.length} functions at or below ${functionPath}.`);
  return found[0]!;
}

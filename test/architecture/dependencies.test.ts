import { type Import, readSources, type Source } from './sources';

const LAMBDA = readSources('lambda');
const LIB = readSources('lib');
const LOCAL = readSources('local');
const SOURCES = [...LAMBDA, ...LIB, ...LOCAL, ...readSources('bin', 'bench')];

/** The runtime's layers, from the outermost to the innermost. */
const LAYERS = {
  handler: /^lambda\/[\w-]+\.handler\.ts$/,
  http: /^lambda\/http\//,
  useCase: /^lambda\/(publish|url-group|queue|schedule|flow-control|wait|deliver|dlq|callback|logs|keys)\//,
  store: /^lambda\/store\//,
  /** Clock and settings: what the rules get as arguments. */
  surroundings: /^lambda\/(clock|config)\.ts$/,
  rules: /^lambda\/(message|retry)\//,
};
type Layer = keyof typeof LAYERS;

const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  handler: ['http', 'useCase'],
  http: ['http', 'useCase', 'surroundings', 'rules'],
  useCase: ['useCase', 'store', 'surroundings', 'rules'],
  store: ['store', 'surroundings', 'rules'],
  // Of the rules only the types of settings.
  surroundings: ['rules'],
  rules: ['rules'],
};

/** Imports beyond that, each with the reason. */
const ALSO: Readonly<Record<string, string>> = {
  // To read a message is all that there is to do.
  'lambda/http/message-routes.ts': 'lambda/store/message-rows.ts',
  // What AWS refuses of a batch has its cause there alone.
  'lambda/store/batches.ts': 'lambda/logs/write-line.ts',
};

function layerOf(file: string): Layer {
  const layer = (Object.keys(LAYERS) as Layer[]).find((name) => LAYERS[name].test(file));
  if (layer === undefined) throw new Error(`${file} is in no layer`);
  return layer;
}

/** `file -> import` of what a rule refuses. */
function refused(
  sources: readonly Source[],
  isRefused: (from: string, file: string, names: readonly string[]) => boolean,
) {
  return sources.flatMap(({ file, imports }) =>
    imports.filter(({ from, names }) => isRefused(from, file, names)).map(({ from }) => `${file} -> ${from}`),
  );
}

/** `file: name` of every mention of a name that a rule refuses. */
function mentioned(sources: readonly Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ file, mentions }) =>
    [...mentions].filter((name) => pattern.test(name)).map((name) => `${file}: ${name}`),
  );
}

const isSource = (from: string) => /^(lambda|lib|local|bin|bench|test)\//.test(from);
const isAwsSdk = (from: string) => /^@(aws-sdk|smithy)\//.test(from);

describe('the runtime', () => {
  test('depends from the outside to the inside', () => {
    const inLambda = (from: string) => from.startsWith('lambda/');
    const broken = refused(
      LAMBDA,
      (from, file) => inLambda(from) && !MAY_IMPORT[layerOf(file)].includes(layerOf(from)) && ALSO[file] !== from,
    );
    expect(broken).toEqual([]);
  });

  test('needs every exception to that', () => {
    for (const [file, from] of Object.entries(ALSO)) {
      expect(LAMBDA.find((source) => source.file === file)!.imports.map((taken) => taken.from)).toContain(from);
    }
  });

  test('calls AWS in its use cases and its store alone', () => {
    const outside = (file: string) => !['useCase', 'store'].includes(layerOf(file));
    expect(refused(LAMBDA, (from, file) => isAwsSdk(from) && outside(file))).toEqual([]);
  });

  test('takes of the constructs their names alone', () => {
    expect(refused(LAMBDA, (from) => isSource(from) && !/^lambda\/|^lib\/names\.ts$/.test(from))).toEqual([]);
    expect(LIB.find(({ file }) => file === 'lib/names.ts')!.imports).toEqual([]);
  });

  test('exports nothing for its tests alone', () => {
    const uses = (sources: readonly Source[]) =>
      new Set(
        sources.flatMap(({ imports }) => imports.flatMap(({ from, names }) => names.map((name) => `${from} ${name}`))),
      );
    const used = uses(SOURCES);
    const tested = uses(readSources('test'));
    const exported = LAMBDA.flatMap(({ file, exports }) => exports.map((name) => `${file} ${name}`));
    expect(exported.filter((name) => tested.has(name) && !used.has(name))).toEqual([
      // The table of routes is what the table of access is checked against.
      'lambda/http/routes.ts ROUTES',
      // Used by who imports the module only when it is needed.
      'lambda/store/objects.ts getObject',
    ]);
  });
});

describe('the rules of messages and retries', () => {
  const rules = LAMBDA.filter(({ file }) => LAYERS.rules.test(file));

  test('take nothing but hashes from outside', () => {
    const isHash = (from: string, names: readonly string[]) => from === 'node:crypto' && String(names) === 'createHash';
    expect(refused(rules, (from, _file, names) => !LAYERS.rules.test(from) && !isHash(from, names))).toEqual([]);
  });

  test('know no clock, no chance and no process', () => {
    const impure =
      /^(Date\.now|new Date|performance|Math\.random|crypto|process|globalThis|serviceNow|wallNow|set(Timeout|Interval|Immediate)|fetch)$/;
    expect(mentioned(rules, impure)).toEqual([]);
  });
});

describe('the network', () => {
  const CLIENT = ['lambda/deliver/call-destination.ts', 'lambda/deliver/connect.ts'];
  const NETWORK = /^(node:)?(net|tls|http|https|http2|dgram|dns|dns\/promises)$|^(undici|axios|got|ws)$/;
  /** Names of node:net that judge addresses and open nothing. */
  const ADDRESSES = ['BlockList', 'isIP', 'isIPv4', 'isIPv6'];

  test('is reached through one client', () => {
    const opens = (from: string, names: readonly string[]) =>
      NETWORK.test(from) && !(from === 'node:net' && names.every((name) => ADDRESSES.includes(name)));
    expect(refused(LAMBDA, (from, file, names) => opens(from, names) && !CLIENT.includes(file))).toEqual([]);
    for (const file of CLIENT)
      expect(refused(LAMBDA, (from, importer) => importer === file && NETWORK.test(from))).not.toEqual([]);
  });

  test('is fetched from once, for CloudFormation', () => {
    const fetching = mentioned(LAMBDA, /^(globalThis\.)?(fetch|WebSocket|EventSource|XMLHttpRequest)$/);
    expect(fetching).toEqual(['lambda/fill-secrets.handler.ts: fetch']);
  });
});

test('the constructs know neither the runtime nor local mode', () => {
  expect(refused(LIB, (from) => isSource(from) && !from.startsWith('lib/'))).toEqual([]);
});

test('local mode takes of the constructs their names, and of the runtime how durations and refusals are written', () => {
  const taken = refused(LOCAL, (from) => /^(lambda|lib)\//.test(from) && from !== 'lib/names.ts');
  expect(taken).toEqual([
    'local/http/local-routes.ts -> lambda/http/duration.ts',
    'local/http/local-routes.ts -> lambda/http/http-error.ts',
  ]);
});

test('only what runs it imports the command line, the bench and the tests', () => {
  const outermost = /^(bin|bench|test)\//;
  expect(refused(SOURCES, (from, file) => outermost.test(from) && !outermost.test(file))).toEqual([]);
});

/** Ways from files back to themselves, along the imports that count. */
function cyclesOf(sources: readonly Source[], counts: (taken: Import) => boolean): string[] {
  const imports = new Map(sources.map((source) => [source.file, source.imports.filter(counts)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) cycles.push([...way.slice(way.indexOf(file)), file].join(' -> '));
    if (way.includes(file) || done.has(file)) return;
    for (const { from } of imports.get(file) ?? []) visit(from, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return cycles;
}

test('no file needs itself to be loaded', () => {
  expect(cyclesOf(SOURCES, ({ isOfTypes }) => !isOfTypes)).toEqual([]);
});

test('no file of the runtime or the constructs depends on itself, not even by its types', () => {
  expect(cyclesOf([...LAMBDA, ...LIB], () => true)).toEqual([]);
});

test('every import of a file is there', () => {
  const files = new Set(SOURCES.map(({ file }) => file));
  expect(refused(SOURCES, (from) => isSource(from) && !files.has(from))).toEqual([]);
});

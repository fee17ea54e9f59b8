import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { AssemblyError, type StackAssembly, type Template } from './template';

interface Manifest {
  readonly artifacts?: Readonly<Record<string, Artifact>>;
}
interface Artifact {
  readonly type: string;
  readonly properties?: {
    readonly templateFile?: string;
    readonly stackName?: string;
    readonly directoryName?: string;
  };
  readonly metadata?: Metadata;
  readonly additionalMetadataFile?: string;
}
type Metadata = Readonly<Record<string, readonly { readonly type: string; readonly data?: unknown }[]>>;
interface AssetManifest {
  readonly files?: Readonly<
    Record<string, { readonly source: { readonly path?: string; readonly packaging?: string } }>
  >;
}

/**
 * Reads the stack to run from a cloud assembly (`cdk.out`). With one stack that one; with several, the one
 * that `constructPath` (such as `MyStack/QStash`) lies in. Throws {@link AssemblyError} when there is no
 * assembly, or when it cannot tell which stack is meant.
 */
export function readAssembly(directory: string, constructPath?: string): StackAssembly {
  const stacks = readStacks(directory);
  if (stacks.length === 0) throw new AssemblyError(`The cloud assembly ${directory} has no stack.`);
  if (constructPath === undefined) {
    if (stacks.length === 1) return stacks[0]!;
    const names = stacks.map((stack) => stack.stackName).join(', ');
    throw new AssemblyError(
      `The cloud assembly ${directory} has ${stacks.length} stacks (${names}): say which construct to run with --path Stack/Construct.`,
    );
  }
  const inside = stacks.filter((stack) =>
    Object.keys(stack.template.Resources ?? {}).some((id) => liesIn(constructPathOf(stack, id), constructPath)),
  );
  if (inside.length === 1) return inside[0]!;
  const about = inside.length === 0 ? 'No resource' : 'More than one stack has resources';
  throw new AssemblyError(`${about} below ${constructPath} in the cloud assembly ${directory}.`);
}

/** The construct path of a resource, or its logical id where the assembly does not tell. */
export function constructPathOf(stack: StackAssembly, logicalId: string): string {
  const recorded = stack.template.Resources?.[logicalId]?.Metadata?.['aws:cdk:path'];
  return typeof recorded === 'string' ? recorded : (stack.paths?.[logicalId] ?? logicalId);
}

/** Whether the construct at `constructPath` is `scope` or below it. */
export function liesIn(constructPath: string, scope: string): boolean {
  const prefix = scope.replace(/^\/+|\/+$/g, '');
  return constructPath === prefix || constructPath.startsWith(`${prefix}/`);
}

function readStacks(directory: string): StackAssembly[] {
  const file = path.join(directory, 'manifest.json');
  if (!existsSync(file)) {
    throw new AssemblyError(`${directory} is no cloud assembly: it has no manifest.json. Run cdk synth first.`);
  }
  const artifacts = Object.entries(readJson<Manifest>(file).artifacts ?? {});
  const nested = artifacts
    .filter(([, artifact]) => artifact.type === 'cdk:cloud-assembly')
    .flatMap(([id, artifact]) => readStacks(path.join(directory, artifact.properties?.directoryName ?? id)));
  const assets = Object.assign({}, ...artifacts.map(([, artifact]) => assetsOf(directory, artifact)));
  const stacks = artifacts
    .filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack')
    .map(([id, artifact]) => ({
      stackName: artifact.properties?.stackName ?? id,
      template: readJson<Template>(path.join(directory, artifact.properties?.templateFile ?? `${id}.template.json`)),
      assets,
      paths: pathsOf(directory, artifact),
    }));
  return [...stacks, ...nested];
}

function assetsOf(directory: string, artifact: Artifact): Record<string, string> {
  if (artifact.type !== 'cdk:asset-manifest') return {};
  const { file } = artifact.properties as { file?: string };
  const { files = {} } = readJson<AssetManifest>(path.join(directory, file ?? ''));
  const directories: Record<string, string> = {};
  for (const [hash, { source }] of Object.entries(files)) {
    if (source.path !== undefined) directories[hash] = path.resolve(directory, source.path);
  }
  return directories;
}

function pathsOf(directory: string, artifact: Artifact): Record<string, string> {
  const more =
    artifact.additionalMetadataFile === undefined
      ? {}
      : readJson<Metadata>(path.join(directory, artifact.additionalMetadataFile));
  const paths: Record<string, string> = {};
  for (const [constructPath, entries] of Object.entries({ ...artifact.metadata, ...more })) {
    for (const { type, data } of entries) {
      if (type === 'aws:cdk:logicalId' && typeof data === 'string') paths[data] = constructPath.replace(/^\//, '');
    }
  }
  return paths;
}

function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    throw new AssemblyError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

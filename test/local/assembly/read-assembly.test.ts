import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { App, CfnResource, Stack, Stage } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { constructPathOf, liesIn, readAssembly } from '../../../local/assembly/read-assembly';
import { AssemblyError } from '../../../local/assembly/template';
import { temporaryDirectory } from '../fixtures/directory';

/** The directory of an assembly with what `build` puts into the app. */
function synthesize(build: (app: App) => void, context: Record<string, unknown> = {}): string {
  const app = new App({ outdir: temporaryDirectory(), analyticsReporting: false, context });
  build(app);
  return app.synth().directory;
}

/** A stack with one resource `Topic` and one in a construct `Part`. */
function addStack(scope: Construct, id: string, stackName?: string): void {
  const stack = new Stack(scope, id, stackName === undefined ? {} : { stackName });
  new CfnResource(stack, 'Topic', { type: 'AWS::SNS::Topic' });
  new CfnResource(new Construct(stack, 'Part'), 'Queue', { type: 'AWS::SQS::Queue' });
}

// CloudFormation's rules are not what is tested here, and cost seconds.
process.env.CDK_VALIDATION = 'false';

function typesOf(assembly: string, constructPath?: string): string[] {
  return Object.values(readAssembly(assembly, constructPath).template.Resources ?? {}).map(({ Type }) => Type);
}

test('the one stack is read with its name, its template and its construct paths', () => {
  const stack = readAssembly(synthesize((app) => addStack(app, 'Shop', 'shop-prod')));
  expect(stack.stackName).toBe('shop-prod');
  const paths = Object.keys(stack.template.Resources!).map((id) => constructPathOf(stack, id));
  expect(paths).toEqual(['Shop/Topic', 'Shop/Part/Queue']);
});

test('without path metadata in the template the manifest tells the construct paths', () => {
  const assembly = synthesize((app) => addStack(app, 'Shop'), { 'aws:cdk:enable-path-metadata': false });
  const stack = readAssembly(assembly, 'Shop/Part');
  expect(Object.values(stack.template.Resources!).every(({ Metadata }) => Metadata === undefined)).toBe(true);
  expect(
    Object.keys(stack.template.Resources!)
      .map((id) => constructPathOf(stack, id))
      .sort(),
  ).toEqual(['Shop/Part/Queue', 'Shop/Topic']);
  expect(constructPathOf(stack, 'Nowhere')).toBe('Nowhere');
});

test('several stacks are told apart by a path', () => {
  const assembly = synthesize((app) => {
    addStack(app, 'Shop');
    addStack(app, 'Shopping');
  });
  expect(readAssembly(assembly, 'Shop').stackName).toBe('Shop');
  expect(readAssembly(assembly, 'Shopping/Part').stackName).toBe('Shopping');
  expect(readAssembly(assembly, '/Shopping/Part/').stackName).toBe('Shopping');
  expect(() => readAssembly(assembly)).toThrow(
    new AssemblyError(
      `The cloud assembly ${assembly} has 2 stacks (Shop, Shopping): say which construct to run with --path Stack/Construct.`,
    ),
  );
  expect(() => readAssembly(assembly, 'Sho')).toThrow(
    new AssemblyError(`No resource below Sho in the cloud assembly ${assembly}.`),
  );
});

test('a single stack still has to have the path', () => {
  const assembly = synthesize((app) => addStack(app, 'Shop'));
  expect(typesOf(assembly, 'Shop/Part')).toHaveLength(2);
  expect(() => readAssembly(assembly, 'Shop/Other')).toThrow('No resource below Shop/Other');
});

test('stacks of stages lie in assemblies of their own, with their assets', () => {
  const content = temporaryDirectory();
  writeFileSync(path.join(content, 'index.mjs'), 'export {}');
  const assembly = synthesize((app) => {
    addStack(app, 'Pipeline');
    for (const name of ['Beta', 'Prod']) {
      const stage = new Stage(app, name);
      addStack(stage, 'Shop');
      new Asset(stage.node.findChild('Shop'), 'Code', { path: content });
    }
  });
  const stack = readAssembly(assembly, 'Prod/Shop/Part');
  expect(stack.stackName).toBe('Prod-Shop');
  expect(Object.values(stack.assets).filter((asset) => existsSync(path.join(asset, 'index.mjs')))).toHaveLength(1);
  expect(typesOf(assembly, 'Pipeline')).toEqual(['AWS::SNS::Topic', 'AWS::SQS::Queue']);
  expect(() => readAssembly(assembly)).toThrow('has 3 stacks (Pipeline, Beta-Shop, Prod-Shop)');
});

test('a path above several stacks is no answer', () => {
  const assembly = synthesize((app) => {
    const stage = new Stage(app, 'Prod');
    addStack(stage, 'One');
    addStack(stage, 'Two');
  });
  expect(() => readAssembly(assembly, 'Prod')).toThrow(
    new AssemblyError(`More than one stack has resources below Prod in the cloud assembly ${assembly}.`),
  );
});

test('what is no assembly, or an empty or damaged one, is told', () => {
  const empty = temporaryDirectory();
  expect(() => readAssembly(empty)).toThrow(
    new AssemblyError(`${empty} is no cloud assembly: it has no manifest.json. Run cdk synth first.`),
  );
  const without = synthesize(() => undefined);
  expect(() => readAssembly(without)).toThrow(new AssemblyError(`The cloud assembly ${without} has no stack.`));
  const damaged = temporaryDirectory();
  writeFileSync(path.join(damaged, 'manifest.json'), '{');
  expect(() => readAssembly(damaged)).toThrow(AssemblyError);
  expect(() => readAssembly(damaged)).toThrow(`${path.join(damaged, 'manifest.json')} cannot be read: `);
  const partial = temporaryDirectory();
  const artifacts = { Shop: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Gone.json' } } };
  writeFileSync(path.join(partial, 'manifest.json'), JSON.stringify({ artifacts }));
  expect(() => readAssembly(partial)).toThrow(`${path.join(partial, 'Gone.json')} cannot be read: ENOENT`);
});

test('a file in place of the directory is told', () => {
  const file = path.join(temporaryDirectory(), 'template.json');
  writeFileSync(file, '{}');
  expect(() => readAssembly(file)).toThrow(`${file} is no cloud assembly`);
});

test.each([
  ['Shop', 'Shop', true],
  ['Shop/Part', 'Shop', true],
  ['Shop/Part', '/Shop/Part/', true],
  ['Shopping', 'Shop', false],
  ['Shop', 'Shop/Part', false],
  ['Other/Shop', 'Shop', false],
])('%s lies in %s: %s', (constructPath, scope, expected) => {
  expect(liesIn(constructPath, scope)).toBe(expected);
});

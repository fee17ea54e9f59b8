import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Ajv from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { openApiDocument } from '../../../../lambda/http/openapi/document';
import { ROUTES, router } from '../../../../lambda/http/routes';

const document = openApiDocument('https://api.example.com');

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly example?: string;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, unknown>>;
}

const OPERATIONS = Object.entries(document.paths).flatMap(([template, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    method: method.toUpperCase(),
    template,
    operation: operation as unknown as Operation,
  })),
);
const NAMES = OPERATIONS.map(({ method, template }) => `${method} ${template}`);

/** The route that answers the operation with its examples in its path. */
function routeOf({ method, template, operation }: (typeof OPERATIONS)[number]) {
  const inPath = operation.parameters?.filter((parameter) => parameter.in === 'path') ?? [];
  const examples = new Map(inPath.map(({ name, example }) => [name, example!]));
  return router.find({ method, path: template.replace(/\{(\w+)\}/g, (_, name) => examples.get(name)!) }).route;
}

/** Every object within the document, with the way to it. */
function* objectsIn(value: unknown, way = '#'): Generator<[string, Readonly<Record<string, unknown>>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [way, value as Readonly<Record<string, unknown>>];
  for (const [key, part] of Object.entries(value)) yield* objectsIn(part, `${way}/${key.replaceAll('/', '~1')}`);
}

test('it is OpenAPI 3.1', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'openapi-'));
  try {
    const file = path.join(folder, 'openapi.json');
    const validator = createRequire(__filename).resolve('@seriousme/openapi-schema-validator');
    const command = path.join(path.dirname(validator), 'bin', 'validate-api-cli.js');
    writeFileSync(file, JSON.stringify(document));
    const output = execFileSync(process.execPath, [command, file], { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({ valid: true });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(OPERATIONS.map((operation, index) => [NAMES[index]!, operation]))(
  '%s is answered by a route of that path and access',
  (_, operation) => {
    const route = routeOf(operation);
    if (!route.path.endsWith('*')) {
      expect(route.path.replace(/:\w+/g, '{}')).toBe(operation.template.replace(/\{\w+\}/g, '{}'));
    }
    const { security, responses } = operation.operation;
    expect([security, '401' in responses, '403' in responses]).toEqual(
      {
        anyone: [[], false, false],
        read: [undefined, true, false],
        write: [undefined, true, true],
      }[route.access],
    );
  },
);

test.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route]))('%s is described', (_, route) => {
  expect(OPERATIONS.map(routeOf)).toContain(route);
});

test('operations have names of their own, and the parameters of their path', () => {
  const ids = OPERATIONS.map(({ operation }) => operation.operationId);
  expect(ids).toEqual([...new Set(ids)]);
  for (const { template, operation } of OPERATIONS) {
    const inPath = operation.parameters?.filter((parameter) => parameter.in === 'path') ?? [];
    expect(inPath.map(({ name }) => `{${name}}`)).toEqual(template.match(/\{\w+\}/g) ?? []);
  }
});

test('every parameter has an example that its schema takes', () => {
  const ajv = new Ajv();
  addFormats(ajv);
  const parameters = [...objectsIn(document)].filter(([, part]) => 'in' in part && 'schema' in part);
  expect(parameters.length).toBeGreaterThan(Object.keys(document.components.parameters).length);
  for (const [way, { schema, example }] of parameters) {
    expect([way, example, ajv.validate(schema as object, example)]).toEqual([way, example, true]);
  }
});

test('nothing is left open: objects have the keys that are named, or values of one kind', () => {
  const open = [...objectsIn(document)].filter(
    ([, { type, additionalProperties: more }]) =>
      String(type).split(',').includes('object') && more !== false && (more === undefined || more === true),
  );
  expect(open.map(([way]) => way)).toEqual([]);
});

test('every component is referred to, and every reference leads to one', () => {
  const references = [...objectsIn(document)].flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []));
  const { securitySchemes: _, ...components } = document.components;
  const names = Object.entries(components).flatMap(([kind, parts]) =>
    Object.keys(parts).map((name) => `#/components/${kind}/${name}`),
  );
  expect([...new Set(references)].sort()).toEqual(names.sort());
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { RESOURCE_TYPES, resourceType } from '../../../local/assembly/resource-types';

/** The table as the documentation has it: types that are alike share a row. */
function table(): string {
  const rows = new Map<string, string[]>();
  for (const [type, { support, about }] of Object.entries(RESOURCE_TYPES)) {
    const key = `${support} | ${about}`;
    rows.set(key, [...(rows.get(key) ?? []), `\`${type}\``]);
  }
  const lines = [...rows].map(([key, types]) => `| ${types.join(', ')} | ${key} |`);
  return ['| type | support | what that means |', '|---|---|---|', ...lines, ''].join('\n');
}

test('the documentation has the table of the types, word for word', () => {
  const docs = readFileSync(path.join(__dirname, '../../../docs/local-mode.md'), 'utf8');
  const [, printed] = /\n(\| type \|[\s\S]*?\n)\n/.exec(docs) ?? [];
  expect(printed).toBe(table());
});

test('every custom resource is of one kind, and what is not in the table is unknown', () => {
  expect(resourceType('Custom::Anything')).toBe(RESOURCE_TYPES['Custom::*']);
  expect(resourceType('AWS::SQS::Queue')).toBe(RESOURCE_TYPES['AWS::SQS::Queue']);
  expect(resourceType('AWS::Events::Rule')).toBeUndefined();
});

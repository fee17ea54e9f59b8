import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { synthesize, VARIANTS } from '../lib/synthesize';

const LOCAL = path.join(__dirname, '../../.venv/bin/cfn-lint');
const COMMAND = existsSync(LOCAL) ? LOCAL : 'cfn-lint';
const folder = mkdtempSync(path.join(tmpdir(), 'cfn-lint-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A dependency that is also implied by a reference: CDK writes them for every function and its role. */
const IGNORED = 'W3005';

function lint(name: string, template: unknown): string {
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(template));
  const { error, stdout, stderr } = spawnSync(
    COMMAND,
    ['--non-zero-exit-code', 'none', '--ignore-checks', IGNORED, '--regions', 'us-east-1', '--', file],
    { encoding: 'utf8' },
  );
  if (error !== undefined) {
    throw new Error(
      `cfn-lint is not installed (${error.message}): run \`python3 -m venv .venv && .venv/bin/pip install cfn-lint\``,
    );
  }
  return `${stdout}${stderr}`.trim();
}

test.each(Object.keys(VARIANTS))('CloudFormation would take the template: %s', (variant) => {
  expect(lint(variant, synthesize(VARIANTS[variant]).template.toJSON())).toBe('');
});

test('a property that does not exist is found', () => {
  const broken = { Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { Delay: 1 } } } };
  expect(lint('broken', broken)).toContain("'Delay'");
});

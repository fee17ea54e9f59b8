import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDynamoDbLocal } from '../external/dynamodb-local';

/**
 * Starts DynamoDB Local before all test files, and synthesizes a service behind a Function URL; they find both in
 * their environment.
 */
export default async function setup(): Promise<void> {
  const CDK_OUTDIR = mkdtempSync(path.join(tmpdir(), 'cdk-qstash-e2e-'));
  execFileSync(process.execPath, ['--import', 'tsx', path.join(__dirname, 'function-url-app.ts')], {
    stdio: 'inherit',
    env: { ...process.env, CDK_OUTDIR, CDK_VALIDATION: 'false' },
  });
  process.env.E2E_ASSEMBLY = CDK_OUTDIR;
  const server = await startDynamoDbLocal();
  process.env.DYNAMODB_ENDPOINT = server.endpoint;
  Object.assign(globalThis, { stopDynamoDbLocal: server.stop });
}

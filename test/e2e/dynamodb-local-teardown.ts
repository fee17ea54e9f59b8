import { rmSync } from 'node:fs';

/** Stops what the setup has started, and deletes what it has written. */
export default async function teardown(): Promise<void> {
  await (globalThis as unknown as { stopDynamoDbLocal(): Promise<void> }).stopDynamoDbLocal();
  rmSync(process.env.E2E_ASSEMBLY!, { recursive: true });
}

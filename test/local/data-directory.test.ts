import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DataDirectoryError } from '../../local/data-directory';
import { startLocal } from '../../local/start-local';
import { Service, type ServiceOptions, synthesize } from './fixtures/app';
import { temporaryDirectory } from './fixtures/directory';
import { closeAll, type Run, run } from './fixtures/run';

const DAY_MS = 86_400_000;

let dataDir: string;

beforeEach(() => {
  dataDir = path.join(temporaryDirectory(), 'data');
});

afterEach(closeAll);

const start = (options: ServiceOptions = {}) =>
  run(
    synthesize((stack) => new Service(stack, 'One', options)),
    { dataDir },
  );

const send = ({ call }: Run, MessageBody: string, DelaySeconds: number) =>
  call('/send', JSON.stringify({ MessageBody, DelaySeconds }));
const queue = ({ service }: Run) => service.queues()['Test/One/Queue/Resource']!;

test('messages, items, secrets and time outlive a restart', async () => {
  const before = await start({ nextWorkAt: '0' });
  await send(before, 'later', 900);
  await before.call('/put', 'kept');
  await before.service.advance(10 * DAY_MS);
  await send(before, 'still later', 900);
  const { endpoints, resources, token } = before.service;
  const client = new SecretsManagerClient({
    endpoint: endpoints.secretsManager,
    region: 'us-east-1',
    credentials: { accessKeyId: 'me', secretAccessKey: 'x' },
  });
  const SecretId = resources['Test/One/TokenSecret/Resource']!.ref;
  await client.send(new PutSecretValueCommand({ SecretId, SecretString: `{"token":"${token}2"}` }));
  client.destroy();
  await before.service.close();

  const after = await start();
  expect(Math.round((after.service.clock.now() - Date.now()) / DAY_MS)).toBe(10);
  expect(after.service.token).toBe(`${token}2`);
  expect(await after.call('/get', 'kept')).toHaveProperty('Item');
  expect(queue(after)).toMatchObject({ delayed: 1, visible: 0, inFlight: 0 });
  await after.service.advance(900_000);
  expect(after.events('consumed').map(({ body }) => body)).toEqual(['still later']);
});

test('a message whose function was running comes back at once after a restart', async () => {
  const before = await start({ consumeTimeoutSeconds: 30 });
  await send(before, 'hang', 0);
  await before.until(() => before.events('consumed').length === 1);
  await before.service.close();
  const after = await start({ consumeTimeoutSeconds: 30 });
  await after.until(() => after.events('consumed').length === 1);
});

test('a template that has changed is what runs from then on', async () => {
  const before = await start({ withEventSource: false, visibilitySeconds: 600 });
  await send(before, 'waits', 0);
  await before.service.close();
  const after = await start({ visibilitySeconds: 30 });
  await after.until(() => after.events('consumed').length === 1);
  await after.service.whenIdle();
  expect(queue(after)).toMatchObject({ visible: 0, inFlight: 0 });
});

test('one directory serves one process; the second is told, and the first is unharmed', async () => {
  const first = await start({ withEventSource: false });
  await send(first, 'before', 0);
  const assembly = synthesize((stack) => new Service(stack, 'One', { withEventSource: false }));
  const second = startLocal({ assembly, port: 0, dataDir });
  await expect(second).rejects.toThrow(
    new DataDirectoryError(`${dataDir} is in use by another process: end that one, or take another directory.`),
  );
  await send(first, 'after', 0);
  await first.service.close();
  const again = await start();
  await again.until(() => again.events('consumed').length === 2);
  expect(
    again
      .events('consumed')
      .map(({ body }) => body)
      .sort(),
  ).toEqual(['after', 'before']);
});

test('a directory that is damaged is told, and can be opened when it is mended', async () => {
  await (await start()).service.close();
  const journal = path.join(dataDir, 'sqs', 'sqs.journal');
  expect(existsSync(journal)).toBe(true);
  writeFileSync(journal, 'nonsense\n');
  const error = await start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DataDirectoryError);
  expect((error as Error).message).toBe(`The queue journal ${journal} is corrupt in the record at byte 0.`);
  writeFileSync(journal, '');
  expect(await (await start()).call('/put', 'x')).toMatchObject({ ok: true });
});

import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DataDirectoryError } from '../../../local/data-directory';
import { type Secret, SecretStore } from '../../../local/secrets/secret-store';
import { temporaryDirectory } from '../fixtures/directory';

/** The values of a secret by the stages they have. */
function stagesOf(secret: Secret | undefined): Record<string, string> {
  return Object.fromEntries(
    secret!.versions.flatMap(({ stages, secretString }) => stages.map((stage) => [stage, secretString!])),
  );
}

test('a secret is found by its ARN and by its name, and created once', () => {
  const store = new SecretStore(undefined);
  const created = store.create('arn:a', 'a', 5);
  expect(created).toEqual({ arn: 'arn:a', name: 'a', createdAt: 5, versions: [] });
  store.put(created, { secretString: 'value' }, 6);
  store.create('arn:a', 'a', 7);
  expect(store.find('a')).toBe(store.find('arn:a'));
  expect(stagesOf(store.find('a'))).toEqual({ AWSCURRENT: 'value' });
  expect(store.find('b')).toBeUndefined();
});

test('a new version is the current one, the one before the previous one, and older ones go', () => {
  const store = new SecretStore(undefined);
  store.create('arn', 'name', 0);
  for (const secretString of ['1', '2', '3']) store.put(store.find('arn')!, { secretString }, 1);
  expect(stagesOf(store.find('arn'))).toEqual({ AWSCURRENT: '3', AWSPREVIOUS: '2' });
  expect(store.find('arn')!.versions).toHaveLength(2);
});

test('a version with a stage of its own leaves the current one alone', () => {
  const store = new SecretStore(undefined);
  store.create('arn', 'name', 0);
  for (const secretString of ['1', '2']) store.put(store.find('arn')!, { secretString }, 1);
  for (const secretString of ['3', '4']) {
    store.put(store.find('arn')!, { secretString, stages: ['AWSPENDING'] }, 2);
  }
  expect(stagesOf(store.find('arn'))).toEqual({ AWSCURRENT: '2', AWSPREVIOUS: '1', AWSPENDING: '4' });
});

describe('with a directory', () => {
  test('secrets outlive a restart, in a file that only the user may read', () => {
    const dir = path.join(temporaryDirectory(), 'secrets');
    const store = new SecretStore(dir);
    store.put(store.create('arn', 'name', 0), { secretString: 'value', versionId: 'v' }, 1);
    const again = new SecretStore(dir);
    expect(again.find('name')).toEqual(store.find('name'));
    expect(statSync(path.join(dir, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  test('a kill while they are saved leaves what was before, and they can be saved again', () => {
    const dir = temporaryDirectory();
    const child = path.join(__dirname, '..', 'killed-child.ts');
    const { signal } = spawnSync(process.execPath, ['--import', 'tsx', child, 'secrets', dir], { stdio: 'inherit' });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(path.join(dir, 'secrets.json.partial'))).toBe(true);
    const store = new SecretStore(dir);
    expect(stagesOf(store.find('arn'))).toEqual({ AWSCURRENT: 'first' });
    store.put(store.find('arn')!, { secretString: 'third' }, 3);
    expect(stagesOf(new SecretStore(dir).find('arn'))).toEqual({ AWSCURRENT: 'third', AWSPREVIOUS: 'first' });
  });

  test('a damaged file is told without quoting it', () => {
    const dir = temporaryDirectory();
    const file = path.join(dir, 'secrets.json');
    writeFileSync(file, 'token-of-somebody');
    expect(() => new SecretStore(dir)).toThrow(
      new DataDirectoryError(`${file} is damaged: it is no JSON. Remove it to start without what it held.`),
    );
  });
});

/**
 * Saves something in a data directory, then dies by SIGKILL while it saves the next: that is written, but not
 * yet in place of the first.
 */
import fs from 'node:fs';
import { ServiceClock } from '../../local/clock';
import { SecretStore } from '../../local/secrets/secret-store';
import { TimeTravel } from '../../local/time-travel';

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function clock(dir: string): Promise<void> {
  const travel = new TimeTravel(new ServiceClock(), [], async () => undefined, dir);
  await travel.advance(1000);
  fs.renameSync = die;
  await travel.advance(1_000_000);
}

function secrets(dir: string): void {
  const store = new SecretStore(dir);
  store.put(store.create('arn', 'name', 0), { secretString: 'first' }, 1);
  fs.renameSync = die;
  store.put(store.find('arn')!, { secretString: 'second' }, 2);
}

const [, , what, dir] = process.argv;
void (what === 'clock' ? clock(dir!) : secrets(dir!));

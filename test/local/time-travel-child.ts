/** Saves an offset, then dies by SIGKILL while it saves the next one: it is written but not yet in place. */
import fs from 'node:fs';
import { ServiceClock } from '../../local/clock';
import { TimeTravel } from '../../local/time-travel';

async function main(dir: string): Promise<void> {
  const travel = new TimeTravel(new ServiceClock(), [], async () => undefined, dir);
  await travel.advance(1000);
  fs.renameSync = () => process.kill(process.pid, 'SIGKILL');
  await travel.advance(1_000_000);
}

void main(process.argv[2]!);

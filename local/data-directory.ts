import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** A data directory that cannot be used as it is. Shown without a stack trace. */
export class DataDirectoryError extends Error {}

/** What a JSON file holds; undefined when there is none. Throws {@link DataDirectoryError} for a damaged one. */
export function readDataFile(file: string): unknown {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new DataDirectoryError(`${file} is damaged: it is no JSON. Remove it to start without what it held.`);
  }
}

/** Writes a JSON file that is old or new but never half, wherever a kill falls. Only the user may read it. */
export function writeDataFile(file: string, value: unknown): void {
  const partial = `${file}.partial`;
  writeFileSync(partial, JSON.stringify(value), { mode: 0o600 });
  renameSync(partial, file);
}

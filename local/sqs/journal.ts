import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const CHECK_LENGTH = 16;
const NEWLINE = 10;

/** The journal has been changed or damaged since it was written. */
export class CorruptJournalError extends Error {
  /** `offset` is the byte at which the damaged record begins; everything before it is sound. */
  constructor(
    readonly path: string,
    readonly offset: number,
  ) {
    super(`The queue journal ${path} is corrupt in the record at byte ${offset}.`);
    this.name = 'CorruptJournalError';
  }
}

/**
 * Records on disk, one JSON line each after its checksum. The checksum covers the record and the checksum
 * before it, so a record that is changed, missing or out of place is noticed. `append` returns when the
 * operating system has the record: the end of this process loses nothing, a power cut may.
 */
export class Journal<T> {
  /** Bytes in the file now. */
  size = 0;
  /** Bytes in the file when it was last written anew. */
  compactedSize = 0;
  private readonly path: string;
  private fd: number | undefined;
  private check = '';

  /** Opens nothing yet; call {@link read} and then {@link rewrite} before the first {@link append}. */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.path = join(dir, 'sqs.journal');
  }

  /**
   * All records of the file, in order; none when there is no file. An unfinished last record is left out:
   * nobody was told that it was kept. Throws {@link CorruptJournalError} for any other damage.
   */
  read(): T[] {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const records: T[] = [];
    let check = '';
    let offset = 0;
    while (offset < bytes.length) {
      const end = bytes.indexOf(NEWLINE, offset);
      const line = bytes.subarray(offset, end === -1 ? bytes.length : end);
      if (end === -1) {
        // A torn write is a beginning of its record. A whole record with one byte too many had a newline there.
        if (isRecord(line.subarray(0, -1), check)) throw new CorruptJournalError(this.path, offset);
        break;
      }
      if (!isRecord(line, check)) throw new CorruptJournalError(this.path, offset);
      check = line.toString('latin1', 0, CHECK_LENGTH);
      records.push(JSON.parse(line.toString('utf8', CHECK_LENGTH + 1)) as T);
      offset = end + 1;
    }
    return records;
  }

  /** Replaces the file by these records, at once or not at all, and leaves it open for {@link append}. */
  rewrite(records: Iterable<T>): void {
    const temporary = `${this.path}.new`;
    const fd = openSync(temporary, 'w');
    const before = { fd: this.fd, size: this.size, check: this.check };
    this.fd = fd;
    this.size = 0;
    this.check = '';
    try {
      for (const record of records) this.append(record);
      fsyncSync(fd);
      renameSync(temporary, this.path);
    } catch (error) {
      closeSync(fd);
      Object.assign(this, before);
      throw error;
    }
    if (before.fd !== undefined) closeSync(before.fd);
    this.compactedSize = this.size;
  }

  /** Adds one record and returns when it is kept. Throws, and keeps nothing of it, when the disk is full. */
  append(record: T): void {
    const json = JSON.stringify(record);
    const check = checksum(this.check, Buffer.from(json));
    const line = Buffer.from(`${check} ${json}\n`);
    try {
      let written = 0;
      while (written < line.length) {
        written += writeSync(this.fd!, line, written, line.length - written, this.size + written);
      }
    } catch (error) {
      ftruncateSync(this.fd!, this.size);
      throw error;
    }
    this.size += line.length;
    this.check = check;
  }

  /** Closes the file. */
  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}

function checksum(previous: string, json: Uint8Array): string {
  return createHash('sha256').update(previous).update(json).digest('hex').slice(0, CHECK_LENGTH);
}

function isRecord(line: Buffer, previous: string): boolean {
  if (line.length <= CHECK_LENGTH || line[CHECK_LENGTH] !== 32) return false;
  return line.toString('latin1', 0, CHECK_LENGTH) === checksum(previous, line.subarray(CHECK_LENGTH + 1));
}

import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { DataDirectoryError } from '../data-directory';

/** What is known of an object besides its bytes. */
export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  /** Service time, milliseconds. */
  readonly createdAt: number;
  readonly contentType: string;
  /** Hexadecimal. */
  readonly md5: string;
  /** Base64; what the uploader sent, once it was found right. */
  readonly crc32?: string;
}

/** Objects whose key begins with `prefix` expire after whole days. */
export interface LifecycleRule {
  readonly prefix: string;
  readonly days: number;
}

const DAY_MS = 86_400_000;
/** Room for the longest key and all else that is known of an object. */
const LONGEST_HEAD = 16_384;
const PARTIAL = '.partial';

/** Where the bytes of an object are: in memory, or in a file behind its head. */
type Place = { readonly bytes: Buffer } | { readonly file: string; readonly offset: number };

/**
 * The objects of one bucket, each in a file of its own below `dir`, or in memory. A file is one JSON line and then
 * the bytes; it is in its place only when it is complete and on the disk, so a kill leaves the old object or the new.
 */
export class Bucket {
  private readonly objects = new Map<string, { readonly info: ObjectInfo; readonly place: Place }>();
  private rules: readonly LifecycleRule[] = [];

  /** Throws {@link DataDirectoryError} for a damaged file. */
  constructor(private readonly dir: string | undefined) {
    if (dir === undefined) return;
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(dir)) {
      const file = path.join(dir, name);
      // Nobody was told that it was kept.
      if (name.endsWith(PARTIAL)) rmSync(file);
      else this.load(file);
    }
  }

  set lifecycle(rules: readonly LifecycleRule[]) {
    this.rules = rules;
  }

  get keys(): string[] {
    return [...this.objects.keys()];
  }

  info(key: string): ObjectInfo | undefined {
    return this.objects.get(key)?.info;
  }

  /** Bytes `start` to before `end` of an object that exists. */
  read(key: string, start: number, end: number): Buffer {
    const { place } = this.objects.get(key)!;
    if ('bytes' in place) return place.bytes.subarray(start, end);
    const fd = openSync(place.file, 'r');
    try {
      const bytes = Buffer.alloc(end - start);
      readFully(fd, bytes, place.offset + start);
      return bytes;
    } finally {
      closeSync(fd);
    }
  }

  /** Keeps an object in place of the one of this key; returns when it outlives the end of this process. */
  put(info: ObjectInfo, bytes: Buffer): void {
    this.objects.set(info.key, { info, place: this.dir === undefined ? { bytes } : write(this.dir, info, bytes) });
  }

  delete(key: string): void {
    const object = this.objects.get(key);
    if (object === undefined) return;
    if ('file' in object.place) rmSync(object.place.file);
    this.objects.delete(key);
  }

  /** When an object is deleted by the lifecycle: at the midnight (UTC) after its days; undefined for never. */
  expiryOf({ key, createdAt }: ObjectInfo): number | undefined {
    const days = this.rules.filter(({ prefix }) => key.startsWith(prefix)).map((rule) => rule.days);
    if (days.length === 0) return undefined;
    return Math.ceil((createdAt + Math.min(...days) * DAY_MS) / DAY_MS) * DAY_MS;
  }

  /** Deletes what has expired; returns when the next object does. */
  expire(now: number): number | undefined {
    let next: number | undefined;
    for (const { info } of [...this.objects.values()]) {
      const at = this.expiryOf(info);
      if (at === undefined) continue;
      if (at <= now) this.delete(info.key);
      else next = Math.min(next ?? at, at);
    }
    return next;
  }

  private load(file: string): void {
    const { size } = statSync(file);
    const head = Buffer.alloc(Math.min(size, LONGEST_HEAD));
    const fd = openSync(file, 'r');
    try {
      readFully(fd, head, 0);
    } finally {
      closeSync(fd);
    }
    const offset = head.indexOf('\n') + 1;
    try {
      const info = JSON.parse(head.toString('utf8', 0, offset)) as ObjectInfo;
      if (size !== offset + info.size) throw new Error('it has another length');
      this.objects.set(info.key, { info, place: { file, offset } });
    } catch (error) {
      throw new DataDirectoryError(
        `${file} is damaged: ${(error as Error).message}. Remove it to start without the object that it held.`,
      );
    }
  }
}

function write(dir: string, info: ObjectInfo, bytes: Buffer): Place {
  const file = path.join(dir, createHash('sha256').update(info.key).digest('hex'));
  const partial = `${file}.${randomUUID()}${PARTIAL}`;
  const head = Buffer.from(`${JSON.stringify(info)}\n`);
  const fd = openSync(partial, 'w', 0o600);
  try {
    writeSync(fd, head);
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    fsyncSync(fd);
  } catch (error) {
    rmSync(partial);
    throw error;
  } finally {
    closeSync(fd);
  }
  renameSync(partial, file);
  return { file, offset: head.length };
}

function readFully(fd: number, into: Buffer, position: number): void {
  for (let read = 0; read < into.length; ) {
    const more = readSync(fd, into, read, into.length - read, position + read);
    if (more === 0) throw new Error('the file ends early');
    read += more;
  }
}

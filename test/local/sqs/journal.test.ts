import fs, { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CorruptJournalError, Journal } from '../../../local/sqs/journal';

interface Entry {
  readonly text: string;
}

const RECORDS: readonly Entry[] = [{ text: 'first' }, { text: 'zweiter ü' }, { text: '' }, { text: 'last\nline 🚀' }];

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sqs-journal-'));
  path = join(dir, 'sqs.journal');
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

function write(records: readonly Entry[]): Buffer {
  const journal = new Journal<Entry>(dir);
  journal.rewrite([]);
  for (const record of records) journal.append(record);
  journal.close();
  return readFileSync(path);
}

function read(): Entry[] {
  return new Journal<Entry>(dir).read();
}

/** Byte at which each record begins. */
function starts(bytes: Buffer): number[] {
  const found = [0];
  for (let at = bytes.indexOf('\n'); at !== -1 && at < bytes.length - 1; at = bytes.indexOf('\n', at + 1)) {
    found.push(at + 1);
  }
  return found;
}

test('what was appended is read back in order', () => {
  write(RECORDS);
  expect(read()).toEqual(RECORDS);
});

test('there is nothing in a new directory', () => {
  expect(read()).toEqual([]);
});

test('a last record that is cut off at any byte is left out, and nothing else', () => {
  const bytes = write(RECORDS);
  const lastStart = starts(bytes).at(-1)!;
  for (let length = lastStart; length < bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    const complete = length === bytes.length;
    expect(read()).toEqual(complete ? RECORDS : RECORDS.slice(0, -1));
  }
});

test('every single flipped bit is reported, with the record that it is in', () => {
  const bytes = write(RECORDS);
  const offsets = starts(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    const at = bit >> 3;
    flipped[at] = flipped[at]! ^ (1 << (bit & 7));
    writeFileSync(path, flipped);
    let error: unknown;
    try {
      read();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CorruptJournalError);
    expect((error as CorruptJournalError).offset).toBe(offsets.findLast((offset) => offset <= at));
  }
});

test('a record that is missing, doubled or out of place is reported', () => {
  const lines = write(RECORDS).toString().split('\n').slice(0, -1);
  const [a, b, c, d] = lines as [string, string, string, string];
  for (const [order, offset] of [
    [[a, c, d], a],
    [[b, c, d], ''],
    [[a, b, b, c, d], `${a}\n${b}`],
    [[a, c, b, d], a],
  ] as const) {
    writeFileSync(path, `${order.join('\n')}\n`);
    const expected = offset === '' ? 0 : Buffer.byteLength(offset) + 1;
    expect(read).toThrow(expect.objectContaining({ name: 'CorruptJournalError', offset: expected }));
  }
});

test('a rewritten journal holds the new records and can be continued', () => {
  write(RECORDS);
  const journal = new Journal<Entry>(dir);
  journal.rewrite([{ text: 'kept' }]);
  journal.append({ text: 'added' });
  journal.close();
  expect(read()).toEqual([{ text: 'kept' }, { text: 'added' }]);
});

test('a rewrite that fails leaves the journal as it was', () => {
  const journal = new Journal<Entry>(dir);
  journal.rewrite(RECORDS);
  const failing = function* () {
    yield { text: 'lost' };
    throw new Error('no more');
  };
  expect(() => journal.rewrite(failing())).toThrow('no more');
  journal.append({ text: 'added' });
  journal.close();
  expect(read()).toEqual([...RECORDS, { text: 'added' }]);
});

test('an append that fails half way keeps nothing, and the next one is kept', () => {
  const journal = new Journal<Entry>(dir);
  journal.rewrite(RECORDS);
  const realWrite = fs.writeSync as (fd: number, bytes: Buffer, from: number, length: number, at: number) => number;
  let calls = 0;
  const full = jest.spyOn(fs, 'writeSync').mockImplementation(((fd, bytes, from, _length, at) => {
    if (calls++ > 0) throw new Error('ENOSPC');
    return realWrite(fd, bytes, from, 5, at);
  }) as typeof realWrite as typeof fs.writeSync);
  expect(() => journal.append({ text: 'too much' })).toThrow('ENOSPC');
  full.mockRestore();
  journal.append({ text: 'fits' });
  journal.close();
  expect(read()).toEqual([...RECORDS, { text: 'fits' }]);
});

/** Where records of a file begin: for readers that do not start at its first byte. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../../src/base/errors.ts';
import { readFailure } from '../disk.ts';

const NEWLINE = 10;
const QUOTE = 34;
const BLOCK_BYTES = 1 << 18;

/** What of the lines of a format has to be known to find where records begin, and what stands in front of them. */
export interface LineRules {
  /** A line break between quotes ends no record. */
  readonly areQuoted: boolean;
  /** Bytes of what stands before the first record of every file, when it is all in `bytes`; undefined: there is no such thing. */
  readonly header: ((bytes: Uint8Array) => number | undefined) | undefined;
}

/** The first byte at or behind `offset` where a record begins; undefined: the first of the file. E1510 behind its end. */
export function recordAt(path: string, offset: number, rules: LineRules): number | undefined {
  if (offset === 0) return undefined;
  return withFile(path, (fd, size) => {
    if (offset > size) {
      const problem = `it has ${size} bytes`;
      throw new UserError('E1510', { source: path, option: `startAt { offset: ${offset} }`, problem });
    }
    // Only the text in front says whether a line break stands in quotes.
    for (const start of recordStarts(fd, rules.areQuoted ? 0 : offset - 1, rules)) if (start >= offset) return start;
    return size;
  });
}

/** Where the record begins that is being written at the end: behind the last newline that ends one. */
export function lastRecord(path: string, rules: LineRules): number {
  return withFile(path, (fd, size) => {
    let last = 0;
    if (rules.areQuoted) for (const start of recordStarts(fd, 0, rules)) last = start;
    else {
      for (let end = size; end > 0 && last === 0; end -= BLOCK_BYTES) {
        const at = Math.max(0, end - BLOCK_BYTES);
        last = at + readBlock(fd, at, end - at).lastIndexOf(NEWLINE) + 1;
        if (last === at) last = 0;
      }
    }
    return last;
  });
}

/** Places behind the newlines that end records, from a place on that is in no quotes. */
function* recordStarts(fd: number, from: number, { areQuoted }: LineRules): Generator<number, void> {
  let isQuoted = false;
  for (let at = from; ; ) {
    const block = readBlock(fd, at);
    if (block.length === 0) return;
    for (let i = 0; i < block.length; i++) {
      if (areQuoted && block[i] === QUOTE) isQuoted = !isQuoted;
      else if (block[i] === NEWLINE && !isQuoted) yield at + i + 1;
    }
    at += block.length;
  }
}

function readBlock(fd: number, at: number, most = BLOCK_BYTES): Uint8Array {
  const block = new Uint8Array(most);
  return block.subarray(0, readSync(fd, block, 0, most, at));
}

function withFile<T>(path: string, use: (fd: number, size: number) => T): T {
  try {
    const fd = openSync(path, 'r');
    try {
      return use(fd, fstatSync(fd).size);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw readFailure(path, error);
  }
}

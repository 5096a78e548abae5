/** Where lines of a file begin: for readers that do not start at its first byte. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../../src/base/errors.ts';
import { readFailure } from '../disk.ts';

const NEWLINE = 10;
const BLOCK_BYTES = 65_536;

/** The first byte at or behind `offset` at which a line begins; undefined: the first of the file. E1510 behind its end. */
export function lineAt({ path }: { readonly path: string }, offset: number): number | undefined {
  if (offset === 0) return undefined;
  return withFile(path, (fd, size) => {
    if (offset > size) {
      throw new UserError('E1510', {
        source: path,
        option: `startAt { offset: ${offset} }`,
        problem: `it has ${size} bytes`,
      });
    }
    // A line begins behind each newline.
    for (let at = offset - 1; at < size; at += BLOCK_BYTES) {
      const newline = readBlock(fd, at).indexOf(NEWLINE);
      if (newline >= 0) return at + newline + 1;
    }
    return size;
  });
}

/** Where the line begins that is written last: behind the last newline. */
export function lastLine(path: string): number {
  return withFile(path, (fd, size) => {
    for (let end = size; end > 0; end -= BLOCK_BYTES) {
      const at = Math.max(0, end - BLOCK_BYTES);
      const newline = readBlock(fd, at, end - at).lastIndexOf(NEWLINE);
      if (newline >= 0) return at + newline + 1;
    }
    return 0;
  });
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

/**
 * A file of bids of any size, made at the speed of the disk: one block of lines again and again, each time with later
 * timestamps, so that event time goes on as in a file that was made line by line.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { bidFile } from '../../benches/support/bids.ts';

const BLOCK_LINES = 200_000;
/** What a block of so many lines takes of event time, ms: ten bids a millisecond. */
const BLOCK_MS = BLOCK_LINES / 10;
const FIELD = '"dateTime":';
const DIGITS = 13;

export interface LargeFile {
  readonly lines: number;
  readonly bytes: number;
  readonly blocks: number;
  /** The lines of the first block. */
  readonly block: readonly string[];
}

/** Writes whole blocks until the file holds at least `bytes`. */
export function writeLargeBids(path: string, bytes: number): LargeFile {
  const block = readFileSync(bidFile('uniform', BLOCK_LINES).path);
  const text = block.toString('latin1');
  const stamps = timestampsOf(text);
  const blocks = Math.ceil(bytes / block.length);
  const file = openSync(path, 'w');
  for (let number = 0; number < blocks; number++) {
    for (const { at, time } of stamps) block.write(String(time + number * BLOCK_MS), at, DIGITS, 'latin1');
    writeSync(file, block);
  }
  closeSync(file);
  return { lines: blocks * BLOCK_LINES, bytes: blocks * block.length, blocks, block: text.trimEnd().split('\n') };
}

function timestampsOf(text: string): readonly { readonly at: number; readonly time: number }[] {
  const found: { at: number; time: number }[] = [];
  for (let at = text.indexOf(FIELD); at >= 0; at = text.indexOf(FIELD, at + 1)) {
    const digits = at + FIELD.length;
    found.push({ at: digits, time: Number(text.slice(digits, digits + DIGITS)) });
  }
  return found;
}

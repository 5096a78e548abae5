/**
 * Where records of a file begin: for readers that do not start at its first byte.
 *
 * Invariants
 *  1. A record begins where it does for whoever reads from the first byte (src/format/csv.ts says where that is, for
 *     records with quotes in wrong places as well).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../../src/base/errors.ts';
import { readFailure } from '../disk.ts';
import { markLengthOf } from './chunks.ts';

const NEWLINE = 10;
const QUOTE = 34;
const BLOCK_BYTES = 1 << 18;

export interface QuotedRecords {
  /** The byte between fields. */
  readonly separator: number;
  /** A record with more bytes ends with the line in which it has them, whatever its quotes say. */
  readonly recordBytesMax: number;
}

/** What of the lines of a format has to be known to find where records begin, and what stands in front of them. */
export interface LineRules {
  /** Of records whose fields may stand in quotes: a line break in these ends none. Undefined: each line is a record. */
  readonly quoted: QuotedRecords | undefined;
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
    const from = rules.quoted === undefined ? offset - 1 : 0;
    for (const start of recordStarts(fd, from, rules)) if (start >= offset) return start;
    return size;
  });
}

/** Where the record begins that is being written at the end: behind the last newline that ends one. */
export function lastRecord(path: string, rules: LineRules): number {
  return withFile(path, (fd, size) => {
    let last = 0;
    if (rules.quoted !== undefined) for (const start of recordStarts(fd, 0, rules)) last = start;
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

/** Places behind the newlines that end records, from a place on where one begins. */
function* recordStarts(fd: number, from: number, { quoted }: LineRules): Generator<number, void> {
  const fields = quoted === undefined ? undefined : new QuotedFields(quoted, from);
  for (let at = from; ; ) {
    const block = readBlock(fd, at);
    if (block.length === 0) return;
    for (let i = at === 0 ? markLengthOf(block) : 0; i < block.length; i++) {
      if (fields?.endsAt(block[i] ?? 0, at + i) ?? block[i] === NEWLINE) yield at + i + 1;
    }
    at += block.length;
  }
}

type Place = 'start' | 'plain' | 'quoted' | 'closed' | 'broken';

/**
 * Follows the quotes of records.
 *
 *   start --"--> quoted <--"--> closed --separator--> start        any, at the end of a record --> start
 *   start --other--> plain --separator--> start                    plain --"--> broken, closed --other--> broken
 */
class QuotedFields {
  readonly #separator: number;
  readonly #bytesMax: number;
  #record: number;
  #at: Place = 'start';

  constructor({ separator, recordBytesMax }: QuotedRecords, from: number) {
    this.#separator = separator;
    this.#bytesMax = recordBytesMax;
    this.#record = from;
  }

  /** Whether the byte at this place, the next one, ends a record. */
  endsAt(byte: number, place: number): boolean {
    if (byte === NEWLINE && (this.#at !== 'quoted' || place - this.#record > this.#bytesMax)) {
      this.#record = place + 1;
      this.#at = 'start';
      return true;
    }
    this.#at = this.#behind(byte);
    return false;
  }

  #behind(byte: number): Place {
    switch (this.#at) {
      case 'start':
      case 'plain':
        if (byte === this.#separator) return 'start';
        if (byte !== QUOTE) return 'plain';
        return this.#at === 'start' ? 'quoted' : 'broken';
      case 'quoted':
        return byte === QUOTE ? 'closed' : 'quoted';
      case 'closed':
        if (byte === QUOTE) return 'quoted';
        if (byte === this.#separator) return 'start';
        return 'broken';
      default:
        return 'broken';
    }
  }
}

function readBlock(fd: number, at: number, most = BLOCK_BYTES): Uint8Array {
  const block = new Uint8Array(Math.max(0, Math.min(most, fstatSync(fd).size - at)));
  return block.subarray(0, readSync(fd, block, 0, block.length, at));
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

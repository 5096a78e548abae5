/**
 * Records of lines: chunks of bytes in, record batches out. A record is a line, or several where a format lets line
 * breaks stand inside one.
 *
 *   base        start            linesEnd         filled          base + capacity   + padding
 *   +-----------+----------------+----------------+---------------+-----------------+
 *   | parsed    | complete lines | unfinished line| free          |
 *   +-----------+----------------+----------------+---------------+-----------------+
 *
 * Invariants
 *  1. Rows, dead letters and positions depend on the bytes of the stream and on the limits given to `next` alone, never
 *     on how the bytes were cut into chunks.
 *  2. `position` is the absolute offset of the first record that has not been answered for; a decoder that starts there
 *     with the same bytes goes on with the same rows and dead letters.
 *  3. A batch lives until the next `next`, `push` or `space`: those move and overwrite the input that its views point
 *     to.
 *  4. Of a line longer than lineBytesMax only lineBytesMax + 1 bytes are kept, which is what the parser refuses its
 *     record for; how many were left out, and where, stands in a gap.
 * Not here: what a record is (the parser of a format), a byte order mark, decompression (the caller takes them off).
 */
import { assert } from '../base/assert.ts';
import { type DeadLetter, LETTER_BYTES_MAX } from '../connector/source.ts';
import type { BatchOrigin, Ptr, RecordBatch } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import { PADDING_BYTES, type ParseResult, type RecordParsing, type RefusedRecord } from '../kernel/record-parser.ts';

const NEWLINE = 10;

export interface DecoderOptions {
  readonly kernels: KernelInstance;
  readonly schema: TableSchema;
  /** Names of the columns to make; the others are checked for syntax only. */
  readonly columns: ReadonlySet<string>;
  readonly batchRows: number;
  /** Bytes that a chunk usually has; larger ones are taken too. */
  readonly chunkBytes: number;
  /** Longer records become dead letters. Each format has a measure of its own. */
  readonly lineBytesMax?: number;
  /** Offset of the first byte pushed, in its stream. */
  readonly offset?: number;
  /** Uid of the source and id of the split, for dead letters. */
  readonly source: string;
  readonly split: string;
  readonly origin: BatchOrigin | undefined;
  deadLetter(letter: DeadLetter): void;
}

/**
 * Rows so far and dead letters. Fast rows are those whose keys were all recognised by the bytes around them; in general
 * ones at least one key was looked up by its name.
 */
export interface DecoderCounters {
  readonly fastRows: number;
  readonly generalRows: number;
  readonly bytes: number;
  readonly deadLetters: number;
}

export type DecoderAnswer = RecordBatch | 'need input' | 'limit' | 'end';

/** Bytes of a long line that are not in the buffer. */
interface Gap {
  /** Behind the newline of that line; positions from here on are further by `dropped`. */
  at: Ptr;
  dropped: number;
}

export class RecordDecoder {
  // Configuration.
  readonly #options: Omit<DecoderOptions, 'columns' | 'batchRows' | 'lineBytesMax'>;
  readonly #parser: RecordParsing;
  readonly #linesEndOf: (...args: number[]) => number;
  readonly #lineBytesMax: number;

  // Input.
  #base: Ptr;
  #capacity: number;
  #start: Ptr;
  #linesEnd: Ptr;
  #filled: Ptr;
  #gaps: Gap[] = [];
  /** Bytes left out of the unfinished line; 0 while it is not too long. */
  #dropped = 0;
  /** The lines at hand end inside a record. */
  #unfinished = false;
  #ended = false;
  /** No record goes on behind the lines at hand. */
  #isPartOver = false;
  /** Absolute offset of `start`. */
  #position: number;
  /** Absolute offset of what comes next from outside. */
  #pushedTo: number;

  // Counters.
  readonly #firstPosition: number;
  #fastRows = 0;
  #generalRows = 0;
  #deadLetters = 0;

  constructor(options: Omit<DecoderOptions, 'columns' | 'batchRows' | 'lineBytesMax'>, parser: RecordParsing) {
    const { kernels, chunkBytes, offset = 0 } = options;
    this.#options = options;
    this.#lineBytesMax = parser.lineBytesMax;
    this.#parser = parser;
    this.#linesEndOf = kernels.function('jsonLinesEnd');
    // A chunk is asked for when no whole record is left: what remains is short, unless records are long.
    this.#capacity = chunkBytes + (chunkBytes >> 2);
    this.#base = kernels.memory.allocate(this.#capacity + PADDING_BYTES);
    this.#start = this.#linesEnd = this.#filled = this.#base;
    this.#position = this.#pushedTo = this.#firstPosition = offset;
  }

  /** Absolute offset of the next record that no batch and no dead letter has answered for. */
  get position(): number {
    return this.#position;
  }

  get counters(): DecoderCounters {
    const bytes = this.#position - this.#firstPosition;
    return { fastRows: this.#fastRows, generalRows: this.#generalRows, bytes, deadLetters: this.#deadLetters };
  }

  /** Takes the next bytes of the stream. */
  push(bytes: Uint8Array): void {
    this.space(bytes.length).set(bytes);
    this.pushed(bytes.length);
  }

  /**
   * Free memory for the next bytes of the stream, to be filled before anything else runs; then `pushed` tells how many.
   */
  space(bytes: number): Uint8Array {
    assert(!this.#ended, 'bytes after the end of the input');
    const isFull = this.#filled + bytes > this.#base + this.#capacity;
    // The same memory again, while it is in the processor's cache, unless that means to move much.
    const isDone = this.#start === this.#linesEnd && this.#filled - this.#start <= bytes >> 2;
    if (isFull || isDone) this.#makeRoom(bytes);
    return this.#options.kernels.memory.u8.subarray(this.#filled, this.#filled + bytes);
  }

  /** Takes the first `bytes` bytes of the `space` last given. */
  pushed(bytes: number): void {
    assert(this.#filled + bytes <= this.#base + this.#capacity, `${bytes} bytes pushed into less space`);
    this.#pushedTo += bytes;
    const from = this.#filled;
    this.#filled += this.#dropped > 0 ? this.#dropLongLine(from, bytes) : bytes;
    const linesEnd = this.#linesEndOf(from, this.#filled) >>> 0;
    if (linesEnd > from) {
      this.#linesEnd = linesEnd;
      this.#unfinished = false;
    }
    const kept = this.#linesEnd + this.#lineBytesMax + 1;
    if (this.#filled > kept) {
      this.#dropped += this.#filled - kept;
      this.#filled = kept;
    }
  }

  /** What follows begins with a record, as it is that of another file. The last byte before, if there is one, is a newline. */
  endPart(): void {
    this.#isPartOver = true;
    this.#unfinished = false;
  }

  /** Nothing follows: what stands behind the last newline is the last line. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unfinished = false;
    if (this.#filled === this.#linesEnd) return;
    this.#options.kernels.memory.u8[this.#filled] = NEWLINE;
    this.#filled++;
    this.#linesEnd = this.#filled;
    this.#closeGap(this.#filled);
  }

  /**
   * The next rows whose records start below `limitOffset`. 'limit': what comes next starts at or beyond it; 'need
   * input': no complete record is at hand; 'end': all records are done.
   */
  next(limitOffset: number): DecoderAnswer {
    while (true) {
      if (this.#position >= limitOffset) return 'limit';
      if (this.#start === this.#linesEnd) {
        this.#isPartOver = false;
        return this.#ended ? 'end' : 'need input';
      }
      if (this.#unfinished) return 'need input';
      const result = this.#parse(limitOffset);
      for (const refused of result.refused) this.#refuse(refused);
      this.#advance(result);
      this.#unfinished = result.status === 'unfinished';
      if (result.rows > 0) return this.#batch(result);
    }
  }

  #parse(limitOffset: number): ParseResult {
    const end = this.#gaps[0]?.at ?? this.#linesEnd;
    const limit = this.#start + Math.min(limitOffset - this.#position, end - this.#start);
    const isFinal = (this.#ended || this.#isPartOver) && end === this.#linesEnd;
    while (true) {
      const result = this.#parser.parse(this.#start, end, limit, isFinal);
      const isStuck = result.status === 'scratch full' && result.next === this.#start;
      if (!isStuck) return result;
      this.#parser.growScratch(this.#parser.scratchBytes * 2);
    }
  }

  #advance(result: ParseResult): void {
    this.#position += result.next - this.#start;
    this.#start = result.next;
    const gap = this.#gaps[0];
    if (gap?.at === this.#start) {
      this.#position += gap.dropped;
      this.#gaps.shift();
    }
    // The newline that `end` put behind the last line is not in the stream.
    this.#position = Math.min(this.#position, this.#pushedTo);
    this.#fastRows += result.fastRows;
    this.#generalRows += result.rows - result.fastRows;
  }

  #batch({ rows, columns }: ParseResult): RecordBatch {
    const { schema, origin } = this.#options;
    return { schema, rows, columns, selection: 0, selected: rows, rowKinds: 0, timestamps: 0, watermarks: 0, origin };
  }

  #refuse({ line, bytes, position, reason }: RefusedRecord): void {
    const { source, split, kernels } = this.#options;
    // A line that is too long may be here in part or whole; its letter must not tell which.
    const most = position === undefined ? Math.min(LETTER_BYTES_MAX, this.#lineBytesMax + 1) : LETTER_BYTES_MAX;
    this.#deadLetters++;
    this.#options.deadLetter({
      source,
      split,
      offset: this.#position + (line - this.#start),
      ...(position === undefined ? {} : { position }),
      reason,
      bytes: kernels.memory.u8.slice(line, line + Math.min(bytes, most)),
    });
  }

  /** Leaves out what still belongs to the long line of the `bytes` new bytes at `from`; returns how many are kept. */
  #dropLongLine(from: Ptr, bytes: number): number {
    const { u8 } = this.#options.kernels.memory;
    const newline = u8.subarray(from, from + bytes).indexOf(NEWLINE);
    const dropped = newline < 0 ? bytes : newline;
    this.#dropped += dropped;
    if (newline < 0) return 0;
    u8.copyWithin(from, from + newline, from + bytes);
    this.#closeGap(from + 1);
    return bytes - dropped;
  }

  #closeGap(at: Ptr): void {
    if (this.#dropped > 0) this.#gaps.push({ at, dropped: this.#dropped });
    this.#dropped = 0;
  }

  /** Moves what is not parsed to the front, of a larger buffer when this one is too small. */
  #makeRoom(bytes: number): void {
    const { memory } = this.#options.kernels;
    const live = this.#filled - this.#start;
    const from = this.#start;
    if (live + bytes > this.#capacity) {
      this.#capacity = Math.max(this.#capacity * 2, live + bytes);
      this.#base = memory.allocate(this.#capacity + PADDING_BYTES);
    }
    const to = this.#base;
    memory.u8.copyWithin(to, from, from + live);
    this.#start = to;
    this.#linesEnd += to - from;
    this.#filled += to - from;
    for (const gap of this.#gaps) gap.at += to - from;
  }
}

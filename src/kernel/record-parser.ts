/**
 * What the doors of the parsers of lines share: bytes in linear memory to columns, one call a batch.
 *
 * Invariants
 *  1. A parser and its columns are allocated once and reused by every call: results are valid until the next `parse`.
 *  2. Columns stand in the order of the schema; one that was not asked for has values 0.
 * Not here: the formats (json.ts, csv.ts).
 */
import { assert } from '../base/assert.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import type { Field, TableSchema } from '../data/schema.ts';
import type { TypeKind } from '../data/types.ts';
import type { KernelInstance } from './instance.ts';

/** Bytes that must be readable behind the input: kernels load whole vectors. */
export const PADDING_BYTES = 64;
const LETTERS_MAX = 64;

/** Why a call of a parser ended. Unfinished: the input ends inside a record. */
export type ParseStatus = 'input done' | 'rows full' | 'letters full' | 'scratch full' | 'unfinished';
const STATUS: readonly ParseStatus[] = ['input done', 'rows full', 'letters full', 'scratch full', 'unfinished'];

const KIND: { readonly [K in TypeKind]: number } = {
  bool: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float32: 5,
  float64: 6,
  utf8: 7,
  bytes: 8,
  json: 9,
  timestamp: 10,
};
const UNIT = { s: 0, ms: 1, us: 2 } as const;

/** Words of the parser, as assembly/json/layout.ts draws it. */
const COLUMNS = 0;
const LETTERS = 44;
const ROWS = 56;
const NEXT_LINE = 60;
const LETTER_COUNT = 64;
const FAST_ROWS = 68;
const COLUMN_BYTES = 64;
const COLUMN_VALUES = 4;
const COLUMN_VALIDITY = 8;
const COLUMN_HAS_NULLS = 20;
const LETTER_BYTES = 32;
const NO_COLUMN = 0xffffffff;

/** Why a value does not fit its column: what all formats have in common. */
const COLUMN_REASONS: ReadonlyMap<number, string> = new Map([
  [32, 'the value is of another type'],
  [33, 'the number is out of range'],
  [34, 'the value is missing or null'],
  [35, 'this is not an ISO 8601 instant'],
  [36, 'this is not base64'],
]);

/** The reason for a record that is too long, also for who finds that out before the parser. */
export const LINE_TOO_LONG = 13;

/** A record that was refused: where it lies in the input, and why. */
export interface RefusedRecord {
  readonly line: Ptr;
  /** Its bytes without the newline. */
  readonly bytes: number;
  /** Byte in the record where it goes wrong; undefined when it is too long. */
  readonly position: number | undefined;
  readonly reason: string;
}

export interface ParseResult {
  readonly status: ParseStatus;
  readonly rows: number;
  /** Rows whose keys were all recognised by the bytes around them: none had to be looked up by its name. */
  readonly fastRows: number;
  /** First byte that was not parsed: the start of a record, or the end of the input. */
  readonly next: Ptr;
  readonly refused: readonly RefusedRecord[];
  readonly columns: readonly ColumnVector[];
}

export interface ParserOptions {
  readonly kernels: KernelInstance;
  readonly schema: TableSchema;
  /** Names of the columns to make. Names that the schema does not have mean nothing. */
  readonly columns: ReadonlySet<string>;
  readonly batchRows: number;
  /** Longest record, its newline not counted. */
  readonly lineBytesMax: number;
}

/** What a format brings: the names of its kernels, and its own reasons by their codes. */
export interface ParserKernels {
  readonly open: string;
  readonly parse: string;
  readonly reasons: ReadonlyMap<number, string>;
}

const ABSENT: ColumnVector = { values: 0, validity: 0 };

/** The words of a reason's code, naming the column when there is one. */
export function refusalText(own: ReadonlyMap<number, string>, reason: number, column?: Field): string {
  const text = own.get(reason) ?? COLUMN_REASONS.get(reason);
  assert(text !== undefined, `reason ${reason} of a refused record`);
  return column === undefined ? text : `column '${column.name}' (${column.type.kind}): ${text}`;
}

/** What a decoder needs of a parser. */
export type RecordParsing = Pick<RecordParser, 'parse' | 'growScratch' | 'scratchBytes' | 'lineBytesMax'>;

export abstract class RecordParser {
  protected readonly kernels: KernelInstance;
  protected readonly schema: TableSchema;
  protected readonly parser: Ptr;
  /** Field numbers of the columns made, in order. */
  protected readonly wanted: readonly number[];
  /** Longest record, its newline not counted. */
  readonly lineBytesMax: number;
  readonly #parse: (...args: number[]) => number;
  readonly #reasons: ReadonlyMap<number, string>;
  #scratchBytes = 0;

  protected constructor({ kernels, schema, columns, batchRows, lineBytesMax }: ParserOptions, own: ParserKernels) {
    this.kernels = kernels;
    this.schema = schema;
    this.lineBytesMax = lineBytesMax;
    this.#parse = kernels.function(own.parse);
    this.#reasons = own.reasons;
    this.wanted = schema.fields.flatMap((field, i) => (columns.has(field.name) ? [i] : []));
    this.parser = kernels.function(own.open)(this.wanted.length, batchRows, LETTERS_MAX, lineBytesMax) >>> 0;
    assert(this.parser !== 0, 'no memory left for a parser');
    this.growScratch(1 << 16);
  }

  /** Describes column `i` of those wanted; a parser that finds columns by name gives the place of the name. */
  protected describe(i: number, field: Field, namePtr: Ptr, nameBytes: number): void {
    const { name, type } = field;
    const unit = UNIT[type.unit ?? 'ms'];
    const column = this.kernels.function('jsonColumn');
    const status = column(this.parser, i, KIND[type.kind], unit, type.nullable ? 1 : 0, namePtr, nameBytes);
    assert(status === 0, `no memory left for column ${name}`);
  }

  protected fieldAt(field: number): Field {
    const found = this.schema.fields[field];
    assert(found !== undefined, `field ${field} of the schema`);
    return found;
  }

  /** Gives the parser at least so many bytes for unescaped text. Twice the longest record is always enough. */
  growScratch(bytes: number): void {
    if (bytes <= this.#scratchBytes) return;
    this.#scratchBytes = Math.max(bytes, this.#scratchBytes * 2);
    const ptr = this.kernels.memory.allocate(this.#scratchBytes + PADDING_BYTES);
    this.kernels.function('jsonScratch')(this.parser, ptr, this.#scratchBytes);
  }

  get scratchBytes(): number {
    return this.#scratchBytes;
  }

  /**
   * Parses records of [input, end) that start below `limit`. The input ends with a newline; PADDING_BYTES behind it are
   * readable. Final: nothing follows, so a record that does not end is refused. Answers 'scratch full' without rows and
   * refusals when the next record needs more scratch than there is.
   */
  parse(input: Ptr, end: Ptr, limit: Ptr, isFinal = false): ParseResult {
    const status = STATUS[this.#parse(this.parser, input, end, limit, isFinal ? 1 : 0)];
    assert(status !== undefined, 'unknown status of a parser');
    const words = this.kernels.memory.u32;
    const at = this.parser >>> 2;
    const word = (offset: number): number => words[at + (offset >>> 2)] ?? 0;
    return {
      status,
      rows: word(ROWS),
      fastRows: word(FAST_ROWS),
      next: word(NEXT_LINE),
      refused: this.#refused(word(LETTERS), word(LETTER_COUNT)),
      columns: this.#columns(word(COLUMNS)),
    };
  }

  #refused(letters: Ptr, count: number): RefusedRecord[] {
    const { view } = this.kernels.memory;
    return Array.from({ length: count }, (_, i) => {
      const letter = letters + i * LETTER_BYTES;
      const reason = view.getUint32(letter + 12, true);
      const column = view.getUint32(letter + 16, true);
      const field = column === NO_COLUMN ? undefined : this.fieldAt(this.wanted[column] ?? -1);
      return {
        line: view.getUint32(letter, true),
        bytes: view.getUint32(letter + 4, true),
        position: reason === LINE_TOO_LONG ? undefined : view.getUint32(letter + 8, true),
        reason: refusalText(this.#reasons, reason, field),
      };
    });
  }

  #columns(first: Ptr): ColumnVector[] {
    const { view } = this.kernels.memory;
    const columns = this.schema.fields.map(() => ABSENT);
    this.wanted.forEach((field, i) => {
      const column = first + i * COLUMN_BYTES;
      const hasNulls = view.getUint32(column + COLUMN_HAS_NULLS, true) !== 0;
      columns[field] = {
        values: view.getUint32(column + COLUMN_VALUES, true),
        validity: hasNulls ? view.getUint32(column + COLUMN_VALIDITY, true) : 0,
      };
    });
    return columns;
  }
}

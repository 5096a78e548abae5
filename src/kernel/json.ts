/**
 * Door of assembly/json: NDJSON bytes in linear memory to columns.
 *
 * Invariants
 *  1. A parser and its columns are allocated once and reused by every call: results are valid until the next `parse`.
 *  2. Columns stand in the order of the schema; one that was not asked for has values 0.
 */
import { assert } from '../base/assert.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import type { ColumnType, TypeKind } from '../data/types.ts';
import type { KernelInstance } from './instance.ts';

/** Bytes that must be readable behind the input: kernels load whole vectors. */
export const JSON_PADDING_BYTES = 64;
const LETTERS_MAX = 64;

/** Why a call of the parser ended. */
export type JsonStatus = 'input done' | 'rows full' | 'letters full' | 'scratch full';
const STATUS: readonly JsonStatus[] = ['input done', 'rows full', 'letters full', 'scratch full'];

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
const SYNTAX_REASONS_MAX = 32;

const REASONS: ReadonlyMap<number, string> = new Map([
  [1, 'a line must hold one JSON object'],
  [2, 'something follows the object'],
  [3, 'a key in quotes is expected'],
  [4, "':' is expected"],
  [5, "',' or a closing bracket is expected"],
  [6, 'a value is expected'],
  [7, 'this is not a JSON number'],
  [8, 'this is not a JSON escape'],
  [9, 'a control character must be escaped'],
  [10, 'these bytes are not UTF-8'],
  [11, 'the string does not end on its line'],
  [12, 'more than 1,024 levels of nesting'],
  [13, 'the line is too long'],
  [32, 'the value is of another type'],
  [33, 'the number is out of range'],
  [34, 'the value is missing or null'],
  [35, 'this is not an ISO 8601 instant'],
  [36, 'this is not base64'],
]);

/** The reason for a line that is too long, also for who finds that out before the parser. */
export const LINE_TOO_LONG = 13;

/** A line that was refused: where it lies in the input, and why. */
export interface RefusedLine {
  readonly line: Ptr;
  /** Its bytes without the newline. */
  readonly bytes: number;
  /** Byte in the line where it goes wrong; undefined when it is too long. */
  readonly position: number | undefined;
  readonly reason: string;
}

export interface JsonResult {
  readonly status: JsonStatus;
  readonly rows: number;
  /** Rows whose keys were all recognised by the bytes around them: none had to be looked up by its name. */
  readonly fastRows: number;
  /** First byte that was not parsed: the start of a line, or the end of the input. */
  readonly next: Ptr;
  readonly refused: readonly RefusedLine[];
  readonly columns: readonly ColumnVector[];
}

export interface JsonParserOptions {
  readonly kernels: KernelInstance;
  readonly schema: TableSchema;
  /** Names of the columns to make. Names that the schema does not have mean nothing. */
  readonly columns: ReadonlySet<string>;
  readonly batchRows: number;
  /** Longest line, its newline not counted. */
  readonly lineBytesMax: number;
}

const ABSENT: ColumnVector = { values: 0, validity: 0 };

/** The words of a reason's code, naming the column when there is one. */
export function refusalText(reason: number, column?: { readonly name: string; readonly type: ColumnType }): string {
  const text = REASONS.get(reason);
  assert(text !== undefined, `reason ${reason} of a refused line`);
  return column === undefined ? text : `column '${column.name}' (${column.type.kind}): ${text}`;
}

export class JsonParser {
  readonly #kernels: KernelInstance;
  readonly #parse: (...args: number[]) => number;
  readonly #schema: TableSchema;
  /** Field numbers of the columns made, in order. */
  readonly #wanted: readonly number[];
  readonly #parser: Ptr;
  readonly #lineBytesMax: number;
  #scratchBytes = 0;

  constructor({ kernels, schema, columns, batchRows, lineBytesMax }: JsonParserOptions) {
    this.#kernels = kernels;
    this.#parse = kernels.function('jsonParse');
    this.#schema = schema;
    this.#wanted = schema.fields.flatMap((field, i) => (columns.has(field.name) ? [i] : []));
    this.#parser = kernels.function('jsonParser')(this.#wanted.length, batchRows, LETTERS_MAX, lineBytesMax) >>> 0;
    assert(this.#parser !== 0, 'no memory left for a JSON parser');
    this.#lineBytesMax = lineBytesMax;
    this.#wanted.forEach((field, i) => this.#describe(field, i));
    this.growScratch(1 << 16);
  }

  #describe(field: number, i: number): void {
    const { name, type } = this.#fieldAt(field);
    const bytes = new TextEncoder().encode(name);
    const namePtr = this.#kernels.memory.allocate(bytes.length + JSON_PADDING_BYTES);
    this.#kernels.memory.u8.set(bytes, namePtr);
    const unit = UNIT[type.unit ?? 'ms'];
    const column = this.#kernels.function('jsonColumn');
    const status = column(this.#parser, i, KIND[type.kind], unit, type.nullable ? 1 : 0, namePtr, bytes.length);
    assert(status === 0, `no memory left for column ${name}`);
  }

  #fieldAt(field: number): { readonly name: string; readonly type: ColumnType } {
    const found = this.#schema.fields[field];
    assert(found !== undefined, `field ${field} of the schema`);
    return found;
  }

  /** Gives the parser at least so many bytes for unescaped text. Twice the longest line is always enough. */
  growScratch(bytes: number): void {
    if (bytes <= this.#scratchBytes) return;
    this.#scratchBytes = Math.max(bytes, this.#scratchBytes * 2);
    const ptr = this.#kernels.memory.allocate(this.#scratchBytes + JSON_PADDING_BYTES);
    this.#kernels.function('jsonScratch')(this.#parser, ptr, this.#scratchBytes);
  }

  get scratchBytes(): number {
    return this.#scratchBytes;
  }

  get lineBytesMax(): number {
    return this.#lineBytesMax;
  }

  /**
   * Parses lines of [input, end) that start below `limit`. The input ends with a newline; JSON_PADDING_BYTES behind it
   * are readable. Answers 'scratch full' without rows and refusals when the next line needs more scratch than there is.
   */
  parse(input: Ptr, end: Ptr, limit: Ptr): JsonResult {
    const status = STATUS[this.#parse(this.#parser, input, end, limit)];
    assert(status !== undefined, 'unknown status of the JSON parser');
    const words = this.#kernels.memory.u32;
    const at = this.#parser >>> 2;
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

  #refused(letters: Ptr, count: number): RefusedLine[] {
    const { view } = this.#kernels.memory;
    return Array.from({ length: count }, (_, i) => {
      const letter = letters + i * LETTER_BYTES;
      const reason = view.getUint32(letter + 12, true);
      const column = view.getUint32(letter + 16, true);
      const field = column === NO_COLUMN ? undefined : this.#fieldAt(this.#wanted[column] ?? -1);
      assert((field === undefined) === reason < SYNTAX_REASONS_MAX, `column ${column} with reason ${reason}`);
      return {
        line: view.getUint32(letter, true),
        bytes: view.getUint32(letter + 4, true),
        position: reason === LINE_TOO_LONG ? undefined : view.getUint32(letter + 8, true),
        reason: refusalText(reason, field),
      };
    });
  }

  #columns(first: Ptr): ColumnVector[] {
    const { view } = this.#kernels.memory;
    const columns = this.#schema.fields.map(() => ABSENT);
    this.#wanted.forEach((field, i) => {
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

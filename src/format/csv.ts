/**
 * CSV as RFC 4180 has it: a record is a line, or several when line breaks stand in quotes. Fields are columns by the names
 * of a header, in any order, or without one by position.
 *
 * What becomes of records that cannot be used: a dead letter each, and the records behind them are read. A record with a
 * quote in a wrong place ends with the line on which that quote stands. A quote that is never closed takes with it what
 * follows, up to the next quote (which then stands in a wrong place), the end of the file, or `lineBytesMax`: no line
 * of it is taken for a record, as it may be text.
 *
 * Not here: records and values (assembly/csv), chunks, positions and dead letters (record-decoder.ts).
 */
import { didYouMean, UserError } from '../base/errors.ts';
import type { Ptr } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import { CsvParser } from '../kernel/csv.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { ParseResult, RecordParsing } from '../kernel/record-parser.ts';
import { type CsvHeader, readCsvHeader } from './csv-header.ts';
import { type DecoderOptions, RecordDecoder } from './record-decoder.ts';

/** A quote that nobody closes costs at most so much. */
export const RECORD_BYTES_MAX = 1 << 20;
export const HEADER_BYTES_MAX = RECORD_BYTES_MAX;

/** Separators between fields. */
export const CSV_SEPARATORS = [',', ';', '\t', '|'] as const;
export type CsvSeparator = (typeof CSV_SEPARATORS)[number];

export interface CsvOptions {
  /** Whether the first record names the fields; if not, they are the columns of the schema in their order. */
  readonly header: boolean;
  readonly separator: CsvSeparator;
}

export interface CsvDecoderOptions extends DecoderOptions, CsvOptions {
  /** What is read, for messages. */
  readonly path: string;
  /** Names of the fields, when the bytes do not begin with the header that they have. */
  readonly names?: readonly string[];
}

/** Records of more than 1 MB become dead letters unless `lineBytesMax` says otherwise. */
export class CsvDecoder extends RecordDecoder {
  constructor(options: CsvDecoderOptions) {
    super(options, new CsvRecords(options));
  }
}

/** The parser, behind the header. */
class CsvRecords implements RecordParsing {
  readonly lineBytesMax: number;
  readonly #kernels: KernelInstance;
  readonly #parser: CsvParser;
  readonly #options: CsvDecoderOptions;
  #awaitsHeader: boolean;

  constructor(options: CsvDecoderOptions) {
    const { kernels, schema, columns, batchRows, header, separator, names } = options;
    const { lineBytesMax = RECORD_BYTES_MAX } = options;
    this.lineBytesMax = lineBytesMax;
    this.#kernels = kernels;
    this.#options = options;
    this.#parser = new CsvParser({ kernels, schema, columns, batchRows, lineBytesMax });
    this.#awaitsHeader = header && names === undefined;
    if (this.#awaitsHeader) return;
    this.#parser.setFields(names ?? schema.fields.map(({ name }) => name), separator);
  }

  get scratchBytes(): number {
    return this.#parser.scratchBytes;
  }

  growScratch(bytes: number): void {
    this.#parser.growScratch(bytes);
  }

  parse(input: Ptr, end: Ptr, limit: Ptr, isFinal: boolean): ParseResult {
    return this.#awaitsHeader ? this.#readHeader(input, end, isFinal) : this.#parser.parse(input, end, limit, isFinal);
  }

  #readHeader(input: Ptr, end: Ptr, isFinal: boolean): ParseResult {
    const { schema, separator, path } = this.#options;
    const found = readCsvHeader(this.#kernels.memory.u8.subarray(input, end), separator);
    const isLong = found.kind === 'names' ? found.bytes > this.lineBytesMax : end - input > this.lineBytesMax;
    // Of a long line not all bytes are here.
    const header: CsvHeader = isLong ? { kind: 'broken', problem: 'its first record is too long' } : found;
    const nothing = { rows: 0, fastRows: 0, refused: [], columns: [] };
    if (header.kind === 'unfinished' && !isFinal) {
      return { ...nothing, status: 'unfinished', next: input };
    }
    this.#parser.setFields(namesOf(header, schema, path), separator);
    this.#awaitsHeader = false;
    return { ...nothing, status: 'input done', next: input + (header.kind === 'names' ? header.bytes : 0) };
  }
}

/** The names of a header that fits the schema: no column is missing (unless it may be null) or stands twice. E1521 else. */
export function namesOf(header: CsvHeader, schema: TableSchema, path: string): readonly string[] {
  const hint = 'a file without a header is read by position with { header: false }';
  if (header.kind === 'unfinished') throw new UserError('E1521', { path, problem: 'it does not end' }, { hint });
  if (header.kind === 'broken') throw new UserError('E1521', { path, problem: header.problem }, { hint });
  const { names } = header;
  const has = `it has: ${names.map((name) => JSON.stringify(name)).join(', ')}.`;
  for (const { name, type } of schema.fields) {
    const places = names.filter((each) => each === name).length;
    if (places === 1 || (places === 0 && type.nullable)) continue;
    const meant = places === 0 ? didYouMean(name, names) : undefined;
    const advice = meant === undefined ? `${hint[0]?.toUpperCase()}${hint.slice(1)}.` : `Did you mean '${meant}'?`;
    const problem = places === 0 ? `it has no column '${name}'` : `column '${name}' stands in it ${places} times`;
    throw new UserError('E1521', { path, problem }, { hint: `${has} ${advice}` });
  }
  return names;
}

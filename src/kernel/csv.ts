/** Door of assembly/csv: CSV bytes in linear memory to columns. */
import { LINE_TOO_LONG, type ParserOptions, RecordParser } from './record-parser.ts';

/** Reasons why a record is refused, by their codes. */
export const CSV_REASONS: ReadonlyMap<number, string> = new Map([
  [10, 'these bytes are not UTF-8'],
  [LINE_TOO_LONG, 'the record is too long'],
  [16, 'a quote stands in a field that does not begin with one'],
  [17, 'something follows the closing quote of a field'],
  [18, 'the quote that begins this field is never closed'],
  [19, 'a carriage return stands outside quotes, and no line feed follows'],
  [20, 'the record has too few fields'],
  [21, 'the record has too many fields'],
  [37, 'this is not a number'],
  [38, 'this is not JSON'],
]);

const NO_COLUMN = 0xffffffff;

export class CsvParser extends RecordParser {
  constructor(options: ParserOptions) {
    super(options, { open: 'csvParser', parse: 'csvParse', reasons: CSV_REASONS });
    this.wanted.forEach((index, i) => this.describe(i, this.fieldAt(index), 0, 0));
  }

  /**
   * Says which column each field of a record is, by name; names of no column are read past. `separator` is one byte of
   * ASCII. Once, before the first record.
   */
  setFields(names: readonly string[], separator: string): void {
    const { memory } = this.kernels;
    const fields = memory.allocate(names.length * 4);
    const numbers = new Map(this.wanted.map((index, i) => [this.fieldAt(index).name, i]));
    names.forEach((name, i) => memory.view.setUint32(fields + i * 4, numbers.get(name) ?? NO_COLUMN, true));
    this.kernels.function('csvFields')(this.parser, separator.charCodeAt(0), fields, names.length);
  }
}

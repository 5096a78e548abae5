/**
 * Door of assembly/json: NDJSON bytes in linear memory to columns.
 */
import { LINE_TOO_LONG, PADDING_BYTES, type ParserOptions, RecordParser } from './record-parser.ts';

/** Reasons why a line is refused, by their codes. */
export const JSON_REASONS: ReadonlyMap<number, string> = new Map([
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
  [LINE_TOO_LONG, 'the line is too long'],
]);

export class JsonParser extends RecordParser {
  constructor(options: ParserOptions) {
    super(options, { open: 'jsonParser', parse: 'jsonParse', reasons: JSON_REASONS });
    this.wanted.forEach((index, i) => {
      const field = this.fieldAt(index);
      const bytes = new TextEncoder().encode(field.name);
      const namePtr = this.kernels.memory.allocate(bytes.length + PADDING_BYTES);
      this.kernels.memory.u8.set(bytes, namePtr);
      this.describe(i, field, namePtr, bytes.length);
    });
  }
}

/**
 * The CSV parser: many records to one batch of columns in one call.
 *
 * Invariants
 *  1. A record that is refused becomes a dead letter and nothing else; where the next one begins depends on the bytes of
 *     the refused one alone (record.ts), never on where the input of a call ends.
 *  2. A record of more than the most bytes ends with the line in which it passes them, also inside quotes: so much, and
 *     no more, can be lost behind a quote that is never closed.
 *  3. A line with nothing on it is no record, unless records have one field: then it is an empty one.
 *  4. Text without doubled quotes is a view of the input, other text one of the scratch. Both live until the next call.
 */
import { addLetter, lineEnd, openParser, startBatch } from '../json/columns';
import {
  COLUMNS,
  FAST_ROWS,
  JSON_COLUMN_BYTES,
  LETTER_COUNT,
  LETTERS_MAX,
  LINE_BYTES_MAX,
  NEWLINE,
  NEXT_LINE,
  NO_COLUMN,
  REASON,
  ROWS,
  ROWS_MAX,
  SCRATCH_AT,
  SCRATCH_FULL,
} from '../json/layout';
import { JSON_INPUT_DONE, JSON_LETTERS_FULL, JSON_ROWS_FULL, JSON_SCRATCH_FULL } from '../json/parser';
import { FIELD_COLUMNS, FIELD_COUNT, PLACE, RETURN, SEPARATOR, UNCLOSED_QUOTE, UNFINISHED } from './layout';
import { note, parseRecord } from './record';

/** Why a call ended, besides the statuses of JSON: the input ends inside a record. */
export const CSV_UNFINISHED: i32 = 4;

/** A parser for `columns` columns, to be described one by one (jsonColumn, without names); 0 when memory is used up. */
export function csvParser(columns: u32, rowsMax: u32, lettersMax: u32, recordBytesMax: u32): u32 {
  return openParser(columns, rowsMax, lettersMax, recordBytesMax, 0);
}

/**
 * Says what a record looks like: `count` fields between separators. A word for each at `fieldsPtr`, which must stay: the
 * number of its column, or NO_COLUMN. Once, before the first record.
 */
export function csvFields(parserPtr: u32, separator: u32, fieldsPtr: u32, count: u32): void {
  store<u32>(parserPtr, fieldsPtr, FIELD_COLUMNS);
  store<u32>(parserPtr, count, FIELD_COUNT);
  store<u32>(parserPtr, separator, SEPARATOR);
  for (let field = fieldsPtr; field < fieldsPtr + (count << 2); field += 4) {
    const column = load<u32>(field);
    store<u32>(field, column == NO_COLUMN ? 0 : load<u32>(parserPtr, COLUMNS) + column * JSON_COLUMN_BYTES);
  }
}

/**
 * Parses the records of [inputPtr, inputEnd) that start below `limitPtr`, until rows, letters or scratch are used up. The
 * byte before `inputEnd` is a newline; when nothing follows (`isFinal`) what is unfinished there is refused. Results
 * stand in the parser: ROWS, NEXT_LINE, LETTER_COUNT.
 */
export function csvParse(parserPtr: u32, inputPtr: u32, inputEnd: u32, limitPtr: u32, isFinal: u32): i32 {
  startBatch(parserPtr);
  const rowsMax = load<u32>(parserPtr, ROWS_MAX);
  const limit = min<u32>(inputEnd, limitPtr);
  const skipsBlank = load<u32>(parserPtr, FIELD_COUNT) != 1;
  let status = JSON_INPUT_DONE;
  let row: u32 = 0;
  let serial: u32 = 0;
  let record = inputPtr;
  while (record < limit) {
    if (row == rowsMax) {
      status = JSON_ROWS_FULL;
      break;
    }
    if (skipsBlank && load<u8>(record) <= <u8>RETURN) {
      const past = record + blankBytes(record);
      if (past != record) {
        record = past;
        continue;
      }
    }
    const scratchAt = load<u32>(parserPtr, SCRATCH_AT);
    const next = parseRecord(parserPtr, record, inputEnd, row, ++serial);
    if (next > UNFINISHED) {
      row++;
      record = next;
      continue;
    }
    store<u32>(parserPtr, scratchAt, SCRATCH_AT);
    if (next == UNFINISHED) {
      if (!isFinal && inputEnd - record <= load<u32>(parserPtr, LINE_BYTES_MAX) + 1) {
        status = CSV_UNFINISHED;
        break;
      }
      endUnfinished(parserPtr, inputEnd);
    }
    if (load<u32>(parserPtr, REASON) == SCRATCH_FULL) {
      status = JSON_SCRATCH_FULL;
      break;
    }
    record = refuseRecord(parserPtr, record);
    if (load<u32>(parserPtr, LETTER_COUNT) == load<u32>(parserPtr, LETTERS_MAX)) {
      status = JSON_LETTERS_FULL;
      break;
    }
  }
  store<u32>(parserPtr, row, ROWS);
  store<u32>(parserPtr, row, FAST_ROWS);
  store<u32>(parserPtr, record, NEXT_LINE);
  return status;
}

/** Bytes of the line break at `p`, or 0. */
function blankBytes(p: u32): u32 {
  if (load<u8>(p) == <u8>NEWLINE) return 1;
  return load<u16>(p) == <u16>(RETURN | (NEWLINE << 8)) ? 2 : 0;
}

/** What does not end before the end of the input ends there. */
function endUnfinished(parserPtr: u32, inputEnd: u32): void {
  note(parserPtr, UNCLOSED_QUOTE, load<u32>(parserPtr, PLACE));
  store<u32>(parserPtr, inputEnd - 1, PLACE);
}

/** Notes the refused record, which ends at PLACE, or before if that makes it too long; returns the start of the next one. */
function refuseRecord(parserPtr: u32, record: u32): u32 {
  const most = load<u32>(parserPtr, LINE_BYTES_MAX);
  const end = load<u32>(parserPtr, PLACE);
  return addLetter(parserPtr, record, end - record > most ? lineEnd(record + most + 1) : end);
}

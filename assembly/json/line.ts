/**
 * One line: an object whose keys are predicted, whose values go to columns or are skipped, and whose end is checked.
 *
 * Invariants
 *  1. Only a line that is valid as a whole becomes a row. What a refused line wrote is overwritten by the next one.
 *  2. The last of duplicate keys counts, also when an earlier one was null or did not fit.
 */
import { findKey, findPlainKey, isKey } from './keys';
import {
  BAD_AT, BAD_COLUMN, BAD_REASON, BAD_STAMP, CLOSE_OBJECT, COLON, COLUMN_COUNT, COLUMNS, COMMA, CURSOR, EXPECTED_COLON,
  EXPECTED_COMMA, FAST_ROWS, FIRST_KEY, HAS_NULLS, JSON_COLUMN_BYTES, KEY_COLUMN, KEY_CONTEXT, KEY_NEXT, KEY_TEXT_BYTES,
  LINE_BYTES_MAX, LINE_TOO_LONG, MISSING, NEWLINE, NOT_AN_OBJECT, NULLABLE, OPEN_OBJECT, QUOTE, refuse, ROWS_MAX,
  skipBlank, skipSpace, STAMP, TRAILING_BYTES, VALIDITY, VALUES, WIDTH,
} from './layout';
import { skipNumber } from './number';
import { skipValue } from './skip';
import { scanPlain, skipString } from './text';
import { passValue, readValue } from './value';

const NO_CONTEXT: u32 = 0;

/** Past the line at `line` with its newline, its object (at `start`) made row `row`; 0 when refused. */
export function parseLine(parserPtr: u32, line: u32, start: u32, row: u32, serial: u32): u32 {
  if (load<u8>(start) != <u8>OPEN_OBJECT) return refuse(parserPtr, NOT_AN_OBJECT, start);
  let p = start + 1;
  if (load<u8>(p) <= 0x20) p = skipSpace(p);
  // Address of the word that predicts the next key.
  let link = parserPtr + FIRST_KEY;
  let context = NO_CONTEXT;
  let given: u32 = 0;
  let misses: u32 = 0;
  if (load<u8>(p) == <u8>CLOSE_OBJECT) return endLine(parserPtr, p + 1, line, row, serial, 0, 0);
  while (true) {
    let key = load<u32>(link);
    if (inline.always(isKey(key, p))) p += load<u32>(key, KEY_TEXT_BYTES);
    else {
      misses++;
      key = findPlainKey(parserPtr, p);
      if (key != 0) p += load<u32>(key, KEY_TEXT_BYTES);
      else {
        key = findKey(parserPtr, p);
        if (key == 0) return 0;
        p = load<u32>(parserPtr, CURSOR);
      }
      store<u32>(link, key);
    }
    if (context == NO_CONTEXT) context = KEY_NEXT + load<u32>(key, KEY_CONTEXT);
    link = key + context;
    if (load<u8>(p) != <u8>COLON) {
      p = inline.always(skipBlank(p));
      if (load<u8>(p) != <u8>COLON) return refuse(parserPtr, EXPECTED_COLON, p);
    }
    p = inline.always(skipBlank(p + 1));
    const column = load<u32>(key, KEY_COLUMN);
    if (column == 0) {
      p = inline.always(skipUnread(parserPtr, p));
      if (p == 0) return 0;
    } else {
      const value = p;
      const isDuplicate = load<u32>(column, STAMP) == serial;
      p = readValue(parserPtr, column, value, row);
      if (p != 0) {
        store<u32>(column, serial, STAMP);
        if (!isDuplicate) given++;
      } else {
        p = passValue(parserPtr, column, value, serial);
        if (p == 0) return 0;
        if (isDuplicate) given--;
      }
    }
    if (load<u8>(p) != <u8>COMMA) {
      p = inline.always(skipBlank(p));
      const c = <u32>load<u8>(p);
      if (c == CLOSE_OBJECT) return endLine(parserPtr, p + 1, line, row, serial, given, misses);
      if (c != COMMA) return refuse(parserPtr, EXPECTED_COMMA, p);
    }
    p = inline.always(skipBlank(p + 1));
  }
}

/** Past the value at `p`: a string without escapes here, anything else out of the way. */
function skipUnread(parserPtr: u32, p: u32): u32 {
  const c = <u32>load<u8>(p);
  if (c != QUOTE) return c <= 0x39 ? inline.always(skipNumber(parserPtr, p)) : skipValue(parserPtr, p);
  const stop = inline.always(scanPlain(p + 1));
  return load<u8>(stop) == <u8>QUOTE ? stop + 1 : skipString(parserPtr, p);
}

/** After the closing brace: nothing else on the line, and every column has a value or may be null. */
function endLine(parserPtr: u32, afterObject: u32, line: u32, row: u32, serial: u32, given: u32, misses: u32): u32 {
  let p = afterObject;
  if (load<u8>(p) != <u8>NEWLINE) {
    p = skipSpace(p);
    if (load<u8>(p) != <u8>NEWLINE) return refuse(parserPtr, TRAILING_BYTES, p);
  }
  if (p - line > load<u32>(parserPtr, LINE_BYTES_MAX)) return refuse(parserPtr, LINE_TOO_LONG, line);
  if (given != load<u32>(parserPtr, COLUMN_COUNT) && !fillAbsent(parserPtr, p, row, serial)) return 0;
  if (misses == 0) store<u32>(parserPtr, load<u32>(parserPtr, FAST_ROWS) + 1, FAST_ROWS);
  return p + 1;
}

/** Makes the columns that the line gave no value null; false when one of them must not be. */
function fillAbsent(parserPtr: u32, lineEnd: u32, row: u32, serial: u32): bool {
  const first = load<u32>(parserPtr, COLUMNS);
  const count = load<u32>(parserPtr, COLUMN_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const column = first + i * JSON_COLUMN_BYTES;
    if (load<u32>(column, STAMP) == serial) continue;
    const isBad = load<u32>(column, BAD_STAMP) == serial;
    if (!isBad && load<u32>(column, NULLABLE)) continue;
    store<u32>(parserPtr, i, BAD_COLUMN);
    refuse(parserPtr, isBad ? load<u32>(column, BAD_REASON) : MISSING, isBad ? load<u32>(column, BAD_AT) : lineEnd);
    return false;
  }
  const rows = load<u32>(parserPtr, ROWS_MAX);
  for (let i: u32 = 0; i < count; i++) {
    const column = first + i * JSON_COLUMN_BYTES;
    if (load<u32>(column, STAMP) != serial) setNull(column, row, rows);
  }
  return true;
}

/** The bitmap is written from the first null of a batch on; a null's value is zero. */
function setNull(columnPtr: u32, row: u32, rows: u32): void {
  const validity = load<u32>(columnPtr, VALIDITY);
  if (load<u32>(columnPtr, HAS_NULLS) == 0) {
    memory.fill(validity, 0xff, (rows + 7) >> 3);
    store<u32>(columnPtr, 1, HAS_NULLS);
  }
  const at = validity + (row >> 3);
  store<u8>(at, <u8>(<u32>load<u8>(at) & ~(<u32>1 << (row & 7))));
  const width = load<u32>(columnPtr, WIDTH);
  memory.fill(load<u32>(columnPtr, VALUES) + row * width, 0, width);
}

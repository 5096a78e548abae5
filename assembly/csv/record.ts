/**
 * One record (RFC 4180, section 2): its fields found, their values handed to columns, its end.
 *
 *   plain field    up to the separator or the end of the line; a quote in it breaks the record
 *   quoted field   from quote to quote, two quotes in it mean one; separators and line breaks are text
 *
 * Where RFC 4180 is silent: a record ends at CR LF or LF; every other byte but a lone CR may stand in a field, as long as
 * it is UTF-8; spaces belong to fields.
 *
 * Invariants
 *  1. The input ends with a newline and vectors read up to PADDING_BYTES past it; a plain field ends there at the latest, a
 *     quoted one is unfinished there.
 *  2. A record is read to its end whatever is wrong with it, so that the next one begins where a reader without faults
 *     would find it. Only quotes in wrong places make that impossible: the record then ends with the line on which they
 *     stand.
 *  3. The first thing wrong in the order of bytes is the reason; values are judged when the record is complete.
 */
import { fillAbsent, lineEnd } from '../json/columns';
import {
  BAD_UTF8,
  COLUMN_COUNT,
  ESCAPED,
  LINE_BYTES_MAX,
  LINE_TOO_LONG,
  NEWLINE,
  QUOTE,
  REASON,
  refuse,
} from '../json/layout';
import { sequenceBytes } from '../json/text';
import {
  FIELD_COLUMNS,
  FIELD_COUNT,
  LONE_RETURN,
  PLACE,
  QUOTE_INSIDE,
  RETURN,
  SEPARATOR,
  TEXT_AFTER_QUOTE,
  TOO_FEW_FIELDS,
  TOO_MANY_FIELDS,
  UNFINISHED,
} from './layout';
import { takeField } from './field';

const BLOCK_BYTES: u32 = 64;
const ALL_STOPS: u64 = 0xffffffffffffffff;

/** Refuses the record, unless something before was wrong with it. */
export function note(parserPtr: u32, reason: u32, atPtr: u32): void {
  if (load<u32>(parserPtr, REASON) == 0) refuse(parserPtr, reason, atPtr);
}

/**
 * Past the record at `record` with its newline, made row `row`; 0 when refused (PLACE is its newline), UNFINISHED when it
 * does not end before `inputEnd` (PLACE is the quote that is not closed).
 */
export function parseRecord(parserPtr: u32, record: u32, inputEnd: u32, row: u32, serial: u32): u32 {
  const separator = load<u32>(parserPtr, SEPARATOR);
  const fieldsEnd = load<u32>(parserPtr, FIELD_COLUMNS) + (load<u32>(parserPtr, FIELD_COUNT) << 2);
  let field = load<u32>(parserPtr, FIELD_COLUMNS);
  let given: u32 = 0;
  let p = record;
  let block = record;
  let stops = inline.always(stopsIn(block, separator));
  store<u32>(parserPtr, 0, REASON);
  while (true) {
    if (field == fieldsEnd) note(parserPtr, TOO_MANY_FIELDS, p);
    const isQuoted = load<u8>(p) == <u8>QUOTE;
    let isInStep = false;
    let end: u32;
    if (isQuoted) {
      end = quotedEnd(parserPtr, p, inputEnd);
      if (end == UNFINISHED) return UNFINISHED;
    } else {
      while (stops == 0) {
        block += BLOCK_BYTES;
        stops = inline.always(stopsIn(block, separator));
      }
      end = block + <u32>ctz<u64>(stops);
      stops &= stops - 1;
      const c = <u32>load<u8>(end);
      isInStep = c == separator || c == NEWLINE;
      if (!isInStep) end = plainEnd(parserPtr, end, separator);
    }
    // Whatever is wrong with the record already, nobody will see its values.
    const column = field < fieldsEnd && load<u32>(parserPtr, REASON) == 0 ? load<u32>(field) : 0;
    if (column != 0) given += takeField(parserPtr, column, p, end, isQuoted, row, serial);
    field += 4;
    if (isQuoted) end++;
    const c = <u32>load<u8>(end);
    p = end + 1;
    if (c == separator) {
      if (isInStep) continue;
      // The quotes and what they held were stops as well.
      const passed = p - block;
      if (passed < BLOCK_BYTES) stops &= ALL_STOPS << (<u64>passed);
      else {
        block = p;
        stops = inline.always(stopsIn(block, separator));
      }
      continue;
    }
    if (c == RETURN && load<u8>(p) == <u8>NEWLINE) p++;
    else if (c != NEWLINE) return breakRecord(parserPtr, isQuoted ? TEXT_AFTER_QUOTE : QUOTE_INSIDE, end);
    if (field < fieldsEnd) note(parserPtr, TOO_FEW_FIELDS, end);
    store<u32>(parserPtr, p - 1, PLACE);
    return endRecord(parserPtr, record, end, row, serial, given) ? p : 0;
  }
}

/** A quote in the wrong place: the record ends with its line. */
function breakRecord(parserPtr: u32, reason: u32, at: u32): u32 {
  note(parserPtr, reason, at);
  store<u32>(parserPtr, lineEnd(at), PLACE);
  return 0;
}

/** Whether the complete record, which ends at `end`, is a row: nothing is wrong with it, and every column has its value. */
function endRecord(parserPtr: u32, record: u32, end: u32, row: u32, serial: u32, given: u32): bool {
  if (load<u32>(parserPtr, PLACE) - record > load<u32>(parserPtr, LINE_BYTES_MAX))
    note(parserPtr, LINE_TOO_LONG, record);
  if (load<u32>(parserPtr, REASON) != 0) return false;
  return given == load<u32>(parserPtr, COLUMN_COUNT) || fillAbsent(parserPtr, end, row, serial);
}

/**
 * Which of the BLOCK_BYTES bytes at `p` may end a plain field: separators, quotes, control characters and what is not ASCII,
 * a bit for each. Found for many fields at once, so that the place of one does not wait for that of the one before.
 */
function stopsIn(p: u32, separator: u32): u64 {
  const low = <u64>stopsOf(v128.load(p), separator) | ((<u64>stopsOf(v128.load(p, 16), separator)) << 16);
  const high = <u64>stopsOf(v128.load(p, 32), separator) | ((<u64>stopsOf(v128.load(p, 48), separator)) << 16);
  return low | (high << 32);
}

function stopsOf(v: v128, separator: u32): u32 {
  const marks = v128.or(i8x16.eq(v, i8x16.splat(<i8>separator)), i8x16.eq(v, i8x16.splat(<i8>QUOTE)));
  // Signed, so bytes beyond ASCII are below a space as control characters are.
  return <u32>i8x16.bitmask(v128.or(marks, i8x16.lt_s(v, i8x16.splat(0x20))));
}

/** The end of the plain field whose bytes from `atPtr` on are unread: a separator, a line break, or a quote. */
function plainEnd(parserPtr: u32, atPtr: u32, separator: u32): u32 {
  let p = atPtr;
  while (true) {
    const stops = stopsIn(p, separator);
    if (stops == 0) {
      p += BLOCK_BYTES;
      continue;
    }
    p += <u32>ctz<u64>(stops);
    const c = <u32>load<u8>(p);
    if (c == separator || c == NEWLINE || c == QUOTE) return p;
    if (c >= 0x80) p = passSequence(parserPtr, p);
    else if (c != RETURN) p++;
    else if (load<u8>(p, 1) == <u8>NEWLINE) return p;
    else {
      note(parserPtr, LONE_RETURN, p);
      p++;
    }
  }
}

/** Past the UTF-8 sequence at `p`; past its first byte, with the record refused, when it is none. */
function passSequence(parserPtr: u32, p: u32): u32 {
  const bytes = sequenceBytes(p);
  if (bytes != 0) return p + bytes;
  note(parserPtr, BAD_UTF8, p);
  return p + 1;
}

/** The closing quote of the field that opens at `open`, or UNFINISHED. ESCAPED tells whether there are doubled ones. */
function quotedEnd(parserPtr: u32, open: u32, inputEnd: u32): u32 {
  const quotes = i8x16.splat(<i8>QUOTE);
  store<u32>(parserPtr, 0, ESCAPED);
  let p = open + 1;
  while (p < inputEnd) {
    const v = v128.load(p);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(v, quotes), v));
    if (mask == 0) {
      p += 16;
      continue;
    }
    p += <u32>ctz<i32>(mask);
    if (p >= inputEnd) break;
    if (load<u8>(p) != <u8>QUOTE) p = passSequence(parserPtr, p);
    else if (load<u8>(p, 1) != <u8>QUOTE) return p;
    else {
      store<u32>(parserPtr, 1, ESCAPED);
      p += 2;
    }
  }
  store<u32>(parserPtr, open, PLACE);
  return UNFINISHED;
}

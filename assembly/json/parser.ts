/**
 * The NDJSON parser: many lines to one batch of columns in one call.
 *
 * Invariants
 *  1. Input ends with a newline. A newline cannot stand inside a JSON text's tokens, so each line ends in time and no
 *     scan runs past the input; vectors read up to PADDING_BYTES past it.
 *  2. A line that is refused becomes a dead letter and nothing else; the lines around it are as if it were not there.
 *  3. Text without escapes is a view of the input; what had escapes is a view of the scratch. Both live until the next
 *     call.
 *  4. Rows do not depend on where calls begin and end: predictions and caches change the speed only.
 */
import { fillPowers, POWERS_BYTES } from './float';
import { DECIMAL_BYTES } from './decimal';
import { hashSlots, nameColumn } from './keys';
import {
  ALL_BITS,
  BAD_COLUMN,
  BAD_STAMP,
  BIT,
  BITS_MAX,
  COLUMN_COUNT,
  COLUMNS,
  DIGITS,
  ERROR_AT,
  FAST_ROWS,
  HASH_SLOTS,
  HAS_NULLS,
  JSON_COLUMN_BYTES,
  KIND,
  KIND_BOOL,
  KIND_INT32,
  KIND_UNREAD,
  LEAD_BYTES,
  LEADS,
  LETTER_BYTES,
  LETTER_COUNT,
  LETTERS,
  LETTERS_MAX,
  LINE_BYTES_MAX,
  LINE_TOO_LONG,
  LOOKED_UP,
  NEWLINE,
  NEXT_LINE,
  NO_COLUMN,
  NULLABLE,
  OPENINGS,
  PARSER_BYTES,
  PLAIN_END,
  POWERS,
  REASON,
  ROWS,
  ROWS_MAX,
  SCRATCH_AT,
  SCRATCH_END,
  SCRATCH_FULL,
  SCRATCH_START,
  skipSpace,
  SLOT_SHIFT,
  SPARE,
  STAMP,
  TYPE_MISMATCH,
  UNIT,
  UNREAD,
  VALIDITY,
  VALUES,
  WHOLE,
  WIDTH,
} from './layout';
import { transientAlloc } from '../memory/frames';
import { initLeads, LEADS_MAX, OPENINGS_MAX } from './leads';
import { parseLine } from './line';

/** Why a call ended. */
export const JSON_INPUT_DONE: i32 = 0;
export const JSON_ROWS_FULL: i32 = 1;
export const JSON_LETTERS_FULL: i32 = 2;
export const JSON_SCRATCH_FULL: i32 = 3;

/**
 * A parser for `columns` columns, to be described one by one; 0 when memory is used up. It lives as long as the memory.
 */
export function jsonParser(columns: u32, rowsMax: u32, lettersMax: u32, lineBytesMax: u32): u32 {
  const slots = hashSlots(columns);
  const unreadAt = PARSER_BYTES;
  const columnsAt = unreadAt + JSON_COLUMN_BYTES;
  const endsAt = columnsAt + columns * JSON_COLUMN_BYTES;
  const spareAt = endsAt + 2 * LEAD_BYTES;
  const openingsAt = spareAt + 2 * LEAD_BYTES;
  const leadsAt = openingsAt + OPENINGS_MAX * LEAD_BYTES;
  const slotsAt = leadsAt + LEADS_MAX * LEAD_BYTES;
  const lettersAt = slotsAt + (slots << 2);
  const powersAt = lettersAt + lettersMax * LETTER_BYTES;
  const digitsAt = powersAt + POWERS_BYTES;
  const bytes = digitsAt + DECIMAL_BYTES;
  const parser = transientAlloc(bytes);
  if (parser == 0) return 0;
  memory.fill(parser, 0, bytes);
  store<u32>(parser, parser + columnsAt, COLUMNS);
  store<u32>(parser, columns, COLUMN_COUNT);
  store<u32>(parser, rowsMax, ROWS_MAX);
  store<u32>(parser, parser + leadsAt, LEADS);
  store<u32>(parser, parser + openingsAt, OPENINGS);
  store<u32>(parser, parser + endsAt, PLAIN_END);
  store<u32>(parser, parser + spareAt, SPARE);
  store<u32>(parser, parser + unreadAt, UNREAD);
  // With more columns than bits the bits never say that all are there: their stamps are looked at.
  store<u64>(parser, columns <= BITS_MAX ? ((<u64>1) << columns) - 1 : (<u64>1) << BITS_MAX, ALL_BITS);
  store<u32>(parser, parser + slotsAt, HASH_SLOTS);
  store<u32>(parser, 32 - ctz<u32>(slots), SLOT_SHIFT);
  store<u32>(parser, parser + lettersAt, LETTERS);
  store<u32>(parser, lettersMax, LETTERS_MAX);
  store<u32>(parser, lineBytesMax, LINE_BYTES_MAX);
  store<u32>(parser, parser + powersAt, POWERS);
  store<u32>(parser, parser + digitsAt, DIGITS);
  store<u32>(parser + unreadAt, KIND_UNREAD, KIND);
  // Of width 0: the values of all its rows go to the same word.
  store<u32>(parser + unreadAt, parser + WHOLE, VALUES);
  initLeads(parser);
  fillPowers(parser + powersAt, parser + digitsAt);
  return parser;
}

/** Describes column `i` (each once): its name in UTF-8 stays where it is. 0, or OUT_OF_MEMORY. */
export function jsonColumn(
  parserPtr: u32,
  i: u32,
  kind: u32,
  unit: u32,
  nullable: u32,
  namePtr: u32,
  nameBytes: u32,
): i32 {
  const column = load<u32>(parserPtr, COLUMNS) + i * JSON_COLUMN_BYTES;
  const rows = load<u32>(parserPtr, ROWS_MAX);
  const width: u32 = kind == KIND_BOOL ? 1 : kind <= KIND_INT32 ? 4 : 8;
  const values = transientAlloc(rows * width);
  const validity: u32 = nullable ? transientAlloc((rows + 7) >> 3) : 0;
  if (values == 0 || (nullable && validity == 0)) return -1;
  store<u32>(column, kind, KIND);
  store<u32>(column, values, VALUES);
  store<u32>(column, validity, VALIDITY);
  store<u32>(column, nullable, NULLABLE);
  store<u32>(column, unit, UNIT);
  store<u32>(column, width, WIDTH);
  store<u64>(column, (<u64>1) << (i % BITS_MAX), BIT);
  nameColumn(parserPtr, column, namePtr, nameBytes);
  return 0;
}

/** Gives the parser its scratch. A line needs at most twice as many bytes as it has, and PADDING_BYTES. */
export function jsonScratch(parserPtr: u32, scratchPtr: u32, bytes: u32): void {
  store<u32>(parserPtr, scratchPtr, SCRATCH_START);
  store<u32>(parserPtr, scratchPtr + bytes, SCRATCH_END);
}

/**
 * Parses the lines of [inputPtr, inputEnd) that start below `limitPtr`, until rows, letters or scratch are used up.
 * The byte before `inputEnd` is a newline. Results stand in the parser: ROWS, NEXT_LINE, LETTER_COUNT, FAST_ROWS.
 */
export function jsonParse(parserPtr: u32, inputPtr: u32, inputEnd: u32, limitPtr: u32): i32 {
  startBatch(parserPtr);
  const rowsMax = load<u32>(parserPtr, ROWS_MAX);
  const limit = min<u32>(inputEnd, limitPtr);
  const most = load<u32>(parserPtr, LINE_BYTES_MAX);
  let status = JSON_INPUT_DONE;
  let row: u32 = 0;
  let serial: u32 = 0;
  let fast: u32 = 0;
  let line = inputPtr;
  while (line < limit) {
    if (row == rowsMax) {
      status = JSON_ROWS_FULL;
      break;
    }
    const start = load<u8>(line) <= 0x20 ? skipSpace(line) : line;
    const isBlank = load<u8>(start) == <u8>NEWLINE;
    const scratchAt = load<u32>(parserPtr, SCRATCH_AT);
    if (isBlank && start - line <= most) {
      line = start + 1;
      continue;
    }
    const next = parseLine(parserPtr, line, start, row, ++serial);
    const isLookedUp = load<u32>(parserPtr, LOOKED_UP) != 0;
    store<u32>(parserPtr, 0, LOOKED_UP);
    if (next != 0) {
      if (!isLookedUp) fast++;
      row++;
      line = next;
      continue;
    }
    store<u32>(parserPtr, scratchAt, SCRATCH_AT);
    if (load<u32>(parserPtr, REASON) == SCRATCH_FULL) {
      status = JSON_SCRATCH_FULL;
      break;
    }
    line = addLetter(parserPtr, line);
    if (load<u32>(parserPtr, LETTER_COUNT) == load<u32>(parserPtr, LETTERS_MAX)) {
      status = JSON_LETTERS_FULL;
      break;
    }
  }
  store<u32>(parserPtr, row, ROWS);
  store<u32>(parserPtr, fast, FAST_ROWS);
  store<u32>(parserPtr, line, NEXT_LINE);
  return status;
}

function startBatch(parserPtr: u32): void {
  const count = load<u32>(parserPtr, COLUMN_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const column = load<u32>(parserPtr, COLUMNS) + i * JSON_COLUMN_BYTES;
    store<u32>(column, 0, STAMP);
    store<u32>(column, 0, BAD_STAMP);
    store<u32>(column, 0, HAS_NULLS);
  }
  store<u32>(parserPtr, load<u32>(parserPtr, SCRATCH_START), SCRATCH_AT);
  store<u32>(parserPtr, 0, LETTER_COUNT);
}

/** Notes the refused line at `line`; returns the start of the next one. */
function addLetter(parserPtr: u32, line: u32): u32 {
  const end = lineEnd(line);
  const bytes = end - line;
  const isLong = bytes > load<u32>(parserPtr, LINE_BYTES_MAX);
  const reason = isLong ? LINE_TOO_LONG : load<u32>(parserPtr, REASON);
  const count = load<u32>(parserPtr, LETTER_COUNT);
  const letter = load<u32>(parserPtr, LETTERS) + count * LETTER_BYTES;
  store<u32>(letter, line);
  store<u32>(letter, bytes, 4);
  store<u32>(letter, isLong ? 0 : load<u32>(parserPtr, ERROR_AT) - line, 8);
  store<u32>(letter, reason, 12);
  store<u32>(letter, reason >= TYPE_MISMATCH ? load<u32>(parserPtr, BAD_COLUMN) : NO_COLUMN, 16);
  store<u32>(parserPtr, count + 1, LETTER_COUNT);
  return end + 1;
}

/** The newline at or after `atPtr`, of which there is one. */
function lineEnd(atPtr: u32): u32 {
  let p = atPtr;
  while (true) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(<i8>NEWLINE)));
    if (mask != 0) return p + <u32>ctz<i32>(mask);
    p += 16;
  }
}

/** Past the last newline of [startPtr, end); `startPtr` when there is none. */
export function jsonLinesEnd(startPtr: u32, end: u32): u32 {
  let p = end;
  while (p > startPtr && load<u8>(p - 1) != <u8>NEWLINE) p--;
  return p;
}

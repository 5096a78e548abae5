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
import { addLetter, describeColumn, lineEnd, openParser, ownBytes, startBatch } from './columns';
import { hashSlots, nameColumn } from './keys';
import {
  BACKSLASHES,
  DIGITS_BELOW,
  DIGITS_MOVE,
  FAST_ROWS,
  FOUND,
  HASH_SLOTS,
  LEAD_BYTES,
  LEADS,
  LETTER_COUNT,
  LETTERS_MAX,
  LIMIT,
  LINE_AT,
  LINE_BYTES_MAX,
  LINE_START,
  LOOKED_UP,
  NEWLINE,
  NEXT_LINE,
  OPENINGS,
  PAST,
  PLAIN_END,
  PLAIN_FROM,
  REASON,
  ROWS,
  ROWS_MAX,
  SCRATCH_AT,
  SCRATCH_END,
  SCRATCH_FULL,
  SCRATCH_MARK,
  SCRATCH_START,
  skipSpace,
  SLOT_SHIFT,
  SLOW_ROWS,
  SPARE,
  TWOS,
} from './layout';
import { initLeads, LEADS_MAX, OPENINGS_MAX } from './leads';
import { parseLines } from './line';

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
  const spareAt = 4 * LEAD_BYTES;
  const openingsAt = spareAt + 2 * LEAD_BYTES;
  const leadsAt = openingsAt + OPENINGS_MAX * LEAD_BYTES;
  const slotsAt = leadsAt + LEADS_MAX * LEAD_BYTES;
  const parser = openParser(columns, rowsMax, lettersMax, lineBytesMax, slotsAt + (slots << 2));
  if (parser == 0) return 0;
  const own = ownBytes(parser);
  store<u32>(parser, own, PLAIN_END);
  store<u32>(parser, own + 2 * LEAD_BYTES, LINE_START);
  store<u32>(parser, own + 3 * LEAD_BYTES, FOUND);
  store<u32>(parser, own + spareAt, SPARE);
  store<u32>(parser, own + openingsAt, OPENINGS);
  store<u32>(parser, own + leadsAt, LEADS);
  store<u32>(parser, own + slotsAt, HASH_SLOTS);
  store<u32>(parser, 32 - ctz<u32>(slots), SLOT_SHIFT);
  // What digitRunBy and scanPlainBy add and compare with.
  v128.store(parser, i8x16.splat(0x46), DIGITS_MOVE);
  v128.store(parser, i8x16.splat(0x75), DIGITS_BELOW);
  v128.store(parser, i8x16.splat(0x5c), BACKSLASHES);
  v128.store(parser, i8x16.splat(0x02), TWOS);
  v128.store(parser, i8x16.splat(0x21), PLAIN_FROM);
  initLeads(parser);
  return parser;
}

/** Describes column `i` (each once): its name in UTF-8 stays where it is; none when `namePtr` is 0. 0, or OUT_OF_MEMORY. */
export function jsonColumn(
  parserPtr: u32,
  i: u32,
  kind: u32,
  unit: u32,
  nullable: u32,
  namePtr: u32,
  nameBytes: u32,
): i32 {
  const column = describeColumn(parserPtr, i, kind, unit, nullable);
  if (column == 0) return -1;
  if (namePtr != 0) nameColumn(parserPtr, column, namePtr, nameBytes);
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
  store<u32>(parserPtr, min<u32>(inputEnd, limitPtr), LIMIT);
  store<u32>(parserPtr, 0, ROWS);
  store<u32>(parserPtr, 0, SLOW_ROWS);
  store<u32>(parserPtr, 0, LOOKED_UP);
  store<u32>(parserPtr, inputPtr, PAST);
  const status = parseAll(parserPtr);
  store<u32>(parserPtr, load<u32>(parserPtr, ROWS) - load<u32>(parserPtr, SLOW_ROWS), FAST_ROWS);
  store<u32>(parserPtr, load<u32>(parserPtr, PAST), NEXT_LINE);
  return status;
}

/** The lines from PAST on; PAST is then the first that is left. */
function parseAll(parserPtr: u32): i32 {
  const limit = load<u32>(parserPtr, LIMIT);
  const rowsMax = load<u32>(parserPtr, ROWS_MAX);
  while (true) {
    const line = load<u32>(parserPtr, PAST);
    if (line >= limit) return JSON_INPUT_DONE;
    if (load<u32>(parserPtr, ROWS) == rowsMax) return JSON_ROWS_FULL;
    const start = skipSpace(line);
    const isBlank = load<u8>(start) == <u8>NEWLINE;
    if (isBlank && start - line <= load<u32>(parserPtr, LINE_BYTES_MAX)) store<u32>(parserPtr, start + 1, PAST);
    else if (!parseLines(parserPtr, line, start)) {
      const status = refuseLine(parserPtr);
      if (status != JSON_INPUT_DONE) return status;
    }
  }
}

/** The line at LINE_AT becomes a dead letter, unless it was merely too much for the scratch. */
function refuseLine(parserPtr: u32): i32 {
  const line = load<u32>(parserPtr, LINE_AT);
  store<u32>(parserPtr, line, PAST);
  store<u32>(parserPtr, load<u32>(parserPtr, SCRATCH_MARK), SCRATCH_AT);
  if (load<u32>(parserPtr, LOOKED_UP) == line) {
    store<u32>(parserPtr, 0, LOOKED_UP);
    store<u32>(parserPtr, load<u32>(parserPtr, SLOW_ROWS) - 1, SLOW_ROWS);
  }
  if (load<u32>(parserPtr, REASON) == SCRATCH_FULL) return JSON_SCRATCH_FULL;
  store<u32>(parserPtr, addLetter(parserPtr, line, lineEnd(line)), PAST);
  return load<u32>(parserPtr, LETTER_COUNT) == load<u32>(parserPtr, LETTERS_MAX) ? JSON_LETTERS_FULL : JSON_INPUT_DONE;
}

/** Past the last newline of [startPtr, end); `startPtr` when there is none. */
export function jsonLinesEnd(startPtr: u32, end: u32): u32 {
  let p = end;
  while (p > startPtr && load<u8>(p - 1) != <u8>NEWLINE) p--;
  return p;
}

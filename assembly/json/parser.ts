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
  FAST_ROWS,
  HASH_SLOTS,
  LEAD_BYTES,
  LEADS,
  LETTER_COUNT,
  LETTERS_MAX,
  LINE_BYTES_MAX,
  LOOKED_UP,
  NEWLINE,
  NEXT_LINE,
  OPENINGS,
  PLAIN_END,
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
} from './layout';
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
  const spareAt = 2 * LEAD_BYTES;
  const openingsAt = spareAt + 2 * LEAD_BYTES;
  const leadsAt = openingsAt + OPENINGS_MAX * LEAD_BYTES;
  const slotsAt = leadsAt + LEADS_MAX * LEAD_BYTES;
  const parser = openParser(columns, rowsMax, lettersMax, lineBytesMax, slotsAt + (slots << 2));
  if (parser == 0) return 0;
  const own = ownBytes(parser);
  store<u32>(parser, own, PLAIN_END);
  store<u32>(parser, own + spareAt, SPARE);
  store<u32>(parser, own + openingsAt, OPENINGS);
  store<u32>(parser, own + leadsAt, LEADS);
  store<u32>(parser, own + slotsAt, HASH_SLOTS);
  store<u32>(parser, 32 - ctz<u32>(slots), SLOT_SHIFT);
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
    line = addLetter(parserPtr, line, lineEnd(line));
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

/** Past the last newline of [startPtr, end); `startPtr` when there is none. */
export function jsonLinesEnd(startPtr: u32, end: u32): u32 {
  let p = end;
  while (p > startPtr && load<u8>(p - 1) != <u8>NEWLINE) p--;
  return p;
}

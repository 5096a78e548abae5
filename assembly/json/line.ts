/**
 * One line: an object whose leads are recognised, whose values go to columns or are skipped, and whose end is checked.
 *
 * Values that nobody reads are treated as the others are, into a column of width 0; only digits are not made a number.
 *
 * Invariants
 *  1. Only a line that is valid as a whole becomes a row. What a refused line wrote is overwritten by the next one.
 *  2. The last of duplicate keys counts, also when an earlier one was null or did not fit.
 */
import { fillAbsent } from './columns';
import { findLead, findOpening, isLead } from './leads';
import {
  ACTION,
  ACTION_DIGITS,
  ACTION_END,
  ACTION_STRING,
  ALL_BITS,
  LAST_OPENING,
  LEAD_BIT,
  LEAD_COLUMN,
  LEAD_GUESS,
  LEAD_MISSES,
  LEAD_TEXT_BYTES,
  LEAD_VALUES,
  LEAD_WIDTH,
  LINE_BYTES_MAX,
  LINE_TOO_LONG,
  NEXT_LEAD,
  QUOTE,
  refuse,
  STAMP,
  ZERO,
} from './layout';
import { digitRun, digitsValue, endsNumber } from './number';
import { scanPlain } from './text';
import { takeValue } from './value';

/** More digits may be no instant, and not all are an integer of 64 bits. */
const WHOLE_DIGITS_MAX: u32 = 15;

/** See `missed`. */
const GUESSES_MAX: u32 = 8;
const GUESS_PERIOD: u32 = 2047;
/** No value has this many bytes. */
const NO_GUESS: u32 = 0xffffffff;

/** Past the line at `line` with its newline, its object (at `start`) made row `row`; 0 when refused. */
export function parseLine(parserPtr: u32, line: u32, start: u32, row: u32, serial: u32): u32 {
  let p = start;
  let lead = load<u32>(parserPtr, LAST_OPENING);
  if (!inline.always(isLead(lead, p))) {
    lead = findOpening(parserPtr, p);
    if (lead == 0) return 0;
  }
  const opening = lead;
  // A bit for each column that has a value.
  let given: u64 = 0;
  while (true) {
    p += load<u32>(lead, LEAD_TEXT_BYTES);
    const action = load<u32>(lead, ACTION);
    const width = load<u32>(lead, LEAD_WIDTH);
    let value = p;
    let past: u32 = 0;
    if (action == ACTION_DIGITS) {
      const count = inline.always(digitRun(p));
      if (count - 1 < WHOLE_DIGITS_MAX && (load<u8>(p) != <u8>ZERO || count == 1)) {
        past = p + load<u32>(lead, LEAD_GUESS);
        if (past != p + count) past = p + missed(lead, count);
        if (width != 0) store<u64>(load<u32>(lead, LEAD_VALUES) + row * width, inline.always(digitsValue(p, count)));
      }
    } else if (action == ACTION_STRING) {
      const end = inline.always(scanPlain(p));
      if (load<u8>(end) == <u8>QUOTE) {
        store<u64>(load<u32>(lead, LEAD_VALUES) + row * width, <u64>p | ((<u64>(end - p)) << 32));
        past = p + load<u32>(lead, LEAD_GUESS);
        if (past != end) past = p + missed(lead, end - p);
        past++;
      } else value = p - 1;
    } else if (action == ACTION_END) return endLine(parserPtr, p - 1, line, row, serial, given);
    const column = load<u32>(lead, LEAD_COLUMN);
    const bit = load<u64>(lead, LEAD_BIT);
    given |= bit;
    if (past != 0) store<u32>(column, serial, STAMP);
    else {
      past = takeValue(parserPtr, column, value, row, serial);
      if (past == 0) return 0;
      if (load<u32>(column, STAMP) != serial) given &= ~bit;
    }
    p = past;
    const next = load<u32>(lead, NEXT_LEAD);
    if (inline.always(isLead(next, p))) lead = next;
    else {
      // Leads begin with what may follow a number. Anything else belongs to it: a fraction, an exponent, an error.
      if (action == ACTION_DIGITS && !endsNumber(load<u8>(p))) {
        p = takeValue(parserPtr, column, value, row, serial);
        if (p == 0) return 0;
        given = load<u32>(column, STAMP) == serial ? given | bit : given & ~bit;
      }
      lead = findLead(parserPtr, lead, opening, p);
      if (lead == 0) return 0;
    }
  }
}

/**
 * A value behind this lead has `length` bytes, which was not foreseen. While lengths are foreseen, the processor goes on
 * with what follows before it has found the end of the value. Where they vary, a guess costs more than it saves: after
 * GUESSES_MAX misses no length is foreseen until GUESS_PERIOD misses have passed. Returns the length.
 */
function missed(leadPtr: u32, length: u32): u32 {
  const misses = load<u32>(leadPtr, LEAD_MISSES) + 1;
  store<u32>(leadPtr, misses, LEAD_MISSES);
  store<u32>(leadPtr, (misses & GUESS_PERIOD) < GUESSES_MAX ? length : NO_GUESS, LEAD_GUESS);
  return length;
}

/** At the newline of a line that is valid JSON: it is not too long, and every column has a value or may be null. */
function endLine(parserPtr: u32, newline: u32, line: u32, row: u32, serial: u32, given: u64): u32 {
  if (newline - line > load<u32>(parserPtr, LINE_BYTES_MAX)) return refuse(parserPtr, LINE_TOO_LONG, line);
  if (given != load<u64>(parserPtr, ALL_BITS) && !fillAbsent(parserPtr, newline, row, serial)) return 0;
  return newline + 1;
}

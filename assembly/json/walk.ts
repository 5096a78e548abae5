/**
 * The walk from lead to lead, over as many lines as hold what was seen before.
 *
 * Invariants
 *  1. No calls. What lives across a call is kept on the stack by the engine, at each value, whether the call comes or
 *     not; so what is rare ends the walk, and line.ts does it by calls and starts the walk anew.
 *  2. What the walk has done of a line is what the general way would have done; it ends with the state in the parser.
 *
 * Values that nobody reads are treated as the others are, but stored nowhere.
 */
import { isLead, knownLead } from './leads';
import {
  ACTION,
  ACTION_DIGITS,
  ACTION_END,
  ACTION_STRING,
  ALL_BITS,
  AT,
  GIVEN,
  LEAD,
  LEAD_BIT,
  LEAD_GUESS,
  LEAD_MISSES,
  LEAD_TEXT_BYTES,
  LEAD_VALUES,
  LIMIT,
  LINE_AT,
  LINE_BYTES_MAX,
  LINE_START,
  NEXT_LEAD,
  OPENING,
  PAST,
  QUOTE,
  ROWS,
  ROWS_MAX,
  SCRATCH_AT,
  SCRATCH_MARK,
  ZERO,
} from './layout';
import { digitRunBy, digitsValue } from './number';
import { scanPlainBy } from './text';

/** Why the walk ended: at or behind a value that it cannot take, at the end of a line to be judged, between lines. */
export const WALK_STUCK: u32 = 0;
export const WALK_END: u32 = 1;
export const WALK_BETWEEN: u32 = 2;

/** More digits may be no instant, and not all are an integer of 64 bits. */
const WHOLE_DIGITS_MAX: u32 = 15;

/** See `missed`. */
const GUESSES_MAX: u32 = 8;
const GUESS_PERIOD: u32 = 2047;
/** No value has this many bytes. */
const NO_GUESS: u32 = 0xffffffff;

/**
 * Goes on PAST the value behind LEAD, or at the beginning of a line when LEAD is LINE_START. Afterwards AT is past the
 * text of LEAD, and PAST behind its value, or 0; at an end PAST is the next line.
 */
export function walk(parserPtr: u32): u32 {
  let lead = load<u32>(parserPtr, LEAD);
  let past = load<u32>(parserPtr, PAST);
  let given = load<u64>(parserPtr, GIVEN);
  let row = load<u32>(parserPtr, ROWS);
  let p: u32 = 0;
  let reason = WALK_STUCK;
  while (true) {
    let next = load<u32>(lead, NEXT_LEAD);
    if (!inline.always(isLead(next, past))) {
      if (lead == load<u32>(parserPtr, LINE_START)) break;
      next = inline.always(knownLead(parserPtr, lead, past));
      if (next == 0) break;
    }
    lead = next;
    p = past + load<u32>(lead, LEAD_TEXT_BYTES);
    const action = load<u32>(lead, ACTION);
    past = 0;
    if (action == ACTION_DIGITS) past = inline.always(pastDigits(parserPtr, lead, p, row));
    else if (action == ACTION_STRING) past = inline.always(pastString(parserPtr, lead, p, row));
    else if (action == ACTION_END) {
      past = p;
      reason = WALK_END;
      if (given != load<u64>(parserPtr, ALL_BITS)) break;
      if (past - 1 - load<u32>(parserPtr, LINE_AT) > load<u32>(parserPtr, LINE_BYTES_MAX)) break;
      row++;
      reason = WALK_BETWEEN;
      if (past >= load<u32>(parserPtr, LIMIT) || row == load<u32>(parserPtr, ROWS_MAX)) break;
      reason = WALK_STUCK;
      given = 0;
      lead = load<u32>(parserPtr, LINE_START);
      inline.always(beginLine(parserPtr, past, load<u32>(lead, NEXT_LEAD)));
      continue;
    }
    if (past == 0) break;
    given |= load<u64>(lead, LEAD_BIT);
  }
  store<u32>(parserPtr, lead, LEAD);
  store<u32>(parserPtr, p, AT);
  store<u32>(parserPtr, past, PAST);
  store<u64>(parserPtr, given, GIVEN);
  store<u32>(parserPtr, row, ROWS);
  return reason;
}

/** The line at `line` begins with this opening. */
export function beginLine(parserPtr: u32, line: u32, opening: u32): void {
  store<u32>(parserPtr, line, LINE_AT);
  store<u32>(parserPtr, opening, OPENING);
  store<u32>(parserPtr, load<u32>(parserPtr, SCRATCH_AT), SCRATCH_MARK);
}

/** Past the digits at `p` when they are all of the number and fit; 0 when they are none, or too many. */
function pastDigits(parserPtr: u32, leadPtr: u32, p: u32, row: u32): u32 {
  const count = inline.always(digitRunBy(parserPtr, p));
  if (count - 1 >= WHOLE_DIGITS_MAX) return 0;
  // A zero that is not alone. As one comparison: of a digit 1 to 9 this is more than there are digits.
  if ((<u32>load<u8>(p) - ZERO) << 4 < count - 1) return 0;
  const values = load<u32>(leadPtr, LEAD_VALUES);
  if (values != 0) store<u64>(values + (row << 3), inline.always(digitsValue(p, count)));
  const past = p + load<u32>(leadPtr, LEAD_GUESS);
  return past == p + count ? past : p + missed(leadPtr, count);
}

/** Past the string whose first byte is at `p`; 0 when it has escapes, or bytes that are to be looked at. */
function pastString(parserPtr: u32, leadPtr: u32, p: u32, row: u32): u32 {
  const end = inline.always(scanPlainBy(parserPtr, p));
  if (load<u8>(end) != <u8>QUOTE) return 0;
  const values = load<u32>(leadPtr, LEAD_VALUES);
  if (values != 0) store<u64>(values + (row << 3), <u64>p | ((<u64>(end - p)) << 32));
  const past = p + load<u32>(leadPtr, LEAD_GUESS);
  return (past == end ? past : p + missed(leadPtr, end - p)) + 1;
}

/**
 * A value behind this lead has `length` bytes, which was not foreseen. While lengths are foreseen, the processor goes on
 * with what follows before it has found the end of the value. Where they vary, a guess costs more than it saves: after
 * GUESSES_MAX misses no length is foreseen until GUESS_PERIOD misses have passed. Returns the length.
 */
function missed(leadPtr: u32, length: u32): u32 {
  const misses = load<u32>(leadPtr, LEAD_MISSES) + 1;
  store<u32>(leadPtr, misses, LEAD_MISSES);
  const turn = misses & GUESS_PERIOD;
  if (turn <= GUESSES_MAX) store<u32>(leadPtr, turn < GUESSES_MAX ? length : NO_GUESS, LEAD_GUESS);
  return length;
}

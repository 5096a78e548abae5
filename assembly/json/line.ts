/**
 * One line, and those behind it that the walk (walk.ts) can take: an object whose leads are recognised, whose values go
 * to columns or are skipped, and whose end is checked.
 *
 * Invariants
 *  1. Only a line that is valid as a whole becomes a row. What a refused line wrote is overwritten by the next one.
 *  2. The last of duplicate keys counts, also when an earlier one was null or did not fit.
 */
import { fillAbsent } from './columns';
import { findOpening, learnLead } from './leads';
import {
  ACTION,
  ACTION_DIGITS,
  ACTION_STRING,
  ALL_BITS,
  AT,
  COLUMNS,
  FOUND,
  GIVEN,
  JSON_COLUMN_BYTES,
  LEAD,
  LEAD_BIT,
  LEAD_COLUMN,
  LETTER_COUNT,
  LINE_AT,
  LINE_BYTES_MAX,
  LINE_START,
  LINE_TOO_LONG,
  NEXT_LEAD,
  OPENING,
  PAST,
  refuse,
  ROWS,
  STAMP,
} from './layout';
import { endsNumber } from './number';
import { takeValue } from './value';
import { beginLine, walk, WALK_BETWEEN, WALK_END } from './walk';

/**
 * Makes the line at `line`, its object at `start`, the next row, and then those behind it while they are like what was
 * seen. PAST is then where the next line begins. False when a line, the one at LINE_AT, is refused.
 */
export function parseLines(parserPtr: u32, line: u32, start: u32): bool {
  const lineStart = load<u32>(parserPtr, LINE_START);
  beginLine(parserPtr, line, load<u32>(lineStart, NEXT_LEAD));
  store<u64>(parserPtr, 0, GIVEN);
  store<u32>(parserPtr, lineStart, LEAD);
  store<u32>(parserPtr, start, PAST);
  while (true) {
    const reason = walk(parserPtr);
    if (reason == WALK_BETWEEN) return true;
    if (reason == WALK_END) return endLine(parserPtr);
    const lead = load<u32>(parserPtr, LEAD);
    const at = load<u32>(parserPtr, PAST);
    if (lead == lineStart) {
      // Whitespace before the object of a line behind this one.
      if (load<u32>(parserPtr, LINE_AT) != line && load<u8>(at) <= 0x20) return true;
      if (!foundLead(parserPtr, findOpening(parserPtr, at))) return false;
    } else if (mustTake(parserPtr, lead)) {
      const past = pastValue(parserPtr, lead);
      if (past == 0) return false;
      store<u32>(parserPtr, past, PAST);
    } else if (!foundLead(parserPtr, learnLead(parserPtr, lead, at))) return false;
  }
}

/** Lets the walk go on with this lead, which stands at PAST; false when there is none. */
function foundLead(parserPtr: u32, lead: u32): bool {
  const only = load<u32>(parserPtr, FOUND);
  store<u32>(only, lead, NEXT_LEAD);
  store<u32>(parserPtr, only, LEAD);
  return lead != 0;
}

/**
 * Whether the value behind this lead is not taken yet. Leads begin with what may follow a number. Anything else belongs
 * to it: a fraction, an exponent, an error.
 */
function mustTake(parserPtr: u32, lead: u32): bool {
  const past = load<u32>(parserPtr, PAST);
  return past == 0 || (load<u32>(lead, ACTION) == ACTION_DIGITS && !endsNumber(load<u8>(past)));
}

/** Past the value behind this lead, whatever it is; 0 when it is refused. */
function pastValue(parserPtr: u32, lead: u32): u32 {
  const at = load<u32>(parserPtr, AT);
  const value = load<u32>(lead, ACTION) == ACTION_STRING ? at - 1 : at;
  const column = load<u32>(lead, LEAD_COLUMN);
  const serial = serialOf(parserPtr);
  const past = takeValue(parserPtr, column, value, load<u32>(parserPtr, ROWS), serial);
  const bit = load<u64>(lead, LEAD_BIT);
  const given = load<u64>(parserPtr, GIVEN);
  store<u64>(parserPtr, load<u32>(column, STAMP) == serial ? given | bit : given & ~bit, GIVEN);
  return past;
}

/** A number of the line in its call: lines become rows or letters. */
function serialOf(parserPtr: u32): u32 {
  return load<u32>(parserPtr, ROWS) + load<u32>(parserPtr, LETTER_COUNT) + 1;
}

/** Behind the newline of a line that is valid JSON: it is not too long, and every column has a value or may be null. */
function endLine(parserPtr: u32): bool {
  const line = load<u32>(parserPtr, LINE_AT);
  const newline = load<u32>(parserPtr, PAST) - 1;
  if (newline - line > load<u32>(parserPtr, LINE_BYTES_MAX)) {
    refuse(parserPtr, LINE_TOO_LONG, line);
    return false;
  }
  const row = load<u32>(parserPtr, ROWS);
  if (load<u64>(parserPtr, GIVEN) != load<u64>(parserPtr, ALL_BITS)) {
    const serial = serialOf(parserPtr);
    stampGiven(parserPtr, serial);
    if (!fillAbsent(parserPtr, newline, row, serial)) return false;
  }
  store<u32>(parserPtr, row + 1, ROWS);
  return true;
}

/** Notes in the columns themselves which have a value. */
function stampGiven(parserPtr: u32, serial: u32): void {
  const first = load<u32>(parserPtr, COLUMNS);
  for (let rest = load<u64>(parserPtr, GIVEN); rest != 0; rest &= rest - 1) {
    store<u32>(first + <u32>ctz<u64>(rest) * JSON_COLUMN_BYTES, serial, STAMP);
  }
}

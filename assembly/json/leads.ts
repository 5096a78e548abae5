/**
 * Leads: the bytes that stand between two values, recognised whole because they stood there before.
 *
 *   {"price":12, "channel" : "Apple"}\n
 *   ---------  ---------------     ---    three leads: their texts are compared, 32 bytes at a time
 *
 * A lead is what follows a value (or begins a line), up to the next value: separators, whitespace, the key as it is
 * spelled, and of the value the class of its first byte (a digit, a letter, a quote, ...), so that its text decides how
 * the value is read. A line whose writer is known is a walk from lead to lead; each remembers two that followed it.
 * Other leads are looked up by the first letters of the key, apart for each opening (the lead that begins a line): a
 * writer with its own order of keys or its own whitespace mostly begins lines in its own way.
 *
 * Invariants
 *  1. Every lead in memory came out of `learnKey` or `learnEnd`, which read its text by the grammar, or is one of the
 *     endings of `initLeads`. What it means (column, kind of value) depends on its text alone, never on the lines
 *     before: an overwritten or misleading prediction costs time only.
 *  2. Openings and inner leads live in tables of their own and are never compared in each other's place.
 *  3. A text has at most 32 bytes, the class byte included; what is longer goes through the spare lead each time.
 */
import { findColumn } from './keys';
import {
  ACTION,
  ACTION_DIGITS,
  ACTION_END,
  ACTION_OTHER,
  ACTION_STRING,
  BIT,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  CURSOR,
  EXPECTED_COLON,
  EXPECTED_COMMA,
  KIND,
  KIND_INT64,
  KIND_TIMESTAMP,
  KIND_UNREAD,
  KIND_UTF8,
  LEAD_BIT,
  LEAD_BYTES,
  LEAD_COLUMN,
  LEAD_GUESS,
  LEAD_IS_LONG,
  LEAD_MASK,
  LEAD_MISSES,
  LEAD_TEXT_BYTES,
  LEAD_TURN,
  LEAD_TURNS,
  LEAD_VALUES,
  LEADS,
  LINE_AT,
  LINE_START,
  LOOKED_UP,
  NAME_OFFSET,
  NEWLINE,
  NEXT_LEAD,
  NOT_AN_OBJECT,
  OPEN_OBJECT,
  OPENING,
  OPENINGS,
  OTHER_LEAD,
  PLAIN_END,
  QUOTE,
  refuse,
  skipBlank,
  skipSpace,
  SLOW_ROWS,
  SPARE,
  TRAILING_BYTES,
  UNIT,
  UNIT_S,
  VALUES,
} from './layout';
import { isDigit } from './number';

/** Leads of one parser, in sets of two. */
export const LEADS_MAX: u32 = 1024;
const LEADS_SHIFT: u64 = 55;
/** Openings, two sets for each name: whitespace behind a name makes several of one. */
export const OPENINGS_MAX: u32 = 128;
const OPENINGS_SHIFT: u64 = 59;
const TEXT_MAX: u32 = 32;
/** Where a name begins after a value when there is no whitespace. */
const PLAIN_NAME_OFFSET: u32 = 2;
const QUOTES: u64 = 0x2222222222222222;
const ONES: u64 = 0x0101010101010101;
const TOPS: u64 = 0x8080808080808080;
/** '}' and a newline as they lie in memory. */
const CLOSE_AND_NEWLINE: u32 = 0x0a7d;

/** Whether the bytes at `p` are the text of this lead. */
export function isLead(leadPtr: u32, p: u32): bool {
  const near = i8x16.eq(v128.and(v128.load(p), v128.load(leadPtr, LEAD_MASK)), v128.load(leadPtr));
  let same = i8x16.bitmask(near);
  if (load<u32>(leadPtr, LEAD_IS_LONG) != 0) {
    const far = i8x16.eq(v128.and(v128.load(p, 16), v128.load(leadPtr, LEAD_MASK + 16)), v128.load(leadPtr, 16));
    same &= i8x16.bitmask(far);
  }
  return same == 0xffff;
}

/** The endings that every parser knows: of an object, and of a line that is an empty one. */
export function initLeads(parserPtr: u32): void {
  const end = load<u32>(parserPtr, PLAIN_END);
  const empty = end + LEAD_BYTES;
  initEnd(parserPtr, end, CLOSE_AND_NEWLINE, 2);
  initEnd(parserPtr, empty, (CLOSE_AND_NEWLINE << 8) | OPEN_OBJECT, 3);
  const lineStart = load<u32>(parserPtr, LINE_START);
  store<u32>(lineStart, empty, NEXT_LEAD);
}

function initEnd(parserPtr: u32, leadPtr: u32, text: u32, bytes: u32): void {
  store<u32>(leadPtr, text);
  setMask(leadPtr, bytes);
  store<u32>(leadPtr, bytes, LEAD_TEXT_BYTES);
  store<u32>(leadPtr, ACTION_END, ACTION);
  store<u32>(leadPtr, load<u32>(parserPtr, PLAIN_END), NEXT_LEAD);
  store<u32>(leadPtr, load<u32>(parserPtr, PLAIN_END), OTHER_LEAD);
}

function setMask(leadPtr: u32, bytes: u32): void {
  memory.fill(leadPtr + LEAD_MASK, 0, TEXT_MAX);
  memory.fill(leadPtr + LEAD_MASK, 0xff, bytes);
}

/** First lead of the set for a name (its first letters in `name`), in lines of this opening. */
function setOf(tablePtr: u32, shift: u64, opening: u32, name: u64): u32 {
  const hash = (name ^ (<u64>opening * 0x9e3779b97f4a7c15)) * 0xc2b2ae3d27d4eb4f;
  return tablePtr + <u32>(hash >> shift) * (LEAD_BYTES * 2);
}

/** Up to eight letters of the name that begins at `p`, its quote included. */
function nameWord(p: u32): u64 {
  const word = load<u64>(p);
  const odd = word ^ QUOTES;
  // The lowest top bit marks the first quote; what lies behind it is not of the name.
  const quote = (odd - ONES) & ~odd & TOPS;
  return word & (quote ^ (quote - 1));
}

/** The one of two leads that stands at `p`, or 0. */
function knownOf(setPtr: u32, p: u32): u32 {
  if (inline.always(isLead(setPtr, p)) && load<u32>(setPtr, LEAD_TEXT_BYTES) != 0) return setPtr;
  const second = setPtr + LEAD_BYTES;
  return inline.always(isLead(second, p)) && load<u32>(second, LEAD_TEXT_BYTES) != 0 ? second : 0;
}

/** The opening of the line that begins at `start`; 0 when refused. */
export function findOpening(parserPtr: u32, start: u32): u32 {
  const name = nameWord(start + (load<u8>(start, 1) == <u8>QUOTE ? 2 : 3));
  const near = setOf(load<u32>(parserPtr, OPENINGS), OPENINGS_SHIFT, 0, name);
  const far = near + (OPENINGS_MAX / 2) * LEAD_BYTES;
  let found = knownOf(near, start);
  if (found == 0) found = knownOf(far, start);
  if (found == 0) {
    const isNearFull = load<u32>(near, LEAD_BYTES + LEAD_TEXT_BYTES) != 0;
    const set = isNearFull && (load<u32>(parserPtr, LEAD_TURN) & 2) != 0 ? far : near;
    if (load<u8>(start) != <u8>OPEN_OBJECT) return refuse(parserPtr, NOT_AN_OBJECT, start);
    const spare = load<u32>(parserPtr, SPARE) + LEAD_BYTES;
    const key = skipSpace(start + 1);
    const isEmpty = load<u8>(key) == <u8>CLOSE_OBJECT;
    found = isEmpty ? learnEnd(parserPtr, start, key, set, spare) : learnKey(parserPtr, start, key, set, spare);
    if (found == 0) return 0;
    store<u32>(found, PLAIN_NAME_OFFSET, NAME_OFFSET);
  }
  store<u32>(parserPtr, found, OPENING);
  if (found != load<u32>(parserPtr, SPARE) + LEAD_BYTES) store<u32>(load<u32>(parserPtr, LINE_START), found, NEXT_LEAD);
  return found;
}

/** By the grammar, the lead at `p`, behind the value of `lead`, which is not known; 0 when refused. */
export function learnLead(parserPtr: u32, lead: u32, p: u32): u32 {
  const spare = load<u32>(parserPtr, SPARE);
  const learnt = learnInner(parserPtr, p, load<u32>(parserPtr, OPENING), spare);
  if (learnt != 0 && learnt != spare) predict(parserPtr, lead, learnt);
  return learnt;
}

/** The lead at `p`, which `lead` did not predict first; 0 when none is known. */
export function knownLead(parserPtr: u32, lead: u32, p: u32): u32 {
  const other = load<u32>(lead, OTHER_LEAD);
  if (inline.always(isLead(other, p))) {
    // Now and then the two change places, so that the more frequent one is mostly the first.
    const turns = load<u32>(lead, LEAD_TURNS) + 1;
    store<u32>(lead, turns, LEAD_TURNS);
    if ((turns & 7) == 0) {
      store<u32>(lead, load<u32>(lead, NEXT_LEAD), OTHER_LEAD);
      store<u32>(lead, other, NEXT_LEAD);
    }
    return other;
  }
  if (load<u16>(p) == <u16>CLOSE_AND_NEWLINE) return load<u32>(parserPtr, PLAIN_END);
  const opening = load<u32>(parserPtr, OPENING);
  const name = inline.always(nameWord(p + load<u32>(opening, NAME_OFFSET)));
  const set = inline.always(setOf(load<u32>(parserPtr, LEADS), LEADS_SHIFT, opening, name));
  const found = inline.always(knownOf(set, p));
  if (found != 0) inline.always(predict(parserPtr, lead, found));
  return found;
}

/** `found` has followed `lead`. */
function predict(parserPtr: u32, lead: u32, found: u32): void {
  const isFirst = load<u32>(lead, NEXT_LEAD) == load<u32>(parserPtr, PLAIN_END);
  if (isFirst) store<u32>(lead, found, NEXT_LEAD);
  else store<u32>(lead, found, OTHER_LEAD);
}

/** By the grammar, what may stand after a value: the end of the object, or a comma and a key. */
function learnInner(parserPtr: u32, p: u32, opening: u32, spare: u32): u32 {
  const leads = load<u32>(parserPtr, LEADS);
  const separator = skipBlank(p);
  if (load<u8>(separator) == <u8>CLOSE_OBJECT) {
    const set = setOf(leads, LEADS_SHIFT, opening, 0);
    const known = knownOf(set, p);
    return known != 0 ? known : learnEnd(parserPtr, p, separator, set, spare);
  }
  if (load<u8>(separator) != <u8>COMMA) return refuse(parserPtr, EXPECTED_COMMA, separator);
  const key = skipSpace(separator + 1);
  store<u32>(opening, min<u32>(key + 1 - p, TEXT_MAX), NAME_OFFSET);
  const name = nameWord(p + load<u32>(opening, NAME_OFFSET));
  return learnKey(parserPtr, p, key, setOf(leads, LEADS_SHIFT, opening, name), spare);
}

/** The closing brace at `brace` and the rest of the line, as a lead that begins at `from`; 0 when refused. */
function learnEnd(parserPtr: u32, from: u32, brace: u32, setPtr: u32, spare: u32): u32 {
  const newline = skipSpace(brace + 1);
  if (load<u8>(newline) != <u8>NEWLINE) return refuse(parserPtr, TRAILING_BYTES, newline);
  const bytes = newline + 1 - from;
  const lead = bytes <= TEXT_MAX ? placeIn(parserPtr, setPtr) : spare;
  setText(parserPtr, lead, from, bytes);
  store<u32>(lead, ACTION_END, ACTION);
  return lead;
}

/** The key at `key` up to its value, as a lead that begins at `from`; 0 when refused. */
function learnKey(parserPtr: u32, from: u32, key: u32, setPtr: u32, spare: u32): u32 {
  const column = findColumn(parserPtr, key);
  if (column == 0) return 0;
  const colon = skipBlank(load<u32>(parserPtr, CURSOR));
  if (load<u8>(colon) != <u8>COLON) return refuse(parserPtr, EXPECTED_COLON, colon);
  const value = skipBlank(colon + 1);
  const line = load<u32>(parserPtr, LINE_AT);
  if (load<u32>(parserPtr, LOOKED_UP) != line) store<u32>(parserPtr, load<u32>(parserPtr, SLOW_ROWS) + 1, SLOW_ROWS);
  store<u32>(parserPtr, line, LOOKED_UP);
  const first = <u32>load<u8>(value);
  const action = actionFor(column, first);
  const lead = value - from < TEXT_MAX ? placeIn(parserPtr, setPtr) : spare;
  setText(parserPtr, lead, from, value - from);
  if (lead != spare) setClass(lead, from, value - from);
  if (action == ACTION_STRING) store<u32>(lead, value + 1 - from, LEAD_TEXT_BYTES);
  store<u32>(lead, action, ACTION);
  store<u32>(lead, column, LEAD_COLUMN);
  store<u32>(lead, load<u32>(column, KIND) == KIND_UNREAD ? 0 : load<u32>(column, VALUES), LEAD_VALUES);
  store<u64>(lead, load<u64>(column, BIT), LEAD_BIT);
  return lead;
}

/** How a value that begins with this byte goes into this column. */
function actionFor(columnPtr: u32, first: u32): u32 {
  const kind = load<u32>(columnPtr, KIND);
  // Of a column without a bit of its own only its stamp says that it has a value.
  if (load<u64>(columnPtr, BIT) == 0 && kind != KIND_UNREAD) return ACTION_OTHER;
  if (first == QUOTE) return kind == KIND_UTF8 || kind == KIND_UNREAD ? ACTION_STRING : ACTION_OTHER;
  if (!isDigit(first)) return ACTION_OTHER;
  const isInstant = kind == KIND_TIMESTAMP && load<u32>(columnPtr, UNIT) != UNIT_S;
  return isInstant || kind == KIND_INT64 || kind == KIND_UNREAD ? ACTION_DIGITS : ACTION_OTHER;
}

/** A lead of the set to be written: an empty one if there is, else the two in turn. */
function placeIn(parserPtr: u32, setPtr: u32): u32 {
  const turn = load<u32>(parserPtr, LEAD_TURN) + 1;
  store<u32>(parserPtr, turn, LEAD_TURN);
  const second = setPtr + LEAD_BYTES;
  if (load<u32>(setPtr, LEAD_TEXT_BYTES) == 0) return setPtr;
  return load<u32>(second, LEAD_TEXT_BYTES) == 0 || (turn & 1) != 0 ? second : setPtr;
}

/** Makes the lead one with this text, which has any length in a spare lead only, and forgets what followed it. */
function setText(parserPtr: u32, leadPtr: u32, from: u32, bytes: u32): void {
  setMask(leadPtr, min<u32>(bytes, TEXT_MAX));
  copyText(leadPtr, from);
  store<u32>(leadPtr, 0, LEAD_GUESS);
  store<u32>(leadPtr, 0, LEAD_MISSES);
  store<u32>(leadPtr, bytes, LEAD_TEXT_BYTES);
  const end = load<u32>(parserPtr, PLAIN_END);
  store<u32>(leadPtr, end, NEXT_LEAD);
  store<u32>(leadPtr, end, OTHER_LEAD);
}

/** The byte at `at` in the text stands for its class: digits (and what no value begins with), letters, or itself. */
function setClass(leadPtr: u32, from: u32, at: u32): void {
  const first = <u32>load<u8>(from + at);
  const mask: u32 = isDigit(first) ? 0xf0 : first - 0x61 < 26 ? 0xe0 : 0xff;
  store<u8>(leadPtr + at, <u8>mask, LEAD_MASK);
  copyText(leadPtr, from);
}

/** The bytes at `from` where the mask has ones. */
function copyText(leadPtr: u32, from: u32): void {
  const far = v128.load(leadPtr, LEAD_MASK + 16);
  v128.store(leadPtr, v128.and(v128.load(from), v128.load(leadPtr, LEAD_MASK)));
  v128.store(leadPtr, v128.and(v128.load(from, 16), far), 16);
  store<u32>(leadPtr, v128.any_true(far) ? 1 : 0, LEAD_IS_LONG);
}

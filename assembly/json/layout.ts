/**
 * Structs of the JSON parser in linear memory, and the reasons why a line is refused.
 *
 * Parser, PARSER_BYTES:
 *   0         4         8       12       16       20      24       28       32        36        40
 *   +---------+---------+-------+--------+--------+-------+--------+--------+---------+---------+---------+
 *   | columns | column  | rows  | leads  | open-  | hash  | line   | plain  | scratch | scratch | scratch |
 *   |         | count   | max   |        | ings   | slots | start  | end    | start   | end     | at      |
 *   +---------+---------+-------+--------+--------+-------+--------+--------+---------+---------+---------+
 *   44        48        52      56     60      64       68     72        76       80      84       88
 *   +---------+---------+-------+------+-------+--------+------+---------+--------+-------+--------+-------+-------+
 *   | letters | letters | line  | rows | next  | letter | fast | escaped | reason | error | cursor | slot  | depth |
 *   |         | max     | max   |      | line  | count  | rows |         |        | at    |        | shift |       |
 *   +---------+---------+-------+------+-------+--------+------+---------+--------+-------+--------+-------+-------+
 *   96         104        108      112      116      120      128    132        136      144     192           320
 *   +----------+----------+--------+--------+--------+--------+------+----------+--------+-------+-------------+
 *   | mantissa | exponent | number | powers | digits | number | text | text end | bad    | whole | nesting,    |
 *   |          |          | flags  |        |        | start  |      |          | column |       | a bit each  |
 *   +----------+----------+--------+--------+--------+--------+------+----------+--------+-------+-------------+
 *   152      156     160    164      168        176
 *   +--------+-------+------+--------+----------+-------+
 *   | unread | spare | turn | looked | all bits | spare |
 *   | column | leads |      | up     |          |       |
 *   +--------+-------+------+--------+----------+-------+
 *   320    336     352         368    384     400     408     412    416       420      424    428  432    436    440
 *   +--------+-------+---------+------+-------+-------+-------+------+---------+------+------+----+------+------+-------+
 *   | digits | below | back-   | twos | plain | given | limit | line | opening | mark | lead | at | past | slow | found |
 *   | move   |       | slashes |      | from  |       |       | at   |         |      |      |    |      | rows |       |
 *   +--------+-------+---------+------+-------+-------+-------+------+---------+------+------+----+------+------+-------+
 *   Words 56 to 71 are the result of a call. Those from 72 on mean something inside one only, but for slot shift,
 *   powers, digits, those from 152 on that are not the walk's (400 to 439). 320 to 399 are vectors of equal bytes.
 *
 * Column, JSON_COLUMN_BYTES: kind, values, validity, nullable, stamp, has nulls, unit, width, bad stamp, bad reason,
 * bad at, name, name bytes, name hash, bit (u64)
 *   Stamp: serial number of the line that last gave it a value; bad stamp: of the line whose last value did not fit.
 *
 * Lead, LEAD_BYTES (leads.ts says what it is):
 *   0          32         64       68       72     76      80       84       88      92      96      104      108     112
 *   +----------+----------+--------+--------+------+-------+--------+--------+-------+-------+-------+--------+-------+--
 *   | text     | mask     | text   | action | next | other | column | values | long  | turns | bit   | name   | guess |
 *   |          |          | bytes  |        | lead | lead  |        |        |       |       |       | offset |       |
 *   +----------+----------+--------+--------+------+-------+--------+--------+-------+-------+-------+--------+-------+--
 *   mask: ones where the text counts; elsewhere the text is zero. Values and bit are the column's; values are 0 when
 *   nobody reads them. Name offset is an opening's. Guess: the length that the value behind the lead may have; misses, at
 *   112: how often it had another (walk.ts). Up to 128: spare.
 *
 * Dead letter, LETTER_BYTES: line, bytes, position in the line, reason, column or NO_COLUMN
 */

// Parser.
export const PARSER_BYTES: u32 = 448;
export const COLUMNS: u32 = 0;
export const COLUMN_COUNT: u32 = 4;
export const ROWS_MAX: u32 = 8;
export const LEADS: u32 = 12;
export const OPENINGS: u32 = 16;
export const HASH_SLOTS: u32 = 20;
/** What stands before every line, as a lead that predicts its opening. */
export const LINE_START: u32 = 24;
export const PLAIN_END: u32 = 28;
export const SCRATCH_START: u32 = 32;
export const SCRATCH_END: u32 = 36;
export const SCRATCH_AT: u32 = 40;
export const LETTERS: u32 = 44;
export const LETTERS_MAX: u32 = 48;
export const LINE_BYTES_MAX: u32 = 52;
export const ROWS: u32 = 56;
export const NEXT_LINE: u32 = 60;
export const LETTER_COUNT: u32 = 64;
export const FAST_ROWS: u32 = 68;
export const ESCAPED: u32 = 72;
export const REASON: u32 = 76;
export const ERROR_AT: u32 = 80;
export const CURSOR: u32 = 84;
/** Hash values are shifted right by this to become slot numbers. */
export const SLOT_SHIFT: u32 = 88;
export const DEPTH: u32 = 92;
export const MANTISSA: u32 = 96;
export const EXPONENT: u32 = 104;
export const NUMBER_FLAGS: u32 = 108;
export const POWERS: u32 = 112;
export const DIGITS: u32 = 116;
export const NUMBER_START: u32 = 120;
export const TEXT: u32 = 128;
export const TEXT_END: u32 = 132;
export const BAD_COLUMN: u32 = 136;
export const WHOLE: u32 = 144;
export const UNREAD: u32 = 152;
/** Two leads, an inner one and an opening, for texts that are too long. */
export const SPARE: u32 = 156;
export const LEAD_TURN: u32 = 160;
/** The line in which a key was last looked up by its name. */
export const LOOKED_UP: u32 = 164;
export const ALL_BITS: u32 = 168;
export const NESTING: u32 = 192;
/** Of sixteen equal bytes each, for vectors: see digitRunBy and scanPlainBy. */
export const DIGITS_MOVE: u32 = 320;
export const DIGITS_BELOW: u32 = 336;
export const BACKSLASHES: u32 = 352;
export const TWOS: u32 = 368;
export const PLAIN_FROM: u32 = 384;
// Where the walk stands (walk.ts).
/** Bits of the columns that have a value. */
export const GIVEN: u32 = 400;
/** Lines begin below it. */
export const LIMIT: u32 = 408;
/** Where the line begins, with which opening, and how much scratch was used before it. */
export const LINE_AT: u32 = 412;
export const OPENING: u32 = 416;
export const SCRATCH_MARK: u32 = 420;
/** The lead last met, what is past its text, and what is past the value behind it, or 0. */
export const LEAD: u32 = 424;
export const AT: u32 = 428;
export const PAST: u32 = 432;
/** Rows, the line's own included, for which a key was looked up by its name. */
export const SLOW_ROWS: u32 = 436;
/** A lead without text that predicts what was found for the walk. */
export const FOUND: u32 = 440;

// Column.
export const JSON_COLUMN_BYTES: u32 = 64;
export const KIND: u32 = 0;
export const VALUES: u32 = 4;
export const VALIDITY: u32 = 8;
export const NULLABLE: u32 = 12;
export const STAMP: u32 = 16;
export const HAS_NULLS: u32 = 20;
export const UNIT: u32 = 24;
export const WIDTH: u32 = 28;
export const BAD_STAMP: u32 = 32;
export const BAD_REASON: u32 = 36;
export const BAD_AT: u32 = 40;
export const COLUMN_NAME: u32 = 44;
export const COLUMN_NAME_BYTES: u32 = 48;
export const COLUMN_HASH: u32 = 52;
export const BIT: u32 = 56;
/** Columns that have a bit; of those beyond only their stamps tell whether they have a value. */
export const BITS_MAX: u32 = 63;

// Lead.
export const LEAD_BYTES: u32 = 128;
export const LEAD_MASK: u32 = 32;
export const LEAD_TEXT_BYTES: u32 = 64;
export const ACTION: u32 = 68;
export const NEXT_LEAD: u32 = 72;
export const OTHER_LEAD: u32 = 76;
export const LEAD_COLUMN: u32 = 80;
export const LEAD_VALUES: u32 = 84;
/** Not 0: the text is compared beyond its first 16 bytes. */
export const LEAD_IS_LONG: u32 = 88;
export const LEAD_TURNS: u32 = 92;
export const LEAD_BIT: u32 = 96;
export const NAME_OFFSET: u32 = 104;
/** Bytes of the value that follows, if it is as long as one before. */
export const LEAD_GUESS: u32 = 108;
export const LEAD_MISSES: u32 = 112;

// Actions: what stands behind a lead.
export const ACTION_DIGITS: u32 = 0;
export const ACTION_STRING: u32 = 1;
export const ACTION_OTHER: u32 = 2;
export const ACTION_END: u32 = 3;

// Dead letter.
export const LETTER_BYTES: u32 = 32;
export const NO_COLUMN: u32 = 0xffffffff;

// Kinds of columns.
export const KIND_BOOL: u32 = 0;
export const KIND_INT8: u32 = 1;
export const KIND_INT16: u32 = 2;
export const KIND_INT32: u32 = 3;
export const KIND_INT64: u32 = 4;
export const KIND_FLOAT32: u32 = 5;
export const KIND_FLOAT64: u32 = 6;
export const KIND_UTF8: u32 = 7;
export const KIND_BYTES: u32 = 8;
export const KIND_JSON: u32 = 9;
export const KIND_TIMESTAMP: u32 = 10;
/** Of the column whose values nobody sees. */
export const KIND_UNREAD: u32 = 11;

// Units of timestamps.
export const UNIT_S: u32 = 0;
export const UNIT_MS: u32 = 1;
export const UNIT_US: u32 = 2;

// Reasons. Below 32: the line is not what RFC 8259 allows (or is too long); from 32: a value does not fit its column.
export const NOT_AN_OBJECT: u32 = 1;
export const TRAILING_BYTES: u32 = 2;
export const EXPECTED_KEY: u32 = 3;
export const EXPECTED_COLON: u32 = 4;
export const EXPECTED_COMMA: u32 = 5;
export const EXPECTED_VALUE: u32 = 6;
export const BAD_NUMBER: u32 = 7;
export const BAD_ESCAPE: u32 = 8;
export const CONTROL_CHARACTER: u32 = 9;
export const BAD_UTF8: u32 = 10;
export const UNFINISHED_STRING: u32 = 11;
export const TOO_DEEP: u32 = 12;
export const LINE_TOO_LONG: u32 = 13;
export const TYPE_MISMATCH: u32 = 32;
export const OUT_OF_RANGE: u32 = 33;
export const MISSING: u32 = 34;
export const BAD_TIMESTAMP: u32 = 35;
export const BAD_BASE64: u32 = 36;
/** Not the line's fault: no room for unescaped bytes. */
export const SCRATCH_FULL: u32 = 64;

/** Deepest nesting of a line, its own object included. */
export const NESTING_MAX: u32 = 1024;
/** Bytes that may be read behind any text: loads of whole vectors run past its end. */
export const PADDING_BYTES: u32 = 64;

// Bytes of the grammar.
export const QUOTE: u32 = 0x22;
export const COMMA: u32 = 0x2c;
export const MINUS: u32 = 0x2d;
export const DOT: u32 = 0x2e;
export const ZERO: u32 = 0x30;
export const COLON: u32 = 0x3a;
export const OPEN_ARRAY: u32 = 0x5b;
export const BACKSLASH: u32 = 0x5c;
export const CLOSE_ARRAY: u32 = 0x5d;
export const OPEN_OBJECT: u32 = 0x7b;
export const CLOSE_OBJECT: u32 = 0x7d;
export const NEWLINE: u32 = 0x0a;
/** 'null', 'true' and the last four of 'false' as they lie in memory. */
export const NULL_WORD: u32 = 0x6c6c756e;
export const TRUE_WORD: u32 = 0x65757274;
export const ALSE_WORD: u32 = 0x65736c61;

/** Notes why and where a line or a value is refused; 0, so that callers return it. */
export function refuse(parserPtr: u32, reason: u32, atPtr: u32): u32 {
  store<u32>(parserPtr, reason, REASON);
  store<u32>(parserPtr, atPtr, ERROR_AT);
  return 0;
}

/** As skipSpace, for places where there is none or one blank most often. */
export function skipBlank(p: u32): u32 {
  const c = <u32>load<u8>(p);
  if (c > 0x20) return p;
  const next = p + <u32>(c == 0x20);
  return load<u8>(next) <= 0x20 ? skipSpace(next) : next;
}

/** The first byte that is neither space, tab nor carriage return. */
export function skipSpace(atPtr: u32): u32 {
  let p = atPtr;
  while (true) {
    const c = <u32>load<u8>(p);
    if (c != 0x20 && c != 0x09 && c != 0x0d) return p;
    p++;
  }
}

/** Up to eight bytes at `p` as a word, zeros above. Reads eight whatever `bytes` is. */
export function readableWord(p: u32, bytes: u32): u64 {
  const word = load<u64>(p);
  return bytes >= 8 ? word : word & (((<u64>1) << ((<u64>bytes) << 3)) - 1);
}

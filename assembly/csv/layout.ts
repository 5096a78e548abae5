/**
 * What a parser of CSV has besides what all parsers have (../json/layout.ts), and its own reasons for refusals.
 *
 *   12              16            20            84
 *   +---------------+-------------+-------------+-----------+
 *   | field columns | field count | separator   | place     |
 *   +---------------+-------------+-------------+-----------+
 *   Field columns: a word for each field of a record, the address of its column, or 0 where nobody reads it. Place: the
 *   newline that ends a refused record, or the quote that opens a field which does not end. A parser of JSON uses these
 *   words for its leads and its cursor, which CSV has not.
 */
export const FIELD_COLUMNS: u32 = 12;
export const FIELD_COUNT: u32 = 16;
export const SEPARATOR: u32 = 20;
export const PLACE: u32 = 84;

// Reasons. Below 32: the record is not what RFC 4180 allows; from 32: a value does not fit its column.
export const QUOTE_INSIDE: u32 = 16;
export const TEXT_AFTER_QUOTE: u32 = 17;
export const UNCLOSED_QUOTE: u32 = 18;
export const LONE_RETURN: u32 = 19;
export const TOO_FEW_FIELDS: u32 = 20;
export const TOO_MANY_FIELDS: u32 = 21;
export const NOT_A_NUMBER: u32 = 37;
export const NOT_JSON: u32 = 38;

export const RETURN: u32 = 0x0d;

/** Instead of a place in the input: the record does not end in it. */
export const UNFINISHED: u32 = 1;

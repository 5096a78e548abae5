/**
 * One aggregate of a plan as its kernels see it: what it is, where its accumulator lies, what it reads and writes.
 *
 *   64 bytes, u32 but for the parameter:
 *   code, input type, offset of the accumulator in the entry, nullable (0 or 1) | column descriptor, filter (u8 mask per
 *   row or 0), result values, result validity | descriptor of the second column, its type, times (i64 per row, or 0),
 *   blobs (blob.ts) | parameter f64, text, bytes of the text
 *
 * The host fills it (src/kernel/aggregate-plan.ts has the same offsets), but for offset, times and blobs.
 */
export const AGGREGATE_BYTES: u32 = 64;
export const AGGREGATE_CODE: u32 = 0;
export const AGGREGATE_TYPE: u32 = 4;
export const AGGREGATE_OFFSET: u32 = 8;
export const AGGREGATE_NULLABLE: u32 = 12;
export const AGGREGATE_COLUMN: u32 = 16;
export const AGGREGATE_FILTER: u32 = 20;
export const AGGREGATE_OUT_VALUES: u32 = 24;
export const AGGREGATE_OUT_VALIDITY: u32 = 28;
export const AGGREGATE_BY: u32 = 32;
export const AGGREGATE_BY_TYPE: u32 = 36;
export const AGGREGATE_TIMES: u32 = 40;
export const AGGREGATE_BLOBS: u32 = 44;
export const AGGREGATE_PARAMETER: u32 = 48;
export const AGGREGATE_TEXT: u32 = 56;
export const AGGREGATE_TEXT_BYTES: u32 = 60;

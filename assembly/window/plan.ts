/**
 * The plan of one aggregation: what the kernels of this folder are told, and where they answer. The host fills it
 * (src/kernel/aggregate-plan.ts has the same offsets); it is transient, nothing of it is state.
 *
 *   plan, 352 bytes: configuration 0-71, 172-187, 192-215 | input 72-107, 188 | answers 108-123, 232-247
 *   | output 124-139, 168, 248 | run 140-167, 216-231 | firing 256-271 | near slices 272-351
 *   its aggregates: aggregate/call.ts
 *
 * Not here: the layout of columns (abi.ts).
 */
import { CORRUPT, OUT_OF_MEMORY } from '../abi';
import { BLOBS_BYTES, blobsReset } from '../aggregate/blob';
import {
  AGGREGATE_BLOBS,
  AGGREGATE_BYTES,
  AGGREGATE_CODE,
  AGGREGATE_NULLABLE,
  AGGREGATE_OFFSET,
  AGGREGATE_TYPE,
} from '../aggregate/call';
import { aggregateAccepts, aggregateBytes, aggregateCreate } from '../aggregate/registry';
import { keyBytesOf } from '../hash/table';
import { transientAlloc } from '../memory/frames';
import { NOT_NARROW, narrowBytes, narrowCreate } from './narrow-layout';
import { slicesOpen } from './slices';

export const PLAN_STATE: u32 = 0;
export const PLAN_KEY_KIND: u32 = 4;
/** Physical type of the key column, or KEY_NONE: one group for all rows. */
export const PLAN_KEY_TYPE: u32 = 8;
export const PLAN_AGGREGATE_COUNT: u32 = 12;
export const PLAN_AGGREGATES: u32 = 16;
export const PLAN_ENTRY_BYTES: u32 = 20;
/** A fresh entry: zeros, and accumulators that have seen nothing. */
export const PLAN_TEMPLATE: u32 = 24;
export const PLAN_SCRATCH: u32 = 28;
export const PLAN_SLICE_MS: u32 = 32;
export const PLAN_SIZE_MS: u32 = 40;
export const PLAN_SLIDE_MS: u32 = 48;
export const PLAN_OFFSET_MS: u32 = 56;
export const PLAN_LATENESS_MS: u32 = 64;

export const PLAN_ROWS: u32 = 72;
export const PLAN_SELECTION: u32 = 76;
export const PLAN_KEY_COLUMN: u32 = 80;
export const PLAN_TIMES: u32 = 96;
export const PLAN_WATERMARKS: u32 = 100;
export const PLAN_LATE: u32 = 104;

export const PLAN_LATE_COUNT: u32 = 108;
export const PLAN_NEW_KEYS: u32 = 112;
export const PLAN_STATUS: u32 = 116;
export const PLAN_FAILED: u32 = 120;

export const PLAN_OUT_KEYS: u32 = 124;
export const PLAN_OUT_STARTS: u32 = 128;
export const PLAN_OUT_ENDS: u32 = 132;
/** Row kinds, u8, of a changelog; how many rows it has. */
export const PLAN_OUT_KINDS: u32 = 136;

export const PLAN_RUN_ROWS: u32 = 140;
/** Whether the rows of the mini-batch belong to more than one slice. */
export const PLAN_MIXED: u32 = 144;
export const PLAN_DUE_END: u32 = 152;
export const PLAN_FIRED: u32 = 160;
export const PLAN_OUT_ROWS: u32 = 168;
/** Bytes of a narrow entry, 0 when the plan has none; a fresh one; u32 per aggregate: offset of its accumulator. */
export const PLAN_NARROW_BYTES: u32 = 172;
export const PLAN_NARROW_TEMPLATE: u32 = 176;
export const PLAN_NARROW_OFFSETS: u32 = 180;
/** Blobs of its entries (aggregate/blob.ts). */
export const PLAN_BLOBS: u32 = 184;
/** Row kinds of the input, u8 per row, or 0: all are inserts. */
export const PLAN_KINDS: u32 = 188;

/** 1: windows share their start and grow by the slide up to the size; 0: they hop. */
export const PLAN_CUMULATING: u32 = 192;
/** What a firing after the first gives: RESULTS_ACCUMULATING and so on (below). */
export const PLAN_RESULTS: u32 = 196;
/** Table of the zone (zone.ts), 0 for UTC. */
export const PLAN_ZONE: u32 = 200;
/** What slice, size and slide count: MILLISECONDS or MONTHS (time.ts). */
export const PLAN_UNIT: u32 = 204;
/** How far behind the watermarks of its input the aggregation runs. */
export const PLAN_DELAY_MS: u32 = 208;
/** Where the correction of a row goes on: whether it has begun, and the next window end. */
export const PLAN_CORRECTING: u32 = 216;
export const PLAN_CORRECT_END: u32 = 224;
/** Rows that were given out without entering the state. */
export const PLAN_ALONE: u32 = 232;
/** Entries that firings and corrections have merged, u64; grows. */
export const PLAN_MERGES: u32 = 240;
/** Most output rows. */
export const PLAN_OUT_MAX: u32 = 248;
/** Instants of the window being fired. */
export const PLAN_FIRE_START: u32 = 256;
export const PLAN_FIRE_STOP: u32 = 264;
/** The slices of the last two rows that had different ones; label, and instants. */
export const PLAN_NEAR: u32 = 272;
export const NEAR_START: u32 = 8;
export const NEAR_SPAN: u32 = 16;
export const NEAR_FIRST_END: u32 = 24;
export const NEAR_LAST_END: u32 = 32;
export const NEAR_BYTES: u32 = 40;
export const PLAN_BYTES: u32 = 352;

// PLAN_RESULTS
export const RESULTS_ACCUMULATING: u32 = 0;
export const RESULTS_DISCARDING: u32 = 1;
export const RESULTS_RETRACTING: u32 = 2;

/** Status of the plan: the output is full and must be taken away before the answered row is handed in again. */
export const EMIT_FIRST: i32 = 2;

export const KEY_NONE: u32 = 255;

export {
  AGGREGATE_CODE,
  AGGREGATE_COLUMN,
  AGGREGATE_FILTER,
  AGGREGATE_NULLABLE,
  AGGREGATE_OFFSET,
  AGGREGATE_OUT_VALIDITY,
  AGGREGATE_OUT_VALUES,
  AGGREGATE_TYPE,
} from '../aggregate/call';

/** Most rows of a mini-batch, so that its scratch stays in the first cache. */
export const RUN_ROWS_MAX: u32 = 256;

// Scratch of a mini-batch, arrays of RUN_ROWS_MAX; u32 but for starts (i64) and key images (24 bytes).
export const SCRATCH_ROWS: u32 = 0;
export const SCRATCH_HASHES: u32 = 1 * 4 * RUN_ROWS_MAX;
export const SCRATCH_CANDIDATES: u32 = 2 * 4 * RUN_ROWS_MAX;
export const SCRATCH_ENTRIES: u32 = 3 * 4 * RUN_ROWS_MAX;
export const SCRATCH_KEY_BYTES: u32 = 4 * 4 * RUN_ROWS_MAX;
export const SCRATCH_SOME_ROWS: u32 = 5 * 4 * RUN_ROWS_MAX;
export const SCRATCH_SOME_ENTRIES: u32 = 6 * 4 * RUN_ROWS_MAX;
export const SCRATCH_WAITING: u32 = 7 * 4 * RUN_ROWS_MAX;
export const SCRATCH_STARTS: u32 = 8 * 4 * RUN_ROWS_MAX;
export const SCRATCH_KEYS: u32 = 10 * 4 * RUN_ROWS_MAX;
/** Rows of the run for wide entries, and a u8 per row of the run. */
export const SCRATCH_WIDE_ROWS: u32 = SCRATCH_KEYS + 24 * RUN_ROWS_MAX;
export const SCRATCH_WIDE_FLAGS: u32 = SCRATCH_WIDE_ROWS + 4 * RUN_ROWS_MAX;
const SCRATCH_RUN_BYTES: u32 = SCRATCH_WIDE_FLAGS + RUN_ROWS_MAX;

/** Entries that one step of firing may look at. */
export const FIRE_ENTRIES_MAX: u32 = 16384;
// Scratch of firing: order keys twice (u64), entries (u32), then one entry to merge into, one
// to widen another into, and one that a late row is added to.
export const FIRE_ORDER: u32 = SCRATCH_RUN_BYTES;
export const FIRE_ORDER_SPARE: u32 = FIRE_ORDER + 8 * FIRE_ENTRIES_MAX;
export const FIRE_ENTRIES: u32 = FIRE_ORDER_SPARE + 8 * FIRE_ENTRIES_MAX;
export const FIRE_MERGED: u32 = FIRE_ENTRIES + 4 * FIRE_ENTRIES_MAX;
const ENTRY_BYTES_MAX: u32 = 1024;
export const FIRE_WIDENED: u32 = FIRE_MERGED + ENTRY_BYTES_MAX;
/** One result before it is narrowed, 8 bytes. */
export const SCRATCH_RESULT: u32 = FIRE_WIDENED + ENTRY_BYTES_MAX;
export const SCRATCH_CORRECTED: u32 = SCRATCH_RESULT + 8;
const SCRATCH_TEMPLATE: u32 = SCRATCH_CORRECTED + ENTRY_BYTES_MAX;

export function planAggregate(planPtr: u32, index: u32): u32 {
  return load<u32>(planPtr, PLAN_AGGREGATES) + index * AGGREGATE_BYTES;
}

/** Lays the plan out and opens its windowed state, 0, CORRUPT or OUT_OF_MEMORY. */
export function planInit(planPtr: u32): i32 {
  const status = planLayout(planPtr);
  if (status < 0) return status;
  const bytes = load<u32>(planPtr, PLAN_ENTRY_BYTES);
  layNarrow(planPtr, load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_TEMPLATE + bytes, bytes);
  const narrow = load<u32>(planPtr, PLAN_NARROW_BYTES);
  return slicesOpen(load<u32>(planPtr, PLAN_STATE), load<u32>(planPtr, PLAN_KEY_KIND), bytes, narrow);
}

/**
 * Lays the entry out and takes scratch. The configuration, and each aggregate's code, type and
 * nullable flag, are set. 0; CORRUPT when an aggregate does not take its type or the entry is too large.
 */
export function planLayout(planPtr: u32): i32 {
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  const count = load<u32>(planPtr, PLAN_AGGREGATE_COUNT);
  let bytes = keyBytesOf(keyKind) + 8;
  for (let i: u32 = 0; i < count; i++) {
    const aggregate = planAggregate(planPtr, i);
    const code = load<u32>(aggregate, AGGREGATE_CODE);
    const type = load<u32>(aggregate, AGGREGATE_TYPE);
    if (!aggregateAccepts(code, type)) return CORRUPT;
    store<u32>(aggregate, bytes, AGGREGATE_OFFSET);
    bytes += aggregateBytes(code, type) + (load<u32>(aggregate, AGGREGATE_NULLABLE) << 3);
  }
  if (bytes > ENTRY_BYTES_MAX) return CORRUPT;
  store<u32>(planPtr, bytes, PLAN_ENTRY_BYTES);
  const scratch = transientAlloc(SCRATCH_TEMPLATE + 2 * bytes + 4 * count);
  const blobs = transientAlloc(BLOBS_BYTES);
  if (scratch == 0 || blobs == 0) return OUT_OF_MEMORY;
  store<u32>(planPtr, scratch, PLAN_SCRATCH);
  memory.fill(blobs, 0, BLOBS_BYTES);
  blobsReset(blobs);
  store<u32>(planPtr, blobs, PLAN_BLOBS);
  for (let i: u32 = 0; i < count; i++) store<u32>(planAggregate(planPtr, i), blobs, AGGREGATE_BLOBS);
  fillTemplate(planPtr, scratch + SCRATCH_TEMPLATE, bytes);
  return 0;
}

/** Lays the narrow entry out, when there is one: template (of at most `most` bytes) and offsets. */
function layNarrow(planPtr: u32, template: u32, most: u32): void {
  const offsets = template + most;
  let bytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND)) + 4;
  store<u32>(planPtr, 0, PLAN_NARROW_BYTES);
  store<u32>(planPtr, template, PLAN_NARROW_TEMPLATE);
  store<u32>(planPtr, offsets, PLAN_NARROW_OFFSETS);
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const own = narrowBytes(load<u32>(aggregate, AGGREGATE_CODE), load<u32>(aggregate, AGGREGATE_TYPE));
    if (own == NOT_NARROW) return;
    store<u32>(offsets + (i << 2), bytes);
    bytes += own + (load<u32>(aggregate, AGGREGATE_NULLABLE) << 2);
  }
  store<u32>(planPtr, bytes, PLAN_NARROW_BYTES);
  memory.fill(template, 0, bytes);
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const acc = template + load<u32>(offsets + (i << 2)) + (load<u32>(aggregate, AGGREGATE_NULLABLE) << 2);
    narrowCreate(load<u32>(aggregate, AGGREGATE_CODE), load<u32>(aggregate, AGGREGATE_TYPE), acc);
  }
}

function fillTemplate(planPtr: u32, template: u32, bytes: u32): void {
  memory.fill(template, 0, bytes);
  store<u32>(planPtr, template, PLAN_TEMPLATE);
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const acc = template + load<u32>(aggregate, AGGREGATE_OFFSET) + (load<u32>(aggregate, AGGREGATE_NULLABLE) << 3);
    aggregateCreate(load<u32>(aggregate, AGGREGATE_CODE), load<u32>(aggregate, AGGREGATE_TYPE), acc);
  }
}

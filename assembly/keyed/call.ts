/**
 * What the host hands to the kernels of this folder, and where they answer. Transient; nothing of it is state.
 *
 *   selection, 32 bytes, one per operator: key pointer, length, hash, spare | clock f64 | written f64
 *   call, one per named state: see below
 *
 * src/kernel/keyed.ts has the same offsets.
 */
import { TREE_SCRATCH_BYTES } from './tree';

export const SELECTION_KEY: u32 = 0;
export const SELECTION_KEY_LENGTH: u32 = 4;
export const SELECTION_HASH: u32 = 8;
export const SELECTION_CLOCK: u32 = 16;
export const SELECTION_WRITTEN: u32 = 24;

export const CALL_STATE: u32 = 0;
export const CALL_SELECTION: u32 = 4;
/** Time to live in ms, f64; 0: for ever. */
export const CALL_TTL: u32 = 8;
/** Whether getting an entry sets its expiry anew. */
export const CALL_ON_ACCESS: u32 = 16;
export const CALL_SUB: u32 = 20;
export const CALL_SUB_LENGTH: u32 = 24;
export const CALL_VALUE: u32 = 28;
export const CALL_VALUE_LENGTH: u32 = 32;

/** The entry that was met. */
export const OUT_ENTRY: u32 = 36;
/** An entry that is gone (0: none): who stood at it stands at OUT_INSTEAD, 0 for before the first. */
export const OUT_GONE: u32 = 40;
export const OUT_SUB: u32 = 44;
export const OUT_SUB_LENGTH: u32 = 48;
export const OUT_VALUE: u32 = 52;
export const OUT_VALUE_LENGTH: u32 = 56;
export const OUT_KEY: u32 = 60;
export const OUT_KEY_LENGTH: u32 = 64;
export const OUT_HASH: u32 = 68;
export const OUT_INSTEAD: u32 = 72;
/** f64. */
export const OUT_TIME: u32 = 80;

/** A target and the way to it (tree.ts). */
export const CALL_TARGET: u32 = 96;
export const CALL_BYTES: u32 = CALL_TARGET + TREE_SCRATCH_BYTES;

/** The clock of expiry; what expires at or before it is gone. */
export function clockOf(callPtr: u32): i64 {
  return <i64>load<f64>(selectionOf(callPtr), SELECTION_CLOCK);
}

export function selectionOf(callPtr: u32): u32 {
  return load<u32>(callPtr, CALL_SELECTION);
}

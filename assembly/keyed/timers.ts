/**
 * Timers: a queue of (time, key, tag), each once. The first comes out by time, then by hash and bytes of the key, then by
 * bytes of the tag.
 *
 * The queue is all there is: looking for a timer is looking for its place. Not here: the queue (tree.ts), layouts
 * (record.ts, call.ts).
 */
import { OUT_OF_MEMORY } from '../abi';
import { addEntries, resolve } from '../memory/arena';
import {
  CALL_STATE,
  CALL_SUB,
  CALL_SUB_LENGTH,
  CALL_TARGET,
  OUT_HASH,
  OUT_KEY,
  OUT_KEY_LENGTH,
  OUT_SUB,
  OUT_SUB_LENGTH,
  OUT_TIME,
  SELECTION_HASH,
  SELECTION_KEY,
  SELECTION_KEY_LENGTH,
  selectionOf,
} from './call';
import {
  KIND_TIMERS,
  TARGET_HASH,
  TARGET_KEY,
  TARGET_KEY_LENGTH,
  TARGET_TAG,
  TARGET_TAG_LENGTH,
  TARGET_TIME,
  TIMER_BYTES_AT,
  TIMER_HASH,
  TIMER_KEY,
  TIMER_TAG,
} from './record';
import { recordAlloc, recordFree, rootEnsure, rootOf } from './slab';
import { itemHash, itemRef, itemTime, treeFind, treeFirst, treeInsert, treeRemove } from './tree';

/** The target of a timer of the call's key and tag. */
function targetOf(callPtr: u32, time: f64): u32 {
  const target = callPtr + CALL_TARGET;
  const selection = selectionOf(callPtr);
  store<i64>(target, <i64>time, TARGET_TIME);
  store<u32>(target, load<u32>(selection, SELECTION_HASH), TARGET_HASH);
  store<u32>(target, load<u32>(selection, SELECTION_KEY), TARGET_KEY);
  store<u32>(target, load<u32>(selection, SELECTION_KEY_LENGTH), TARGET_KEY_LENGTH);
  store<u32>(target, load<u32>(callPtr, CALL_SUB), TARGET_TAG);
  store<u32>(target, load<u32>(callPtr, CALL_SUB_LENGTH), TARGET_TAG_LENGTH);
  return target;
}

/** Registers a timer of the call's key and tag: 1, 0 when it is there already, or OUT_OF_MEMORY. */
export function timerRegister(callPtr: u32, time: f64): i32 {
  const state = load<u32>(callPtr, CALL_STATE);
  const root = rootEnsure(state, KIND_TIMERS);
  if (root == 0) return OUT_OF_MEMORY;
  const target = targetOf(callPtr, time);
  if (treeFind(root, target) != 0) return 0;
  const timer = writeTimer(root, target);
  if (timer == 0) return OUT_OF_MEMORY;
  if (treeInsert(root, target, timer) < 0) {
    recordFree(root, timer);
    return OUT_OF_MEMORY;
  }
  addEntries(state, 1);
  return 1;
}

function writeTimer(root: u32, target: u32): u32 {
  const keyLength = load<u32>(target, TARGET_KEY_LENGTH);
  const tagLength = load<u32>(target, TARGET_TAG_LENGTH);
  const timer = recordAlloc(root, TIMER_BYTES_AT + keyLength + tagLength);
  if (timer == 0) return 0;
  const ptr = resolve(timer);
  store<u32>(ptr, load<u32>(target, TARGET_HASH), TIMER_HASH);
  store<u32>(ptr, keyLength, TIMER_KEY);
  store<u32>(ptr, tagLength, TIMER_TAG);
  memory.copy(ptr + TIMER_BYTES_AT, load<u32>(target, TARGET_KEY), keyLength);
  memory.copy(ptr + TIMER_BYTES_AT + keyLength, load<u32>(target, TARGET_TAG), tagLength);
  return timer;
}

/** Removes the timer of the call's key and tag: 1, or 0 when there is none. */
export function timerDelete(callPtr: u32, time: f64): i32 {
  const state = load<u32>(callPtr, CALL_STATE);
  const root = rootOf(state);
  if (root == 0) return 0;
  const target = targetOf(callPtr, time);
  const timer = treeFind(root, target);
  if (timer == 0) return 0;
  remove(state, root, target, timer);
  return 1;
}

function remove(state: u32, root: u32, target: u32, timer: u32): void {
  treeRemove(root, target);
  recordFree(root, timer);
  addEntries(state, -1);
}

/** Takes the first timer at or before `until` out: 1, its bytes stand until something is allocated; 0: there is none. */
export function timerNext(callPtr: u32, until: f64): i32 {
  const state = load<u32>(callPtr, CALL_STATE);
  const root = rootOf(state);
  const item = root == 0 ? 0 : treeFirst(root);
  if (item == 0 || itemTime(item) > <i64>until) return 0;
  const timer = itemRef(item);
  const ptr = resolve(timer);
  const keyLength = load<u32>(ptr, TIMER_KEY);
  store<u32>(callPtr, ptr + TIMER_BYTES_AT, OUT_KEY);
  store<u32>(callPtr, keyLength, OUT_KEY_LENGTH);
  store<u32>(callPtr, itemHash(item), OUT_HASH);
  store<u32>(callPtr, ptr + TIMER_BYTES_AT + keyLength, OUT_SUB);
  store<u32>(callPtr, load<u32>(ptr, TIMER_TAG), OUT_SUB_LENGTH);
  store<f64>(callPtr, <f64>itemTime(item), OUT_TIME);
  const target = callPtr + CALL_TARGET;
  store<i64>(target, itemTime(item), TARGET_TIME);
  store<u32>(target, itemHash(item), TARGET_HASH);
  store<u32>(target, ptr + TIMER_BYTES_AT, TARGET_KEY);
  store<u32>(target, keyLength, TARGET_KEY_LENGTH);
  store<u32>(target, ptr + TIMER_BYTES_AT + keyLength, TARGET_TAG);
  store<u32>(target, load<u32>(ptr, TIMER_TAG), TARGET_TAG_LENGTH);
  remove(state, root, target, timer);
  return 1;
}

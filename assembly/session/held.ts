/** The open session of a key at an instant, for those who ask. Changes nothing but scratch and the first output row. */
import { keyBytesOf, rowsOf } from '../hash/table';
import { slotRef } from '../keyed/index';
import { SESSION_END, SESSION_ENTRY, SESSION_NEXT, SESSION_START } from '../keyed/record';
import { rootOf } from '../keyed/slab';
import { resolve } from '../memory/arena';
import { readKeys } from '../window/locate';
import { PLAN_KEY_KIND, PLAN_OUT_ENDS, PLAN_OUT_STARTS, PLAN_SCRATCH, PLAN_STATE, SCRATCH_ROWS } from '../window/plan';
import { slotOfRow } from './sessions';

/** Rows of the session of the key of the plan's first input row that has the instant; -1 when there is none. */
export function sessionHeld(planPtr: u32, at: f64): f64 {
  const root = rootOf(load<u32>(planPtr, PLAN_STATE));
  if (root == 0) return -1;
  store<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS, 0);
  readKeys(planPtr, 1);
  const slot = slotOfRow(planPtr, root, 0);
  for (let session = slot == 0 ? 0 : slotRef(slot); session != 0; session = load<u32>(resolve(session), SESSION_NEXT)) {
    const ptr = resolve(session);
    if (<i64>at < load<i64>(ptr, SESSION_START) || <i64>at >= load<i64>(ptr, SESSION_END)) continue;
    store<i64>(load<u32>(planPtr, PLAN_OUT_STARTS), load<i64>(ptr, SESSION_START));
    store<i64>(load<u32>(planPtr, PLAN_OUT_ENDS), load<i64>(ptr, SESSION_END));
    return <f64>rowsOf(load<u64>(ptr + SESSION_ENTRY + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND))));
  }
  return -1;
}

/**
 * What every kind of state can do: be counted, be cleared, be verified by a walk. The one place that tells kinds apart.
 *
 *   1 windowed   slices of aggregates      window/slices.ts
 *   2 keyed      maps of bytes per key     keyed/table.ts
 *   3 timers     a queue of times          keyed/timers.ts
 *   4 sessions   open sessions per key     session/sessions.ts
 */
import { WHOLE } from './edition';
import { keyedKeys, keyedScan } from './keyed/scan';
import { KIND_KEYED, KIND_SESSIONS, KIND_TIMERS } from './keyed/record';
import { freePages, STATE_KIND, stateEntries, statePtr } from './memory/arena';
import { sessionRows, sessionScan } from './session/scan';
import { KIND_WINDOWED, slicesClear, slicesRows, slicesScan } from './window/slices';

/** Rows folded into what a state holds; 0 where nothing is folded. */
export function stateRows(state: u32): f64 {
  const kind = load<u32>(statePtr(state), STATE_KIND);
  if (WHOLE && kind == KIND_SESSIONS) return sessionRows(state);
  return kind == KIND_WINDOWED ? slicesRows(state) : 0;
}

/** Different keys of a state; where a key may stand in several slices, each counts. */
export function stateKeys(state: u32): f64 {
  if (WHOLE && load<u32>(statePtr(state), STATE_KIND) == KIND_KEYED) return <f64>keyedKeys(state);
  return stateEntries(state);
}

/** Drops all that a state holds; the record stays open. */
export function stateClear(state: u32): void {
  const kind = load<u32>(statePtr(state), STATE_KIND);
  if (kind == KIND_WINDOWED) slicesClear(state);
  else if (kind != 0) freePages(state);
}

/** Walks all entries of a state: 1 when all counts hold, 0 when not. 256 bytes of scratch. */
export function stateScan(state: u32, scratchPtr: u32): u32 {
  const kind = load<u32>(statePtr(state), STATE_KIND);
  if (WHOLE && (kind == KIND_KEYED || kind == KIND_TIMERS)) return keyedScan(state, scratchPtr);
  if (WHOLE && kind == KIND_SESSIONS) return sessionScan(state, scratchPtr);
  return kind == 0 ? 1 : slicesScan(state);
}

/** Verifies a state of sessions by walking all of it, as keyed/scan.ts does for others. */
import { KEY_BYTES } from '../hash/key';
import { keyBytesOf, rowsOf } from '../hash/table';
import { indexScan, nextKey } from '../keyed/index-walk';
import { SESSION_ENTRY, SESSION_NEXT } from '../keyed/record';
import {
  ROOT_DIRECTORY_PAGES,
  ROOT_EXTENT_PAGES,
  ROOT_FIRED,
  ROOT_INDEX_PAGES,
  ROOT_ITEMS,
  ROOT_RECORDS,
  ROOT_ROWS,
  ROOT_SLAB_PAGES,
  rootOf,
} from '../keyed/slab';
import { treeScan } from '../keyed/tree';
import { resolve, stateEntries, statePages, statePtr } from '../memory/arena';
import { isQueued, queueScan } from './queue';
import { longKeyOf } from './sessions';

const LAYOUT: u32 = 20;
// Scratch, as in keyed/scan.ts.
const PLACE: u32 = 0;
const SLOT_COUNTS: u32 = 12;
const TREE_COUNTS: u32 = 24;
const SESSIONS: u32 = 40;
const LONG_KEYS: u32 = 44;
const ROWS: u32 = 48;
const WAITING: u32 = 56;
const TARGET: u32 = 64;

/** Rows folded into all open sessions. */
export function sessionRows(state: u32): f64 {
  const root = rootOf(state);
  return root == 0 ? 0 : <f64>load<u64>(root, ROOT_ROWS);
}

/** 1 when all counts hold, 0 when not. 256 bytes of scratch. */
export function sessionScan(state: u32, scratchPtr: u32): u32 {
  const root = rootOf(state);
  if (root == 0) return u32(stateEntries(state) == 0 && statePages(state) == 0);
  const pages = load<u32>(root, ROOT_DIRECTORY_PAGES) + load<u32>(root, ROOT_INDEX_PAGES);
  const others = load<u32>(root, ROOT_SLAB_PAGES) + load<u32>(root, ROOT_EXTENT_PAGES);
  if (1 + pages + others != statePages(state)) return 0;
  memory.fill(scratchPtr, 0, TARGET);
  const nodes = treeScan(root, scratchPtr + TREE_COUNTS);
  const chunks = queueScan(root, scratchPtr + WAITING);
  if (nodes == <u32>-1 || chunks == <u32>-1) return 0;
  if (load<u32>(root, ROOT_ITEMS) + load<u32>(scratchPtr, WAITING) != <u32>stateEntries(state)) return 0;
  if (indexScan(root, scratchPtr + SLOT_COUNTS) != load<u32>(root, ROOT_INDEX_PAGES)) return 0;
  const keyKind = load<u32>(statePtr(state), LAYOUT) >> 16;
  for (let head = nextKey(root, scratchPtr + PLACE); head != 0; head = nextKey(root, scratchPtr + PLACE)) {
    if (!scanList(root, keyKind, head, scratchPtr)) return 0;
  }
  if (load<u32>(scratchPtr, SESSIONS) != <u32>stateEntries(state)) return 0;
  if (load<u64>(scratchPtr, ROWS) != load<u64>(root, ROOT_ROWS)) return 0;
  const sessions = load<u32>(scratchPtr, SESSIONS) + load<u32>(scratchPtr, LONG_KEYS) + fired(root, keyKind);
  return u32(nodes + chunks + sessions == load<u32>(root, ROOT_RECORDS) && load<u32>(scratchPtr, SLOT_COUNTS + 8) == 0);
}

function scanList(root: u32, keyKind: u32, head: u32, scratchPtr: u32): bool {
  for (let session = head; session != 0; session = load<u32>(resolve(session), SESSION_NEXT)) {
    const ptr = resolve(session);
    if (!isQueued(root, keyKind, session, scratchPtr + TARGET)) return false;
    const rows = rowsOf(load<u64>(ptr + SESSION_ENTRY + keyBytesOf(keyKind)));
    store<u32>(scratchPtr, load<u32>(scratchPtr, SESSIONS) + 1, SESSIONS);
    store<u64>(scratchPtr, load<u64>(scratchPtr, ROWS) + rows, ROWS);
    if (keyKind == KEY_BYTES && longKeyOf(keyKind, ptr) != 0) {
      store<u32>(scratchPtr, load<u32>(scratchPtr, LONG_KEYS) + 1, LONG_KEYS);
    }
  }
  return true;
}

/** Records of sessions that have fired and are not freed. */
function fired(root: u32, keyKind: u32): u32 {
  let records: u32 = 0;
  for (let session = load<u32>(root, ROOT_FIRED); session != 0; session = load<u32>(resolve(session), SESSION_NEXT)) {
    records += longKeyOf(keyKind, resolve(session)) != 0 ? 2 : 1;
  }
  return records;
}

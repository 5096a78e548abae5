/**
 * The heaviest keys of a state: which keys take most of its bytes, exactly, by a walk over all of it.
 *
 * Invariants
 *  1. Memory is bounded however many keys there are: hashes are walked share by share, at most SHARE_KEYS keys at a time.
 *  2. The answer depends on what the state holds alone: more bytes first, ties in the order of the keys' bytes.
 * Cost: shares are made only where there are too many keys, so every entry is met about twice, however many slices a key
 * stands in. Asked for by people and alerts, not by running jobs.
 */
import type { StateWalk } from '../kernel/state-walk.ts';

const SHARE_KEYS = 131_072;
const SHARE_BITS_MAX = 12;

export interface HeavyKey {
  /** As state has it. */
  readonly key: Uint8Array;
  readonly bytes: number;
  /** Entries of the key: slices of windows that it stands in, entries of its map. */
  readonly entries: number;
}

interface Sum {
  readonly key: Uint8Array;
  bytes: number;
  entries: number;
}

/** The `most` heaviest keys of a state. */
export function heaviestKeys(walk: Pick<StateWalk, 'entries'>, state: number, most: number): readonly HeavyKey[] {
  return heaviestOf(0, 0);

  /** Of the keys whose hash begins with these bits. */
  function heaviestOf(bits: number, share: number): Sum[] {
    const sums = new Map<string, Sum>();
    for (const { key, bytes, entries } of walk.entries(state, bits, share)) {
      add(sums, key, bytes, entries);
      if (sums.size <= SHARE_KEYS || bits === SHARE_BITS_MAX) continue;
      sums.clear();
      return first([...heaviestOf(bits + 1, share * 2), ...heaviestOf(bits + 1, share * 2 + 1)]);
    }
    return first([...sums.values()]);
  }

  function first(found: Sum[]): Sum[] {
    return found.sort(heavierFirst).slice(0, most);
  }
}

function add(sums: Map<string, Sum>, key: Uint8Array, bytes: number, entries: number): void {
  const name = nameOf(key);
  const sum = sums.get(name);
  if (sum === undefined) {
    sums.set(name, { key: key.slice(), bytes, entries });
    return;
  }
  sum.bytes += bytes;
  sum.entries += entries;
}

const NAME_CHUNK = 4096;

/** One character a byte. */
function nameOf(key: Uint8Array): string {
  let name = '';
  for (let at = 0; at < key.length; at += NAME_CHUNK) {
    name += String.fromCharCode(...key.subarray(at, at + NAME_CHUNK));
  }
  return name;
}

function heavierFirst(a: Sum, b: Sum): number {
  if (a.bytes !== b.bytes) return b.bytes - a.bytes;
  const [left, right] = [nameOf(a.key), nameOf(b.key)];
  return left < right ? -1 : left > right ? 1 : 0;
}

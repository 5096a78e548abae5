/**
 * The heaviest keys of a state: which keys take most of its bytes, exactly, by a walk over all of it.
 *
 * Invariants
 *  1. Memory is bounded however many keys there are: hashes are walked share by share, about as many entries at a time as asked.
 *  2. The answer depends on what the state holds alone: more bytes first, ties in the order of the keys' bytes.
 *  3. A share is walked at one go. When rows come between shares, each key counts with what it had when its share was walked.
 * Cost: every entry is met once, about a microsecond for each. Asked for by people at one go, by alerts a share at a time between batches.
 */
import type { StateWalk } from '../kernel/state-walk.ts';

/** Entries of a share: as many as memory is to be taken for, and as few as make no pause. */
export const SHARE_ENTRIES = { atOnce: 65_536, betweenBatches: 2_048 } as const;
const SHARE_BITS_MAX = 14;

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

export interface HeaviestOptions {
  /** Of the state, about. A key has as many as slices that it stands in. */
  readonly entries: number;
  readonly most: number;
  readonly shareEntries: number;
}

/** The `most` heaviest keys of a state. Rests after each share of about so many entries, but for the last. */
export function* heaviestKeys(
  walk: Pick<StateWalk, 'entries'>,
  state: number,
  { entries: total, most, shareEntries }: HeaviestOptions,
): Generator<undefined, readonly HeavyKey[]> {
  const bits = Math.min(SHARE_BITS_MAX, Math.max(0, Math.ceil(Math.log2(total / shareEntries))));
  const heaviest = new Heaviest(most);
  for (let share = 0; share < 2 ** bits; share++) {
    if (share > 0) yield undefined;
    const sums = new Map<string, Sum>();
    for (const { key, bytes, entries } of walk.entries(state, bits, share)) add(sums, key, bytes, entries);
    for (const sum of sums.values()) heaviest.offer(sum);
  }
  return heaviest.sorted();
}

/** The heaviest of all that were offered. Most keys are lighter than the lightest of them, or as light, and cost one look. */
class Heaviest {
  readonly #most: number;
  /** At most twice as many as are wanted: those from `#lightest` on, and what was offered since. */
  #candidates: Sum[] = [];
  #lightest: Sum | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  offer(sum: Sum): void {
    if (this.#lightest !== undefined && heavierFirst(this.#lightest, sum) <= 0) return;
    this.#candidates.push(sum);
    if (this.#candidates.length >= 2 * this.#most) this.#lightest = this.sorted()[this.#most - 1];
  }

  sorted(): readonly Sum[] {
    this.#candidates = this.#candidates.sort(heavierFirst).slice(0, this.#most);
    return this.#candidates;
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
  return a.bytes !== b.bytes ? b.bytes - a.bytes : compareBytes(a.key, b.key);
}

/** In the order of unsigned bytes; the shorter first. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

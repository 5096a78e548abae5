/**
 * The heaviest keys of a state: which keys take most of its bytes.
 *
 *   weight of each share of the hashes --> shares by weight --> keys of a share by name, until no share can have a heavier one
 *
 * Invariants
 *  1. Memory is bounded however many keys there are: a share has about as many entries as asked.
 *  2. The answer is exact, and depends on what the state holds alone: more bytes first, ties in the order of the keys' bytes.
 *     But with `sharesMax`: then a key that is missing weighs no more than all of the heaviest share that was not looked at.
 *  3. A share is walked at one go. When rows come between shares, each counts with what it had when it was walked.
 * Cost: some nanoseconds for each entry, and about a microsecond for each of the shares that are looked at: few when some keys
 * stand out. Asked for by people at one go, by alerts a share at a time between batches, with a bound.
 */
import type { StateWalk } from '../kernel/state-walk.ts';

/** How a search goes about it. */
export interface HeavySearch {
  /** Entries of a share, about: as many as memory is to be taken for, or as few as make no pause. */
  readonly shareEntries: number;
  /** Shares whose keys are looked at by name. */
  readonly sharesMax: number;
}

export const HEAVY_SEARCH = {
  atOnce: { shareEntries: 65_536, sharesMax: Number.POSITIVE_INFINITY },
  betweenBatches: { shareEntries: 2_048, sharesMax: 64 },
} as const satisfies { readonly [name: string]: HeavySearch };
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
  /** The key's bytes as characters, which are in the same order. */
  readonly name: string;
  bytes: number;
  entries: number;
}

export interface HeaviestOptions extends HeavySearch {
  /** Of the state, about. A key has as many as slices that it stands in. */
  readonly entries: number;
  readonly most: number;
}

/** The `most` heaviest keys of a state. Rests after each share of about so many entries, but for the last. */
export function* heaviestKeys(
  walk: Pick<StateWalk, 'entries' | 'weight'>,
  state: number,
  { entries: total, most, shareEntries, sharesMax }: HeaviestOptions,
): Generator<undefined, readonly HeavyKey[]> {
  const bits = Math.min(SHARE_BITS_MAX, Math.max(0, Math.ceil(Math.log2(total / shareEntries))));
  const heaviest = new Heaviest(most);
  const shares = yield* sharesByWeight(walk, state, bits);
  for (const [looked, { share, weight }] of shares.entries()) {
    if (looked >= sharesMax || heaviest.isAbove(weight)) break;
    if (looked > 0) yield undefined;
    const sums = new Map<string, Sum>();
    for (const { key, bytes, entries } of walk.entries(state, bits, share)) add(sums, key, bytes, entries);
    for (const sum of sums.values()) heaviest.offer(sum);
  }
  return heaviest.sorted();
}

interface Share {
  readonly share: number;
  readonly weight: number;
}

/** All 2^bits shares, the heaviest first. Rests after each. */
function* sharesByWeight(
  walk: Pick<StateWalk, 'weight'>,
  state: number,
  bits: number,
): Generator<undefined, readonly Share[]> {
  // The only share need not be weighed.
  if (bits === 0) return [{ share: 0, weight: Number.POSITIVE_INFINITY }];
  const shares: Share[] = [];
  for (let share = 0; share < 2 ** bits; share++) {
    shares.push({ share, weight: walk.weight(state, bits, share) });
    yield undefined;
  }
  return shares.sort((a, b) => b.weight - a.weight);
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

  /** Whether there are as many as are wanted, and each is heavier than this. */
  isAbove(bytes: number): boolean {
    return (this.sorted()[this.#most - 1]?.bytes ?? 0) > bytes;
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
    sums.set(name, { key: key.slice(), name, bytes, entries });
    return;
  }
  sum.bytes += bytes;
  sum.entries += entries;
}

const NAME_CHUNK = 4096;

/** One character a byte. */
function nameOf(key: Uint8Array): string {
  let name = '';
  for (let at = 0; at < key.length; at += NAME_CHUNK) name += String.fromCharCode(...key.subarray(at, at + NAME_CHUNK));
  return name;
}

const heavierFirst = (a: Sum, b: Sum): number => b.bytes - a.bytes || (a.name < b.name ? -1 : 1);

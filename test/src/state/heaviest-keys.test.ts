/** Which keys are heaviest, and how many entries a walk looks at for that. */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { HEAVY_SEARCH, heaviestKeys, type HeavyKey } from '../../../src/state/heaviest-keys.ts';

const HASH_BITS = 32;

interface Entry {
  readonly hash: number;
  readonly key: Uint8Array;
  readonly bytes: number;
}

/** Entries of a state in no order; how many of them were given out is counted. */
class CountedWalk {
  given = 0;
  readonly #entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  weight(_state: number, bits: number, share: number): number {
    const isIn = ({ hash }: Entry): boolean => Math.floor(hash / 2 ** (HASH_BITS - bits)) === share;
    return this.#entries.filter(isIn).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  *entries(
    _state: number,
    bits: number,
    share: number,
  ): Generator<{ key: Uint8Array; bytes: number; entries: number }> {
    for (const { hash, key, bytes } of this.#entries) {
      if (Math.floor(hash / 2 ** (HASH_BITS - bits)) !== share) continue;
      this.given++;
      yield { key, bytes, entries: 1 };
    }
  }
}

const keyOf = (n: number): Uint8Array => Uint8Array.from([n & 255, (n >> 8) & 255, (n >> 16) & 255]);
const hashOf = (n: number): number => Math.imul(n, 0x9e3779b1) >>> 0;

function heaviestByHand(entries: readonly Entry[], most: number): [number, number][] {
  const sums = new Map<number, number>();
  for (const { key, bytes } of entries) {
    const n = (key[0] ?? 0) | ((key[1] ?? 0) << 8) | ((key[2] ?? 0) << 16);
    sums.set(n, (sums.get(n) ?? 0) + bytes);
  }
  return [...sums].sort((a, b) => b[1] - a[1]).slice(0, most);
}

/** Number and bytes of each key that a search answers. */
function endOf(search: Generator<undefined, readonly HeavyKey[]>): [number, number][] {
  let step = search.next();
  while (step.done !== true) step = search.next();
  return step.value.map(({ key, bytes }) => [(key[0] ?? 0) | ((key[1] ?? 0) << 8) | ((key[2] ?? 0) << 16), bytes]);
}

test.each([
  ['few keys that stand in many slices', 50, 4_000, 1.01],
  ['more keys than fit into memory at once', 150_000, 1, 3],
])('of %s every entry is looked at about once', (_what, keys, slices, lookedAtMost) => {
  const random = seededRandom(7);
  const entries: Entry[] = [];
  for (let slice = 0; slice < slices; slice++) {
    for (let n = 0; n < keys; n++) entries.push({ hash: hashOf(n), key: keyOf(n), bytes: 1 + below(random, 100_000) });
  }
  const walk = new CountedWalk(entries);
  const search = heaviestKeys(walk, 1, { entries: entries.length, most: 1, ...HEAVY_SEARCH.atOnce });
  expect(endOf(search)).toEqual(heaviestByHand(entries, 1));
  expect(walk.given / entries.length).toBeLessThan(lookedAtMost);
});

test('where some keys stand out, the entries of few shares are looked at, and the answer is exact', () => {
  const heavy = [17, 4_711, 19_999];
  const entries = Array.from({ length: 20_000 }, (_, n) => {
    const bytes = heavy.includes(n) ? 1_000_000 + n : 28;
    return { hash: hashOf(n), key: keyOf(n), bytes };
  });
  const walk = new CountedWalk(entries);
  const search = heaviestKeys(walk, 1, { entries: 20_000, most: 3, shareEntries: 500, sharesMax: 2 ** 14 });
  expect(endOf(search)).toEqual(heaviestByHand(entries, 3));
  expect(walk.given).toBeLessThan(3 * 2 * 500);
});

test('a bounded search looks at the heaviest shares alone: what it misses is lighter than one that it left', () => {
  const random = seededRandom(3);
  const entries = Array.from({ length: 20_000 }, (_, n) => {
    return { hash: hashOf(n), key: keyOf(n), bytes: 20 + below(random, 200) };
  });
  const walk = new CountedWalk(entries);
  const bits = 6;
  const search = heaviestKeys(walk, 1, { entries: 20_000, most: 3, shareEntries: 20_000 / 2 ** bits, sharesMax: 2 });
  const found = endOf(search);
  const weights = Array.from({ length: 2 ** bits }, (_, share) => walk.weight(1, bits, share)).sort((a, b) => b - a);
  expect(found).toHaveLength(3);
  expect(walk.given).toBeLessThan(3 * (20_000 / 2 ** bits));
  expect(heaviestByHand(entries, 1)[0]?.[1]).toBeLessThan(weights[2] ?? 0);
});

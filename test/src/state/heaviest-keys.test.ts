/** Which keys are heaviest, and how many entries a walk looks at for that. */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { heaviestKeys } from '../../../src/state/heaviest-keys.ts';

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

test.each([
  ['few keys that stand in many slices', 50, 4_000, 1.01],
  ['more keys than fit into memory at once', 400_000, 1, 3],
])('of %s every entry is looked at about once', (_what, keys, slices, lookedAtMost) => {
  const random = seededRandom(7);
  const entries: Entry[] = [];
  for (let slice = 0; slice < slices; slice++) {
    for (let n = 0; n < keys; n++) entries.push({ hash: hashOf(n), key: keyOf(n), bytes: 1 + below(random, 100_000) });
  }
  const walk = new CountedWalk(entries);
  const found = heaviestKeys(walk, 1, 1);
  const [expected] = heaviestByHand(entries, 1);
  expect(found.map(({ key, bytes }) => [(key[0] ?? 0) | ((key[1] ?? 0) << 8) | ((key[2] ?? 0) << 16), bytes])).toEqual([
    expected,
  ]);
  expect(walk.given / entries.length).toBeLessThan(lookedAtMost);
});

/** The randomness port, and the seeded generator that tests, benches and the simulator use. */

export interface Random {
  /** An integer in [0, 2^32). */
  u32(): number;
}

/** A number in [0, 1) with 32 bits. */
export const uniform = (random: Random): number => random.u32() / 2 ** 32;

/** An integer in [0, n). */
export const below = (random: Random, n: number): number => Math.floor(uniform(random) * n);

/**
 * xoshiro128** by Blackman and Vigna (2018), seeded through splitmix32. Same seed, same sequence, on every host.
 */
export function seededRandom(seed: number): Random {
  let s = seed >>> 0;
  const next = (): number => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = s;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [next(), next(), next(), next()];
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  return {
    u32() {
      const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
      const t = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= t;
      d = rotate(d, 11);
      return result;
    },
  };
}

/** The key hash: frozen values, an independent implementation, and an even spread over key groups. */
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { newKernels } from '../../support/kernels.ts';

const MASK = (1n << 64n) - 1n;
const SEED = 0x9e3779b97f4a7c15n;

function mix(value: bigint): number {
  let h = value & MASK;
  h = ((h ^ (h >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  h = ((h ^ (h >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return Number((h ^ (h >> 33n)) >> 32n);
}

const integerHash = (value: bigint): number => mix(value + SEED);

function bytesHash(bytes: Uint8Array): number {
  let h = SEED ^ BigInt(bytes.length);
  for (let at = 0; at < bytes.length; at += 8) {
    let word = 0n;
    for (let i = Math.min(7, bytes.length - at - 1); i >= 0; i--) word = (word << 8n) | BigInt(bytes[at + i] ?? 0);
    h = ((h ^ word) * 0xd6e8feb86659fd93n) & MASK;
    h ^= h >> 32n;
  }
  return mix(h);
}

const GOLDEN_INTEGERS = [2627757809, 3858612261, 632780282, 756844384, 3230390328, 297842548];
const GOLDEN_TEXTS = [2627757809, 3089960974, 1652056975, 128108423, 1065426642, 3705795993, 2537342823, 3805111759];

async function hashers(): Promise<{ integer: (value: bigint) => number; bytes: (value: Uint8Array) => number }> {
  const kernels = await newKernels();
  const at = kernels.memory.allocate(256);
  return {
    integer: (value) => {
      kernels.memory.i64[at >>> 3] = value;
      return kernels.function('hashInt64At')(at) >>> 0;
    },
    bytes: (value) => {
      kernels.memory.u8.fill(0xee, at, at + 256);
      kernels.memory.u8.set(value, at);
      return kernels.function('hashBytes')(at, value.length) >>> 0;
    },
  };
}

test('has the values that were frozen in version 1', async () => {
  const { integer, bytes } = await hashers();
  const text = (value: string): number => bytes(new TextEncoder().encode(value));
  expect([0n, 1n, -1n, 42n, 2n ** 63n - 1n, -(2n ** 63n)].map(integer)).toEqual(GOLDEN_INTEGERS);
  expect(
    ['', 'a', 'ab', 'abcdefg', 'abcdefgh', 'abcdefghi', 'channel-7', 'a key of more than sixteen bytes'].map(text),
  ).toEqual(GOLDEN_TEXTS);
});

test('agrees with an independent implementation for random integers and bytes of every length', async () => {
  const { integer, bytes } = await hashers();
  const random = seededRandom(3);
  for (let i = 0; i < 2000; i++) {
    const value = BigInt.asIntN(64, (BigInt(random.u32()) << 32n) | BigInt(random.u32()));
    expect(integer(value), `integer ${value}`).toBe(integerHash(value));
    const key = Uint8Array.from({ length: i % 70 }, () => random.u32());
    expect(bytes(key), `bytes ${key}`).toBe(bytesHash(key));
  }
});

test('spreads small integers, multiples of powers of two and numbered names evenly over the 128 key groups', async () => {
  const { integer, bytes } = await hashers();
  const families: { [name: string]: (i: number) => number } = {
    small: (i) => integer(BigInt(i)),
    pages: (i) => integer(BigInt(i) * 4096n),
    high: (i) => integer(BigInt(i) << 40n),
    names: (i) => bytes(new TextEncoder().encode(`user-${i}`)),
    padded: (i) => bytes(Uint8Array.of(0, 0, 0, 0, i, i >> 8, 0, 0, 0, 0)),
  };
  const keys = 12_800;
  for (const [name, hash] of Object.entries(families)) {
    const groups = new Float64Array(128);
    for (let i = 0; i < keys; i++) {
      const group = hash(i) >>> 25;
      groups[group] = (groups[group] ?? 0) + 1;
    }
    const chiSquare = groups.reduce((sum, count) => sum + (count - keys / 128) ** 2 / (keys / 128), 0);
    // 127 degrees of freedom: above 200 happens once in 30,000 for a fair spread.
    expect(chiSquare, `chi square of ${name}`).toBeLessThan(200);
  }
});

/** The checksum against the specification's test vectors and an independent implementation. */
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { Checksum } from '../../../src/kernel/checksum.ts';
import { xxh64 } from '../../oracle/xxh64.ts';
import { newKernels } from '../../support/kernels.ts';

test('is XXH64: known values of the empty input and of short texts', async () => {
  const kernels = await newKernels();
  const checksum = new Checksum(kernels);
  const at = kernels.memory.allocate(64);
  const of = (text: string): string => {
    const bytes = new TextEncoder().encode(text);
    kernels.memory.u8.set(bytes, at);
    return checksum.of(at, bytes.length);
  };
  expect(of('')).toBe('ef46db3751d8e999');
  expect(of('a')).toBe('d24ec4f1a98c6e5b');
  expect(of('abc')).toBe('44bc2cf5ad770999');
});

test('agrees with the oracle for every length up to 100 and any alignment, and every bit counts', async () => {
  const kernels = await newKernels();
  const checksum = new Checksum(kernels);
  const at = kernels.memory.allocate(256);
  const random = seededRandom(5);
  for (let length = 0; length <= 100; length++) {
    const bytes = Uint8Array.from({ length }, () => random.u32());
    const ptr = at + (length % 9);
    kernels.memory.u8.set(bytes, ptr);
    const found = checksum.of(ptr, length);
    expect(found, `length ${length}`).toBe(xxh64(bytes).toString(16).padStart(16, '0'));
    if (length === 0) continue;
    const flipped = random.u32() % (length * 8);
    kernels.memory.u8[ptr + (flipped >>> 3)] = (bytes[flipped >>> 3] ?? 0) ^ (1 << (flipped & 7));
    expect(checksum.of(ptr, length), `bit ${flipped} of ${length} bytes`).not.toBe(found);
  }
});

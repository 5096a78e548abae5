/** Images of keys of bytes: what entries hold and what is compared. */
import { expect, test } from 'vitest';
import { seededRandom, uniform } from '../../../src/base/random.ts';
import { newKernels } from '../../support/kernels.ts';

const IMAGE_BYTES = 24;
const INLINE_BYTES = 16;

test('an image is hash, length and the bytes padded with zeros, whatever lies behind them, also at the end of memory', async () => {
  const kernels = await newKernels(4 << 20);
  const { memory } = kernels;
  const image = memory.allocate(IMAGE_BYTES);
  const room = memory.allocate(64);
  const random = seededRandom(11);
  for (let length = 0; length <= 40; length++) {
    const bytes = Uint8Array.from({ length }, () => Math.floor(uniform(random) * 256));
    for (const at of [room, memory.u8.length - length]) {
      memory.u8.fill(0xee, room, room + 64);
      memory.u8.set(bytes, at);
      const hash = kernels.function('keyImage')(at, length, image) >>> 0;
      expect(hash).toBe(kernels.function('hashBytes')(at, length) >>> 0);
      expect([...memory.u32.subarray(image >>> 2, (image >>> 2) + 2)]).toEqual([hash, length]);
      const kept = length > INLINE_BYTES ? bytes.subarray(0, 8) : bytes;
      const expected = new Uint8Array(INLINE_BYTES);
      expected.set(kept);
      expect(memory.u8.slice(image + 8, image + IMAGE_BYTES)).toEqual(expected);
    }
  }
});

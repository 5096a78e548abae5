import { expect, it } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { readMs, wide, writeMs } from '../../../src/kernel/milliseconds.ts';

it('reads what it writes as the 64-bit integer that stands there, up to 2^53 on both sides', () => {
  const seed = 11;
  const random = seededRandom(seed);
  const buffer = new ArrayBuffer(64);
  const words = { i32: new Int32Array(buffer), u32: new Uint32Array(buffer) };
  const exact = new BigInt64Array(buffer);
  const edges = [
    0,
    1,
    -1,
    2 ** 31,
    -(2 ** 31),
    2 ** 32,
    -(2 ** 32) - 1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ];
  const drawn = Array.from(
    { length: 500 },
    () => (below(random, 2 ** 21) - 2 ** 20) * 2 ** 32 + below(random, 2 ** 31),
  );
  for (const ms of [...edges, ...drawn]) {
    writeMs(words, 16, 3, ms);
    expect(exact[5], `seed ${seed}`).toBe(BigInt(ms));
    expect([readMs(words, 16, 3), wide(words, 10)]).toEqual([ms, ms]);
  }
});

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { hexOf, sha256 } from '../../../src/base/sha256.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

it('hashes what the standard gives as examples', () => {
  expect(hexOf(sha256(text('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(hexOf(sha256())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

it('hashes as the library of Node does, at every length around a block, long before short, in parts', () => {
  const random = seededRandom(5);
  for (const length of [...Array(200).keys(), 1000, 3, 5000, 70, 0]) {
    const bytes = Uint8Array.from({ length }, () => below(random, 256));
    const cut = below(random, length + 1);
    const expected = createHash('sha256').update(bytes).digest('hex');
    expect(hexOf(sha256(bytes.subarray(0, cut), bytes.subarray(cut)))).toBe(expected);
  }
});

/** What settings mean in bytes. */
import { expect, test } from 'vitest';
import { chunkBytesFor, DEFAULT_SETTINGS } from '../../../src/runtime/job-settings.ts';

test('chunks are as large as asked for while splits are few, and become smaller with their number', () => {
  expect(chunkBytesFor(DEFAULT_SETTINGS, 1)).toBe(DEFAULT_SETTINGS.chunkBytes);
  expect(chunkBytesFor({ ...DEFAULT_SETTINGS, chunkBytes: 100 }, 5000)).toBe(100);
  for (const splits of [100, 720, 1500, 4000])
    expect(2 * splits * chunkBytesFor(DEFAULT_SETTINGS, splits)).toBeLessThanOrEqual(64 << 20);
  expect(chunkBytesFor(DEFAULT_SETTINGS, 1_000_000)).toBe(8192);
});

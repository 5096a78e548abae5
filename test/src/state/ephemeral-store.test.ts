import { expect, test } from 'vitest';
import { ephemeralStore } from '../../../src/state/ephemeral-store.ts';

test('a store that keeps nothing takes everything and has nothing', async () => {
  const store = ephemeralStore();
  await store.acquire();
  const segment = await store.createSegment('segment');
  await segment.append(new Uint8Array(3));
  await segment.seal();
  await store.publish('checkpoint', new Uint8Array(3));
  expect(await store.list()).toEqual([]);
  await expect(store.read('checkpoint', 0, 3)).rejects.toThrow('checkpoint was not kept');
  await store.release();
});

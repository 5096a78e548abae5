import { expect, test } from 'vitest';
import { InternalError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { MemoryMedium, MemoryStore } from '../../../src/testing/memory-store.ts';
import { checkpointStoreContract } from '../../support/checkpoint-store-contract.ts';

checkpointStoreContract('the store in memory', async () => {
  const medium = new MemoryMedium();
  return { connect: async () => new MemoryStore(medium), crash: async () => medium.crash() };
});

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function sealed(store: MemoryStore, name: string): Promise<void> {
  const segment = await store.createSegment(name);
  await segment.append(bytes(1, 2, 3));
  await segment.seal();
}

async function survivors(seed: number, isPublished: boolean): Promise<string> {
  const store = new MemoryStore();
  await store.acquire();
  await sealed(store, 'a');
  await sealed(store, 'b');
  if (isPublished) await store.publish('manifest', bytes(0));
  store.medium.powerLoss(seededRandom(seed));
  return (await store.crash().list()).map(({ name }) => name).join();
}

test('a power loss may take any of the sealed segments that no publish has followed', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 100; seed++) seen.add(await survivors(seed, false));
  expect([...seen].sort()).toEqual(['', 'a', 'a,b', 'b']);
});

test('a power loss takes nothing that a publish has followed', async () => {
  for (let seed = 0; seed < 100; seed++) expect(await survivors(seed, true), `seed ${seed}`).toBe('a,b,manifest');
});

test('a power loss may bring back a removed blob until a publish has followed', async () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 50; seed++) {
    const store = new MemoryStore();
    await store.acquire();
    await store.publish('old', bytes(1));
    await store.remove(['old']);
    store.medium.powerLoss(seededRandom(seed));
    seen.add((await store.crash().list()).length);
  }
  expect([...seen].sort()).toEqual([0, 1]);
});

test('the store of a crashed process answers no more', async () => {
  const store = new MemoryStore();
  await store.acquire();
  store.crash();
  await expect(store.publish('m', bytes(1))).rejects.toThrow(InternalError);
  await expect(store.list()).rejects.toThrow(InternalError);
});

test('a segment is written only until it is sealed, and a sealed name is not written again', async () => {
  const store = new MemoryStore();
  await store.acquire();
  const segment = await store.createSegment('s');
  await segment.seal();
  await expect(segment.append(bytes(1))).rejects.toThrow('sealed or given up');
  await expect(store.createSegment('s')).rejects.toThrow('a blob of this name exists');
});

test('nothing is written before the store is acquired or after it is released', async () => {
  const store = new MemoryStore();
  await expect(store.publish('m', bytes(1))).rejects.toThrow('before it is acquired');
  await store.acquire();
  await store.release();
  await expect(store.remove(['m'])).rejects.toThrow('before it is acquired');
});

test('damage is done where it is asked for', async () => {
  const store = new MemoryStore();
  await store.acquire();
  await store.publish('m', bytes(1, 2, 3));
  store.medium.flip('m', 1, 0x80);
  expect([...await store.read('m', 0, 3)]).toEqual([1, 0x82, 3]);
  store.medium.truncate('m', 1);
  expect([...await store.read('m', 0, 3)]).toEqual([1]);
  store.medium.lose('m');
  expect(await store.list()).toEqual([]);
  expect(() => store.medium.lose('m')).toThrow('no blob m to damage');
});

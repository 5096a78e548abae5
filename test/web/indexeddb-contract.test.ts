/** The store on IndexedDB against the contract, over an IndexedDB in memory; a real browser is in indexeddb-store.test.ts. */
import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { ExternalError } from '../../src/base/errors.ts';
import type { GenerationMarker } from '../../web/state/generation-marker.ts';
import { IndexedDbStore } from '../../web/state/indexeddb-store.ts';
import { checkpointStoreContract } from '../support/checkpoint-store-contract.ts';

function memoryMarker(): GenerationMarker {
  let held: string | undefined;
  return {
    read: async () => held,
    write: async (generation) => {
      held = generation;
    },
    clear: async () => {
      held = undefined;
    },
  };
}

let places = 0;
const newPlace = (): string => `place-${places++}`;

checkpointStoreContract('the store on IndexedDB', async () => {
  const name = newPlace();
  const marker = memoryMarker();
  // A browser process that dies leaves the database as its last complete transaction made it; so do connections left alone.
  return { connect: () => IndexedDbStore.open(name, { marker }), crash: async () => {} };
});

async function errorOf(attempt: Promise<unknown>): Promise<ExternalError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof ExternalError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

test('a database that is gone while its marker is there is not a fresh start, until it is forgotten', async () => {
  const name = newPlace();
  const marker = memoryMarker();
  const store = await IndexedDbStore.open(name, { marker });
  await store.acquire();
  await store.publish('manifest', Uint8Array.of(1));
  await store.release();
  await IndexedDbStore.forget(name, { marker: null });
  expect((await errorOf(IndexedDbStore.open(name, { marker }))).code).toBe('E1413');
  expect((await errorOf(IndexedDbStore.open(name, { marker }))).code).toBe('E1413');
  await IndexedDbStore.forget(name, { marker });
  expect(await (await IndexedDbStore.open(name, { marker })).list()).toEqual([]);
});

test('a database without its marker is believed, and marked again', async () => {
  const name = newPlace();
  const first = await IndexedDbStore.open(name, { marker: null });
  await first.acquire();
  await first.release();
  expect(first.detectsLoss).toBe(false);
  const marker = memoryMarker();
  const second = await IndexedDbStore.open(name, { marker });
  expect(second.detectsLoss).toBe(true);
  expect(await marker.read()).toMatch(/^[0-9a-f]{16}$/);
});

test('a database that another page deletes is given up, and says so from then on', async () => {
  const name = newPlace();
  const marker = memoryMarker();
  const store = await IndexedDbStore.open(name, { marker });
  await store.acquire();
  await IndexedDbStore.forget(name, { marker });
  const error = await errorOf(store.publish('manifest', Uint8Array.of(1)));
  expect([error.code, error.retry]).toEqual(['E1412', 'backoff']);
  expect((await errorOf(store.list())).code).toBe('E1412');
});

test('a segment of a taken name is refused, sealed or being written', async () => {
  const store = await IndexedDbStore.open(newPlace(), { marker: null });
  await store.acquire();
  const segment = await store.createSegment('s');
  expect((await errorOf(store.createSegment('s'))).code).toBe('E1502');
  await segment.seal();
  expect((await errorOf(store.createSegment('s'))).code).toBe('E1502');
});

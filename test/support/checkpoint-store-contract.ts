/**
 * What every checkpoint store must do, whatever it stands on: run against each of them by its own test file.
 *
 * A bench gives a new, empty place, and connections to it. `connect` opens it as a new process would; `crash` is the
 * end of all processes so far, without release.
 */
import { describe, expect, test } from 'vitest';
import { ExternalError } from '../../src/base/errors.ts';
import { below, seededRandom } from '../../src/base/random.ts';
import type { CheckpointStore } from '../../src/state/checkpoint-store.ts';

export interface StoreBench {
  connect(): Promise<CheckpointStore>;
  crash(): Promise<void>;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Bytes that differ everywhere, from a seed. */
export function noise(length: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => below(random, 256));
}

async function writeSegment(store: CheckpointStore, name: string, ...parts: Uint8Array[]): Promise<void> {
  const segment = await store.createSegment(name);
  for (const part of parts) await segment.append(part.slice());
  await segment.seal();
}

const names = async (store: CheckpointStore): Promise<readonly string[]> =>
  (await store.list()).map(({ name }) => name).sort();

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    return error instanceof ExternalError ? error.code : `not an ExternalError: ${String(error)}`;
  }
  return 'no error';
}

export function checkpointStoreContract(title: string, makeBench: () => Promise<StoreBench>): void {
  const owned = async (bench: StoreBench): Promise<CheckpointStore> => {
    const store = await bench.connect();
    await store.acquire();
    return store;
  };

  describe(`${title} keeps the contract of a checkpoint store`, () => {
    test('is empty at first, and says where it is', async () => {
      const store = await (await makeBench()).connect();
      expect(await store.list()).toEqual([]);
      expect(store.location).not.toBe('');
    });

    test('gives back what was published, also to the next process', async () => {
      const bench = await makeBench();
      const store = await owned(bench);
      await store.publish('manifest', bytes(1, 2, 3));
      expect(await store.list()).toEqual([{ name: 'manifest', bytes: 3 }]);
      expect([...(await store.read('manifest', 0, 3))]).toEqual([1, 2, 3]);
      await bench.crash();
      const next = await bench.connect();
      expect([...(await next.read('manifest', 0, 3))]).toEqual([1, 2, 3]);
    });

    test('replaces a published blob as a whole', async () => {
      const bench = await makeBench();
      const store = await owned(bench);
      await store.publish('manifest', noise(300_000, 1));
      await store.publish('manifest', bytes(9));
      expect(await store.list()).toEqual([{ name: 'manifest', bytes: 1 }]);
      expect([...(await store.read('manifest', 0, 100))]).toEqual([9]);
    });

    test('publishes an empty blob', async () => {
      const store = await owned(await makeBench());
      await store.publish('nothing', bytes());
      expect(await store.list()).toEqual([{ name: 'nothing', bytes: 0 }]);
      expect((await store.read('nothing', 0, 10)).length).toBe(0);
    });

    test('keeps sealed segments byte for byte, whatever the sizes of the parts', async () => {
      const bench = await makeBench();
      const store = await owned(bench);
      const sizes = [1, 0, 70_000, 262_144, 3, 600_000];
      const parts = sizes.map((size, i) => noise(size, i));
      await writeSegment(store, 'segment-1', ...parts);
      await store.publish('manifest', bytes(1));
      await bench.crash();
      const next = await bench.connect();
      const whole = Buffer.concat(parts);
      expect((await next.list()).find(({ name }) => name === 'segment-1')?.bytes).toBe(whole.length);
      expect(whole.equals(await next.read('segment-1', 0, whole.length))).toBe(true);
    });

    test('reads any range, and less at the end', async () => {
      const store = await owned(await makeBench());
      const whole = noise(1_000_000, 5);
      await writeSegment(store, 's', whole.slice(0, 500_001), whole.slice(500_001));
      const ranges: readonly (readonly [number, number])[] = [
        [0, 1],
        [262_143, 2],
        [262_144, 262_144],
        [499_999, 4],
        [999_999, 1],
        [999_990, 100],
        [1_000_000, 5],
        [123_456, 0],
      ];
      for (const [offset, length] of ranges) {
        const got = await store.read('s', offset, length);
        expect(Buffer.from(got).equals(whole.subarray(offset, offset + length)), `range ${offset}, ${length}`).toBe(
          true,
        );
      }
    });

    test('shows nothing of a segment before it is sealed', async () => {
      const store = await owned(await makeBench());
      const segment = await store.createSegment('open');
      await segment.append(noise(300_000, 2));
      expect(await names(store)).toEqual([]);
      expect(await codeOf(store.read('open', 0, 1))).toBe('E1501');
      await segment.seal();
      expect(await names(store)).toEqual(['open']);
    });

    test('drops a segment that is given up, and its name is free again', async () => {
      const store = await owned(await makeBench());
      const segment = await store.createSegment('s');
      await segment.append(bytes(1));
      await segment.abandon();
      expect(await names(store)).toEqual([]);
      await writeSegment(store, 's', bytes(2));
      expect([...(await store.read('s', 0, 9))]).toEqual([2]);
    });

    test('has nothing left of an open segment after a crash', async () => {
      const bench = await makeBench();
      const store = await owned(bench);
      await store.publish('manifest', bytes(1));
      const segment = await store.createSegment('half');
      await segment.append(noise(600_000, 3));
      await bench.crash();
      const next = await owned(bench);
      expect(await names(next)).toEqual(['manifest']);
      await writeSegment(next, 'half', bytes(7));
      expect([...(await next.read('half', 0, 9))]).toEqual([7]);
    });

    test('writes several segments at the same time', async () => {
      const store = await owned(await makeBench());
      const [a, b] = [await store.createSegment('a'), await store.createSegment('b')];
      await Promise.all([a.append(bytes(1)), b.append(bytes(2)), a.append(bytes(3)), b.append(bytes(4))]);
      await Promise.all([a.seal(), b.seal()]);
      expect([...(await store.read('a', 0, 9))]).toEqual([1, 3]);
      expect([...(await store.read('b', 0, 9))]).toEqual([2, 4]);
    });

    test('removes what it is told, and bears names that are not there', async () => {
      const bench = await makeBench();
      const store = await owned(bench);
      await writeSegment(store, 'a', noise(400_000, 4));
      await store.publish('b', bytes(1));
      await store.publish('c', bytes(2));
      await store.remove(['a', 'b', 'no such blob']);
      expect(await names(store)).toEqual(['c']);
      await store.publish('c', bytes(3));
      await bench.crash();
      expect(await names(await bench.connect())).toEqual(['c']);
    });

    test('refuses to read what is not there', async () => {
      const store = await owned(await makeBench());
      expect(await codeOf(store.read('no such blob', 0, 1))).toBe('E1501');
    });

    test('gives each owner a greater epoch, across crashes and releases', async () => {
      const bench = await makeBench();
      const first = await bench.connect();
      const a = await first.acquire();
      await first.release();
      const second = await bench.connect();
      const b = await second.acquire();
      await bench.crash();
      const c = await (await bench.connect()).acquire();
      expect(a).toBeGreaterThan(0);
      expect(b).toBeGreaterThan(a);
      expect(c).toBeGreaterThan(b);
    });

    test('fences the owner before: nothing that it does has an effect', async () => {
      const bench = await makeBench();
      const zombie = await owned(bench);
      await zombie.publish('manifest', bytes(1));
      const successor = await owned(bench);
      expect(await codeOf(zombie.publish('manifest', bytes(66)))).toBe('E1404');
      expect(await codeOf(zombie.createSegment('zombie'))).toBe('E1404');
      expect(await codeOf(zombie.remove(['manifest']))).toBe('E1404');
      expect([...(await successor.read('manifest', 0, 9))]).toEqual([1]);
      await successor.publish('manifest', bytes(2));
      expect([...(await successor.read('manifest', 0, 9))]).toEqual([2]);
      expect(await names(successor)).toEqual(['manifest']);
    });

    test('keeps the bytes that were handed in, not the caller’s later changes to them', async () => {
      const store = await owned(await makeBench());
      const mine = bytes(1, 2);
      await store.publish('m', mine);
      mine[0] = 9;
      const read = await store.read('m', 0, 2);
      expect([...read]).toEqual([1, 2]);
      read[0] = 8;
      expect([...(await store.read('m', 0, 2))]).toEqual([1, 2]);
    });
  });
}

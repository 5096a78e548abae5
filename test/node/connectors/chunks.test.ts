import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Chunks, type ChunkTarget, FileChunks, StreamChunks } from '../../../node/connectors/chunks.ts';
import { keptOf } from '../../support/kept.ts';

const CHUNK_BYTES = 100;
const content = Uint8Array.from({ length: 10_050 }, (_, i) => (i * 7) % 251);
let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-chunks-'));
  path = join(folder, 'bytes');
  await writeFile(path, content);
});
afterEach(() => rm(folder, { recursive: true }));

/** Keeps what comes, and how: read straight into its memory, or handed over. */
class Recorder implements ChunkTarget {
  readonly bytes: number[] = [];
  readonly ways: ('direct' | 'ahead')[] = [];
  readonly #memory = new Uint8Array(CHUNK_BYTES);

  space(bytes: number): Uint8Array {
    return this.#memory.subarray(0, bytes);
  }

  pushed(bytes: number): void {
    this.bytes.push(...this.#memory.subarray(0, bytes));
    this.ways.push('direct');
  }

  push(bytes: Uint8Array): void {
    this.bytes.push(...bytes);
    this.ways.push('ahead');
  }
}

async function readAll(chunks: Chunks, target: ChunkTarget): Promise<void> {
  for (let given = chunks.next(target); given !== 'end'; given = chunks.next(target)) {
    if (given === 'wait') await chunks.ready();
  }
}

test('a file of quick storage is read straight into the memory of whoever takes it', async () => {
  const { chunks } = await FileChunks.open(path, undefined, CHUNK_BYTES, Number.POSITIVE_INFINITY);
  const target = new Recorder();
  await readAll(chunks, target);
  await chunks.close();
  expect(target.bytes).toEqual([...content]);
  expect(new Set(target.ways)).toEqual(new Set(['direct']));
});

test('after a slow read the next chunks are read ahead, and the bytes are the same in the same order', async () => {
  const { chunks } = await FileChunks.open(path, 3, CHUNK_BYTES, 0);
  const target = new Recorder();
  await readAll(chunks, target);
  await chunks.close();
  expect(target.bytes).toEqual([...content.subarray(3)]);
  // Of 101 chunks each 33rd tries the direct way again.
  expect(target.ways.flatMap((way, i) => (way === 'direct' ? [i] : []))).toEqual([0, 33, 66, 99]);
});

test.each([0, Number.POSITIVE_INFINITY])(
  'a file that shrinks while it is read is an error, each time (slow from %d ms)',
  async (slowMs) => {
    const { chunks } = await FileChunks.open(path, undefined, CHUNK_BYTES, slowMs);
    const target = new Recorder();
    expect(chunks.next(target)).toBe('given');
    await truncate(path, CHUNK_BYTES * 3);
    await expect(readAll(chunks, target)).rejects.toMatchObject({ code: 'E1501' });
    expect(() => chunks.next(target)).toThrow('it ends at byte');
    await chunks.close();
  },
);

test('a stream that is silent keeps nothing of those that ask it again and again', async () => {
  const silent = new Readable({ read: () => undefined });
  const chunks = new StreamChunks(silent, 'standard input');
  expect(await keptOf(1000, () => chunks.ready())).toBeLessThanOrEqual(1);
  const asked = chunks.ready();
  silent.push('some');
  await asked;
  const target = new Recorder();
  expect(chunks.next(target)).toBe('given');
  expect(Buffer.from(target.bytes).toString()).toBe('some');
  await chunks.close();
});

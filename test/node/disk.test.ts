/** The Disk port on a real directory: the same answers as the simulated disk, and the system's errors as ours. */
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { NodeDisk, readFailure, writeFailure } from '../../node/disk.ts';
import type { Disk } from '../../src/base/disk.ts';
import { ExternalError } from '../../src/base/errors.ts';
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import { DiskCheckpointStore } from '../../src/state/disk-store.ts';
import { SimDisk } from '../../src/testing/sim-disk.ts';

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-disk-'));
  folders.push(folder);
  return folder;
}
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const PATHS = ['a', 'b', 'f', 'f/a', 'f/b', 'f/g', 'f/g/a'];

/** One random call; its answer as text, or the code of its error. */
async function step(disk: Disk, kind: number, path: string, other: string, random: Random): Promise<string> {
  const bytes = new Uint8Array(below(random, 2000)).fill(below(random, 256));
  const write = async (exclusive: boolean): Promise<string> => {
    const file = await disk.create(path, { exclusive });
    if (file === false) return 'exists';
    await file.append(bytes);
    await file.append(bytes.subarray(0, 10));
    await file.sync();
    await file.close();
    return 'written';
  };
  const calls: (() => Promise<unknown>)[] = [
    () => write(false),
    () => write(true),
    () => disk.makeFolder(path),
    () => disk.rename(path, other),
    () => disk.remove(path),
    () => disk.size(path),
    () => disk.list(path),
    () => disk.read(path, 5, 30),
    () => disk.syncDirectory(path),
  ];
  const call = calls[kind % calls.length];
  if (call === undefined) throw new Error('no such call');
  return call().then(
    (answer) => (answer instanceof Uint8Array ? `bytes ${answer.join()}` : (JSON.stringify(answer) ?? 'nothing')),
    (error: unknown) => {
      if (error instanceof ExternalError) return error.code;
      throw error;
    },
  );
}

describe('the disk of Node', () => {
  test('answers every call as the simulated disk does', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed);
      const real = new NodeDisk(await newFolder());
      const simulated = new SimDisk();
      for (let i = 0; i < 150; i++) {
        const [kind, path, other, filling] = [
          below(random, 9),
          PATHS[below(random, PATHS.length)] ?? 'a',
          PATHS[below(random, PATHS.length)] ?? 'b',
          random.u32(),
        ];
        // A folder cannot move into itself; the simulated disk does not model the refusal.
        if (kind === 3 && (other.startsWith(`${path}/`) || path.startsWith(`${other}/`))) continue;
        const [first, second] = [
          await step(real, kind, path, other, seededRandom(filling)),
          await step(simulated, kind, path, other, seededRandom(filling)),
        ];
        expect(first, `seed ${seed}, step ${i}: call ${kind} on ${path}, ${other}`).toBe(second);
      }
    }
  });

  test('holds a checkpoint store', async () => {
    const root = join(await newFolder(), 'not', 'there', 'yet');
    const store = new DiskCheckpointStore(new NodeDisk(root), root);
    expect(await store.list()).toEqual([]);
    expect(await store.acquire()).toBe(1);
    const segment = await store.createSegment('segment-1');
    await segment.append(new Uint8Array([1, 2, 3]));
    await segment.seal();
    await store.publish('checkpoint-1', new Uint8Array([4]));
    const again = new DiskCheckpointStore(new NodeDisk(root), root);
    expect(await again.acquire()).toBe(2);
    expect(await again.list()).toEqual([
      { name: 'checkpoint-1', bytes: 1 },
      { name: 'segment-1', bytes: 3 },
    ]);
    await expect(store.publish('checkpoint-2', new Uint8Array([5]))).rejects.toMatchObject({ code: 'E1404' });
    expect([...(await readFile(join(root, 'segments', 'segment-1')))]).toEqual([1, 2, 3]);
  });

  test('tells a full disk, with its path and what to do, and never syncs that file again', async () => {
    const root = await newFolder();
    await symlink('/dev/full', join(root, 'full'));
    const file = await new NodeDisk(root).create('full');
    if (file === false) throw new Error('not exclusive');
    for (const attempt of [
      () => file.append(new Uint8Array(10)),
      () => file.sync(),
      () => file.append(new Uint8Array(1)),
    ]) {
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({
        code: 'E1502',
        retry: 'backoff',
        message: `cannot write ${join(root, 'full')}: no space is left (ENOSPC)`,
      });
      expect((error as ExternalError).format()).toContain('free some space');
    }
    await file.close();
    await file.close();
  });

  test('renames nothing that is not there, and says so when the target folder is missing', async () => {
    const disk = new NodeDisk(await newFolder());
    expect(await disk.rename('none', 'other')).toBe(false);
    await ((await disk.create('there')) || undefined)?.close();
    await expect(disk.rename('there', 'missing/other')).rejects.toMatchObject({ code: 'E1502' });
  });

  test('names the cause of every system error it knows, and passes on the text of others', () => {
    const system = (code: string): Error => Object.assign(new Error(`${code}: as the system says it`), { code });
    expect(writeFailure('/p', system('EXDEV')).hint).toContain('never copied');
    expect(readFailure('/p', system('EMFILE'))).toMatchObject({ code: 'E1501', retry: 'backoff' });
    expect(readFailure('/p', system('EACCES'))).toMatchObject({
      retry: 'never',
      message: 'cannot read /p: permission denied (EACCES)',
    });
    expect(writeFailure('/p', system('EODD')).message).toBe('cannot write /p: EODD: as the system says it (EODD)');
  });
});

/** What the simulated disk keeps and what it may lose. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { SimDisk } from '../../../src/testing/sim-disk.ts';

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

async function write(disk: SimDisk, path: string, bytes: Uint8Array, sync: boolean): Promise<void> {
  const file = await disk.create(path);
  if (file === false) throw new Error('only an exclusive create may be refused');
  await file.append(bytes);
  if (sync) await file.sync();
  await file.close();
}

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

/** What 200 power losses leave of `disk`, as seen by `look`. */
async function outcomes(disk: SimDisk, look: (left: SimDisk) => Promise<string>): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const seed of SEEDS) seen.add(await look(disk.powerLoss(seededRandom(seed))));
  return seen;
}

const names = async (disk: SimDisk): Promise<string> => (await disk.list('')).join(' ');

describe('the simulated disk', () => {
  test('may lose a name until its folder is synced, synced bytes or not', async () => {
    const disk = new SimDisk();
    await write(disk, 'a', filled(10, 1), true);
    expect(await outcomes(disk, names)).toEqual(new Set(['', 'a']));
    await disk.syncDirectory('');
    expect(await outcomes(disk, names)).toEqual(new Set(['a']));
  });

  test('may lose, cut or tear bytes until they are synced, and never those before', async () => {
    const disk = new SimDisk();
    await write(disk, 'a', filled(700, 1), true);
    await disk.syncDirectory('');
    const file = await disk.create('b');
    await disk.syncDirectory('');
    if (file === false) throw new Error('only an exclusive create may be refused');
    await file.append(filled(700, 1));
    await file.sync();
    await file.append(filled(2000, 2));
    const shapes = await outcomes(disk, async (left) => {
      expect(await left.read('a', 0, 9999)).toEqual(filled(700, 1));
      const bytes = await left.read('b', 0, 9999);
      expect(bytes.subarray(0, 700)).toEqual(filled(700, 1));
      expect(bytes.subarray(700).every((byte) => byte === 2 || byte === 0)).toBe(true);
      return `${bytes.length} ${bytes.subarray(700).includes(0) ? 'torn' : 'whole'}`;
    });
    expect(shapes).toContain('700 whole');
    expect(shapes).toContain('1024 whole');
    expect(shapes).toContain('2700 whole');
    expect(shapes).toContain('2700 torn');
  });

  test('keeps a rename in one folder whole: the one name or the other', async () => {
    const disk = new SimDisk();
    await write(disk, 'a', filled(1, 1), true);
    await disk.syncDirectory('');
    expect(await disk.rename('a', 'b')).toBe(true);
    expect(await outcomes(disk, names)).toEqual(new Set(['a', 'b']));
    await disk.syncDirectory('');
    expect(await outcomes(disk, names)).toEqual(new Set(['b']));
  });

  test('never loses a file in a rename between folders, whichever folder is synced', async () => {
    const place = async (left: SimDisk): Promise<string> =>
      `${(await left.list('from')).length} ${(await left.list('to')).length}`;
    for (const [synced, expected] of [
      [undefined, ['1 0', '1 1', '0 1']],
      ['to', ['1 1', '0 1']],
      ['from', ['0 1']],
    ] as const) {
      const disk = new SimDisk();
      for (const folder of ['from', 'to']) await disk.makeFolder(folder);
      await write(disk, 'from/a', filled(1, 1), true);
      for (const folder of ['', 'from', 'to']) await disk.syncDirectory(folder);
      await disk.rename('from/a', 'to/a');
      if (synced !== undefined) await disk.syncDirectory(synced);
      expect(await outcomes(disk, place), `synced: ${synced}`).toEqual(new Set(expected));
    }
  });

  test('drops operations of a folder in any subset', async () => {
    const disk = new SimDisk();
    for (const name of ['a', 'b']) await write(disk, name, filled(1, 1), true);
    expect(await outcomes(disk, names)).toEqual(new Set(['', 'a', 'b', 'a b']));
    expect(await names(disk.crash())).toBe('a b');
  });

  test('loses what lies in a folder whose own name was not synced', async () => {
    const disk = new SimDisk();
    await disk.makeFolder('f');
    await write(disk, 'f/a', filled(1, 1), true);
    await disk.syncDirectory('f');
    expect(await outcomes(disk, async (left) => (await left.list('f')).join(' '))).toEqual(new Set(['', 'a']));
  });

  test('shares nothing with its copies', async () => {
    const disk = new SimDisk();
    const file = await disk.create('a');
    const copy = disk.crash();
    if (file !== false) await file.append(filled(5, 1));
    await disk.remove('a');
    expect(await copy.size('a')).toBe(0);
    await write(copy, 'b', filled(1, 1), false);
    expect(await names(disk)).toBe('');
  });

  test('does not let anybody sync a file again after a sync that failed', async () => {
    const disk = new SimDisk();
    const file = await disk.create('a');
    if (file === false) throw new Error('only an exclusive create may be refused');
    await file.append(filled(600, 1));
    disk.failAt(disk.calls + 1, 'EIO');
    await expect(file.sync()).rejects.toMatchObject({ code: 'E1502' });
    await expect(file.sync()).rejects.toThrow('synced again after a failed sync');
  });

  test('leaves half of the bytes of an append that fails, and nothing works once it is stopped', async () => {
    const disk = new SimDisk();
    const file = await disk.create('a');
    if (file === false) throw new Error('only an exclusive create may be refused');
    disk.failAt(disk.calls + 1, 'ENOSPC');
    await expect(file.append(filled(10, 1))).rejects.toMatchObject({ code: 'E1502' });
    expect(await disk.size('a')).toBe(5);
    disk.stopAt(disk.calls + 1);
    await expect(disk.size('a')).rejects.toThrow('stopped before call');
    await expect(file.append(filled(10, 1))).rejects.toThrow('stopped before call');
  });
});

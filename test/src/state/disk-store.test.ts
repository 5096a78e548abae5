/** The disk store on a simulated disk: every crash point of its work, power loss at each, faults, and two owners. */
import { describe, expect, test } from 'vitest';
import { ExternalError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { DiskCheckpointStore } from '../../../src/state/disk-store.ts';
import { DiskStopped, SimDisk } from '../../../src/testing/sim-disk.ts';
import { checkpointStoreContract } from '../../support/checkpoint-store-contract.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const long = (value: string): string => `${value}:`.repeat(300);
const store = (disk: SimDisk): DiskCheckpointStore => new DiskCheckpointStore(disk, 'the state', 'jobs/a');

async function readWhole(from: DiskCheckpointStore, name: string): Promise<string> {
  const blob = (await from.list()).find((found) => found.name === name);
  if (blob === undefined) throw new Error(`${name} is not listed`);
  return new TextDecoder().decode(await from.read(name, 0, blob.bytes));
}

/**
 * Publishes checkpoints 1 to 3, each naming its segment, and removes what the third does not need. Calls `done` after
 * each.
 */
async function threeCheckpoints(disk: SimDisk, done: (checkpoint: number) => void): Promise<void> {
  const state = store(disk);
  const epoch = await state.acquire();
  for (let n = 1; n <= 3; n++) {
    const name = `segment-${epoch}-${n}`;
    const segment = await state.createSegment(name);
    await segment.append(text(long(`head ${n}`)));
    await segment.append(text(long(`tail ${n}`)));
    await segment.seal();
    await state.publish(`checkpoint-${epoch}-${n}`, text(JSON.stringify({ n, name, fill: long('x') })));
    done(n);
    if (n === 3) await state.remove([`checkpoint-${epoch}-1`, `segment-${epoch}-1`]);
  }
  await state.release();
}

/** What a restart finds: every listed manifest is whole and so is its segment. The highest checkpoint, or 0. */
async function newestAfterRestart(disk: SimDisk): Promise<number> {
  const state = store(disk);
  await state.acquire();
  let newest = 0;
  for (const { name } of await state.list()) {
    if (!name.startsWith('checkpoint-')) continue;
    const manifest = JSON.parse(await readWhole(state, name)) as { n: number; name: string; fill: string };
    expect(manifest.fill).toBe(long('x'));
    // The blobs of the first checkpoint are removed in some order; a later one always stands beside them.
    if (manifest.n > 1 || newest === 0) newest = Math.max(newest, manifest.n);
    const segment = (await state.list()).some((blob) => blob.name === manifest.name);
    if (!segment && manifest.n === 1) continue;
    expect(await readWhole(state, manifest.name)).toBe(long(`head ${manifest.n}`) + long(`tail ${manifest.n}`));
  }
  return newest;
}

checkpointStoreContract('a store on disk', async () => {
  let disk = new SimDisk();
  return {
    connect: async () => store(disk),
    crash: async () => {
      disk = disk.crash();
    },
  };
});

describe('a checkpoint store on disk', () => {
  test('keeps every published checkpoint whole at every crash point, also through power loss', async () => {
    const whole = new SimDisk();
    await threeCheckpoints(whole, () => undefined);
    expect(whole.calls).toBeGreaterThan(40);
    for (let call = 1; call <= whole.calls + 1; call++) {
      const disk = new SimDisk();
      let promised = 0;
      disk.stopAt(call);
      await threeCheckpoints(disk, (n) => {
        promised = n;
      }).catch((error: unknown) => {
        if (!(error instanceof DiskStopped)) throw error;
      });
      for (let seed = 0; seed < 24; seed++) {
        const left = seed === 0 ? disk.crash() : disk.powerLoss(seededRandom(call * 1000 + seed));
        const newest = await newestAfterRestart(left).catch((error: unknown) => {
          throw new Error(`call ${call}, seed ${call * 1000 + seed}`, { cause: error });
        });
        expect(newest, `call ${call}, seed ${call * 1000 + seed}`).toBeGreaterThanOrEqual(promised);
      }
    }
  });

  test('what a restart lists after a process crash also survives a power loss after that restart', async () => {
    const whole = new SimDisk();
    await threeCheckpoints(whole, () => undefined);
    for (let call = 1; call <= whole.calls; call++) {
      const disk = new SimDisk();
      disk.stopAt(call);
      await threeCheckpoints(disk, () => undefined).catch(() => undefined);
      const left = disk.crash();
      const seen = await newestAfterRestart(left);
      for (let seed = 0; seed < 8; seed++) {
        expect(
          await newestAfterRestart(left.powerLoss(seededRandom(call * 100 + seed))),
          `call ${call}, seed ${call * 100 + seed}`,
        ).toBeGreaterThanOrEqual(seen);
      }
    }
  });

  test('gives every owner a greater epoch, also after power loss and when two ask at once', async () => {
    const disk = new SimDisk();
    expect(await store(disk).acquire()).toBe(1);
    expect(await store(disk.powerLoss(seededRandom(1))).acquire()).toBe(2);
    const epochs = await Promise.all([store(disk).acquire(), store(disk).acquire(), store(disk).acquire()]);
    expect(new Set(epochs).size).toBe(3);
    expect(Math.min(...epochs)).toBeGreaterThan(1);
  });

  test('an owner that was replaced can neither publish nor create nor remove', async () => {
    const disk = new SimDisk();
    const first = store(disk);
    const second = store(disk);
    await first.acquire();
    await first.publish('checkpoint-1-1', text('one'));
    const epoch = await second.acquire();
    for (const attempt of [
      () => first.publish('checkpoint-1-2', text('two')),
      () => first.createSegment('segment-1'),
      () => first.remove(['checkpoint-1-1']),
    ]) {
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(ExternalError);
      expect(error).toMatchObject({ code: 'E1404' });
    }
    expect((await second.list()).map((blob) => blob.name)).toEqual(['checkpoint-1-1']);
    await second.publish(`checkpoint-${epoch}-1`, text('mine'));
  });

  test('what an old owner publishes while it is replaced is listed by the new one or never there', async () => {
    const plain = new SimDisk();
    const alone = store(plain);
    await alone.acquire();
    const before = plain.calls;
    await alone.publish('late', text(long('late')));
    for (let calls = 0; calls < plain.calls - before; calls++) {
      const disk = new SimDisk();
      const old = store(disk);
      await old.acquire();
      const gate = pauseAfter(disk, disk.calls + calls);
      const published = old.publish('late', text(long('late'))).then(
        () => 'published',
        (error: ExternalError) => error.code,
      );
      await gate.reached;
      const next = store(disk);
      await next.acquire();
      const listed = (await next.list()).some((blob) => blob.name === 'late');
      gate.open();
      const outcome = await published;
      expect(
        (await next.list()).some((blob) => blob.name === 'late'),
        `paused after ${calls} calls: ${outcome}`,
      ).toBe(listed);
      if (outcome === 'published') expect(listed, `paused after ${calls} calls`).toBe(true);
      else expect(outcome, `paused after ${calls} calls`).toBe('E1404');
    }
  });

  test('a failing disk fails the publish and leaves the last checkpoint in place, whatever call fails', async () => {
    for (const fault of ['ENOSPC', 'EIO', 'EACCES'] as const) {
      for (let after = 1; after <= 7; after++) {
        const disk = new SimDisk();
        const state = store(disk);
        await state.acquire();
        await state.publish('checkpoint-1-1', text('one'));
        disk.failAt(disk.calls + after, fault);
        const outcome = await state.publish('checkpoint-1-2', text(long('two'))).then(
          () => 'published',
          (error: ExternalError) => error.code,
        );
        expect(['published', 'E1501', 'E1502'], `${fault} at call ${after}`).toContain(outcome);
        expect(await readWhole(state, 'checkpoint-1-1')).toBe('one');
        if (outcome === 'published') continue;
        const second = (await state.list()).find((blob) => blob.name === 'checkpoint-1-2');
        if (second !== undefined) expect(second.bytes).toBe(long('two').length);
        await state.publish('checkpoint-1-3', text('three'));
        expect(await readWhole(state, 'checkpoint-1-3')).toBe('three');
      }
    }
  });

  test('does not answer an empty list when the disk cannot be read', async () => {
    const disk = new SimDisk();
    const state = store(disk);
    await state.acquire();
    disk.failAt(disk.calls + 1, 'EIO');
    await expect(state.list()).rejects.toMatchObject({ code: 'E1501' });
  });

  test('says so when its folder is removed under it', async () => {
    const disk = new SimDisk();
    const state = store(disk);
    await state.acquire();
    await state.publish('short', text('abc'));
    await disk.remove('jobs/a');
    await expect(state.publish('short', text('abc'))).rejects.toMatchObject({ code: 'E1401' });
  });

  test('removes what earlier owners left half done, and an abandoned segment', async () => {
    const disk = new SimDisk();
    const first = store(disk);
    await first.acquire();
    const probe = disk.calls;
    disk.stopAt(probe + 4);
    await first.publish('checkpoint-1-1', text('one')).catch(() => undefined);
    const left = disk.crash();
    expect(await left.list('jobs/a')).toContain('checkpoint-1-1.tmp-1');
    const second = store(left);
    await second.acquire();
    expect(await left.list('jobs/a')).toEqual(['owner-0000000002', 'segments']);
    const segment = await second.createSegment('given-up');
    await segment.append(text('bytes'));
    await segment.abandon();
    expect(await second.list()).toEqual([]);
  });
});

/** Holds the disk's caller after `calls` calls in all, until opened. Later callers pass. */
function pauseAfter(disk: SimDisk, calls: number): { reached: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrive = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let held = false;
  disk.beforeCall = async () => {
    if (held || disk.calls < calls) return;
    held = true;
    arrive();
    await opened;
  };
  return { reached, open };
}
